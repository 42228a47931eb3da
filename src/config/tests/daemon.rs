//! `[daemon]`.

use super::{Sandbox, check};
use crate::store::Location;

fn shown(state: &Location) -> String {
    match state {
        Location::Sqlite(path) => path.display().to_string(),
        Location::Postgres(server) => server.shown(),
    }
}

fn state(config: &str, variables: &[(&str, &str)]) -> String {
    let sandbox = variables.iter().fold(Sandbox::new(config), |sandbox, (name, value)| sandbox.variable(name, value));
    shown(&sandbox.setup().state).replace(sandbox.path("").to_str().unwrap(), "DIR/")
}

#[test]
fn the_store_is_where_the_config_or_the_service_manager_says() {
    assert_eq!(state("", &[]), "supplywatch.db");
    assert_eq!(
        state("", &[("STATE_DIRECTORY", "/var/lib/supplywatch:/var/lib/x")]),
        "/var/lib/supplywatch/supplywatch.db"
    );
    assert_eq!(state("daemon.state = 'sqlite:a.db'", &[("STATE_DIRECTORY", "/var/lib/supplywatch")]), "DIR/a.db");
    assert_eq!(state("daemon.state = 'sqlite:/srv/a.db'", &[]), "/srv/a.db");
    assert_eq!(state("daemon.state = 'sqlite:///srv/a.db'", &[]), "/srv/a.db");
}

