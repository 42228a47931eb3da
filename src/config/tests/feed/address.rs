//! Where a feed is, and what it is called.

use super::*;

#[test]
fn addresses_are_checked_when_they_are_read() {
    let url = |url: &str| check(&format!("[feed.f]\nkind = 'csv'\nfrequency = 'month'\nurl = '{url}'"));
    insta::assert_snapshot!(url("h.example/a.csv"), @r#"
    error: the address has no scheme
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ expected https://…
      |
      = help: write the whole address, such as https://host.example/path

    1 error
    "#);
    insta::assert_snapshot!(url("ftp://h.example/a.csv"), @r#"
    error: the address must begin with https://
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ neither http nor https
      |
      = help: write the whole address, such as https://host.example/path

    1 error
    "#);
    insta::assert_snapshot!(url("http://u:p@127.0.0.1/a.csv"), @r#"
    error: the address has a login in it
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ a login before `@`
      |
      = help: take the part before `@` away; a feed's login goes into `headers`, as Authorization

    error: the address is plain http
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ http://127.0.0.1 is not encrypted
      |
      = help: use https://, or allow it with `insecure = true`

    error: the address is not on the public internet
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ 127.0.0.1 is this machine or a private network
      |
      = help: allow it with `allow_private = true`

    3 errors
    "#);
}

#[test]
fn private_addresses_need_leave() {
    let url = |url: &str| check(&format!("[feed.f]\nkind = 'csv'\nfrequency = 'month'\nurl = '{url}'"));
    insta::assert_snapshot!(url("https://localhost:8080/"), @r#"
    error: the address is not on the public internet
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ localhost is this machine or a private network
      |
      = help: allow it with `allow_private = true`

    1 error
    "#);
    insta::assert_snapshot!(url("https://[::1]/"), @r#"
    error: the address is not on the public internet
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ [::1] is this machine or a private network
      |
      = help: allow it with `allow_private = true`

    1 error
    "#);
    insta::assert_snapshot!(url("https://"), @r#"
    error: this is no address: empty host
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ not an address
      |
      = help: write the whole address, such as https://host.example/path

    1 error
    "#);
    assert_eq!(url("http://10.0.0.1/a.csv'\ninsecure = true\nallow_private = true #"), "");
}

#[test]
fn what_belongs_to_an_address_is_doubtful_beside_a_path() {
    insta::assert_snapshot!(check_feed("allow_private = true\nheaders = { X = 'y' }"), @r#"
    warning: `allow_private` has no meaning with `path`
     --> supplywatch.toml:5:1
      |
    5 | allow_private = true
      | ^^^^^^^^^^^^^ only for `url`

    warning: `headers` has no meaning with `path`
     --> supplywatch.toml:6:1
      |
    6 | headers = { X = "<secret>" }
      | ^^^^^^^ only for `url`
    "#);
}

#[test]
fn names_are_plain() {
    insta::assert_snapshot!(check(&FEED.replace("[feed.f]", "[feed.'a b']")), @r#"
    error: `a b` is no name for a feed
     --> supplywatch.toml:1:7
      |
    1 | [feed.'a b']
      |       ^^^^^ not a name
      |
      = help: a name has 1 to 100 letters (A to Z), digits, `.`, `_` and `-`

    1 error
    "#);
}
