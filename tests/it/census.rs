//! The US Census Bureau, from its answers to an alert: one question before the figures, totals apart from countries,
//! nothing that is nothing taken for a zero, and a key that is never shown.

use super::http::Answer;
use super::publisher::Publisher;
use super::sandbox::Sandbox;
use super::scene::{DESK, once};

const KEY: &str = "canarycanarycanarycanarycanary03";
const IMPORTS: &str = "/us/imports/hs";
const EXPORTS: &str = "/us/exports/hs";

const RULE: &str = "[rule.falling]\nseries = { feed = \"magnets\", measure = \"quantity\", partner = \"CN\" }\n\
    when = \"declines >= 2\"\nseverity = \"critical\"\nnotify = \"desk\"\n\n";

fn world(publisher: &Publisher, more: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_config(&format!(
        "[feed.magnets]\nkind = \"census\"\nkey = {{ env = \"CENSUS_KEY\" }}\npartner = [\"CN\", \"JP\"]\nflow = \"import\"\n\
        commodity = \"8505.11.00.70\"\nsince = \"2025-05\"\nurl = \"{}\"\ninsecure = true\nallow_private = true\n{more}\n{RULE}{DESK}",
        publisher.url("/us")
    ));
    sandbox.set("CENSUS_KEY", KEY);
    sandbox
}

