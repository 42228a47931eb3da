//! `release` of a feed.

use super::Sandbox;

fn feed(frequency: &str, release: &str) -> Sandbox {
    Sandbox::new(&format!(
        "[feed.a]\nkind = 'csv'\npath = 'a.csv'\nfrequency = '{frequency}'\ntimezone = 'Asia/Shanghai'\nrelease = {release}\n"
    ))
}

#[test]
fn a_calendar_says_when_figures_are_due() {
    let setup = feed("month", "{ day = 20, after = '1mo', grace = '5d', skip = [2] }").setup();
    let release = setup.feeds[0].release.as_ref().unwrap();
    let due = |period: &str| release.due(crate::period::Period::parse(period).unwrap()).unwrap().to_string();
    assert_eq!((due("2025-09"), due("2026-01")), ("2025-10-19T16:00:00Z".into(), "2026-03-19T16:00:00Z".into()));
    assert_eq!(release.grace.to_string(), "5d");
    let setup = feed("day", "{ after = '1d', timezone = 'UTC' }").setup();
    let release = setup.feeds[0].release.as_ref().unwrap();
    assert_eq!((release.zone, release.grace.to_string().as_str()), (chrono_tz::UTC, "3d"));
    let without = feed("month", "{ after = '1mo' }").setup();
    assert_eq!(without.feeds[0].release.as_ref().unwrap().day, None);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, not a procedure")]
fn a_wrong_calendar_is_told_in_full() {
    let told = |frequency: &str, release: &str| feed(frequency, release).told();
    insta::assert_snapshot!(told("month", "{ day = 32, grace = '3', skip = [2, 13], timezone = 'Shanghai', month = 1 }"), @r#"
    error: [feed.a.release] needs `after`
     --> supplywatch.toml:6:1
      |
    6 | release = { day = 32, grace = '3', skip = [2, 13], timezone = 'Shanghai', month = "<secret>" }
      | ^^^^^^^ no `after`
      |
      = help: write how long after its period a figure is due, such as after = "1mo"

    error: there is no day 32 in any month
     --> supplywatch.toml:6:19
      |
    6 | release = { day = 32, grace = '3', skip = [2, 13], timezone = 'Shanghai', month = "<secret>" }
      |                   ^^ expected 1 to 31
      |
      = help: in a shorter month, its last day is meant

    error: `grace` cannot be `3`
     --> supplywatch.toml:6:31
      |
    6 | release = { day = 32, grace = '3', skip = [2, 13], timezone = 'Shanghai', month = "<secret>" }
      |                               ^^^ expected a time (30d, 2w, 3mo, 1y)

    error: there is no month 13
     --> supplywatch.toml:6:47
      |
    6 | release = { day = 32, grace = '3', skip = [2, 13], timezone = 'Shanghai', month = "<secret>" }
      |                                               ^^ expected 1 to 12
      |
      = help: 2 is February

    error: there is no time zone `Shanghai`
     --> supplywatch.toml:6:63
      |
    6 | release = { day = 32, grace = '3', skip = [2, 13], timezone = 'Shanghai', month = "<secret>" }
      |                                                               ^^^^^^^^^^ unknown
      |
      = help: did you mean `Asia/Shanghai`?

    error: unknown key `month` in [feed.a.release]
     --> supplywatch.toml:6:75
      |
    6 | release = { day = 32, grace = '3', skip = [2, 13], timezone = 'Shanghai', month = "<secret>" }
      |                                                                           ^^^^^ unknown
      |
      = help: [feed.a.release] takes `day`, `after`, `grace`, `skip` and `timezone`

    6 errors
    "#);
    insta::assert_snapshot!(told("month", "{ day = 20, after = '20d', skip = [1,2,3,4,5,6,7,8,9,10,11,12] }"), @r#"
    error: `after` cannot be `20d` where there is a `day`
     --> supplywatch.toml:6:31
      |
    6 | release = { day = 20, after = '20d', skip = [1,2,3,4,5,6,7,8,9,10,11,12] }
      |                               ^^^^^ no number of months
      |
      = help: write the months from the one in which the period ends, such as "1mo", or take `day` away

    error: every month is skipped
     --> supplywatch.toml:6:45
      |
    6 | release = { day = 20, after = '20d', skip = [1,2,3,4,5,6,7,8,9,10,11,12] }
      |                                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ nothing would ever be due
      |
      = help: leave the months of release out

    2 errors
    "#);
    insta::assert_snapshot!(told("week", "{ day = 20, after = '1mo' }"), @r#"
    error: a figure by week is not due on a day of the month
     --> supplywatch.toml:6:19
      |
    6 | release = { day = 20, after = '1mo' }
      |                   ^^ not for this frequency
      |
      = help: write only `after`, such as after = "1d"

    1 error
    "#);
    insta::assert_snapshot!(told("month", "{ day = 'x', after = 1, skip = 2 }"), @r"
    error: `day` takes a whole number that is not negative, found a string
     --> supplywatch.toml:6:19
      |
    6 | release = { day = 'x', after = 1, skip = 2 }
      |                   ^^^ expected a whole number that is not negative

    error: `after` takes a string, found an integer
     --> supplywatch.toml:6:32
      |
    6 | release = { day = 'x', after = 1, skip = 2 }
      |                                ^ expected a string

    error: `skip` takes a list of whole numbers, found an integer
     --> supplywatch.toml:6:42
      |
    6 | release = { day = 'x', after = 1, skip = 2 }
      |                                          ^ expected a list of whole numbers

    3 errors
    ");
}
