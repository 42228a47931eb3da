//! Japan's customs, from a year's file to an alert: months that are not out yet are zeros in it, and no collapse.

use super::http::Answer;
use super::publisher::Publisher;
use super::sandbox::Sandbox;
use super::scene::{DESK, figures, once, written_before};

const PATH: &str = "/stat-search/file-download";
const RULE: &str = "[rule.falling]\nseries = { feed = \"japan\", partner = \"CN\", measure = \"weight\", flow = \"import\" }\n\
    when = \"change(1mo) < -25%\"\nseverity = \"critical\"\nnotify = \"desk\"\n\n";

fn world(source: &str) -> Sandbox {
    Sandbox::with_config(&format!("[feed.japan]\nkind = \"japan\"\ncommodity = [\"850511\"]\n{source}\n{RULE}{DESK}"))
}

/// A year's file: imports from China in kilograms, by month from January on, and a good that goes as far.
fn year(year: u32, kilograms: &[u32]) -> String {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let header: String =
        months.iter().map(|month| format!(",Quantity1-{month},Quantity2-{month},Value-{month}")).collect();
    let row = |good: &str, country: u32, kilograms: &dyn Fn(usize) -> u32| {
        let months: String = (0..12).map(|at| format!(",0,{},{}", kilograms(at), kilograms(at) * 7)).collect();
        format!("2,{year},'{good}',{country},,KG,0,0,0{months}\n")
    };
    let china = |at: usize| kilograms.get(at).copied().unwrap_or(0);
    let others = |at: usize| if at < kilograms.len() { 5 } else { 0 };
    format!(
        "Exp or Imp,Year,HS,Country,Unit1,Unit2,Quantity1-Year,Quantity2-Year,Value-Year{header}\n{}{}",
        row("850511000", 105, &china),
        row("850511000", 304, &others)
    )
}

#[test]
fn months_that_are_not_out_yet_are_no_collapse_and_a_fall_alarms() {
    let publisher = Publisher::start();
    let source = format!(
        "url = \"{}?statInfId=000040000000&fileKind=1\"\ninsecure = true\nallow_private = true\n",
        publisher.url(PATH)
    );
    publisher.publish(PATH, [Answer::ok(year(2025, &[228_000, 226_000, 230_000]))]);
    let sandbox = world(&source);
    once(&sandbox, 0).says(&["12 new"]).says_nothing_of(&["CRITICAL"]);
    assert_eq!(figures(&sandbox, "falling").last().unwrap().0, "2025-03");
    // The same address, a month later.
    publisher.publish(PATH, [Answer::ok(year(2025, &[228_000, 226_000, 230_000, 120_000]))]);
    once(&sandbox, 0).says(&["4 new", "CRITICAL", "120 000 kg", "April 2025", "−47.8 %"]);
}

#[test]
fn a_month_without_trade_is_a_zero_once_others_are_out() {
    let sandbox = world("path = \"year.csv\"");
    sandbox.write("config/year.csv", year(2025, &[228_000, 226_000, 0]));
    once(&sandbox, 0).says(&["CRITICAL", "March 2025"]);
}

#[test]
fn a_folder_of_years_is_read_file_by_file() {
    let sandbox = world("path = \"drop\"");
    for (name, year) in [("2024.csv", year(2024, &[100; 12])), ("2025.CSV", year(2025, &[90, 40]))] {
        written_before(&sandbox, &format!("config/drop/{name}"), year, 1);
    }
    once(&sandbox, 0).says(&["56 new", "CRITICAL", "February 2025"]);
    once(&sandbox, 0).says(&["nothing new"]);
}

#[test]
fn what_arrives_as_a_success_and_is_no_file_is_an_error() {
    for (body, said) in [
        ("<!DOCTYPE html><title>e-Stat</title>".to_owned(), "found a web page titled \"e-Stat\""),
        (String::new(), "the response is empty"),
        (year(2025, &[1]).replace("HS,", "Commodity,"), "it has no column `hs`"),
        (year(2025, &[1]).lines().next().unwrap().to_owned(), "there are no rows after the header"),
    ] {
        let sandbox = world("path = \"year.csv\"");
        sandbox.write("config/year.csv", body);
        once(&sandbox, 1).says(&["feed japan: set aside, earlier data stand", said]);
    }
}

/// The example that is shipped, with a file in its place.
#[test]
fn the_shipped_example_reads_its_file() {
    let sandbox = Sandbox::shipped();
    sandbox.write("japan.csv", year(2025, &[1_200_050]));
    sandbox.write("config/own.toml", format!(
        "[daemon]\ninclude = [\"feeds/japan.toml\"]\n\n[rule.any]\nseries = {{ feed = \"japan-magnets\", measure = \
        \"weight\", partner = \"CN\", reporter = \"JP\", hs = \"850511000\", flow = \"import\" }}\nwhen = \"value > 1 kt\"\n\
        severity = \"warning\"\nnotify = \"desk\"\n\n{DESK}"
    ));
    let args = ["dry-run", "--config", "config/own.toml", "--feed", "japan-magnets=japan.csv"];
    sandbox.run(&args).is(0).says(&["1 200 050 kg"]);
}
