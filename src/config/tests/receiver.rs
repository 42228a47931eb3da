//! `[receiver.NAME]`.

use super::{FEED, Sandbox, check_receiver};
use crate::notify::{Channel, Receiver};

#[test]
fn what_a_receiver_needs_is_asked_for() {
    insta::assert_snapshot!(check_receiver("[receiver.r]\nurl = 'https://h.example/'"), @r#"
    error: [receiver.r] needs `kind`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `kind`
      |
      = help: write kind = "…": console, webhook, email, slack, teams, discord, mattermost, rocketchat, google-chat, telegram, ntfy, matrix, zulip, pushover, gotify, pagerduty, alertmanager, feishu, dingtalk, wecom, opsgenie

    1 error
    "#);
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'mail'"), @"
    error: `kind` cannot be `mail`
      --> supplywatch.toml:10:8
       |
    10 | kind = 'mail'
       |        ^^^^^^ expected `console`, `webhook`, `email`, `slack`, `teams`, `discord`, `mattermost`, `rocketchat`, `google-chat`, `telegram`, `ntfy`, `matrix`, `zulip`, `pushover`, `gotify`, `pagerduty`, `alertmanager`, `feishu`, `dingtalk`, `wecom` or `opsgenie`
       |
       = help: did you mean `email`?

    1 error
    ");
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'webhook'"), @r#"
    error: [receiver.r] needs `url`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `url`
      |
      = help: write url = "https://…", or { env = "…" }, { file = "…" }, { credential = "…" }

    1 error
    "#);
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'email'"), @r#"
    error: [receiver.r] needs `host`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `host`
      |
      = help: write the mail relay's name: host = "smtp.example"

    error: [receiver.r] needs `from`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `from`
      |
      = help: write the sender: from = "Supply watch <watch@example.com>"

    error: [receiver.r] needs `to`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `to`
      |
      = help: write whom to tell: to = ["desk@example.com"]

    3 errors
    "#);
}

#[test]
fn options_of_another_kind_are_refused() {
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'slack'\nurl = 'https://h.example/'\nsecret = { env = 'A' }\nhost = 'h'"), @"
    error: `secret` has no meaning for kind `slack`
      --> supplywatch.toml:12:1
       |
    12 | secret = { env = 'A' }
       | ^^^^^^ not for this kind
       |
       = help: `secret` belongs to kind `webhook`, `feishu` and `dingtalk`

    error: `host` has no meaning for kind `slack`
      --> supplywatch.toml:13:1
       |
    13 | host = 'h'
       | ^^^^ not for this kind
       |
       = help: `host` belongs to kind `email`

    2 errors
    ");
}

#[test]
fn posts_go_to_public_https_addresses() {
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'webhook'\nurl = 'hooks.example/in'"), @r#"
    error: the address has no scheme
      --> supplywatch.toml:11:7
       |
    11 | url = "<secret>"
       |       ^^^^^^^^^^ expected https://…
       |
       = help: write the whole address, such as https://host.example/path

    1 error
    "#);
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'webhook'\nurl = 'http://127.0.0.1:8080/in'"), @r#"
    error: the address is plain http
      --> supplywatch.toml:11:7
       |
    11 | url = "<secret>"
       |       ^^^^^^^^^^ http://127.0.0.1 is not encrypted
       |
       = help: use https://, or allow it with `insecure = true`

    error: the address is not on the public internet
      --> supplywatch.toml:11:7
       |
    11 | url = "<secret>"
       |       ^^^^^^^^^^ 127.0.0.1 is this machine or a private network
       |
       = help: allow it with `allow_private = true`

    2 errors
    "#);
    assert_eq!(
        check_receiver(
            "[receiver.r]\nkind = 'webhook'\nurl = 'http://127.0.0.1:8080/in'\ninsecure = true\nallow_private = true"
        ),
        ""
    );
}

#[test]
fn a_signing_secret_is_checked() {
    let secret = |secret: &str| {
        check_receiver(&format!("[receiver.r]\nkind = 'webhook'\nurl = 'https://h.example/'\nsecret = '{secret}'"))
    };
    insta::assert_snapshot!(secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), @r#"
    error: `secret` does not begin with `whsec_`
      --> supplywatch.toml:12:10
       |
    12 | secret = "<secret>"
       |          ^^^^^^^^^^ not a signing secret
       |
       = help: a secret is `whsec_` and 24 to 64 random bytes in base64: whsec_$(openssl rand -base64 32)

    1 error
    "#);
    insta::assert_snapshot!(secret("whsec_???"), @r#"
    error: `secret` is not base64 after `whsec_`
      --> supplywatch.toml:12:10
       |
    12 | secret = "<secret>"
       |          ^^^^^^^^^^ not a signing secret
       |
       = help: a secret is `whsec_` and 24 to 64 random bytes in base64: whsec_$(openssl rand -base64 32)

    1 error
    "#);
    insta::assert_snapshot!(secret("whsec_dGVzdA=="), @r#"
    warning: `secret` has 4 bytes, which is short for a signing key
      --> supplywatch.toml:12:10
       |
    12 | secret = "<secret>"
       |          ^^^^^^^^^^ weak
       |
       = help: a secret is `whsec_` and 24 to 64 random bytes in base64: whsec_$(openssl rand -base64 32)
    "#);
    assert_eq!(secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "");
}

#[test]
fn mail_is_checked() {
    let mail = |more: &str| {
        check_receiver(&format!(
            "[receiver.r]\nkind = 'email'\nhost = 'smtp.example.com'\nfrom = 'a@b.example'\nto = 'c@d.example'\n{more}"
        ))
    };
    insta::assert_snapshot!(mail("tls = 'none'\nport = 70000\nusername = 'u'"), @r#"
    error: mail would travel without encryption
      --> supplywatch.toml:14:7
       |
    14 | tls = 'none'
       |       ^^^^^^ not encrypted
       |
       = help: use "starttls" or "implicit", or allow it with `insecure = true`

    error: `port` cannot be 70000
      --> supplywatch.toml:15:8
       |
    15 | port = 70000
       |        ^^^^^ expected 1 to 65535

    error: `username` without `password`
      --> supplywatch.toml:16:1
       |
    16 | username = "<secret>"
       | ^^^^^^^^ half a login
       |
       = help: write `password` too, or take `username` away

    3 errors
    "#);
    insta::assert_snapshot!(mail("tls = 'ssl'\nhello = 'a b'\nca_file = 'none.pem'"), @r#"
    error: `tls` cannot be `ssl`
      --> supplywatch.toml:14:7
       |
    14 | tls = 'ssl'
       |       ^^^^^ expected `implicit`, `starttls` or `none`

    error: `hello` cannot be `a b`
      --> supplywatch.toml:15:9
       |
    15 | hello = 'a b'
       |         ^^^^^ expected a host's name
       |
       = help: write the name alone, such as "smtp.example.com"

    error: `none.pem` cannot be read: No such file or directory (os error 2)
      --> supplywatch.toml:16:11
       |
    16 | ca_file = 'none.pem'
       |           ^^^^^^^^^^ named here

    3 errors
    "#);
    assert_eq!(mail("tls = 'none'\ninsecure = true\nallow_private = true"), "");
}

/// A mail receiver that signs, with this in its table.
fn signing(dkim: &str) -> Sandbox {
    let mail = "kind = 'email'\nhost = 'smtp.example.com'\nfrom = 'a@b.example'\nto = 'c@d.example'";
    let rule = "[rule.r]\nseries = {}\nwhen = 'declines >= 2'\nnotify = ['r']\n";
    let key = include_str!("../../notify/testdata/dkim-ed25519.pem");
    let short = include_str!("../../notify/testdata/dkim-short.pem");
    let sandbox = Sandbox::new(&format!("{FEED}{rule}[receiver.r]\n{mail}\ndkim = {{ {dkim} }}\n"));
    sandbox.with("dkim.pem", key).with("short.pem", short)
}

#[test]
fn what_signing_needs_is_asked_for() {
    insta::assert_snapshot!(signing("key = { file = 'none.pem' }").told(), @r#"
    error: [receiver.r.dkim] needs `domain`
      --> supplywatch.toml:14:1
       |
    14 | dkim = { key = { file = 'none.pem' } }
       | ^^^^ no `domain`
       |
       = help: write the domain of the sender: domain = "example.com"

    error: [receiver.r.dkim] needs `selector`
      --> supplywatch.toml:14:1
       |
    14 | dkim = { key = { file = 'none.pem' } }
       | ^^^^ no `selector`
       |
       = help: write the key's name in DNS: selector = "supplywatch"

    error: the secret file `none.pem` cannot be read: No such file or directory (os error 2)
      --> supplywatch.toml:14:25
       |
    14 | dkim = { key = { file = 'none.pem' } }
       |                         ^^^^^^^^^^ no secret

    3 errors
    "#);
    insta::assert_snapshot!(signing("domain = 'b', selector = 'a b', key = { file = 'short.pem' }").told(), @r#"
    error: `domain` cannot be `b`
      --> supplywatch.toml:14:19
       |
    14 | dkim = { domain = 'b', selector = 'a b', key = { file = 'short.pem' } }
       |                   ^^^ expected a domain
       |
       = help: write the part after the sender's `@`, such as "example.com"

    error: `selector` cannot be `a b`
      --> supplywatch.toml:14:35
       |
    14 | dkim = { domain = 'b', selector = 'a b', key = { file = 'short.pem' } }
       |                                   ^^^^^ expected a name in DNS
       |
       = help: letters, digits, `-` and `.`, such as "supplywatch"

    error: the key is neither RSA of 2048 to 4096 bits nor Ed25519
      --> supplywatch.toml:14:48
       |
    14 | dkim = { domain = 'b', selector = 'a b', key = { file = 'short.pem' } }
       |                                                ^^^^^^^^^^^^^^^^^^^^^^ no key to sign with
       |
       = help: make one with: openssl genrsa -out dkim.pem 2048

    3 errors
    "#);
}

#[test]
fn a_key_that_cannot_sign_is_refused_and_not_shown() {
    insta::assert_snapshot!(signing("domain = 'b.example', selector = 's', key = 'hunter22'").told(), @r#"
    error: there is no private key in PEM form (-----BEGIN PRIVATE KEY-----)
      --> supplywatch.toml:14:54
       |
    14 | dkim = { domain = 'b.example', selector = 's', key = "<secret>" }
       |                                                      ^^^^^^^^^^ no key to sign with
       |
       = help: make one with: openssl genrsa -out dkim.pem 2048

    1 error
    "#);
    let open = signing("domain = 'b.example', selector = 's', key = { file = 'dkim.pem' }").mode("dkim.pem", 0o644);
    insta::assert_snapshot!(open.told(), @"
    error: the secret file `dkim.pem` is open to every user of this machine
      --> supplywatch.toml:14:63
       |
    14 | dkim = { domain = 'b.example', selector = 's', key = { file = 'dkim.pem' } }
       |                                                               ^^^^^^^^^^ no secret
       |
       = help: take the others' permissions away: chmod o= FILE

    1 error
    ");
    insta::assert_snapshot!(signing("domain = 'else.example', selector = 's', key = { file = 'dkim.pem' }").told(), @"
    warning: `else.example` signs for a sender of `b.example`
      --> supplywatch.toml:14:19
       |
    14 | dkim = { domain = 'else.example', selector = 's', key = { file = 'dkim.pem' } }
       |                   ^^^^^^^^^^^^^^ another domain than the sender's
       |
       = help: those who check mails by DMARC look at the signature of the sender's own domain alone
    ");
    for domain in ["b.example", "B.example", "example.b.example"] {
        assert_eq!(
            signing(&format!("domain = '{domain}', selector = 's.t', key = {{ file = 'dkim.pem' }}")).told(),
            ""
        );
    }
}

#[test]
fn mail_addresses_are_checked() {
    insta::assert_snapshot!(
        check_receiver("[receiver.r]\nkind = 'email'\nhost = 'smtp://h'\nfrom = \"a\\r\\nBcc: x <a@b.example>\"\nto = ['c', 'd@e.example', 'f@']"), @r#"
    error: `host` cannot be `smtp://h`
      --> supplywatch.toml:11:8
       |
    11 | host = 'smtp://h'
       |        ^^^^^^^^^^ expected a host's name
       |
       = help: write the name alone, such as "smtp.example.com"

    error: `a\u{d}\u{a}Bcc: x <a@b.example>` is no mail address
      --> supplywatch.toml:12:8
       |
    12 | from = "a\r\nBcc: x <a@b.example>"
       |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^ a line break or another control character
       |
       = help: write "desk@example.com" or "The desk <desk@example.com>"

    error: `c` is no mail address
      --> supplywatch.toml:13:7
       |
    13 | to = ['c', 'd@e.example', 'f@']
       |       ^^^ not an address
       |
       = help: write "desk@example.com" or "The desk <desk@example.com>"

    error: `f@` is no mail address
      --> supplywatch.toml:13:27
       |
    13 | to = ['c', 'd@e.example', 'f@']
       |                           ^^^^ not an address
       |
       = help: write "desk@example.com" or "The desk <desk@example.com>"

    4 errors
    "#);
}

#[test]
fn patience_is_a_time() {
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'console'\ngive_up_after = '72'\ncolor = 'always'"), @r#"
    error: `give_up_after` cannot be `72`
      --> supplywatch.toml:11:17
       |
    11 | give_up_after = '72'
       |                 ^^^^ expected a time such as 90s, 15m, 72h or 3d
       |
       = help: a time has a unit: s, m, h or d

    error: `color` cannot be `always`
      --> supplywatch.toml:12:9
       |
    12 | color = 'always'
       |         ^^^^^^^^ expected `auto`, `true`, `never` or `false`

    2 errors
    "#);
}

fn receiver(table: &str, files: &[(&str, &str)]) -> Receiver {
    let sandbox = Sandbox::new(&format!("{FEED}[receiver.r]\n{table}"));
    let sandbox = files.iter().fold(sandbox, |sandbox, (name, contents)| sandbox.with(name, contents));
    sandbox.setup().receivers.remove(0)
}

#[test]
fn every_option_arrives() {
    let pem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
    let table = "kind = 'email'\nhost = 'smtp.example.com'\nport = 2525\ntls = 'starttls'\nusername = 'u'\npassword = 'p'\nfrom = 'Watch <a@b.example>'\nto = ['c@d.example', 'E <e@f.example>']\nhello = 'b.example'\nca_file = 'ca.pem'\ngive_up_after = '1h30m'\ndkim = { domain = 'bücher.example', selector = 'S1', key = { file = 'key.pem' } }";
    let key = include_str!("../../notify/testdata/dkim-ed25519.pem");
    let mail = receiver(table, &[("ca.pem", pem), ("key.pem", key)]);
    assert_eq!(mail.policy.give_up_after.as_secs(), 5400);
    let Channel::Email(mail) = mail.channel else { panic!("expected mail") };
    assert_eq!((mail.host.as_str(), mail.port, mail.hello.as_deref()), ("smtp.example.com", 2525, Some("b.example")));
    assert_eq!(mail.login.map(|(name, password)| (name, password.expose().to_owned())), Some(("u".into(), "p".into())));
    assert_eq!(mail.from.to_string(), "Watch <a@b.example>");
    assert_eq!(mail.to.len(), 2);
    assert_eq!(mail.ca_pem.as_deref(), Some(pem.as_bytes()));
    assert_eq!(mail.dkim.unwrap().record_name(), "s1._domainkey.xn--bcher-kva.example");

    let slack = receiver("kind = 'slack'\nurl = 'https://hooks.slack.com/services/T/B/x'", &[]);
    let slack: &crate::notify::slack::Slack = slack.channel.service();
    assert_eq!(slack.endpoint.url.expose(), "https://hooks.slack.com/services/T/B/x");
    assert!(slack.bot.is_none());

    for (color, expected) in
        [("", true), ("color = 'auto'", true), ("color = 'never'", false), ("color = false", false)]
    {
        let Channel::Console(console) = receiver(&format!("kind = 'console'\n{color}"), &[]).channel else { panic!() };
        assert_eq!(console.colour, expected, "{color}");
    }
}

#[test]
fn the_port_follows_the_protection() {
    use crate::notify::email::Tls;
    for (more, port, tls) in [
        ("", 587, Tls::StartTls),
        ("port = 465", 465, Tls::Implicit),
        ("tls = 'implicit'", 465, Tls::Implicit),
        ("port = 465\ntls = 'starttls'", 465, Tls::StartTls),
        ("tls = 'none'\ninsecure = true", 25, Tls::None),
    ] {
        let mail =
            receiver(&format!("kind = 'email'\nhost = 'h'\nfrom = 'a@b.example'\nto = 'c@d.example'\n{more}"), &[]);
        let Channel::Email(mail) = mail.channel else { panic!("expected mail") };
        assert_eq!((mail.port, mail.tls), (port, tls), "{more}");
    }
}

#[test]
fn a_receiver_that_nobody_tells_is_doubtful() {
    insta::assert_snapshot!(super::check(&format!("{FEED}[receiver.r]\nkind = 'console'")), @"
    warning: no rule, feed or route notifies receiver `r`
     --> supplywatch.toml:5:11
      |
    5 | [receiver.r]
      |           ^ never told
    ");
}

#[test]
fn retired_connectors_are_refused() {
    for address in ["https://x.webhook.office.com/webhookb2/a", "https://outlook.office.com/webhook/a"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(check_receiver(&format!("[receiver.r]\nkind = 'teams'\nurl = '{address}'")), @r#"
            error: this is an address of Office 365 connectors, which Microsoft has retired
              --> supplywatch.toml:11:7
               |
            11 | url = "<secret>"
               |       ^^^^^^^^^^ it takes no messages any more
               |
               = help: make a workflow in Teams ("Send webhook alerts to a channel") and give its address to a receiver of kind = "teams"

            1 error
            "#);
        }
    }
}

#[test]
fn a_workflow_keeps_its_address() {
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'teams'\nurl = 'https://hooks.example/in'"), @r#"
    warning: this is no workflow's address
      --> supplywatch.toml:11:7
       |
    11 | url = "<secret>"
       |       ^^^^^^^^^^ not a host of Power Automate
       |
       = help: in Teams, a channel's menu has Workflows: "Send webhook alerts to a channel" gives an address
    "#);
    let url = "https://a.1.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/ab/triggers/\
               manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=a-B_c";
    assert_eq!(check_receiver(&format!("[receiver.r]\nkind = 'teams'\nurl = '{url}'")), "");
    let teams = receiver(&format!("kind = 'teams'\nurl = '{url}'"), &[]);
    let teams: &crate::notify::teams::Teams = teams.channel.service();
    // The port is that of https anyway.
    assert_eq!(teams.endpoint.url.expose(), url.replace(":443", ""));
}

#[test]
fn a_bot_of_slack_needs_a_channel() {
    let slack = |more: &str| check_receiver(&format!("[receiver.r]\nkind = 'slack'\n{more}"));
    insta::assert_snapshot!(slack("token = 'xoxb-1'"), @r#"
    error: [receiver.r] needs `channel`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `channel`
      |
      = help: write channel = "C0123456789", and invite the app to it

    1 error
    "#);
    insta::assert_snapshot!(slack("channel = 'C1'\nurl = 'https://hooks.slack.com/services/T/B/x'"), @"
    error: `channel` without `token`
      --> supplywatch.toml:11:11
       |
    11 | channel = 'C1'
       |           ^^^^ a webhook does not read it
       |
       = help: an incoming webhook has one channel; a bot posts where it is told: write `token` too

    1 error
    ");
    let receiver = receiver("kind = 'slack'\ntoken = 'xoxb-1'\nchannel = ' C1 '", &[]);
    let slack: &crate::notify::slack::Slack = receiver.channel.service();
    let bot = slack.bot.as_ref().unwrap();
    assert_eq!(slack.endpoint.url.expose(), "https://slack.com");
    assert_eq!((bot.channel.as_str(), bot.token.expose()), ("C1", "xoxb-1"));
}

#[test]
fn a_thread_of_discord_is_a_number() {
    let url = "url = 'https://discord.com/api/webhooks/1/x'";
    insta::assert_snapshot!(check_receiver(&format!("[receiver.r]\nkind = 'discord'\n{url}\nthread = '#general'")), @r#"
    error: `thread` is no id of a thread
      --> supplywatch.toml:12:10
       |
    12 | thread = '#general'
       |          ^^^^^^^^^^ expected digits
       |
       = help: in Discord's developer mode, the menu of a thread copies its id: thread = "1234567890"

    1 error
    "#);
    let receiver = receiver(&format!("kind = 'discord'\n{url}\nthread = '42'"), &[]);
    let discord: &crate::notify::discord::Discord = receiver.channel.service();
    assert_eq!(discord.thread.as_deref(), Some("42"));
}

#[test]
fn chat_tools_take_a_channel_where_they_can() {
    let table = |kind: &str| format!("kind = '{kind}'\nurl = 'https://chat.example/hooks/x'\nchannel = 'alerts'");
    let mattermost = receiver(&table("mattermost"), &[]);
    let mattermost: &crate::notify::mattermost::Mattermost = mattermost.channel.service();
    assert_eq!(mattermost.channel.as_deref(), Some("alerts"));
    let rocketchat = receiver(&table("rocketchat"), &[]);
    let rocketchat: &crate::notify::rocketchat::RocketChat = rocketchat.channel.service();
    assert_eq!(rocketchat.channel.as_deref(), Some("alerts"));
    assert!(check_receiver(&format!("[receiver.r]\n{}", table("google-chat"))).contains("`channel` has no meaning"));
}
