//! A value that must not be shown.
//!
//! Where a secret comes from (environment, file, credential) is the config's business.

use std::fmt;

/// A secret string. `Debug` and `Display` print `<secret>`, so that no log line or error can leak it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a string into custody.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The string itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `text` with every occurrence of this secret replaced by `<secret>`.
    ///
    /// Secrets shorter than four characters are left alone: removing `a` from a text would hide the text.
    pub fn remove_from(&self, text: &str) -> String {
        if self.0.chars().count() < 4 { text.to_owned() } else { text.replace(&self.0, "<secret>") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("hunter22");
        assert_eq!(format!("{secret} {secret:?}"), "<secret> <secret>");
        assert_eq!(secret.remove_from("login hunter22 failed"), "login <secret> failed");
        assert_eq!(secret.expose(), "hunter22");
    }
}
