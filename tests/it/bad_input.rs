//! What publishers get wrong: each mistake has its own clear words, the other feeds go on, and what is
//! stored stays as it was.

use super::http::Answer;
use super::publisher::{Publisher, gzip};
use super::sandbox::{Ended, Sandbox};
use super::scene::{BETTER, DESK, MAGNETS, WORSE, figures, file_feed, once, rule, url_feed};

/// Two feeds, each with a rule that fires: `bad`, whose config may have more options, and `good`.
struct World {
    sandbox: Sandbox,
}

impl World {
    /// Both feeds from files, pulled once.
    fn of_files(more: &str) -> Self {
        let bad = file_feed("bad").replacen('\n', &format!("\n{more}\n"), 1);
        let world = Self::new(&bad);
        world.sandbox.write("config/bad.csv", MAGNETS);
        world.begin();
        world
    }

    /// `bad` from a publisher, pulled once.
    fn of_publisher(publisher: &Publisher, more: &str) -> Self {
        publisher.publish("/bad.csv", [Answer::ok(MAGNETS)]);
        let world = Self::new(&url_feed("bad", &publisher.url("/bad.csv"), more));
        world.begin();
        world
    }

    fn new(bad: &str) -> Self {
        let rules = [rule("bad", &["desk"]), rule("good", &["desk"])].concat();
        Self { sandbox: Sandbox::with_config(&format!("{bad}{}{rules}{DESK}", file_feed("good"))) }
    }

    #[track_caller]
    fn begin(&self) {
        self.sandbox.write("config/good.csv", MAGNETS);
        once(&self.sandbox, 0).says(&["2 alerts changed", "feed bad: 3 new"]);
    }

    /// Pulls again, `good` with a month more: `bad` fails in these words, `good` goes on, and nothing
    /// of `bad` is lost.
    #[track_caller]
    fn fails(&self, phrases: &[&str]) -> Ended {
        self.sandbox.write("config/good.csv", format!("{MAGNETS}{WORSE}"));
        let ended = once(&self.sandbox, 1);
        ended.says(&["feed bad: ", "earlier data stand: "]).says(phrases);
        ended.says(&["feed good: 1 new, 0 revised, 3 unchanged", "1 alert changed, 1 message delivered"]);
        self.is_intact();
        ended
    }

    #[track_caller]
    fn is_intact(&self) {
        let expected = [("2025-07", 619.0), ("2025-08", 590.0), ("2025-09", 420.5)];
        assert_eq!(figures(&self.sandbox, "bad-falling"), expected.map(|(period, value)| (period.to_owned(), value)));
    }

    /// `bad` is a file again that says more, and the alert goes on from where it stood.
    #[track_caller]
    fn recovers(&self) {
        self.sandbox.write("config/bad.csv", format!("{MAGNETS}{BETTER}"));
        once(&self.sandbox, 0).says(&["feed bad: 1 new, 0 revised, 3 unchanged", "656 t", "1 alert changed"]);
    }
}

/// A file that is set aside whole, and the words for it.
#[track_caller]
fn set_aside(body: impl AsRef<[u8]>, more: &str, phrases: &[&str]) {
    let world = World::of_files(more);
    world.sandbox.write("config/bad.csv", body);
    world.fails(phrases);
    world.recovers();
}

/// A file whose last row is refused with these words, while all others stand.
#[track_caller]
fn refuses(row: &str, phrases: &[&str]) {
    let world = World::of_files("");
    world.sandbox.write("config/bad.csv", format!("{MAGNETS}{BETTER}{row}\n"));
    let ended = once(&world.sandbox, 0);
    ended.says(&["feed bad: 1 new, 0 revised, 3 unchanged, 1 row refused", "  refused row "]).says(phrases);
    ended.says(&["656 t"]);

    let strict = World::of_files("strict = true");
    strict.sandbox.write("config/bad.csv", format!("{MAGNETS}{BETTER}{row}\n"));
    strict.fails(&["feed bad: set aside", "1 row of", "max_refused"]).says(phrases);
    strict.recovers();
}

