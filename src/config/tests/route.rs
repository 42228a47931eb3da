//! `[[route]]`.

use super::{FEED, Sandbox, check};

/// A feed `f` with a column `partner`, a rule `r` that names nobody, two receivers, and routes.
fn routed(routes: &str) -> String {
    let feed = FEED.replace("frequency", "labels = { reporter = 'CN' }\ncolumns = { labels = ['partner'] }\nfrequency");
    format!(
        "{feed}[rule.r]\nseries = {{ feed = 'f' }}\nwhen = 'declines >= 2'\nseverity = 'critical'\n\
         [receiver.a]\nkind = 'console'\n[receiver.b]\nkind = 'console'\n{routes}"
    )
}

#[test]
fn routes_are_kept_in_the_order_of_the_files() {
    let main = routed(
        "[[route]]\nmatch = { partner = ['USA', 'DE'], severity = 'critical' }\nnotify = 'a'\ncontinue = true\n\
         [[route]]\nmatch = { kind = 'data' }\nnotify = ['b']\n[daemon]\ninclude = ['more.toml']\n",
    );
    let sandbox = Sandbox::new(&main).with("more.toml", "\n[[route]]\nnotify = ['a', 'b']\n");
    assert_eq!(sandbox.told(), "");
    let told = sandbox.setup().routes.into_iter().map(|route| {
        format!("{} {}: {} → {:?} {}", route.number, route.at, route.matcher, route.notify, route.goes_on)
    });
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @r#"
    1 supplywatch.toml:15: partner=US,DE severity=critical → ["a"] true
    2 supplywatch.toml:19: kind=data → ["b"] false
    3 more.toml:2: everything → ["a", "b"] false
    "#);
}

#[test]
fn what_is_wrong_with_a_route_is_told_where_it_stands() {
    insta::assert_snapshot!(check(&routed(
        "[[route]]\nmatch = { severity = 'crit', hs = ['8505*', '[8'], partner = [] }\nnotify = ['c']\nkontinue = true\n\
         [[route]]\nmatch = 'US'\n"
    )), @r#"
    error: no alert has the severity `crit`; did you mean `critical`?
      --> supplywatch.toml:16:22
       |
    16 | match = { severity = 'crit', hs = ['8505*', '[8'], partner = [] }
       |                      ^^^^^^ means nothing
       |
       = help: write a value, a glob such as "8505*", or "!CN" for all but one

    error: `[8` is no pattern: unclosed character class; missing ']'
      --> supplywatch.toml:16:45
       |
    16 | match = { severity = 'crit', hs = ['8505*', '[8'], partner = [] }
       |                                             ^^^^ means nothing
       |
       = help: write a value, a glob such as "8505*", or "!CN" for all but one

    error: the list of patterns for `partner` is empty
      --> supplywatch.toml:16:62
       |
    16 | match = { severity = 'crit', hs = ['8505*', '[8'], partner = [] }
       |                                                              ^^ nothing is meant
       |
       = help: take it away to mean every value

    error: there is no receiver `c`
      --> supplywatch.toml:17:11
       |
    17 | notify = ['c']
       |           ^^^ unknown
       |
       = help: the receivers are `a` and `b`

    error: unknown key `kontinue` in [route]
      --> supplywatch.toml:18:1
       |
    18 | kontinue = true
       | ^^^^^^^^ unknown
       |
       = help: did you mean `continue`?

    error: [route] needs `notify`
      --> supplywatch.toml:19:1
       |
    19 | [[route]]
       | ^^^^^^^^^ no `notify`
       |
       = help: write notify = ["RECEIVER"]; an empty list keeps what it matches from all others

    error: `match` takes a table, found a string
      --> supplywatch.toml:20:9
       |
    20 | match = 'US'
       |         ^^^^ expected a table

    7 errors
    "#);
}

#[test]
fn a_rule_that_no_route_means_reaches_nobody() {
    insta::assert_snapshot!(check(&routed(
        "[[route]]\nmatch = { severity = 'warning' }\nnotify = ['a', 'b']\n[[route]]\nmatch = { reporter = 'US' }\nnotify = 'a'\n"
    )), @r#"
    warning: rule `r` notifies nobody
     --> supplywatch.toml:7:7
      |
    7 | [rule.r]
      |       ^ no `notify`, and no route means it
      |
      = help: write notify = ["RECEIVER"], or a [[route]]; its alerts are kept all the same

    warning: no alert can take this route
      --> supplywatch.toml:18:1
       |
    18 | [[route]]
       | ^^^^^^^^^ tells of nothing
       |
       = help: no rule and no feed of this config without a `notify` of its own fits its `match`
    "#);
    assert_eq!(
        check(&routed(
            "[[route]]\nmatch = { partner = 'US', reporter = 'CN', feed = 'f', rule = 'r' }\nnotify = ['a', 'b']\n"
        )),
        ""
    );
}

#[test]
fn a_route_that_nothing_takes_is_doubtful() {
    insta::assert_snapshot!(check(&routed("[[route]]\nnotify = ['a', 'b']\n[[route]]\nmatch = { kind = 'data' }\nnotify = 'a'\n")), @"
    warning: no alert comes to this route
      --> supplywatch.toml:17:1
       |
    17 | [[route]]
       | ^^^^^^^^^ never reached
       |
       = help: route 1 above takes them all: put it last, or set continue = true
    ");
    insta::assert_snapshot!(check(&routed("[[route]]\nmatch = { grade = '*' }\nnotify = ['a', 'b']\n[[route]]\nnotify = 'a'\n")), @"
    warning: no alert can take this route
      --> supplywatch.toml:15:1
       |
    15 | [[route]]
       | ^^^^^^^^^ tells of nothing
       |
       = help: no rule and no feed of this config without a `notify` of its own fits its `match`
    ");
}
