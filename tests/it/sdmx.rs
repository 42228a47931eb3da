//! SDMX and JSON-stat sources, from their answers to an alert: a key on a base address, a withdrawal, and the two ways
//! in which such sources say that there is nothing.

use super::http::Answer;
use super::publisher::Publisher;
use super::sandbox::Sandbox;
use super::scene::{DESK, once};

const PATH: &str = "/imf/data/IMF.RES,PCPS/G001.PCOPP.USD.M";
const HEADER: &str = "DATAFLOW,COUNTRY,INDICATOR,DATA_TRANSFORMATION,FREQUENCY,TIME_PERIOD,OBS_VALUE,SCALE\n";

fn world(source: &str) -> Sandbox {
    Sandbox::with_config(&format!(
        "[feed.prices]\n{source}\ninsecure = true\nallow_private = true\nfrequency = \"month\"\nunit = \"USD/t\"\n\
        columns = {{ labels = {{ metal = \"INDICATOR\" }} }}\n\n\
        [rule.copper]\nseries = {{ feed = \"prices\", metal = \"PCOPP\" }}\nwhen = \"change(1) < -2%\"\n\
        severity = \"warning\"\nnotify = \"desk\"\n\n{DESK}"
    ))
}

fn imf(publisher: &Publisher, query: &str) -> Sandbox {
    world(&format!(
        "kind = \"sdmx\"\nurl = \"{}\"\ndataflow = \"IMF.RES,PCPS\"\nquery = \"{query}\"\nsince = \"2026-05\"",
        publisher.url("/imf")
    ))
}

fn message(figures: &[(&str, &str)]) -> String {
    let row = |(period, value): &(&str, &str)| format!("IMF.RES:PCPS(9.0.0),G001,PCOPP,USD,M,{period},{value},0\n");
    format!("{HEADER}{}", figures.iter().map(row).collect::<String>())
}

#[test]
fn a_key_on_a_base_address_brings_figures_to_an_alert() {
    let publisher = Publisher::start();
    publisher
        .publish(PATH, [Answer::ok(message(&[("2026-M06", "9648.2"), ("2026-M07", "9393.73"), ("2026-M08", "")]))]);
    let sandbox = imf(&publisher, "G001.PCOPP.USD.M");
    once(&sandbox, 0).says(&["feed prices: 2 new", "9393.73 USD/t in July 2026"]);
    let asked = &publisher.asked(PATH)[0];
    assert!(asked.path.ends_with("?startPeriod=2026-05"), "{}", asked.path);
    assert_eq!(asked.header("accept"), Some("application/vnd.sdmx.data+csv, text/csv;q=0.5"));
}

/// IMF answers "200 OK" and no series to a key in another order.
#[test]
fn nothing_that_arrives_as_a_success_is_an_error_and_earlier_figures_stand() {
    let publisher = Publisher::start();
    publisher.publish(
        PATH,
        [
            Answer::ok(message(&[("2026-M06", "9648.2")])),
            Answer::ok(HEADER),
            Answer::ok("<html><title>Sign in</title></html>"),
        ],
    );
    let sandbox = imf(&publisher, "G001.PCOPP.USD.M");
    once(&sandbox, 0).says(&["1 new"]);
    once(&sandbox, 1).says(&["set aside, earlier data stand", "a key whose parts stand in another order"]);
    once(&sandbox, 1).says(&["set aside, earlier data stand", "found a web page titled \"Sign in\""]);
}

/// ECB and OECD answer 404.
#[test]
fn not_found_says_that_there_are_no_figures() {
    let publisher = Publisher::start();
    let sandbox = imf(&publisher, "M.USD.PCOPP.G001");
    once(&sandbox, 1).says(&["the answer has no figures: the publisher answers 404 (there is no such table)"]);
}

