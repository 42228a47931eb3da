//! `[receiver.NAME]` of the kinds that write to services for incidents and to the work chats of China.

use super::{FEED, Sandbox, check_receiver};
use crate::notify::{Channel, Receiver};

fn receiver(table: &str) -> Receiver {
    Sandbox::new(&format!("{FEED}[receiver.r]\n{table}")).setup().receivers.remove(0)
}

fn channel(table: &str) -> Channel {
    receiver(table).channel
}

#[test]
fn alertmanager_may_be_several() {
    use crate::notify::alertmanager::Alertmanager;
    let told = channel("kind = 'alertmanager'\nurls = ['https://one.example', 'https://two.example/am/']\nhold = '3d'");
    let service: &Alertmanager = told.service();
    let urls: Vec<&str> = service.others.iter().chain([&service.first]).map(|server| server.url.expose()).collect();
    assert_eq!((urls, service.hold.as_secs()), (vec!["https://two.example/am/", "https://one.example/"], 3 * 86_400));
    let told = channel("kind = 'alertmanager'\nurl = 'https://one.example'");
    assert_eq!(told.service::<Alertmanager>().hold.as_secs(), 35 * 86_400);
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'alertmanager'\nurls = []"), @r#"
    error: `urls` names no server
      --> supplywatch.toml:11:8
       |
    11 | urls = []
       |        ^^ empty
       |
       = help: write urls = ["https://alertmanager.example"]: every server of the cluster

    1 error
    "#);
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'alertmanager'\nhold = '1mo'"), @r#"
    error: [receiver.r] needs `urls`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `urls`
      |
      = help: write urls = ["https://alertmanager.example"]: every server of the cluster

    error: `hold` cannot be `1mo`
      --> supplywatch.toml:11:8
       |
    11 | hold = '1mo'
       |        ^^^^^ expected a time such as 90s, 15m, 72h or 3d
       |
       = help: a time has a unit: s, m, h or d

    2 errors
    "#);
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'alertmanager'\nurls = ['https://one.example', 'http://10.0.0.1:9093']"), @"
    error: the address is plain http
      --> supplywatch.toml:11:32
       |
    11 | urls = ['https://one.example', 'http://10.0.0.1:9093']
       |                                ^^^^^^^^^^^^^^^^^^^^^^ http://10.0.0.1 is not encrypted
       |
       = help: use https://, or allow it with `insecure = true`

    error: the address is not on the public internet
      --> supplywatch.toml:11:32
       |
    11 | urls = ['https://one.example', 'http://10.0.0.1:9093']
       |                                ^^^^^^^^^^^^^^^^^^^^^^ 10.0.0.1 is this machine or a private network
       |
       = help: allow it with `allow_private = true`

    2 errors
    ");
}

#[test]
fn robots_may_have_a_secret_and_a_keyword() {
    use crate::notify::dingtalk::DingTalk;
    use crate::notify::feishu::Feishu;
    use crate::notify::wecom::WeCom;
    let more = "url = 'https://h.example/x?k=1'\nsecret = ' SECx '\nkeyword = ' 告警 '";
    let told = channel(&format!("kind = 'feishu'\n{more}"));
    let feishu: &Feishu = told.service();
    assert_eq!((feishu.secret.as_ref().unwrap().expose(), feishu.keyword.as_deref()), ("SECx", Some("告警")));
    let told = channel(&format!("kind = 'dingtalk'\n{more}"));
    let dingtalk: &DingTalk = told.service();
    assert_eq!((dingtalk.secret.as_ref().unwrap().expose(), dingtalk.keyword.as_deref()), ("SECx", Some("告警")));
    let told = receiver("kind = 'wecom'\nurl = 'https://h.example/x?key=1'");
    assert_eq!(told.channel.service::<WeCom>().endpoint.url.expose(), "https://h.example/x?key=1");
    assert_eq!(told.policy.rate, Some(crate::outbox::Rate::new(20, 60)));
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'dingtalk'\nurl = 'https://h.example/x'\nkeyword = ' '"), @"
    error: `keyword` is no word
      --> supplywatch.toml:12:11
       |
    12 | keyword = ' '
       |           ^^^ expected 1 to 40 characters on one line
       |
       = help: write one of the words that the robot asks for

    1 error
    ");
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'feishu'\nurl = 'https://h.example/x'\nkeyword = \"a\\nb\""), @r#"
    error: `keyword` is no word
      --> supplywatch.toml:12:11
       |
    12 | keyword = "a\nb"
       |           ^^^^^^ expected 1 to 40 characters on one line
       |
       = help: write one of the words that the robot asks for

    1 error
    "#);
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'wecom'\nsecret = 'x'"), @r#"
    error: [receiver.r] needs `url`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `url`
      |
      = help: write url = "https://…", or { env = "…" }, { file = "…" }, { credential = "…" }

    error: `secret` has no meaning for kind `wecom`
      --> supplywatch.toml:11:1
       |
    11 | secret = "<secret>"
       | ^^^^^^ not for this kind
       |
       = help: `secret` belongs to kind `webhook`, `feishu` and `dingtalk`

    2 errors
    "#);
}

#[test]
fn a_webhook_may_be_of_cloudevents() {
    use crate::notify::webhook::{Format, Webhook};
    let told = |more: &str| channel(&format!("kind = 'webhook'\nurl = 'https://h.example/'\n{more}"));
    assert_eq!(told("").service::<Webhook>().format, Format::Standard);
    assert_eq!(told("format = 'cloudevents'").service::<Webhook>().format, Format::CloudEvents);
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'webhook'\nurl = 'https://h.example/'\nformat = 'cloudevent'"), @"
    error: `format` cannot be `cloudevent`
      --> supplywatch.toml:12:10
       |
    12 | format = 'cloudevent'
       |          ^^^^^^^^^^^^ expected `standard` or `cloudevents`
       |
       = help: did you mean `cloudevents`?

    1 error
    ");
}

#[test]
fn opsgenie_has_an_end() {
    use crate::notify::opsgenie::Opsgenie;
    let told = channel("kind = 'opsgenie'\nkey = '0123'");
    let service: &Opsgenie = told.service();
    assert_eq!((service.api.url.expose(), service.key.expose()), ("https://api.opsgenie.com", "0123"));
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'opsgenie'\nkey = '0123'\nregion = 'eu'"), @"
    warning: Opsgenie's API ends on 5 April 2027
      --> supplywatch.toml:10:8
       |
    10 | kind = 'opsgenie'
       |        ^^^^^^^^^^ will stop to work
       |
       = help: move to another service for incidents before that day: `pagerduty`, or `alertmanager`
    ");
}

#[test]
fn pagerduty_has_a_key_and_a_region() {
    use crate::notify::pagerduty::PagerDuty;
    let channel = channel("kind = 'pagerduty'\nkey = ' 0123 '\nregion = 'eu'");
    let service: &PagerDuty = channel.service();
    assert_eq!((service.api.url.expose(), service.key.expose()), ("https://events.eu.pagerduty.com", "0123"));
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'pagerduty'\nregion = 'asia'"), @r#"
    error: [receiver.r] needs `key`
     --> supplywatch.toml:9:11
      |
    9 | [receiver.r]
      |           ^ no `key`
      |
      = help: write key = { env = "…" }; it is the integration key of an Events API v2 integration of the service

    error: `region` cannot be `asia`
      --> supplywatch.toml:11:10
       |
    11 | region = 'asia'
       |          ^^^^^^ expected `us` or `eu`

    2 errors
    "#);
}
