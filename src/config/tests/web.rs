//! `[web]`.

use super::{FEED, Sandbox, check};
use crate::config::{Setup, Web};

fn web(table: &str, variables: &[(&str, &str)]) -> (Sandbox, Web) {
    let sandbox = Sandbox::new(&format!("{FEED}{table}"));
    let sandbox = variables.iter().fold(sandbox, |sandbox, (name, value)| sandbox.variable(name, value));
    let Setup { web, .. } = sandbox.setup();
    (sandbox, web)
}

fn socket(table: &str, variables: &[(&str, &str)]) -> String {
    let (sandbox, web) = web(table, variables);
    web.socket
        .map_or_else(String::new, |path| path.display().to_string())
        .replace(sandbox.path("").to_str().unwrap(), "DIR/")
}

#[test]
fn it_is_served_on_loopback_unless_told_otherwise() {
    let listen = |table| web(table, &[]).1.listen.map(|address| address.to_string());
    assert_eq!(listen("").as_deref(), Some("127.0.0.1:9180"));
    assert_eq!(listen("[web]\nlisten = ''\n"), None);
    assert_eq!(listen("[web]\nlisten = 'localhost:80'\n").as_deref(), Some("127.0.0.1:80"));
    assert_eq!(listen("[web]\nlisten = '[::1]:9180'\n").as_deref(), Some("[::1]:9180"));
}

#[test]
fn its_socket_is_in_the_runtime_directory_or_beside_the_store() {
    assert_eq!(socket("", &[]), "supplywatch.db.sock");
    assert_eq!(socket("[daemon]\nstate = 'sqlite:/srv/a.db'\n", &[]), "/srv/a.db.sock");
    assert_eq!(socket("", &[("RUNTIME_DIRECTORY", "/run/supplywatch:/run/x")]), "/run/supplywatch/supplywatch.sock");
    assert_eq!(socket("[web]\nsocket = 'a.sock'\n", &[("RUNTIME_DIRECTORY", "/run/supplywatch")]), "DIR/a.sock");
    assert_eq!(socket("[web]\nsocket = ''\n", &[]), "");
    let deep = format!("[daemon]\nstate = 'sqlite:/{}/a.db'\n", "d".repeat(120));
    assert_eq!(socket(&deep, &[]), "", "no path of a socket is so long");
}

#[test]
fn others_are_let_in_where_they_are_known() {
    let (_, open) =
        web("[web]\nlisten = '0.0.0.0:9180'\ntoken = '0123456789abcdef'\nhosts = ['Watch.example.org']\n", &[]);
    assert_eq!(open.token.unwrap().expose(), "0123456789abcdef");
    assert_eq!(open.hosts, ["watch.example.org"]);
    let (_, behind) =
        web("[web]\nlisten = '10.0.0.2:80'\nproxy = { from = ['10.0.0.5'], header = 'X-Forwarded-User' }\n", &[]);
    let proxy = behind.proxy.unwrap();
    assert_eq!((proxy.header.as_str(), proxy.from.len()), ("x-forwarded-user", 1));
}

/// The page's examples, each a config together with a feed.
#[test]
fn the_pages_examples_are_good() {
    let page = include_str!("../../../docs/WEB.md");
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() > 2, "the page has lost its examples");
    for block in blocks {
        // The secret is where the service has it.
        let (_, web) =
            web(&block.replace("{ credential = \"web-token\" }", "{ env = \"T\" }"), &[("T", "0123456789abcdef")]);
        assert!(web.listen.is_some());
    }
}

