//! Secret strings: written out, or kept where the config only points to.
//!
//! They are read when the config is; a problem with one names its place and never its value.

use std::io::Read;
use std::path::Path;

use super::environment::Environment;
use super::problem::{Finding, Report};
use super::section::Section;
use super::source::{At, Sources};
use crate::base::secret::Secret;
use crate::base::text::{counted, printable};

/// The variable that names the service manager's directory of credentials.
const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";
/// A secret's size, at most (bytes).
const BYTES_MAX: u64 = 64 << 10;
/// Permission bits for everyone: a secret file that has one is no secret.
const OTHERS: u32 = 0o007;

/// The keys of a table that says where a secret is.
pub const WAYS: [&str; 3] = ["env", "file", "credential"];

/// Where a secret string is.
#[derive(Clone)]
pub enum SecretText {
    /// Here.
    Literal(String),
    /// In an environment variable.
    Env(At<String>),
    /// In a file.
    File(At<String>),
    /// In the service manager's directory of credentials.
    Credential(At<String>),
}

impl SecretText {
    /// From the table that stands in the place of a string.
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let (place, report, title) = (section.place, section.report, section.title.clone());
        let env = section.text("env").map(Self::Env);
        let file = section.text("file").map(Self::File);
        let credential = section.text("credential").map(Self::Credential);
        let entries = section.entries();
        // What stands under a mistaken name may be the secret itself.
        entries.iter().filter(|entry| !WAYS.contains(&entry.name.value.as_str())).for_each(|entry| section.hide(entry));
        section.finish();
        if let [] | [_, _, ..] = entries.as_slice() {
            let message = format!("[{title}] must say once where the secret is");
            let finding = Finding::error(place, message).label(format!("found {}", counted(entries.len(), "key")));
            report.add(finding.help("write one of { env = \"…\" }, { file = \"…\" } and { credential = \"…\" }"));
            return None;
        }
        [env, file, credential].into_iter().flatten().next()
    }
}

/// What secrets are read from.
#[derive(Clone, Copy)]
pub struct Keyring<'a> {
    /// For the files that relative paths begin at.
    pub sources: &'a Sources,
    /// For variables and the directory of credentials.
    pub environment: &'a Environment,
    /// Where problems go.
    pub report: &'a Report,
}

impl Keyring<'_> {
    /// The secret itself; what keeps it from being read is reported.
    pub fn open(&self, at: &At<SecretText>) -> Option<Secret> {
        let (place, read) = match &at.value {
            SecretText::Literal(text) => (at.place, Ok(text.clone())),
            SecretText::Env(name) => (name.place, self.variable(&name.value)),
            SecretText::File(path) => (path.place, self.file(path)),
            SecretText::Credential(name) => (name.place, self.credential(&name.value)),
        };
        let checked = read.and_then(|text| {
            if text.is_empty() { Err(("the secret is empty".to_owned(), "")) } else { Ok(Secret::new(text)) }
        });
        match checked {
            Ok(secret) => {
                self.report.opened(at.place, secret.clone());
                Some(secret)
            }
            Err((message, help)) => {
                let finding = Finding::error(place, message).label("no secret");
                self.report.add(if help.is_empty() { finding } else { finding.help(help) });
                None
            }
        }
    }

    fn variable(&self, name: &str) -> Result<String, Failure> {
        let value = self.environment.variable(name).map(|value| trimmed(value.to_owned()));
        value.ok_or_else(|| {
            let message = format!("the environment variable `{name}` is unset, empty or not UTF-8");
            (message, "set it for the process that runs supplywatch")
        })
    }

    fn file(&self, path: &At<String>) -> Result<String, Failure> {
        let path = self.sources.of(path.place).resolve(&path.value);
        let shown = printable(&path.display().to_string());
        let unreadable = |why: String| (format!("the secret file `{shown}` cannot be read: {why}"), "");
        let metadata = std::fs::metadata(&path).map_err(|error| unreadable(error.to_string()))?;
        if others_may(&metadata) {
            let message = format!("the secret file `{shown}` is open to every user of this machine");
            return Err((message, "take the others' permissions away: chmod o= FILE"));
        }
        contents(&path).map_err(unreadable)
    }

    fn credential(&self, name: &str) -> Result<String, Failure> {
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !plain || name.starts_with('.') {
            return Err((
                format!("`{name}` is no name of a credential"),
                "a credential's name has letters, digits, `.`, `_` and `-`",
            ));
        }
        let directory = self.environment.variable(DIRECTORY).ok_or_else(|| {
            let message = format!("the credential `{name}` cannot be read: ${DIRECTORY} is not set");
            (message, "run under systemd with LoadCredential=, or use { file = \"…\" } or { env = \"…\" }")
        })?;
        contents(&Path::new(directory).join(name)).map_err(|why| {
            let message = format!("the credential `{name}` cannot be read from ${DIRECTORY}: {why}");
            (message, "name it in the unit's LoadCredential= or LoadCredentialEncrypted=")
        })
    }
}

/// What is wrong, and what helps (nothing where that cannot be said).
type Failure = (String, &'static str);

#[cfg(unix)]
fn others_may(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.is_file() && metadata.permissions().mode() & OTHERS != 0
}

#[cfg(not(unix))]
fn others_may(_metadata: &std::fs::Metadata) -> bool {
    false
}

fn contents(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut bytes = Vec::new();
    std::fs::File::open(path).map_err(failed)?.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(format!("it is larger than {} KiB", BYTES_MAX >> 10));
    }
    String::from_utf8(bytes).map(trimmed).map_err(|_| "it is not UTF-8".to_owned())
}

/// Without the line's end that editors and `echo` leave.
fn trimmed(mut text: String) -> String {
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    text
}
