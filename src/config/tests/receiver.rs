//! `[receiver.NAME]`.

use super::{FEED, Sandbox, check_receiver};
use crate::notify::{Channel, Receiver};

#[test]
fn what_a_receiver_needs_is_asked_for() {
    insta::assert_snapshot!(check_receiver("[receiver.r]\nurl = 'https://h.example/'"), @"");
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'mail'"), @"");
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'webhook'"), @"");
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'email'"), @"");
}

#[test]
fn options_of_another_kind_are_refused() {
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'slack'\nurl = 'https://h.example/'\nsecret = { env = 'A' }\nhost = 'h'"), @"");
}

#[test]
fn posts_go_to_public_https_addresses() {
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'webhook'\nurl = 'hooks.example/in'"), @"");
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'webhook'\nurl = 'http://127.0.0.1:8080/in'"), @"");
    assert_eq!(
        check_receiver("[receiver.r]\nkind = 'webhook'\nurl = 'http://127.0.0.1:8080/in'\ninsecure = true\nallow_private = true"),
        ""
    );
}

#[test]
fn a_signing_secret_is_checked() {
    let secret = |secret: &str| check_receiver(&format!("[receiver.r]\nkind = 'webhook'\nurl = 'https://h.example/'\nsecret = '{secret}'"));
    insta::assert_snapshot!(secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), @"");
    insta::assert_snapshot!(secret("whsec_???"), @"");
    insta::assert_snapshot!(secret("whsec_dGVzdA=="), @"");
    assert_eq!(secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "");
}

#[test]
fn mail_is_checked() {
    let mail = |more: &str| check_receiver(&format!("[receiver.r]\nkind = 'email'\nhost = 'smtp.example.com'\nfrom = 'a@b.example'\nto = 'c@d.example'\n{more}"));
    insta::assert_snapshot!(mail("tls = 'none'\nport = 70000\nusername = 'u'"), @"");
    insta::assert_snapshot!(mail("tls = 'ssl'\nhello = 'a b'\nca_file = 'none.pem'"), @"");
    assert_eq!(mail("tls = 'none'\ninsecure = true"), "");
    insta::assert_snapshot!(
        check_receiver("[receiver.r]\nkind = 'email'\nhost = 'smtp://h'\nfrom = \"a\\r\\nBcc: x <a@b.example>\"\nto = ['c', 'd@e.example', 'f@']"), @"");
}

#[test]
fn patience_is_a_time() {
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'console'\ngive_up_after = '72'\ncolor = 'always'"), @"");
}

fn receiver(table: &str, files: &[(&str, &str)]) -> Receiver {
    let sandbox = Sandbox::new(&format!("{FEED}[receiver.r]\n{table}"));
    let sandbox = files.iter().fold(sandbox, |sandbox, (name, contents)| sandbox.with(name, contents));
    sandbox.setup().receivers.remove(0)
}

#[test]
fn every_option_arrives() {
    let pem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
    let table = "kind = 'email'\nhost = 'smtp.example.com'\nport = 2525\ntls = 'starttls'\nusername = 'u'\npassword = 'p'\nfrom = 'Watch <a@b.example>'\nto = ['c@d.example', 'E <e@f.example>']\nhello = 'b.example'\nca_file = 'ca.pem'\ngive_up_after = '1h30m'";
    let mail = receiver(table, &[("ca.pem", pem)]);
    assert_eq!(mail.policy.give_up_after.as_secs(), 5400);
    let Channel::Email(mail) = mail.channel else { panic!("expected mail") };
    assert_eq!((mail.host.as_str(), mail.port, mail.hello.as_deref()), ("smtp.example.com", 2525, Some("b.example")));
    assert_eq!(mail.login.map(|(name, password)| (name, password.expose().to_owned())), Some(("u".into(), "p".into())));
    assert_eq!(mail.from.to_string(), "Watch <a@b.example>");
    assert_eq!(mail.to.len(), 2);
    assert_eq!(mail.ca_pem.as_deref(), Some(pem.as_bytes()));

    let slack = receiver("kind = 'slack'\nurl = 'https://hooks.slack.com/services/T/B/x'", &[]);
    let Channel::Slack(slack) = slack.channel else { panic!("expected slack") };
    assert_eq!(slack.endpoint.url.expose(), "https://hooks.slack.com/services/T/B/x");

    for (color, expected) in [("", true), ("color = 'auto'", true), ("color = 'never'", false), ("color = false", false)] {
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
        let mail = receiver(&format!("kind = 'email'\nhost = 'h'\nfrom = 'a@b.example'\nto = 'c@d.example'\n{more}"), &[]);
        let Channel::Email(mail) = mail.channel else { panic!("expected mail") };
        assert_eq!((mail.port, mail.tls), (port, tls), "{more}");
    }
}

#[test]
fn a_receiver_that_nobody_tells_is_doubtful() {
    insta::assert_snapshot!(super::check(&format!("{FEED}[receiver.r]\nkind = 'console'")), @r#"
    warning: no rule notifies receiver `r`
     --> supplywatch.toml:5:11
      |
    5 | [receiver.r]
      |           ^ never told
    "#);
}
