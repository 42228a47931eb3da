//! `[receiver.NAME]` of the services that phones and open chat tools have.

use super::{FEED, Sandbox, check_receiver};
use crate::notify::matrix::Matrix;
use crate::notify::ntfy::{Login, Ntfy};
use crate::notify::pushover::{Insists, Pushover};
use crate::notify::service::Service;
use crate::notify::zulip::Zulip;

/// The service of a good table.
#[track_caller]
fn service<T: Service + Clone>(table: &str) -> T {
    let receiver = Sandbox::new(&format!("{FEED}[receiver.r]\n{table}")).setup().receivers.remove(0);
    receiver.channel.service::<T>().clone()
}

#[test]
fn ntfy_is_checked() {
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'ntfy'\nroom = 'x'"), @r#"
    error: [receiver.r] needs `topic`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `topic`
      |
      = help: write topic = "…": letters, digits, `-` and `_`

    error: `room` has no meaning for kind `ntfy`
      --> supplywatch.toml:11:1
       |
    11 | room = 'x'
       | ^^^^ not for this kind
       |
       = help: `room` belongs to kind `matrix`

    2 errors
    "#);
    insta::assert_snapshot!(
        check_receiver("[receiver.r]\nkind = 'ntfy'\ntopic = 'supply/alerts'\ntoken = 'tk_x'\nusername = 'u'\npassword = 'p'"), @"
    error: both `token` and `username`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ two ways to log in
      |
      = help: keep one of them

    error: `topic` is no name of a topic
      --> supplywatch.toml:11:9
       |
    11 | topic = 'supply/alerts'
       |         ^^^^^^^^^^^^^^^ not a topic
       |
       = help: a topic's name has 1 to 64 letters, digits, `-` and `_`

    2 errors
    ");
    assert_eq!(check_receiver("[receiver.r]\nkind = 'ntfy'\ntopic = 'supply'"), "");
    let open: Ntfy = service("kind = 'ntfy'\ntopic = ' supply-1 '");
    assert_eq!((open.server.url.expose(), open.topic.as_str()), ("https://ntfy.sh", "supply-1"));
    assert!(open.login.is_none());
    let own: Ntfy = service("kind = 'ntfy'\nurl = 'https://n.example'\ntopic = 't'\nusername = 'u'\npassword = 'p'");
    assert!(matches!(own.login, Some(Login::Password(name, password)) if name == "u" && password.expose() == "p"));
    let own: Ntfy = service("kind = 'ntfy'\ntopic = 't'\ntoken = 'tk_x'");
    assert!(matches!(own.login, Some(Login::Token(token)) if token.expose() == "tk_x"));
}

#[test]
fn a_room_is_named_by_its_id() {
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'matrix'"), @r#"
    error: [receiver.r] needs `url`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `url`
      |
      = help: write url = "https://…", or { env = "…" }, { file = "…" }, { credential = "…" }

    error: [receiver.r] needs `token`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `token`
      |
      = help: write token = { env = "…" }; the access token of an account made for this

    error: [receiver.r] needs `room`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `room`
      |
      = help: write room = "!…": the internal id in the room's settings

    3 errors
    "#);
    insta::assert_snapshot!(
        check_receiver("[receiver.r]\nkind = 'matrix'\nurl = 'https://m.example'\ntoken = 'x'\nroom = '#supply:m.example'"), @"
    error: `room` is no room's id
      --> supplywatch.toml:13:8
       |
    13 | room = '#supply:m.example'
       |        ^^^^^^^^^^^^^^^^^^^ not an id
       |
       = help: an id begins with `!`; it is the internal id in the room's settings, not its #address

    1 error
    ");
    // An id since version 12 of rooms.
    let room: Matrix = service("kind = 'matrix'\nurl = 'https://m.example'\ntoken = 'x'\nroom = '!rFaZneWm31'");
    assert_eq!(room.room, "!rFaZneWm31");
}

#[test]
fn a_zulip_bot_writes_to_a_channel() {
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'zulip'\nurl = 'https://z.example'\nuser = 'b@z.example'"), @r#"
    error: [receiver.r] needs `key`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `key`
      |
      = help: write key = { env = "…" }; the bot's API key, from its settings

    error: [receiver.r] needs `channel`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `channel`
      |
      = help: write channel = "…": the channel's name or id

    2 errors
    "#);
    let long = "x".repeat(61);
    let table = format!(
        "[receiver.r]\nkind = 'zulip'\nurl = 'https://z.example'\nuser = 'u'\nkey = 'k'\nchannel = ''\ntopic = '{long}'"
    );
    insta::assert_snapshot!(check_receiver(&table), @"
    error: `channel` is no name of a channel
      --> supplywatch.toml:14:11
       |
    14 | channel = ''
       |           ^^ not a name
       |
       = help: a channel has 1 to 60 characters on one line

    error: `topic` is no name of a topic
      --> supplywatch.toml:15:9
       |
    15 | topic = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'
       |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ not a name
       |
       = help: a topic has 1 to 60 characters on one line

    2 errors
    ");
    let bot: Zulip =
        service("kind = 'zulip'\nurl = 'https://z.example'\nuser = 'u'\nkey = 'k'\nchannel = 'c'\ntopic = 't'");
    assert_eq!((bot.user.as_str(), bot.channel.as_str(), bot.topic.as_deref()), ("u", "c", Some("t")));
}

#[test]
fn who_insists_says_how_often_and_how_long() {
    let told =
        |more: &str| check_receiver(&format!("[receiver.r]\nkind = 'pushover'\ntoken = 't'\nuser = 'u'\n{more}"));
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'pushover'"), @r#"
    error: [receiver.r] needs `token`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `token`
      |
      = help: write token = { env = "…" }; the application's API token

    error: [receiver.r] needs `user`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `user`
      |
      = help: write user = { env = "…" }; the user's or the group's key

    2 errors
    "#);
    insta::assert_snapshot!(told("retry = '60s'"), @"
    error: `retry` without `expire`
      --> supplywatch.toml:13:9
       |
    13 | retry = '60s'
       |         ^^^^^ half of what a message insists by
       |
       = help: write `expire` too, or take `retry` away

    1 error
    ");
    insta::assert_snapshot!(told("retry = '20s'\nexpire = '1h'"), @"
    error: `retry` is too short
      --> supplywatch.toml:13:9
       |
    13 | retry = '20s'
       |         ^^^^^ below 30 s
       |
       = help: Pushover rings every 30 seconds or less often

    1 error
    ");
    insta::assert_snapshot!(told("retry = '1m'\nexpire = '4h'"), @"
    error: `expire` is too long
      --> supplywatch.toml:14:10
       |
    14 | expire = '4h'
       |          ^^^^ above 3 h
       |
       = help: Pushover rings for three hours at most

    1 error
    ");
    let insisting: Pushover = service("kind = 'pushover'\ntoken = 't'\nuser = 'u'\nretry = '1m'\nexpire = '3h'");
    let seconds = |Insists { retry, expire }| (retry.as_secs(), expire.as_secs());
    assert_eq!(insisting.insists.map(seconds), Some((60, 10_800)));
    assert_eq!(insisting.api.url.expose(), "https://api.pushover.net");
}

#[test]
fn gotify_needs_a_server_and_a_token() {
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'gotify'"), @r#"
    error: [receiver.r] needs `url`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `url`
      |
      = help: write url = "https://…", or { env = "…" }, { file = "…" }, { credential = "…" }

    error: [receiver.r] needs `token`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `token`
      |
      = help: write token = { env = "…" }; an application's token, from the server's page

    2 errors
    "#);
    assert_eq!(check_receiver("[receiver.r]\nkind = 'gotify'\nurl = 'https://g.example'\ntoken = 'A.x'"), "");
}

#[test]
fn a_topic_of_telegram_is_a_number() {
    let table = "[receiver.r]\nkind = 'telegram'\ntoken = '42:x'\nchat = '-1001'\ntopic = 'alerts'";
    insta::assert_snapshot!(check_receiver(table), @"
    error: `topic` is no number
      --> supplywatch.toml:13:9
       |
    13 | topic = 'alerts'
       |         ^^^^^^^^ not a topic
       |
       = help: the number is in the link to the topic: t.me/c/1234567890/TOPIC

    1 error
    ");
}