/// Which months are out: month, total of the chapter, update.
fn months_table(rows: &[(&str, &str, &str)]) -> String {
    let row = |(month, total, update): &(&str, &str, &str)| {
        format!(r#"["85","{total}","{update}","HS2","-","DET","{month}","85"]"#)
    };
    let rows: Vec<String> = rows.iter().map(row).collect();
    let header =
        r#"["I_COMMODITY","GEN_VAL_MO","LAST_UPDATE","COMM_LVL","CTY_CODE","SUMMARY_LVL","time","I_COMMODITY"]"#;
    format!("[{header},\n{}]", rows.join(",\n"))
}

/// Figures: country, month, quantity, mark.
fn figures_table(rows: &[(&str, &str, &str, &str)]) -> String {
    let row = |(country, month, quantity, flag): &(&str, &str, &str, &str)| {
        format!(r#"["8505110070","{country}","90210","{quantity}",{flag},"KG","HS10","{country}","DET","{month}"]"#)
    };
    let rows: Vec<String> = rows.iter().map(row).collect();
    let header = r#"["I_COMMODITY","CTY_CODE","GEN_VAL_MO","GEN_QY1_MO","GEN_QY1_MO_FLAG","UNIT_QY1","COMM_LVL","CTY_CODE","SUMMARY_LVL","time"]"#;
    format!("[{header},\n{}]", rows.join(",\n"))
}

fn months(rows: &[(&str, &str, &str)]) -> Answer {
    Answer::ok(months_table(rows))
}

fn figures(rows: &[(&str, &str, &str, &str)]) -> Answer {
    Answer::ok(figures_table(rows))
}

const OUT: [(&str, &str, &str); 3] =
    [("2025-05", "700", "2025-07-03"), ("2025-06", "710", "2025-08-05"), ("2025-07", "720", "2025-09-04")];
const FALLING: [(&str, &str, &str, &str); 3] =
    [("5700", "2025-05", "46000", "null"), ("5700", "2025-06", "35300", "null"), ("5700", "2025-07", "31900", "\"\"")];

#[test]
fn figures_are_asked_for_when_a_month_is_out_or_revised() {
    let publisher = Publisher::start();
    publisher.publish(IMPORTS, [months(&OUT), figures(&FALLING)]);
    let sandbox = world(&publisher, "");
    once(&sandbox, 0).says(&["feed magnets: 6 new", "CRITICAL", "31 900 kg", "July 2025"]);
    let asked = publisher.asked(IMPORTS);
    assert!(asked[0].path.contains("&I_COMMODITY=85&COMM_LVL=HS2&CTY_CODE=-&SUMMARY_LVL=DET&time=from+2025-05+to+"));
    assert!(
        asked[1].path.contains("&I_COMMODITY=8505110070&COMM_LVL=HS10&CTY_CODE=5700&CTY_CODE=5880&SUMMARY_LVL=DET&time=from+2025-05+to+2025-07&"),
        "{}",
        asked[1].path
    );

    publisher.publish(IMPORTS, [months(&OUT)]);
    once(&sandbox, 0).says(&["feed magnets: nothing new", "imports are out until 2025-07"]);
    assert_eq!(publisher.asked(IMPORTS).len(), 3);

    let mut revised = OUT;
    revised[1].1 = "709";
    let mut figures_anew = FALLING;
    figures_anew[1].2 = "47000";
    publisher.publish(IMPORTS, [months(&revised), figures(&figures_anew[..2])]);
    once(&sandbox, 0).says(&["0 new, 1 revised", "CORRECTED"]);
    assert!(publisher.asked(IMPORTS)[4].path.contains("time=from+2025-05+to+2025-06"));
}

/// A missing key is answered with a redirect to a web page, which comes as a success.
#[test]
fn a_missing_key_is_told_and_the_key_is_never_shown() {
    let publisher = Publisher::start();
    let page = Answer::new(302, "").header("Location", &publisher.url("/us/missing_key.html"));
    publisher.publish(IMPORTS, [page]);
    publisher.publish(
        "/us/missing_key.html",
        [Answer::ok("<html><head><title>Missing Key</title></head><body>A valid <em>key</em> must be included")],
    );
    let ended = once(&world(&publisher, ""), 1);
    ended.says(&["set aside", "the publisher says: Missing Key: a key is free at"]);
    publisher.publish(IMPORTS, [Answer::new(400, format!("error: invalid key {KEY}"))]);
    let refused = once(&world(&publisher, ""), 1);
    refused.says(&["the publisher says: error: invalid key"]);
    let bad_gateway = Answer::new(501, format!("no {KEY}"));
    publisher.publish(IMPORTS, [bad_gateway]);
    let failed = once(&world(&publisher, ""), 1);
    for ended in [&ended, &refused, &failed] {
        assert!(!ended.stdout.contains(KEY) && !ended.stderr.contains(KEY), "{ended}");
    }
    assert!(publisher.asked(IMPORTS).iter().all(|request| request.path.ends_with(&format!("&key={KEY}"))));
}

/// 204 and no body: not out yet, or nothing that is asked for.
#[test]
fn an_empty_answer_is_told_apart_by_the_months_that_are_out() {
    let publisher = Publisher::start();
    publisher.publish(IMPORTS, [Answer::new(204, "")]);
    once(&world(&publisher, ""), 1).says(&["no imports of these chapters since 2025-05, which are long out"]);
    let config = |sandbox: &Sandbox| sandbox.read("config/supplywatch.toml").replace("2025-05", "2999-01");
    let sandbox = world(&publisher, "");
    sandbox.write("config/supplywatch.toml", config(&sandbox));
    once(&sandbox, 0).says(&["feed magnets: nothing new", "imports since 2999-01 are not out yet"]);
    publisher.publish(IMPORTS, [months(&OUT), Answer::new(204, "")]);
    once(&world(&publisher, ""), 1)
        .says(&["the months 2025-05 to 2025-07 are out, and have no import of `8505110070` with these partners"]);
}

#[test]
fn a_quantity_that_is_missing_is_no_decline() {
    let publisher = Publisher::start();
    let mut rows = FALLING;
    rows[2] = ("5700", "2025-07", "0", "\"M\"");
    publisher.publish(IMPORTS, [months(&OUT), figures(&rows)]);
    let ended = once(&world(&publisher, ""), 0);
    ended.says(&["feed magnets: 5 new"]).says_nothing_of(&["CRITICAL"]);
}

#[test]
fn totals_and_groups_are_left_out_and_told() {
    let publisher = Publisher::start();
    let mut rows = FALLING.to_vec();
    rows.extend([
        ("-", "2025-07", "99000", "null"),
        ("0003", "2025-07", "5000", "null"),
        ("5XXX", "2025-07", "80000", "null"),
    ]);
    publisher.publish(IMPORTS, [months(&OUT), figures(&rows)]);
    let sandbox = world(&publisher, "");
    let every = sandbox.read("config/supplywatch.toml").replace("partner = [\"CN\", \"JP\"]\n", "");
    sandbox.write("config/supplywatch.toml", every);
    once(&sandbox, 0).says(&["6 new", "3 rows of groups of countries left out (`W00`, `0003` and `5XXX`)"]);
    assert!(!publisher.asked(IMPORTS)[1].path.contains("&CTY_CODE="), "every country");
}

#[test]
fn imports_and_exports_of_one_feed_are_asked_by_themselves() {
    let publisher = Publisher::start();
    publisher.publish(IMPORTS, [months(&OUT), figures(&FALLING)]);
    let export = |answer: &str| {
        answer
            .replace("I_COMMODITY", "E_COMMODITY")
            .replace("GEN_VAL_MO", "ALL_VAL_MO")
            .replace("GEN_QY1_MO", "QTY_1_MO")
    };
    let exports = [months_table(&OUT), figures_table(&FALLING[..1])].map(|table| Answer::ok(export(&table)));
    publisher.publish(EXPORTS, exports);
    let sandbox = world(&publisher, "");
    let both = sandbox.read("config/supplywatch.toml").replace("flow = \"import\"", "flow = [\"import\", \"export\"]");
    sandbox
        .write("config/supplywatch.toml", both.replace("partner = \"CN\" }", "partner = \"CN\", flow = \"import\" }"));
    once(&sandbox, 0).says(&["feed magnets: 8 new", "CRITICAL"]);
    assert!(publisher.asked(EXPORTS)[1].path.contains("&DF=-&"));
}

#[test]
fn a_feed_that_cannot_mean_what_it_says_is_refused_at_check() {
    let sandbox = Sandbox::with_config(
        "[feed.f]\nkind = \"census\"\npartner = [\"CN\", \"0003\"]\ncommodity = [\"85051110\"]\nflow = \"export\"\n\
        frequency = \"year\"\nmeasure = \"weight\"\nbasis = \"all\"\nabsent = \"zero\"\n",
    );
    sandbox.run(&["check"]).is(78).says(&[
        "needs `key`",
        "`partner` has countries and groups of countries",
        "`commodity` cannot be `85051110`",
        "expected 2, 4, 6 or 10 digits",
        "the Census Bureau has no figures by year",
        "the Census Bureau has no measure `weight`",
        "`all`",
        "`basis` has no meaning for exports",
    ]);
}

/// The example that is shipped, with an answer in its place.
#[test]
fn the_shipped_example_reads_its_answer() {
    let mut sandbox = Sandbox::shipped();
    sandbox.set("CENSUS_KEY", KEY);
    sandbox.write("census.json", figures_table(&FALLING));
    sandbox.write("config/own.toml", format!(
        "[daemon]\ninclude = [\"feeds/census.toml\"]\n\n[rule.any]\nseries = {{ feed = \"us-magnet-imports\", measure = \
        \"quantity\", partner = \"CN\", reporter = \"US\", hs = \"8505110070\", basis = \"general\" }}\nwhen = \"value > 1 t\"\n\
        severity = \"warning\"\nnotify = \"desk\"\n\n{DESK}"
    ));
    let args = ["dry-run", "--config", "config/own.toml", "--feed", "us-magnet-imports=census.json"];
    sandbox.run(&args).is(0).says(&["31 900 kg"]);
}
