//! `digest` and `storm` of a receiver.

use super::{FEED, Sandbox, check_receiver};
use crate::outbox::Rate;
use crate::rule::Severity;

const HOOK: &str = "[receiver.r]\nkind = 'webhook'\nurl = 'https://hooks.example/in'\n";

#[test]
fn a_digest_has_a_time_and_a_storm_a_rate() {
    insta::assert_snapshot!(check_receiver(&format!("{HOOK}digest = '8 o clock'\nstorm = 'on'")), @r#"
    error: `8 o clock` is no schedule
      --> supplywatch.toml:12:10
       |
    12 | digest = '8 o clock'
       |          ^^^^^^^^^^^ expected five fields (minute, hour, day of month, month, day of week), six (second first), seven (year last) or a word such as @daily, found 3
       |
       = help: minute, hour, day of month, month, day of week, such as "0 9 20 * *"; or @daily, @hourly …

    error: `storm` cannot be `on`
      --> supplywatch.toml:13:9
       |
    13 | storm = 'on'
       |         ^^^^ expected a rate or `off`
       |
       = help: write how many messages in which time are told one by one, such as "30/10min", or "off"

    2 errors
    "#);
    insta::assert_snapshot!(
        check_receiver(&format!("{HOOK}digest = {{ timezone = 'Berlin', except = 'bad', days = 'mon' }}")),
        @r#"
    error: [receiver.r.digest] needs `at`
      --> supplywatch.toml:12:1
       |
    12 | digest = { timezone = 'Berlin', except = 'bad', days = "<secret>" }
       | ^^^^^^ no `at`
       |
       = help: write when it goes out: at = "0 8 * * 1-5"

    error: there is no time zone `Berlin`
      --> supplywatch.toml:12:23
       |
    12 | digest = { timezone = 'Berlin', except = 'bad', days = "<secret>" }
       |                       ^^^^^^^^ unknown
       |
       = help: did you mean `Europe/Berlin`?

    error: unknown key `days` in [receiver.r.digest]
      --> supplywatch.toml:12:49
       |
    12 | digest = { timezone = 'Berlin', except = 'bad', days = "<secret>" }
       |                                                 ^^^^ unknown
       |
       = help: [receiver.r.digest] takes `at`, `timezone` and `except`

    3 errors
    "#
    );
    insta::assert_snapshot!(check_receiver(&format!("{HOOK}digest = ['0 8 * * *', '0 18 * * *']")), @r#"
    error: `0 8 * * *, 0 18 * * *` is no schedule
      --> supplywatch.toml:12:10
       |
    12 | digest = ['0 8 * * *', '0 18 * * *']
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^ expected five fields (minute, hour, day of month, month, day of week), six (second first), seven (year last) or a word such as @daily, found 10
       |
       = help: minute, hour, day of month, month, day of week, such as "0 9 20 * *"; or @daily, @hourly …

    1 error
    "#);
}

#[test]
fn who_is_told_each_alert_by_itself_has_neither() {
    insta::assert_snapshot!(
        check_receiver("[receiver.r]\nkind = 'console'\ndigest = '0 8 * * *'\nstorm = 'off'"),
        @r#"
    error: `digest` does not go with kind = "console"
      --> supplywatch.toml:11:1
       |
    11 | digest = '0 8 * * *'
       | ^^^^^^ it is told each alert by itself
       |
       = help: take it away; `quiet` holds messages back, and `rate` slows them down

    error: `storm` does not go with kind = "console"
      --> supplywatch.toml:12:1
       |
    12 | storm = 'off'
       | ^^^^^ it is told each alert by itself
       |
       = help: take it away; `quiet` holds messages back, and `rate` slows them down

    2 errors
    "#
    );
}

#[test]
fn the_clock_is_the_digests_own_or_that_of_quiet_hours_or_the_daemons() {
    let receiver = |more: &str| {
        let config = format!("[daemon]\ntimezone = 'Asia/Tokyo'\n{FEED}{HOOK}{more}");
        let loaded = Sandbox::new(&config).load();
        loaded.map_err(|problems| problems.render(false)).unwrap().setup.receivers.remove(0)
    };
    let zone = |more: &str| receiver(more).digest.unwrap().schedule.zone.name();
    let quiet = "quiet = { from = '22:00', to = '07:00', timezone = 'Europe/Berlin' }\n";
    assert_eq!(zone("digest = '0 8 * * 1-5'"), "Asia/Tokyo");
    assert_eq!(zone(&format!("{quiet}digest = '0 8 * * 1-5'")), "Europe/Berlin");
    assert_eq!(zone(&format!("{quiet}digest = {{ at = '0 8 * * 1-5', timezone = 'UTC' }}")), "UTC");
    let except = receiver("digest = { at = '@daily', except = 'critical' }").digest.unwrap().except;
    assert_eq!(except, Some(Severity::Critical));
    let storm = |more: &str| receiver(more).policy.storm;
    assert_eq!((storm(""), storm("storm = 'off'")), (Some(Rate::new(30, 600)), None));
    assert_eq!(
        (storm("storm = '30/10min'"), storm("storm = '5/h'")),
        (Some(Rate::new(30, 600)), Some(Rate::new(5, 3600)))
    );
    assert_eq!(storm("storm = '5/90s'"), Some(Rate::new(5, 90)));
}
