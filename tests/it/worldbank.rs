//! The Pink Sheet, from a workbook whose address moves to an alert that a later workbook corrects.

use rust_xlsxwriter::{Workbook, Worksheet};

use super::http::Answer;
use super::publisher::Publisher;
use super::sandbox::Sandbox;
use super::scene::{DESK, once};

const PAGE: &str = "/en/research/commodity-markets";
const OLD: &str = "/en/doc/1-0050012025/related/CMO-Historical-Data-Monthly.xlsx";
const NEW: &str = "/en/doc/1-0050012026/related/CMO-Historical-Data-Monthly.xlsx";

fn world(publisher: &Publisher, path: &str) -> Sandbox {
    Sandbox::with_config(&format!(
        "[feed.prices]\nkind = \"worldbank\"\nseries = [\"Copper\", \"Tobacco, US import u.v.\", \"Chicken\"]\nurl = \"{}\"\n\
        insecure = true\nallow_private = true\ntimezone = \"America/New_York\"\n\n\
        [rule.copper-falls]\nseries = {{ feed = \"prices\", series = \"Copper\" }}\nwhen = \"change(1) < -4%\"\n\
        severity = \"warning\"\nnotify = \"desk\"\n\n{DESK}",
        publisher.url(path)
    ))
}

/// A page with a link, beside those that a page has.
fn page(link: &str) -> Answer {
    Answer::ok(format!(
        "<!DOCTYPE html><title>Commodity Markets</title><a href='/en/home'>Home</a><a href='{link}'>Monthly prices</a>"
    ))
}

/// A workbook as the World Bank writes it: titles, names, units, a hidden row of codes, and the figures.
fn book(updated: &str, figures: &[(&str, [f64; 4])]) -> Answer {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Monthly Prices").unwrap();
    sheet.write_string(0, 0, "World Bank Commodity Price Data").unwrap();
    sheet.write_string(3, 0, format!("Updated on {updated}")).unwrap();
    sheet.write_row(4, 1, ["Crude oil, average", "Chicken **", "Tobacco, US import u.v.", "Copper"]).unwrap();
    sheet.write_row(5, 1, ["($/bbl)", "($/kg)", "($/mt)", "($/mt)"]).unwrap();
    sheet.write_row(6, 1, ["CRUDE_PETRO", "CHICKEN", "TOBAC_US", "COPPER"]).unwrap();
    sheet.set_row_hidden(6).unwrap();
    write(sheet, figures);
    book.add_worksheet().set_name("Monthly Indices").unwrap();
    Answer::ok(book.save_to_buffer().unwrap())
}

/// A figure below nothing is one that there is not.
fn write(sheet: &mut Worksheet, figures: &[(&str, [f64; 4])]) {
    for (row, (period, figures)) in (7..).zip(figures) {
        sheet.write_string(row, 0, *period).unwrap();
        for (column, figure) in (1..).zip(figures) {
            if *figure < 0.0 {
                sheet.write_string(row, column, "…").unwrap();
            } else {
                sheet.write_number(row, column, *figure).unwrap();
            }
        }
    }
}

fn old() -> Answer {
    book(
        "December 03, 2024",
        &[
            ("2024M09", [72.4, 1.45, 5_000.25, 9237.48]),
            ("2024M10", [73.8, 1.5, 5_011.598_227_440_15, 9533.99]),
            ("2024M11", [72.291_666_666_67, 1.519_686, 5_023.227_817_256_18, 9075.73]),
        ],
    )
}

/// A year later: copper and tobacco are revised, what is beside them has other digits, and months have come.
fn new() -> Answer {
    book(
        "December 02, 2025",
        &[
            ("2024M09", [72.4, 1.45, 5_000.25, 9237.48]),
            ("2024M10", [73.8, 1.5, 5_011.598_23, 9533.99]),
            ("2024M11", [72.29, 1.51969, 6_339.1, 9_350.000_000_000_001]),
            ("2024M12", [72.3, 1.53, -1.0, 9350.0]),
        ],
    )
}

#[test]
fn workbooks_a_year_apart_give_only_the_revisions_that_are_real() {
    let publisher = Publisher::start();
    publisher.publish(PAGE, [page(OLD)]);
    publisher.publish(OLD, [old()]);
    let sandbox = world(&publisher, PAGE);
    once(&sandbox, 0).says(&[
        "feed prices: 9 new, 0 revised",
        "fell 4.8 %",
        "November 2024",
        "/en/doc/1-0050012025/related/CMO",
    ]);
    publisher.publish(PAGE, [page(NEW)]);
    publisher.publish(NEW, [new()]);
    once(&sandbox, 0).says(&["feed prices: 2 new, 2 revised", "CORRECTED", "9075.73", "9350"]);
    let ended = once(&sandbox, 0);
    ended.says(&["feed prices: 0 new, 0 revised"]).says_nothing_of(&["CORRECTED", "FIRED"]);
    assert_eq!((publisher.asked(OLD).len(), publisher.asked(NEW).len()), (1, 2), "an old workbook is looked up again");
}