#[test]
fn an_open_door_is_refused() {
    insta::assert_snapshot!(check(&format!("{FEED}[web]\nlisten = '0.0.0.0:9180'")), @r#"
    error: `listen` opens the page to other machines at 0.0.0.0:9180, and to everybody there
     --> supplywatch.toml:6:10
      |
    6 | listen = '0.0.0.0:9180'
      |          ^^^^^^^^^^^^^^ not loopback, and no `token`
      |
      = help: give a `token`, such as { file = "token" }, or a `proxy` that says who asks, or listen on 127.0.0.1

    1 error
    "#);
    insta::assert_snapshot!(check(&format!("{FEED}[web]\nlisten = '10.0.0.2:80'\ntoken = 'geheim'")), @r#"
    error: the token has 6 characters
     --> supplywatch.toml:7:9
      |
    7 | token = "<secret>"
      |         ^^^^^^^^^^ no good token
      |
      = help: take 16 or more letters and digits by chance: openssl rand -hex 24

    1 error
    "#);
    insta::assert_snapshot!(check(&format!("{FEED}[web]\nlisten = '9180'\nsocket = '/{}'", "s".repeat(110))), @r#"
    error: `listen` is no address to listen at
     --> supplywatch.toml:6:10
      |
    6 | listen = '9180'
      |          ^^^^^^ expected ADDRESS:PORT
      |
      = help: write an address and a port, such as "127.0.0.1:9180" or "[::1]:9180", or "" for no page

    error: `socket` is a path of 111 bytes: a socket's has 107 at most
     --> supplywatch.toml:7:10
      |
    7 | socket = '/ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss'
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ too long
      |
      = help: choose a shorter one, such as "/run/supplywatch/supplywatch.sock"

    2 errors
    "#);
    insta::assert_snapshot!(check(&format!("{FEED}[web]\nproxy = {{ from = ['lan'] }}\nhosts = ['https://x/']\nport = 1")), @r#"
    error: [web.proxy] needs `header`
     --> supplywatch.toml:6:1
      |
    6 | proxy = { from = ['lan'] }
      | ^^^^^ no `header`
      |
      = help: name the field in which it says who asks: header = "X-Forwarded-User"

    error: `from` has what is no address
     --> supplywatch.toml:6:19
      |
    6 | proxy = { from = ['lan'] }
      |                   ^^^^^ expected an IP address
      |
      = help: write the address of a machine, such as "10.0.0.5"

    error: `hosts` has what is no host
     --> supplywatch.toml:7:10
      |
    7 | hosts = ['https://x/']
      |          ^^^^^^^^^^^^ expected a host's name
      |
      = help: write it as it stands in the address bar, such as "watch.example.org" or "watch.lan:9180"

    error: unknown key `port` in [web]
     --> supplywatch.toml:8:1
      |
    8 | port = "<secret>"
      | ^^^^ unknown
      |
      = help: [web] takes `listen`, `socket`, `hosts`, `token` and `proxy`

    4 errors
    "#);
}

/// What looks guarded, and is open or closed to everybody.
#[test]
fn a_door_that_is_no_door_is_refused() {
    let proxy = |proxy: &str| check(&format!("{FEED}[web]\nlisten = '0.0.0.0:9180'\nproxy = {proxy}"));
    insta::assert_snapshot!(proxy("{ from = ['10.0.0.5'], header = 'X-Forwarded-For' }"), @r#"
    error: `header` is `X-Forwarded-For`, which a request has whoever asks
     --> supplywatch.toml:7:41
      |
    7 | proxy = { from = ['10.0.0.5'], header = 'X-Forwarded-For' }
      |                                         ^^^^^^^^^^^^^^^^^ says nothing of a visitor
      |
      = help: take one that the proxy alone sets, once it knows who asks, such as "X-Forwarded-User"

    1 error
    "#);
    insta::assert_snapshot!(proxy("{ from = [], header = 'X-Forwarded-User' }"), @r#"
    error: `from` is empty, so that nobody could see the page
     --> supplywatch.toml:7:18
      |
    7 | proxy = { from = [], header = 'X-Forwarded-User' }
      |                  ^^ no address
      |
      = help: name the addresses from which the proxy asks, such as "127.0.0.1"

    1 error
    "#);
    insta::assert_snapshot!(proxy("'10.0.0.5'"), @"
    error: `proxy` takes a table, found a string
     --> supplywatch.toml:7:9
      |
    7 | proxy = '10.0.0.5'
      |         ^^^^^^^^^^ expected a table

    1 error
    ");
    insta::assert_snapshot!(check(&format!("{FEED}[web]\nlisten = 'watch.lan:9180'")), @r#"
    error: `listen` is no address to listen at
     --> supplywatch.toml:6:10
      |
    6 | listen = 'watch.lan:9180'
      |          ^^^^^^^^^^^^^^^^ expected ADDRESS:PORT
      |
      = help: write the machine's address, such as "10.0.0.2:9180"; names by which it is asked are for `hosts`

    1 error
    "#);
}
