//! Comext, from its answers to an alert: kilograms, one question before the figures, codes that end, and
//! everything that arrives as a success and is none.

use super::http::Answer;
use super::publisher::Publisher;
use super::sandbox::Sandbox;
use super::scene::{DESK, once};

const HEADER: &str = "DATAFLOW,LAST UPDATE,freq,reporter,partner,product,flow,indicators,TIME_PERIOD,OBS_VALUE\n";
const PROBE: &str = "/comext/data/DS-045409/M.EL.CN.85051110.1.QUANTITY_IN_100KG";
const FIGURES: &str = "/comext/data/DS-045409/M.EL.CN.85051110+85051190.1.QUANTITY_IN_100KG";

const RULE: &str = "[rule.falling]\nseries = { feed = \"greece\", measure = \"weight\", hs = \"85051110\" }\n\
    when = [\"declines >= 2\", \"value < 45 t\"]\nseverity = \"critical\"\nnotify = \"desk\"\n\n";

fn world(publisher: &Publisher, more: &str) -> Sandbox {
    Sandbox::with_config(&format!(
        "[feed.greece]\nkind = \"eurostat\"\nreporter = \"GR\"\npartner = \"CHN\"\nflow = \"import\"\n\
        commodity = [\"8505 11 10\", \"85051190\"]\nmeasure = \"weight\"\nsince = \"2025-10\"\nurl = \"{}\"\n\
        insecure = true\nallow_private = true\n{more}\n{RULE}{DESK}",
        publisher.url("/comext")
    ))
}

/// A message of figures of one code: period and hundreds of kilograms.
fn figures(updated: &str, code: &str, figures: &[(&str, &str)]) -> String {
    let row = |(period, value): &(&str, &str)| {
        format!("ESTAT:DS-045409(1.0),{updated},M,EL,CN,{code},1,QUANTITY_IN_100KG,{period},{value}\n")
    };
    figures.iter().map(row).collect()
}

const FALLING: [(&str, &str); 4] =
    [("2025-10", "520"), ("2025-11", "480.5"), ("2025-12", "440.07"), ("2026-01", "500")];

#[test]
fn figures_are_asked_for_after_an_update_and_alarm_in_kilograms() {
    let publisher = Publisher::start();
    let message = format!("{HEADER}{}", figures("15/02/26 11:00:00", "85051110", &FALLING[..3]));
    publisher.publish(FIGURES, [Answer::ok(message)]);
    let sandbox = world(&publisher, "");
    once(&sandbox, 0).says(&["feed greece: 3 new", "CRITICAL", "44 007 kg", "December 2025"]);
    assert_eq!(publisher.asked(PROBE).len(), 0, "nothing is known yet: there is nothing to ask first");
    let asked = &publisher.asked(FIGURES)[0].path;
    assert!(asked.ends_with("?startPeriod=2025-10&format=SDMX-CSV&compressed=false"), "{asked}");

    let probe = |updated: &str| Answer::ok(format!("{HEADER}{}", figures(updated, "85051110", &FALLING[2..3])));
    publisher.publish(PROBE, [probe("15/02/26 11:00:00")]);
    once(&sandbox, 0).says(&["feed greece: nothing new"]);
    assert_eq!(publisher.asked(FIGURES).len(), 1);

    publisher.publish(PROBE, [probe("16/03/26 11:00:00")]);
    let message = format!("{HEADER}{}", figures("16/03/26 11:00:00", "85051110", &FALLING));
    publisher.publish(FIGURES, [Answer::ok(message)]);
    once(&sandbox, 0).says(&["feed greece: 1 new, 0 revised", "RESOLVED"]);
}

/// December's figure is not followed by one: the other code's are, so the months are out.
#[test]
fn a_code_that_ends_in_december_is_told_and_no_decline() {
    let publisher = Publisher::start();
    let ended =
        figures("15/03/26", "85051110", &FALLING[..2]) + &figures("15/03/26", "85051110", &[("2025-12", "600")]);
    let goes_on = figures("15/03/26", "85051190", &[("2025-12", "10"), ("2026-01", "900"), ("2026-02", "950")]);
    publisher.publish(FIGURES, [Answer::ok(format!("{HEADER}{ended}{goes_on}"))]);
    let sandbox = world(&publisher, "absent = \"zero\"");
    let ended = once(&sandbox, 0);
    ended.says(&["85051110 has no figures since January 2026: likely a break of the nomenclature"]);
    ended.says_nothing_of(&["CRITICAL"]);
}