/// The address is remembered while the workbook is new, and looked up where it ends.
#[test]
fn an_address_that_moves_is_found_again() {
    let fresh = |month: f64| {
        book("December 03, 2099", &[("2024M10", [1.0, 1.0, 1.0, 9533.99]), ("2024M11", [1.0, 1.0, 1.0, month])])
    };
    let publisher = Publisher::start();
    publisher.publish(PAGE, [page(OLD)]);
    publisher.publish(OLD, [fresh(9075.73)]);
    let sandbox = world(&publisher, PAGE);
    once(&sandbox, 0).says(&["feed prices: 6 new"]);
    once(&sandbox, 0).says(&["feed prices: 0 new, 0 revised, 6 unchanged"]);
    assert_eq!((publisher.asked(PAGE).len(), publisher.asked(OLD).len()), (1, 2));
    for gone in [Answer::new(404, "gone"), Answer::ok("<html><title>Moved</title>")] {
        publisher.publish(OLD, [gone]);
        publisher.publish(PAGE, [page(NEW)]);
        publisher.publish(NEW, [fresh(9075.73)]);
        once(&sandbox, 0).says(&["feed prices: 0 new, 0 revised, 6 unchanged"]);
        // It is remembered once more: the old one is not asked again.
        publisher.publish(NEW, [Answer::new(404, "gone")]);
        publisher.publish(PAGE, [page(OLD)]);
        publisher.publish(OLD, [fresh(9075.73)]);
        once(&sandbox, 0).says(&["feed prices: 0 new, 0 revised, 6 unchanged"]);
    }
    publisher.publish(OLD, [Answer::new(404, "gone")]);
    once(&sandbox, 1).says(&["feed prices: failed", "404"]);
}

#[test]
fn a_workbook_may_be_named_itself() {
    let publisher = Publisher::start();
    publisher.publish(OLD, [old().header("ETag", "\"v1\"")]);
    let sandbox = world(&publisher, OLD);
    once(&sandbox, 0).says(&["feed prices: 9 new"]);
    once(&sandbox, 0);
    let asked = publisher.asked(OLD);
    assert_eq!((asked[0].header("if-none-match"), asked[1].header("if-none-match")), (None, Some("\"v1\"")));
}

#[test]
fn what_arrives_as_a_success_and_has_no_figures_is_an_error() {
    let without_figures = book("December 03, 2024", &[]);
    for (answer, said) in [
        (
            Answer::ok("<!DOCTYPE html><title>Under maintenance</title>"),
            "the page titled \"Under maintenance\" has no link",
        ),
        (
            page("https://elsewhere.example/CMO-Historical-Data-Monthly.xlsx"),
            "has no link to CMO-Historical-Data-Monthly.xlsx",
        ),
        (Answer::ok(""), "the response is empty"),
        (Answer::ok("{\"message\":\"no\"}"), "expected a workbook (XLSX or XLS), found"),
        (Answer::ok(b"PK\x03\x04 cut off".to_vec()), "the workbook cannot be read"),
        (without_figures, "no row of the sheet begins with a month"),
    ] {
        let publisher = Publisher::start();
        publisher.publish(PAGE, [answer]);
        once(&world(&publisher, PAGE), 1).says(&["feed prices: set aside, earlier data stand", said]);
    }
}

#[test]
fn what_the_bank_does_not_have_is_refused_at_check() {
    let sandbox =
        Sandbox::with_config("[feed.f]\nkind = \"worldbank\"\nfrequency = \"day\"\nseries = []\nkey = \"x\"\n");
    sandbox.run(&["check"]).is(78).says(&[
        "the World Bank has no prices by day",
        "`series` is empty",
        "`key` has no meaning for kind `worldbank`",
    ]);
}

/// The example that is shipped, with a workbook in its place.
#[test]
fn the_shipped_example_reads_a_workbook() {
    let sandbox = Sandbox::shipped();
    sandbox.write("pink.xlsx", shipped());
    sandbox.write(
        "config/own.toml",
        format!(
            "[daemon]\ninclude = [\"feeds/worldbank.toml\"]\n\n[rule.any]\nseries = {{ feed = \"pink-sheet\", series = \
            \"Copper\" }}\nwhen = \"value > 9 kUSD/t\"\nseverity = \"warning\"\nnotify = \"desk\"\n\n{DESK}"
        ),
    );
    let args = ["dry-run", "--config", "config/own.toml", "--feed", "pink-sheet=pink.xlsx"];
    sandbox.run(&args).is(0).says(&["9075.73 USD/t"]);
}

/// A workbook with the series of the shipped example.
fn shipped() -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Monthly Prices").unwrap();
    sheet.write_string(3, 0, "Updated on December 03, 2024").unwrap();
    sheet.write_row(4, 1, ["Aluminum", "Copper", "Lead", "Nickel", "Tin", "Zinc"]).unwrap();
    sheet.write_row(5, 1, ["($/mt)"; 6]).unwrap();
    sheet.write_string(6, 0, "2024M11").unwrap();
    sheet.write_row(6, 1, [2582.19, 9075.73, 1987.53, 15723.06, 29654.89, 3004.2]).unwrap();
    book.save_to_buffer().unwrap()
}
