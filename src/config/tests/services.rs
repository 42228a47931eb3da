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