#[test]
fn what_arrives_as_a_success_and_has_no_figures_is_an_error() {
    for (body, said) in [
        (HEADER.to_owned(), "the answer has no figures"),
        ("<!DOCTYPE html><title>Maintenance</title>".to_owned(), "found a web page titled \"Maintenance\""),
        (String::new(), "the response is empty"),
        (
            r#"{"warning":{"status":413,"label":"ASYNCHRONOUS_RESPONSE. It will be at https://a.example/x1"}}"#
                .to_owned(),
            "too large for the publisher to give at once",
        ),
        (
            "<GenericData><Footer><Message code=\"413\" severity=\"Infomation\"><Text>Written to \
             http://a.example/x1</Text></Message></Footer></GenericData>"
                .to_owned(),
            "it will be at http://a.example/x1",
        ),
    ] {
        let publisher = Publisher::start();
        publisher.publish(FIGURES, [Answer::ok(body)]);
        once(&world(&publisher, ""), 1).says(&["feed greece: set aside, earlier data stand", said]);
    }
}

#[test]
fn a_refused_query_is_told_in_eurostats_words() {
    let publisher = Publisher::start();
    publisher
        .publish(FIGURES, [Answer::new(400, r#"{"error":[{"status":400,"label":"INVALID_QUERY_DIMENSION_VALUE"}]}"#)]);
    once(&world(&publisher, ""), 1).says(&["the publisher says: INVALID_QUERY_DIMENSION_VALUE"]);
    let publisher = Publisher::start();
    let said =
        "EXTRACTION_TOO_BIG: The requested extraction is too big, estimated 9000000 rows, max authorised is 5000000";
    publisher.publish(FIGURES, [Answer::new(413, said)]);
    once(&world(&publisher, ""), 1).says(&["too large for the publisher to give at once", "estimated 9000000 rows"]);
}

#[test]
fn countries_beside_groups_of_them_are_refused_at_check() {
    let sandbox = Sandbox::with_config(
        "[feed.f]\nkind = \"eurostat\"\nreporter = [\"DE\", \"EU27_2020\"]\npartner = [\"CN\", \"WORLD\"]\n\
        commodity = [\"8505x\"]\nfrequency = \"week\"\ndataflow = \"DS-059341\"\nmeasure = [\"quantity\"]\n",
    );
    let checked = sandbox.run(&["check"]);
    checked.is(78).says(&[
        "`reporter` has countries and groups of countries",
        "`partner` has countries and groups of countries",
        "`commodity` cannot be `8505x`",
        "Comext has no figures by week",
        "this dataset has no measure `quantity`",
    ]);
}

/// The example that is shipped, with a message in its place.
#[test]
fn the_shipped_example_reads_its_message() {
    let sandbox = Sandbox::shipped();
    let row = |partner: &str, value: &str| {
        format!("ESTAT:DS-045409(1.0),15/02/26,M,EU27_2020,{partner},85051110,1,QUANTITY_IN_100KG,2025-12,{value}\n")
    };
    sandbox.write("comext.csv", format!("{HEADER}{}", row("CN", "12000.5")));
    sandbox.write("config/own.toml", format!(
        "[daemon]\ninclude = [\"feeds/eurostat.toml\"]\n\n[rule.any]\nseries = {{ feed = \"eu-magnet-imports\", measure = \
        \"weight\", partner = \"CN\", reporter = \"EU27_2020\", hs = \"85051110\", flow = \"import\" }}\nwhen = \"value > 1 kt\"\n\
        severity = \"warning\"\nnotify = \"desk\"\n\n{DESK}"
    ));
    let args = ["dry-run", "--config", "config/own.toml", "--feed", "eu-magnet-imports=comext.csv"];
    sandbox.run(&args).is(0).says(&["1 200 050 kg"]);
}
