//! `quiet` of a receiver, `escalate` of rules and routes.

use super::{FEED, Sandbox, check, check_receiver};
use crate::rule::Severity;

#[test]
fn quiet_hours_have_a_clock() {
    insta::assert_snapshot!(check_receiver(
        "[receiver.r]\nkind = 'console'\nquiet = { from = '22', until = '07:00', timezone = 'Berlin', days = ['sat', 'holiday'], except = 'bad' }"
    ), @r#"
    error: [receiver.r.quiet] needs `to`
      --> supplywatch.toml:11:1
       |
    11 | quiet = { from = '22', until = "<secret>", timezone = 'Berlin', days = ['sat', 'holiday'], except = 'bad' }
       | ^^^^^ no `to`
       |
       = help: write when it ends: to = "07:00"

    error: `from` cannot be `22`
      --> supplywatch.toml:11:18
       |
    11 | quiet = { from = '22', until = "<secret>", timezone = 'Berlin', days = ['sat', 'holiday'], except = 'bad' }
       |                  ^^^^ expected a time such as 22:00
       |
       = help: hours from 00 to 23 and minutes

    error: unknown key `until` in [receiver.r.quiet]
      --> supplywatch.toml:11:24
       |
    11 | quiet = { from = '22', until = "<secret>", timezone = 'Berlin', days = ['sat', 'holiday'], except = 'bad' }
       |                        ^^^^^ unknown
       |
       = help: [receiver.r.quiet] takes `from`, `to`, `timezone`, `days` and `except`

    error: there is no time zone `Berlin`
      --> supplywatch.toml:11:55
       |
    11 | quiet = { from = '22', until = "<secret>", timezone = 'Berlin', days = ['sat', 'holiday'], except = 'bad' }
       |                                                       ^^^^^^^^ unknown
       |
       = help: did you mean `Europe/Berlin`?

    error: there is no day `holiday`
      --> supplywatch.toml:11:80
       |
    11 | quiet = { from = '22', until = "<secret>", timezone = 'Berlin', days = ['sat', 'holiday'], except = 'bad' }
       |                                                                                ^^^^^^^^^ expected mon, tue, wed, thu, fri, sat or sun

    error: `except` cannot be `bad`
      --> supplywatch.toml:11:101
       |
    11 | quiet = { from = '22', until = "<secret>", timezone = 'Berlin', days = ['sat', 'holiday'], except = 'bad' }
       |                                                                                                     ^^^^^ expected `info`, `warning` or `critical`

    6 errors
    "#);
    insta::assert_snapshot!(check_receiver("[receiver.r]\nkind = 'console'\nquiet = { from = '00:00', to = '00:00', timezone = 'UTC' }"), @r#"
    error: these quiet hours never end
      --> supplywatch.toml:11:1
       |
    11 | quiet = { from = '00:00', to = '00:00', timezone = 'UTC' }
       | ^^^^^ from then to then, every day
       |
       = help: say on which days, such as days = ["sat", "sun"], or another time

    1 error
    "#);
    let table = "[receiver.r]\nkind = 'console'\nquiet = { from = '22:00', to = '07:00', timezone = 'Europe/Berlin', days = ['sat', 'Sunday'], except = 'critical' }";
    let sandbox =
        Sandbox::new(&format!("{FEED}[rule.r]\nseries = {{}}\nwhen = 'declines >= 2'\nnotify = ['r']\n{table}"));
    let quiet = sandbox.setup().receivers[0].policy.quiet.unwrap();
    assert_eq!((quiet.days, quiet.except), ([false, false, false, false, false, true, true], Some(Severity::Critical)));
}

#[test]
fn an_escalation_names_a_time_and_somebody() {
    let rule = "[rule.r]\nseries = {}\nwhen = 'declines >= 2'\nnotify = ['r']\n[receiver.r]\nkind = 'console'\n";
    insta::assert_snapshot!(check(&format!("{FEED}{}", rule.replace("when", "escalate = { after = 'soon' }\nwhen"))), @r#"
    error: [rule.r.escalate] needs `notify`
     --> supplywatch.toml:7:1
      |
    7 | escalate = { after = 'soon' }
      | ^^^^^^^^ no `notify`
      |
      = help: write who is told then: notify = ["RECEIVER"]

    error: `after` cannot be `soon`
     --> supplywatch.toml:7:22
      |
    7 | escalate = { after = 'soon' }
      |                      ^^^^^^ expected a time such as 90s, 15m, 72h or 3d
      |
      = help: a time has a unit: s, m, h or d

    2 errors
    "#);
    insta::assert_snapshot!(check(&format!("{FEED}{rule}[[route]]\nnotify = 'r'\nescalate = {{ notify = 'phone' }}\n")), @r#"
    error: [route.escalate] needs `after`
      --> supplywatch.toml:13:1
       |
    13 | escalate = { notify = 'phone' }
       | ^^^^^^^^ no `after`
       |
       = help: write how long it waits: after = "4h"

    error: there is no receiver `phone`
      --> supplywatch.toml:13:23
       |
    13 | escalate = { notify = 'phone' }
       |                       ^^^^^^^ unknown
       |
       = help: the receivers are `r`

    2 errors
    "#);
}