#[test]
fn a_missing_file_fails_its_feed_alone() {
    let world = World::of_files("");
    std::fs::remove_file(world.sandbox.path("config/bad.csv")).unwrap();
    world.fails(&["feed bad: failed", "config/bad.csv", "there is no such file"]);
    world.recovers();
}

#[test]
fn a_directory_in_the_place_of_a_file_fails_its_feed_alone() {
    let world = World::of_files("");
    std::fs::remove_file(world.sandbox.path("config/bad.csv")).unwrap();
    std::fs::create_dir(world.sandbox.path("config/bad.csv")).unwrap();
    world.fails(&["feed bad: failed", "config/bad.csv", "directory"]);
    std::fs::remove_dir(world.sandbox.path("config/bad.csv")).unwrap();
    world.recovers();
}

#[test]
fn an_empty_file_is_set_aside() {
    set_aside("", "", &["empty"]);
}

#[test]
fn a_header_alone_is_set_aside() {
    set_aside("period,partner,tonnes\n", "", &["there are no rows after the header"]);
}

#[test]
fn a_column_that_is_not_there_is_named_with_those_that_are() {
    let renamed = MAGNETS.replace("tonnes", "quantity");
    set_aside(renamed, "", &["feed bad: set aside", "`tonnes`", "`period`, `partner` and `quantity`"]);
}

#[test]
fn a_period_that_cannot_be_read_is_told_with_its_row_and_column() {
    refuses("2025-13,DE,5", &["row 6", "`period`", "2025-13"]);
    refuses("soon,DE,5", &["row 6", "`period`", "soon"]);
    refuses("2025-Q3,DE,5", &["row 6", "2025-Q3", "month"]);
}

#[test]
fn a_number_that_cannot_be_read_is_told_with_its_row_and_column() {
    refuses("2025-09,DE,12o", &["row 6", "`tonnes`", "12o"]);
    refuses("2025-09,DE,\"1,2,3\"", &["row 6", "`tonnes`", "1,2,3"]);
}

#[test]
fn numbers_that_are_none_are_refused() {
    refuses("2025-09,DE,NaN", &["row 6", "`tonnes`", "NaN"]);
    refuses("2025-09,DE,1e400", &["row 6", "`tonnes`", "1e400"]);
    refuses("2025-09,DE,inf", &["row 6", "`tonnes`", "inf"]);
}

/// Which of the two is right nobody knows, so neither is taken.
#[test]
fn a_period_with_two_values_is_refused_and_both_are_named() {
    let both = format!("{MAGNETS}{BETTER}2025-10,US,700\n");
    let phrases = ["2025-10", "two figures: 656 in row 5, 700 in row 6"];
    let world = World::of_files("");
    world.sandbox.write("config/bad.csv", &both);
    let ended = once(&world.sandbox, 0);
    ended.says(&["feed bad: 0 new, 0 revised, 3 unchanged, 2 rows refused", "0 alerts changed"]).says(&phrases);
    world.is_intact();
    world.recovers();
    set_aside(&both, "strict = true", &phrases);
}

#[test]
fn hostile_text_reaches_no_terminal() {
    let world = World::of_files("");
    world.sandbox.write("config/bad.csv", format!("{MAGNETS}{BETTER}\u{1b}[31m2025,DE,5\n"));
    let ended = once(&world.sandbox, 0);
    ended.says(&["1 row refused", "\\u{1b}[31m2025"]).says_nothing_of(&["\u{1b}[31m2025"]);
}

#[test]
fn more_refused_rows_than_allowed_set_the_pull_aside() {
    let broken: String = (1..=6).map(|month| format!("2024-0{month},US,x\n")).collect();
    let file = format!("{MAGNETS}{BETTER}{broken}");
    set_aside(&file, "", &["feed bad: set aside", "6 rows of 10 refused", "max_refused", "row 6"]);

    let patient = World::of_files("max_refused = 6");
    patient.sandbox.write("config/bad.csv", &file);
    once(&patient.sandbox, 0).says(&["feed bad: 1 new, 0 revised, 3 unchanged, 6 rows refused"]);
}