#[test]
fn a_withdrawn_figure_is_known_no_more() {
    let dimensions = r#"{"dimensions": {"dataSet": [], "series": [{"id": "INDICATOR", "values": [{"id": "PCOPP"}]}],
        "observation": [{"id": "TIME_PERIOD", "roles": ["TIME_PERIOD"], "values": [{"value": "2026-06"}, {"value": "2026-07"}]}]}}"#;
    let message =
        |sets: &str| Answer::ok(format!(r#"{{"data": {{"structures": [{dimensions}], "dataSets": [{sets}]}}}}"#));
    let publisher = Publisher::start();
    let told = r#"{"action": "Replace", "series": {"0": {"observations": {"0": ["9648.2"], "1": [9393.73]}}}}"#;
    let withdrawn = r#"{"action": "Replace", "series": {"0": {"observations": {"0": ["9648.2"]}}}},
        {"action": "Delete", "series": {"0": {"observations": {"1": []}}}}"#;
    publisher.publish("/data.json", [message(told), message(withdrawn)]);
    let sandbox = world(&format!("kind = \"sdmx\"\nurl = \"{}\"\nformat = \"json\"", publisher.url("/data.json")));
    once(&sandbox, 0).says(&["2 new", "9393.73 USD/t in July 2026"]);
    once(&sandbox, 0).says(&["0 new, 1 revised, 1 unchanged"]);
}

#[test]
fn json_stat_from_its_cells_to_an_alert() {
    let publisher = Publisher::start();
    let body = r#"{"version": "2.0", "class": "dataset", "id": ["INDICATOR", "month"], "size": [1, 3], "role": {"time": ["month"]},
        "dimension": {"INDICATOR": {"category": {"index": ["PCOPP"]}}, "month": {"category": {"index": ["2026M06", "2026M07", "2026M08"]}}},
        "value": {"0": 9648.2, "1": 9393.73}}"#;
    publisher.publish("/table", [Answer::ok(body), Answer::ok(body.replace(r#""0": 9648.2, "1": 9393.73"#, ""))]);
    let sandbox = world(&format!("kind = \"jsonstat\"\nurl = \"{}\"", publisher.url("/table")));
    once(&sandbox, 0).says(&["feed prices: 2 new", "9393.73 USD/t in July 2026"]);
    once(&sandbox, 1).says(&["set aside, earlier data stand", "the answer has no figures"]);
}

#[test]
fn keys_that_belong_together_are_asked_for() {
    let sandbox = Sandbox::with_config(
        "[feed.a]\nkind = \"sdmx\"\nfrequency = \"month\"\nurl = \"https://a.example\"\nquery = \"M.X\"\nformat = \"xls\"\n\n\
        [feed.b]\nkind = \"sdmx\"\nfrequency = \"month\"\nurl = \"https://a.example\"\ndataflow = \"../X\"\nquery = \"M?X\"\n",
    );
    sandbox.run(&["check"]).is(78).says(&[
        "`query` needs `dataflow`",
        "`format` cannot be `xls`",
        "`dataflow` cannot be `../X`",
        "`query` cannot be `M?X`",
    ]);
}

/// The examples that are shipped, each with a message in its place.
#[test]
fn the_shipped_examples_read_their_messages() {
    let ecb = "KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE,OBS_STATUS\n\
        EXR.M.CNY.EUR.SP00.A,M,CNY,EUR,SP00,A,2026-08,8.41,A\n";
    let table = r#"{"class": "dataset", "updated": "2026-09-15T11:00:00+0200", "id": ["reporter", "partner", "product", "time"],
        "size": [1, 1, 1, 1], "role": {"time": ["time"]}, "dimension": {"reporter": {"category": {"index": ["DE"]}},
        "partner": {"category": {"index": ["CN"]}}, "product": {"category": {"index": ["85051110"]}},
        "time": {"category": {"index": ["2026-07"]}}}, "value": [81234567]}"#;
    for (file, feed, body, when, said) in [
        ("imf", "imf-metals", message(&[("2026-M08", "9393.73")]), "value > 9 kUSD/t", "9393.73 USD/t"),
        ("sdmx", "cny-per-eur", ecb.to_owned(), "value > 8 CNY/EUR", "8.41 CNY/EUR"),
        ("jsonstat", "german-magnet-imports", table.to_owned(), "value > 80 MEUR", "81 234 567 EUR"),
    ] {
        let sandbox = Sandbox::shipped();
        sandbox.write("message", body);
        sandbox.write(
            "config/own.toml",
            format!(
                "[daemon]\ninclude = [\"feeds/{file}.toml\"]\n\n[rule.any]\nseries = {{ feed = \"{feed}\" }}\n\
                when = \"{when}\"\nseverity = \"warning\"\nnotify = \"desk\"\n\n{DESK}"
            ),
        );
        let args = ["dry-run", "--config", "config/own.toml", "--feed", &format!("{feed}=message")];
        sandbox.run(&args).is(0).says(&[said]);
    }
}
