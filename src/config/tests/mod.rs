//! Whole configs in, a setup or rendered problems out.

mod collect;
mod customs;
mod daemon;
mod feed;
mod include;
mod items;
mod notation;
mod outline;
mod phones;
mod quiet;
mod receiver;
mod reference;
mod release;
mod route;
mod rule;
mod scenario;
mod secret;
mod series;
mod services;
mod trade;
mod web;
mod whole;

use std::path::{Path, PathBuf};

use super::{Environment, Loaded, Problems, load};

/// A directory with a config and its neighbours.
pub struct Sandbox {
    directory: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Sandbox {
    /// With a main config.
    pub fn new(config: &str) -> Self {
        let sandbox = Self { directory: tempfile::tempdir().unwrap(), variables: Vec::new() };
        sandbox.with("supplywatch.toml", config)
    }

    /// With another file, readable by its owner alone.
    pub fn with(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, contents).unwrap();
        self.mode(name, 0o600)
    }

    /// With other permissions on a file.
    pub fn mode(self, name: &str, mode: u32) -> Self {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// With a variable; `{}` in its value is the directory.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        let value = value.replace("{}", self.directory.path().to_str().unwrap());
        self.variables.push((name.to_owned(), value));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn load(&self) -> Result<Loaded, Problems> {
        load(&self.path("supplywatch.toml"), &self.environment())
    }

    pub fn environment(&self) -> Environment {
        let pairs: Vec<(&str, &str)> = self.variables.iter().map(|(name, value)| (&**name, &**value)).collect();
        Environment::of(&pairs)
    }

    /// A text with paths as seen from the directory.
    pub fn relative(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.directory.path().display()), "")
    }

    /// All problems, and the warnings of a config without errors; paths as seen from the directory.
    pub fn told(&self) -> String {
        let told = match self.load() {
            Ok(loaded) => loaded.warnings.iter().map(|problem| problem.render(false)).collect::<Vec<_>>().join("\n\n"),
            Err(problems) => problems.render(false),
        };
        self.relative(&told)
    }

    /// The setup of a good config.
    #[track_caller]
    pub fn setup(&self) -> super::Setup {
        match self.load() {
            Ok(loaded) => loaded.setup,
            Err(problems) => panic!("{}", problems.render(false)),
        }
    }
}

/// What is told of a config that stands alone.
pub fn check(config: &str) -> String {
    Sandbox::new(config).told()
}

/// What is told of the receivers of a config that has no more than them.
pub fn check_receiver(table: &str) -> String {
    check(&format!("{FEED}[rule.r]\nseries = {{}}\nwhen = 'declines >= 2'\nnotify = ['r']\n{table}"))
}

/// What is told of a feed that has what every feed needs, and more.
pub fn check_feed(more: &str) -> String {
    check(&format!("{FEED}{more}\n"))
}

/// The least that a feed is.
pub const FEED: &str = "[feed.f]\nkind = 'csv'\npath = 'f.csv'\nfrequency = 'month'\n";

#[test]
fn a_config_that_cannot_be_read_says_why() {
    let told = |path: &Path| load(path, &Environment::of(&[])).err().unwrap().render(false);
    let sandbox = Sandbox::new("");
    let shown = |name: &str| told(&sandbox.path(name)).replace(sandbox.directory.path().to_str().unwrap(), "DIR");
    insta::assert_snapshot!(shown("none.toml"), @r#"
    error: the config cannot be read: No such file or directory (os error 2)
    --> DIR/none.toml

    1 error
    "#);
    insta::assert_snapshot!(shown("."), @r#"
    error: the config cannot be read: it is a directory
    --> DIR/.

    1 error
    "#);
    std::fs::write(sandbox.path("latin.toml"), b"# \xe9").unwrap();
    insta::assert_snapshot!(shown("latin.toml"), @r#"
    error: the config cannot be read: it is not UTF-8 (line 1)
    --> DIR/latin.toml

    1 error
    "#);
}

#[test]
fn an_empty_config_is_allowed_and_doubtful() {
    insta::assert_snapshot!(check(""), @r#"
    warning: the config has no feed: nothing will be pulled
    --> supplywatch.toml
     = help: a feed is a table [feed.NAME] with `kind`, `path` or `url`, and `frequency`
    "#);
}
