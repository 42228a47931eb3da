//! Secrets: where they come from, and that they are never shown.

use super::{FEED, Sandbox, check, check_feed};

/// A config whose webhook's secret is `secret`.
fn with_secret(secret: &str) -> Sandbox {
    Sandbox::new(&format!(
        "{FEED}[rule.r]\nseries = {{}}\nwhen = 'declines >= 2'\nnotify = ['hook']\n[receiver.hook]\nkind = 'webhook'\nurl = 'https://hooks.example/in'\nsecret = {secret}\n"
    ))
}

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[track_caller]
fn assert_read(sandbox: &Sandbox) {
    let setup = sandbox.setup();
    let webhook = setup.receivers[0].channel.service::<crate::notify::webhook::Webhook>();
    assert_eq!(webhook.secret.as_ref().unwrap().expose(), KEY);
    assert_eq!(sandbox.told(), "");
}

#[test]
fn a_secret_comes_from_four_places() {
    assert_read(&with_secret(&format!("'{KEY}'")));
    assert_read(&with_secret("{ env = 'HOOK' }").variable("HOOK", KEY));
    assert_read(&with_secret("{ file = 'secrets/hook' }").with("secrets/hook", format!("{KEY}\n")));
    assert_read(&with_secret("{ file = 'hook' }").with("hook", format!("{KEY}\r\n")).mode("hook", 0o640));
    let credential = with_secret("{ credential = 'hook-secret' }").with("credentials/hook-secret", format!("{KEY}\n"));
    assert_read(&credential.mode("credentials/hook-secret", 0o444).variable("CREDENTIALS_DIRECTORY", "{}/credentials"));
}