#[test]
fn other_stores_are_refused() {
    insta::assert_snapshot!(check("daemon.state = 'supplywatch.db'"), @r#"
    error: `state` does not say which kind of store `supplywatch.db` is
     --> supplywatch.toml:1:16
      |
    1 | daemon.state = 'supplywatch.db'
      |                ^^^^^^^^^^^^^^^^ expected `sqlite:` before the path
      |
      = help: write "sqlite:PATH", such as "sqlite:/var/lib/supplywatch/supplywatch.db", or "postgres://USER@HOST/DATABASE"

    1 error
    "#);
    insta::assert_snapshot!(check("daemon.state = 'mysql:x'"), @r#"
    error: `state` names a store of the unknown kind `mysql`
     --> supplywatch.toml:1:16
      |
    1 | daemon.state = 'mysql:x'
      |                ^^^^^^^^^ expected `sqlite:` or `postgres://`
      |
      = help: write "sqlite:PATH", such as "sqlite:/var/lib/supplywatch/supplywatch.db", or "postgres://USER@HOST/DATABASE"

    1 error
    "#);
    insta::assert_snapshot!(check("daemon.state = 'sqlite::memory:'"), @r#"
    error: `state` must name a file: what was already told is remembered there
     --> supplywatch.toml:1:16
      |
    1 | daemon.state = 'sqlite::memory:'
      |                ^^^^^^^^^^^^^^^^^ no file
      |
      = help: write "sqlite:PATH", such as "sqlite:/var/lib/supplywatch/supplywatch.db", or "postgres://USER@HOST/DATABASE"

    1 error
    "#);
}

#[test]
fn the_store_may_be_on_a_server() {
    assert_eq!(state("daemon.state = 'postgres://watch:hunter22@db/state'", &[]), "postgres://watch@db:5432/state");
    let place = ("STATE", "postgres://watch:hunter22@a,b:5433/state");
    assert_eq!(state("daemon.state = { env = 'STATE' }", &[place]), "postgres://watch@a:5432,b:5433/state");
    assert_eq!(state("daemon.state = { env = 'STATE' }", &[("STATE", "sqlite:a.db")]), "DIR/a.db");
    let file = Sandbox::new("daemon.state = { file = 'state' }").with("state", "postgresql://watch@localhost/state\n");
    assert_eq!(shown(&file.setup().state), "postgres://watch@localhost:5432/state");
    let secret = Sandbox::new("daemon.state = 'postgres://watch:hunter22@db/state'").setup();
    let shown = format!("{secret:?} {}", serde_json::to_string(&secret.outline).unwrap());
    assert!(shown.contains("postgres://watch@db:5432/state") && !shown.contains("hunter22"), "{shown}");
}

#[test]
fn a_server_that_is_named_wrongly_is_told() {
    insta::assert_snapshot!(check("daemon.state = 'postgres://watch:hunter22@db/state?sslmod=disable'"), @r#"
    error: `state` is no address of a database: `sslmod` is unknown
     --> supplywatch.toml:1:16
      |
    1 | daemon.state = "<secret>"
      |                ^^^^^^^^^^ expected postgres://USER@HOST/DATABASE
      |
      = help: did you mean `sslmode`?

    1 error
    "#);
    insta::assert_snapshot!(check("daemon.state = 'postgres://watch:hunter/22@db/state'"), @r#"
    error: `state` is no address of a database: there is an `@` or a `/` too many in the address
     --> supplywatch.toml:1:16
      |
    1 | daemon.state = "<secret>"
      |                ^^^^^^^^^^ expected postgres://USER@HOST/DATABASE
      |
      = help: in a name or a password `%`, `@`, `:`, `/` and `?` are written %25, %40, %3A, %2F and %3F, and blanks %20

    1 error
    "#);
    insta::assert_snapshot!(check("daemon.state = 'postgres://watch@db/state?sslrootcert=none.pem'"), @r#"
    error: the authorities of the database (`sslrootcert`) cannot be read from `none.pem`: I/O error: No such file or directory (os error 2)
     --> supplywatch.toml:1:16
      |
    1 | daemon.state = "<secret>"
      |                ^^^^^^^^^^ named here
      |
      = help: a file of certificates is PEM: -----BEGIN CERTIFICATE-----

    1 error
    "#);
    insta::assert_snapshot!(check("daemon.state = 'postgres://watch:hunter22@db/state?sslmode=disable'"), @r#"
    warning: the config has no feed: nothing will be pulled
    --> supplywatch.toml
     = help: a feed is a table [feed.NAME] with `kind`, `path` or `url`, and `frequency`

    warning: `state` has `sslmode=disable`: the password and all data can be read, and changed, on the way
     --> supplywatch.toml:1:16
      |
    1 | daemon.state = "<secret>"
      |                ^^^^^^^^^^ not on this machine, and not encrypted
      |
      = help: leave `sslmode` out, or keep it where the network itself is protected
    "#);
    let of_variable = Sandbox::new("daemon.state = { env = 'STATE' }").variable("STATE", "hunter22:x");
    insta::assert_snapshot!(of_variable.told(), @r#"
    error: `state` names a store of the unknown kind
     --> supplywatch.toml:1:16
      |
    1 | daemon.state = { env = 'STATE' }
      |                ^^^^^^^^^^^^^^^^^ expected `sqlite:` or `postgres://`
      |
      = help: write "sqlite:PATH", such as "sqlite:/var/lib/supplywatch/supplywatch.db", or "postgres://USER@HOST/DATABASE"

    1 error
    "#);
    insta::assert_snapshot!(Sandbox::new("daemon.state = { env = 'STATE' }").told(), @r#"
    error: the environment variable `STATE` is unset, empty or not UTF-8
     --> supplywatch.toml:1:24
      |
    1 | daemon.state = { env = 'STATE' }
      |                        ^^^^^^^ no secret
      |
      = help: set it for the process that runs supplywatch

    1 error
    "#);
}

#[test]
fn a_silent_replica_keeps_its_work_for_a_while() {
    let lease = |more: &str| {
        Sandbox::new(&format!("[daemon]\nstate = 'postgres://watch@localhost/state'\n{more}")).setup().lease.as_secs()
    };
    assert_eq!((lease(""), lease("lease = '1m'")), (15, 60));
    insta::assert_snapshot!(check("[daemon]\nstate = 'postgres://watch@localhost/state'\nlease = '1s'"), @r#"
    error: `lease` cannot be `1s`
     --> supplywatch.toml:3:9
      |
    3 | lease = '1s'
      |         ^^^^ expected 2 s to 5 min
      |
      = help: a shorter one takes work from replicas that are only slow, a longer one leaves it undone

    1 error
    "#);
    insta::assert_snapshot!(check("[daemon]\nlease = '30s'"), @r#"
    warning: the config has no feed: nothing will be pulled
    --> supplywatch.toml
     = help: a feed is a table [feed.NAME] with `kind`, `path` or `url`, and `frequency`

    warning: `lease` has no meaning for a store in a file, which one process has
     --> supplywatch.toml:2:1
      |
    2 | lease = '30s'
      | ^^^^^ only for `postgres://`
      |
      = help: it is for several replicas on one PostgreSQL: state = "postgres://…"
    "#);
}

#[test]
fn an_unknown_zone_is_told_with_the_nearest() {
    insta::assert_snapshot!(check("[daemon]\ntimezone = 'Asia/Shanghia'"), @r#"
    error: there is no time zone `Asia/Shanghia`
     --> supplywatch.toml:2:12
      |
    2 | timezone = 'Asia/Shanghia'
      |            ^^^^^^^^^^^^^^^ unknown
      |
      = help: did you mean `Asia/Shanghai`?

    1 error
    "#);
    insta::assert_snapshot!(check("[daemon]\ntimezone = 'shanghai'"), @r#"
    error: there is no time zone `shanghai`
     --> supplywatch.toml:2:12
      |
    2 | timezone = 'shanghai'
      |            ^^^^^^^^^^ unknown
      |
      = help: did you mean `Asia/Shanghai`?

    1 error
    "#);
    insta::assert_snapshot!(check("[daemon]\ntimezone = '+08:00'"), @r#"
    error: there is no time zone `+08:00`
     --> supplywatch.toml:2:12
      |
    2 | timezone = '+08:00'
      |            ^^^^^^^^ unknown
      |
      = help: write a name of the IANA time zone database, such as `UTC` or `Asia/Shanghai`

    1 error
    "#);
}

#[test]
fn the_page_has_an_address_that_may_be_told() {
    let page = |text: &str| check(&format!("[daemon]\npage_url = '{text}'"));
    for bad in
        ["watch.example", "https://user:word@watch.example/", "ftp://watch.example", "https://watch.example/?a=b"]
    {
        let told = page(bad);
        assert!(told.contains("`page_url` is no address of a page") && !told.contains("hunter"), "{bad}: {told}");
    }
    assert!(!page("https://watch.example/sub/").contains("page_url"));
}

#[test]
fn the_contact_is_one_line() {
    insta::assert_snapshot!(check("[daemon]\ncontact = \"a@b.example\\r\\nX: y\""), @r#"
    error: `contact` has a line break or another control character
     --> supplywatch.toml:2:11
      |
    2 | contact = "a@b.example\r\nX: y"
      |           ^^^^^^^^^^^^^^^^^^^^^ expected a line of text

    1 error
    "#);
    let setup = Sandbox::new("daemon.contact = 'ops@example.com'").setup();
    assert_eq!(setup.contact.as_deref(), Some("ops@example.com"));
}

#[test]
fn somebody_is_told_every_minute_that_all_is_well() {
    let sandbox = |more: &str| Sandbox::new(&format!("[daemon.dead_man]\nurl = {{ env = 'PING' }}\n{more}"));
    let setup = |more: &str| sandbox(more).variable("PING", "https://ping.example/T0KEN").setup();
    let dead_man = setup("").dead_man.unwrap();
    assert_eq!((dead_man.endpoint.url.expose(), dead_man.every.as_secs()), ("https://ping.example/T0KEN", 60));
    assert_eq!(setup("every = '5m'").dead_man.unwrap().every.as_secs(), 300);
    assert!(Sandbox::new("").setup().dead_man.is_none());
}

#[test]
fn an_address_that_cannot_be_told_is_refused() {
    insta::assert_snapshot!(check("[daemon.dead_man]\nevery = '0s'\nhow = 1"), @r#"
    error: [daemon.dead_man] needs `url`
     --> supplywatch.toml:1:9
      |
    1 | [daemon.dead_man]
      |         ^^^^^^^^ no `url`
      |
      = help: write url = "https://…", or { env = "…" }, { file = "…" }, { credential = "…" }

    error: `every` cannot be `0s`
     --> supplywatch.toml:2:9
      |
    2 | every = '0s'
      |         ^^^^ expected a time such as 90s, 15m, 72h or 3d
      |
      = help: a time has a unit: s, m, h or d

    error: unknown key `how` in [daemon.dead_man]
     --> supplywatch.toml:3:1
      |
    3 | how = "<secret>"
      | ^^^ unknown
      |
      = help: [daemon.dead_man] takes `url`, `every`, `insecure` and `allow_private`

    3 errors
    "#);
    insta::assert_snapshot!(check("[daemon]\ndead_man = { url = 'http://127.0.0.1/T0KEN', every = 'minute' }"), @r#"
    error: the address is plain http
     --> supplywatch.toml:2:20
      |
    2 | dead_man = { url = "<secret>", every = 'minute' }
      |                    ^^^^^^^^^^ http://127.0.0.1 is not encrypted
      |
      = help: use https://, or allow it with `insecure = true`

    error: the address is not on the public internet
     --> supplywatch.toml:2:20
      |
    2 | dead_man = { url = "<secret>", every = 'minute' }
      |                    ^^^^^^^^^^ 127.0.0.1 is this machine or a private network
      |
      = help: allow it with `allow_private = true`

    error: `every` cannot be `minute`
     --> supplywatch.toml:2:40
      |
    2 | dead_man = { url = "<secret>", every = 'minute' }
      |                                        ^^^^^^^^ expected a time such as 90s, 15m, 72h or 3d
      |
      = help: a time has a unit: s, m, h or d

    3 errors
    "#);
    insta::assert_snapshot!(check("[daemon]\ndead_man = 'https://ping.example/T0KEN'"), @r#"
    error: `dead_man` takes a table, found a string
     --> supplywatch.toml:2:12
      |
    2 | dead_man = "<secret>"
      |            ^^^^^^^^^^ expected a table

    1 error
    "#);
}

#[test]
fn the_proxy_on_the_way_out_is_an_address_and_a_secret() {
    let sandbox = Sandbox::new("daemon.proxy = { env = 'HTTPS_PROXY' }")
        .variable("HTTPS_PROXY", "http://watch:hunter22@proxy.example:3128");
    assert_eq!(sandbox.setup().proxy.map(|proxy| proxy.shown()).as_deref(), Some("proxy.example:3128"));
    insta::assert_snapshot!(check("daemon.proxy = 'socks5://watch:hunter22@proxy.example'"), @r#"
    error: `proxy` is no address of a proxy
     --> supplywatch.toml:1:16
      |
    1 | daemon.proxy = "<secret>"
      |                ^^^^^^^^^^ expected http://HOST:PORT
      |
      = help: write proxy = "http://proxy.example:3128"; a login stands before the name: `USER:PASSWORD@`

    1 error
    "#);
}

#[test]
fn what_is_over_is_kept_for_a_year_or_as_long_as_is_said() {
    let days = |config: &str| Sandbox::new(config).setup().keep_attempts.as_secs() / 86_400;
    assert_eq!((days(""), days("daemon.keep_attempts = '90d'")), (365, 90));
    insta::assert_snapshot!(check("daemon.keep_attempts = '7d'"), @r#"
    error: `keep_attempts` is less than 30 days
     --> supplywatch.toml:1:24
      |
    1 | daemon.keep_attempts = '7d'
      |                        ^^^^ too short
      |
      = help: alerts on the program's own health look back some days: write "30d" or more

    1 error
    "#);
}