#[test]
fn a_unit_that_does_not_convert_is_refused() {
    let with_units = |rows: &str| format!("period,partner,tonnes,unit\n{rows}");
    let sandbox = Sandbox::with_config(&format!(
        "{}{}{DESK}",
        file_feed("bad").replace("labels = [", "unit = \"unit\", labels = ["),
        rule("bad", &["desk"])
    ));
    let rows = "2025-07,US,619000,kg\n2025-08,US,590,t\n2025-09,US,420.5,t\n";
    sandbox.write("config/bad.csv", with_units(rows));
    once(&sandbox, 0).says(&["July 2025 619 t", "420.5 t"]);
    sandbox.write("config/bad.csv", with_units(&format!("{rows}2025-10,US,7000,CNY\n")));
    once(&sandbox, 0).says(&["3 unchanged, 1 row refused", "row 5", "CNY does not convert to"]);
}

#[test]
fn a_web_page_with_status_200_is_set_aside() {
    let publisher = Publisher::start();
    let world = World::of_publisher(&publisher, "");
    let page = "<!DOCTYPE html>\n<html><title>Maintenance</title><body>We are down for maintenance, please log in</body></html>";
    publisher.publish("/bad.csv", [Answer::ok(page).header("Content-Type", "text/html")]);
    world.fails(&["feed bad: set aside", "found a web page titled \"Maintenance\""]);
}

#[test]
fn a_body_that_breaks_off_is_not_taken_for_a_short_one() {
    let publisher = Publisher::start();
    let world = World::of_publisher(&publisher, "");
    let longer = format!("{MAGNETS}{BETTER}");
    publisher.publish("/bad.csv", [Answer::ok(longer.as_str()).cut_after(MAGNETS.len() + 3)]);
    world.fails(&["feed bad: failed", "/bad.csv"]);
    publisher.publish("/bad.csv", [Answer::ok(longer)]);
    once(&world.sandbox, 0).says(&["feed bad: 1 new", "656 t"]);
}

#[test]
fn a_body_over_the_cap_is_refused_however_small_it_travels() {
    let publisher = Publisher::start();
    let world = World::of_publisher(&publisher, "max_bytes = \"1 KiB\"");
    let large = format!("{MAGNETS}{}", "2025-10,US,656\n".repeat(200));
    publisher.publish("/bad.csv", [Answer::ok(large.as_str())]);
    world.fails(&["feed bad: failed", "max_bytes"]);
    let travels = gzip(large.as_bytes());
    assert!(travels.len() < 1024);
    publisher.publish("/bad.csv", [Answer::ok(travels).header("Content-Encoding", "gzip")]);
    world.sandbox.write("config/good.csv", MAGNETS);
    once(&world.sandbox, 1).says(&["feed bad: failed", "max_bytes"]);
    world.is_intact();
}

#[test]
fn a_redirect_to_another_scheme_is_not_followed() {
    let publisher = Publisher::start();
    let world = World::of_publisher(&publisher, "");
    publisher.publish("/bad.csv", [Answer::new(302, "").header("Location", "file:///etc/passwd")]);
    world.fails(&["feed bad: failed", "redirect", "file"]).says_nothing_of(&["root:"]);
}

#[test]
fn a_damaged_archive_is_an_error_of_its_own() {
    let publisher = Publisher::start();
    let world = World::of_publisher(&publisher, "");
    publisher.publish("/bad.csv", [Answer::ok("no gzip at all").header("Content-Encoding", "gzip")]);
    world.fails(&["feed bad: failed", "/bad.csv"]);
}

#[test]
fn a_status_that_says_no_is_told() {
    let publisher = Publisher::start();
    let world = World::of_publisher(&publisher, "");
    publisher.publish("/bad.csv", [Answer::new(404, "no such table")]);
    world.fails(&["feed bad: failed", "404"]);
}