#[test]
fn a_secret_that_cannot_be_read_says_why() {
    insta::assert_snapshot!(with_secret("{ env = 'HOOK' }").told(), @r#"
    error: the environment variable `HOOK` is unset, empty or not UTF-8
      --> supplywatch.toml:12:18
       |
    12 | secret = { env = 'HOOK' }
       |                  ^^^^^^ no secret
       |
       = help: set it for the process that runs supplywatch

    1 error
    "#);
    insta::assert_snapshot!(with_secret("{ file = 'none' }").told(), @r#"
    error: the secret file `none` cannot be read: No such file or directory (os error 2)
      --> supplywatch.toml:12:19
       |
    12 | secret = { file = 'none' }
       |                   ^^^^^^ no secret

    1 error
    "#);
    insta::assert_snapshot!(with_secret("{ file = 'hook' }").with("hook", KEY).mode("hook", 0o644).told(), @r#"
    error: the secret file `hook` is open to every user of this machine
      --> supplywatch.toml:12:19
       |
    12 | secret = { file = 'hook' }
       |                   ^^^^^^ no secret
       |
       = help: take the others' permissions away: chmod o= FILE

    1 error
    "#);
    insta::assert_snapshot!(with_secret("{ file = 'hook' }").with("hook", "\n").told(), @r#"
    error: the secret is empty
      --> supplywatch.toml:12:19
       |
    12 | secret = { file = 'hook' }
       |                   ^^^^^^ no secret

    1 error
    "#);
    insta::assert_snapshot!(with_secret("{ credential = 'hook-secret' }").told(), @r#"
    error: the credential `hook-secret` cannot be read: $CREDENTIALS_DIRECTORY is not set
      --> supplywatch.toml:12:25
       |
    12 | secret = { credential = 'hook-secret' }
       |                         ^^^^^^^^^^^^^ no secret
       |
       = help: run under systemd with LoadCredential=, or use { file = "…" } or { env = "…" }

    1 error
    "#);
    insta::assert_snapshot!(with_secret("{ credential = '../etc/passwd' }").told(), @r#"
    error: `../etc/passwd` is no name of a credential
      --> supplywatch.toml:12:25
       |
    12 | secret = { credential = '../etc/passwd' }
       |                         ^^^^^^^^^^^^^^^ no secret
       |
       = help: a credential's name has letters, digits, `.`, `_` and `-`

    1 error
    "#);
    let missing = with_secret("{ credential = 'hook-secret' }").variable("CREDENTIALS_DIRECTORY", "/nonexistent");
    insta::assert_snapshot!(missing.told(), @r#"
    error: the credential `hook-secret` cannot be read from $CREDENTIALS_DIRECTORY: No such file or directory (os error 2)
      --> supplywatch.toml:12:25
       |
    12 | secret = { credential = 'hook-secret' }
       |                         ^^^^^^^^^^^^^ no secret
       |
       = help: name it in the unit's LoadCredential= or LoadCredentialEncrypted=

    1 error
    "#);
}

#[test]
fn a_table_must_say_once_where_the_secret_is() {
    insta::assert_snapshot!(with_secret("{}").told(), @r#"
    error: [receiver.hook.secret] must say once where the secret is
      --> supplywatch.toml:12:1
       |
    12 | secret = {}
       | ^^^^^^ found 0 keys
       |
       = help: write one of { env = "…" }, { file = "…" } and { credential = "…" }

    1 error
    "#);
    insta::assert_snapshot!(with_secret("{ env = 'A', file = 'b' }").told(), @r#"
    error: [receiver.hook.secret] must say once where the secret is
      --> supplywatch.toml:12:1
       |
    12 | secret = { env = 'A', file = 'b' }
       | ^^^^^^ found 2 keys
       |
       = help: write one of { env = "…" }, { file = "…" } and { credential = "…" }

    1 error
    "#);
    insta::assert_snapshot!(with_secret("{ value = 'hunter22' }").told(), @r#"
    error: unknown key `value` in [receiver.hook.secret]
      --> supplywatch.toml:12:12
       |
    12 | secret = { value = "<secret>" }
       |            ^^^^^ unknown
       |
       = help: [receiver.hook.secret] takes `env`, `file` and `credential`

    1 error
    "#);
    insta::assert_snapshot!(with_secret("{ env = 5 }").told(), @r#"
    error: `env` takes a string, found an integer
      --> supplywatch.toml:12:18
       |
    12 | secret = { env = 5 }
       |                  ^ expected a string

    1 error
    "#);
}

/// Every way to be wrong near a secret: no output may have it.
#[test]
fn no_problem_shows_a_secret() {
    let whole = "kind = 'webhook'";
    let tables = [
        format!("[receiver.a]\n{whole}\nurl = 'http://hooks.example/hunter22'"),
        format!("[receiver.a]\n{whole}\nurl = 'https://user:hunter22@hooks.example/'"),
        format!("[receiver.a]\n{whole}\nurl = 'hunter22'"),
        format!("[receiver.a]\n{whole}\nurl = 'hunter22:x'"),
        format!("[receiver.a]\n{whole}\nurl = ['https://hooks.example/hunter22']"),
        format!("[receiver.a]\n{whole}\nurl = 'https://127.0.0.1/hunter22'"),
        format!("[receiver.a]\n{whole}\nurl = '''\nhttps://127.0.0.1/hunter22'''"),
        format!("[receiver.a]\n{whole}\nurl = 'https://h.example'\nsecret = 'hunter22'"),
        format!("[receiver.a]\n{whole}\nurl = 'https://h.example'\nsecret = 'whsec_hunter22!'"),
        format!("[receiver.a]\n{whole}\nurl = 'https://h.example'\nscret = 'hunter22'"),
        format!("[receiver.a]\n{whole}\nurl = 'https://h.example'\ntoken = 'hunter22'"),
        format!("[receiver.a]\n{whole}\nulr = 'https://h.example/hunter22'"),
        format!("[receiver]\na = {{ {whole}, url = 'https://h.example/hunter22', nonsense = 1 }}"),
        "[receiver]\na = 'https://h.example/hunter22'".to_owned(),
        "recever = { a = { url = 'hunter22' } }".to_owned(),
        "receiver = [{ url = 'hunter22' }]".to_owned(),
        "[[receiver]]\nurl = 'hunter22'".to_owned(),
        "[receiver.a]\nkind = 'email'\npassword = 'hunter22'\nport = 0".to_owned(),
        "[receiver.a]\nkind = 'email'\npassword = 22".to_owned(),
        "[receiver.a]\nkind = 'console'\npassword = 'hunter22'".to_owned(),
        "[receiver.a]\nkind = 'console'\nsecret = { literal = 'hunter22' }".to_owned(),
        "[feed.f]\nkind = 'csv'\nfrequency = 'month'\nurl = 'http://h.example/?key=hunter22'".to_owned(),
        "[feed.f]\nkind = 'csv'\nfrequency = 'month'\npath = 'https://h.example/?key=hunter22'".to_owned(),
        "[feed.f]\nkind = 'csv'\nfrequency = 'month'\nurl = 'https://h.example/'\nheaders = { 'X Y' = 'hunter22' }"
            .to_owned(),
        "[feed.f]\nkind = 'csv'\nfrequency = 'month'\nurl = 'https://h.example/'\nheaders = { X = \"hunter22\\n\" }"
            .to_owned(),
        "[feed.f]\nkind = 'csv'\nfrequency = 'month'\nurl = 'https://h.example/'\n[feed.f.headers]\nHost = 'hunter22'"
            .to_owned(),
        "[feed.f]\nkind = 'csv'\nheaders = 'hunter22'".to_owned(),
        "[daemon]\nstate = 'postgres://u:hunter22@h/d?sslmode=require'".to_owned(),
        "[daemon]\nstate = 'postgres://u:a/hunter22@h/d'".to_owned(),
        "[daemon]\nstate = 'postgres://u:a?hunter22@h/d'".to_owned(),
        "[daemon]\nstate = ['postgres://u:hunter22@h/d']".to_owned(),
        "[daemon]\nstate = 'postgres:/u:hunter22@h/d'".to_owned(),
        "[daemon]\nstat = 'postgres://u:hunter22@h/d'".to_owned(),
        "[receiver.a]\nsecret = 'hunter22\nkind = 'console'".to_owned(),
        "[receiver.a]\nurl = hunter22".to_owned(),
        "[receiver.a]\npassword = 'hunter22' x".to_owned(),
        "[feed.f.headers]\nX-Key = 'hunter22' x".to_owned(),
        "receiver.a = { kind = 'webhook', url = 'hunter22' x }".to_owned(),
        "[receiver.a]\nsecret = '''\nhunter22".to_owned(),
        "[feed.f]\nheaders = {\nX = 'hunter22' y\n}".to_owned(),
        "[feed.f]\nheaders = {\n  X = 'hunter22\n}".to_owned(),
        "[feed.f]\nurl = [\n  'hunter22' y\n]".to_owned(),
        "x = 'whsec_hunter22' y".to_owned(),
        "[feed.f]\npath = 'https://h.example/hunter22' y".to_owned(),
        "[receiver.a]\nsecret = 'hunter22'\nsecret = 'hunter22'".to_owned(),
    ];
    for config in tables {
        let sandbox = Sandbox::new(&config);
        let Err(problems) = sandbox.load() else { panic!("expected problems: {config}") };
        let json: String = problems.iter().map(|problem| problem.json().to_string()).collect();
        let outputs = [problems.render(false), problems.render(true), json, format!("{problems:?}")];
        for output in outputs {
            assert!(!output.contains("hunter22"), "{config}\n\n{output}");
            assert!(!output.contains("= 22"), "{config}\n\n{output}");
        }
    }
}

#[test]
fn a_masked_line_is_still_underlined() {
    insta::assert_snapshot!(check_feed("headers = { 'X Y' = 'hunter22', Host = { env = 'A' } }"), @r#"
    warning: `headers` has no meaning with `path`
     --> supplywatch.toml:5:1
      |
    5 | headers = { 'X Y' = "<secret>", Host = { env = 'A' } }
      | ^^^^^^^ only for `url`

    error: `X Y` is no name for a header field
     --> supplywatch.toml:5:13
      |
    5 | headers = { 'X Y' = "<secret>", Host = { env = 'A' } }
      |             ^^^^^ not a name
      |
      = help: a header's name has letters, digits and `-`

    error: the header `Host` is not the config's to set
     --> supplywatch.toml:5:33
      |
    5 | headers = { 'X Y' = "<secret>", Host = { env = 'A' } }
      |                                 ^^^^ set by supplywatch itself
      |
      = help: take it away

    error: the environment variable `A` is unset, empty or not UTF-8
     --> supplywatch.toml:5:48
      |
    5 | headers = { 'X Y' = "<secret>", Host = { env = 'A' } }
      |                                                ^^^ no secret
      |
      = help: set it for the process that runs supplywatch

    3 errors, 1 warning
    "#);
    insta::assert_snapshot!(
        check("[feed.f]\nkind = 'csv'\nfrequency = 'month'\nurl = 'http://h.example/?key=hunter22' # a comment"), @r#"
    error: the address is plain http
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>" # a comment
      |       ^^^^^^^^^^ http://h.example is not encrypted
      |
      = help: use https://, or allow it with `insecure = true`

    1 error
    "#);
}
