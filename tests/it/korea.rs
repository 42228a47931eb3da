//! Korea's customs, from their answers to an alert: the total that is no country, keys in two forms, and errors that
//! arrive as a success.

use super::http::Answer;
use super::publisher::Publisher;
use super::sandbox::Sandbox;
use super::scene::{DESK, figures, once};

const PATH: &str = "/trade/getNitemtradeList";
/// The key as the portal gives it: in its encoded form.
const KEY: &str = "CANARY%2BKEY%2FAb3%3D%3D";

fn world(publisher: &Publisher, more: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_config(&format!(
        "[feed.korea]\nkind = \"korea\"\nkey = {{ env = \"DATA_GO_KR_KEY\" }}\ncommodity = [\"8505.11\"]\nflow = [\"import\"]\n\
        url = \"{}\"\ninsecure = true\nallow_private = true\n{more}\n\
        [rule.falling]\nseries = {{ feed = \"korea\", partner = \"CN\", measure = \"weight\", hs = \"8505110000\" }}\n\
        when = \"declines >= 2\"\nseverity = \"warning\"\nnotify = \"desk\"\n\n{DESK}",
        publisher.url("/trade")
    ));
    sandbox.set("DATA_GO_KR_KEY", KEY);
    sandbox
}

/// An answer: the total, and imports from China by month in kilograms.
fn answer(months: &[(&str, u32)]) -> String {
    let item = |year: &str, code: &str, country: &str, kilograms: u32| {
        format!(
            "<item><balPayments>0</balPayments><expDlr>0</expDlr><expWgt>0</expWgt><hsCd>{code}</hsCd>\
             <impDlr>{}</impDlr><impWgt>{kilograms}</impWgt><statCd>{country}</statCd><year>{year}</year></item>",
            kilograms * 50
        )
    };
    let months: String = months.iter().map(|(month, kilograms)| item(month, "8505110000", "CN", *kilograms)).collect();
    format!(
        "<response><header><resultCode>00</resultCode></header><body><items>{}{months}</items></body></response>",
        item("총계", "-", "-", 9_999_999)
    )
}

/// What the publisher answers where nothing is out yet.
const NOTHING: &str = "<response><header><resultCode>00</resultCode></header><body><items/></body></response>";

#[test]
fn imports_fall_and_the_total_is_no_country() {
    let publisher = Publisher::start();
    let falling = answer(&[("2025.09", 854_000), ("2025.10", 569_000), ("2025.11", 500_000)]);
    publisher.publish(PATH, [Answer::ok(NOTHING), Answer::ok(falling)]);
    let sandbox = world(&publisher, "partner = [\"China\"]\nmeasure = [\"weight\"]");
    let ended = once(&sandbox, 0);
    ended.says(&["feed korea: 3 new", "WARNING", "500 000 kg", "November 2025"]);
    assert_eq!(figures(&sandbox, "falling").len(), 3);
    // The key went out encoded once, and is nowhere else.
    let asked = publisher.asked(PATH);
    assert!(asked[0].path.contains("serviceKey=CANARY%2BKEY%2FAb3%3D%3D&strtYymm="), "{}", asked[0].path);
    assert!(asked.iter().all(|asked| asked.path.ends_with("&hsSgn=850511&cntyCd=CN")));
    for (path, contents) in sandbox.contents() {
        assert!(!String::from_utf8_lossy(&contents).contains("CANARY"), "{}", path.display());
    }
}

#[test]
fn errors_that_come_as_a_success_are_told_with_what_to_do_and_without_the_key() {
    for (code, said, help) in [
        ("30", "SERVICE_KEY_IS_NOT_REGISTERED_ERROR", "the portal does not know the key"),
        ("22", "LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR", "today's requests are used up"),
        ("31", "DEADLINE_HAS_EXPIRED_ERROR", "the key has run out"),
    ] {
        let publisher = Publisher::start();
        publisher.publish(PATH, [Answer::ok(format!(
            "<OpenAPI_ServiceResponse><cmmMsgHeader><errMsg>SERVICE ERROR CANARY+KEY/Ab3==</errMsg><returnAuthMsg>{said} \
             CANARY+KEY/Ab3==</returnAuthMsg><returnReasonCode>{code}</returnReasonCode></cmmMsgHeader></OpenAPI_ServiceResponse>"
        ))]);
        let ended = once(&world(&publisher, ""), 1);
        ended.says(&["set aside, earlier data stand", said, help]).says_nothing_of(&["CANARY"]);
    }
}

#[test]
fn what_has_no_figures_is_an_error_and_no_zero() {
    for (body, said) in [
        (NOTHING, "nothing was traded under 850511"),
        ("<html><title>점검</title></html>", "found a web page titled \"점검\""),
        ("", "the response is empty"),
        ("Unexpected errors", "found a text: Unexpected errors"),
        ("<response><body><items><item>", "the text breaks off"),
    ] {
        let publisher = Publisher::start();
        publisher.publish(PATH, [Answer::ok(body)]);
        once(&world(&publisher, ""), 1).says(&["feed korea: set aside, earlier data stand", said]);
    }
}

#[test]
fn a_revised_month_is_a_revision_and_the_same_again_is_nothing() {
    let publisher = Publisher::start();
    let first = answer(&[("2025.09", 100), ("2025.10", 90), ("2025.11", 80)]);
    publisher.publish(PATH, [Answer::ok(NOTHING), Answer::ok(first)]);
    let sandbox = world(&publisher, "measure = [\"weight\"]");
    once(&sandbox, 0).says(&["WARNING"]);
    let again = answer(&[("2025.09", 100), ("2025.10", 90), ("2025.11", 80)]);
    publisher.publish(PATH, [Answer::ok(NOTHING), Answer::ok(again)]);
    once(&sandbox, 0).says_nothing_of(&["WARNING"]);
    let revised = answer(&[("2025.09", 100), ("2025.10", 90), ("2025.11", 120)]);
    publisher.publish(PATH, [Answer::ok(NOTHING), Answer::ok(revised)]);
    once(&sandbox, 0).says(&["0 new, 1 revised", "CORRECTED"]);
}

#[test]
fn what_the_service_lacks_is_refused_at_check() {
    let sandbox = Sandbox::with_config(
        "[feed.f]\nkind = \"korea\"\nfrequency = \"year\"\ncommodity = [\"85051\"]\npartner = [\"World\"]\nmeasure = [\"quantity\"]\n",
    );
    sandbox.run(&["check"]).is(78).says(&[
        "a key is free at data.go.kr",
        "Korea's customs has no figures by year",
        "`commodity` cannot be `85051`",
        "`partner` cannot be `World`",
        "`measure` cannot be `quantity`",
        "write flow = \"import\"",
    ]);
}

/// The example that is shipped, with an answer in its place.
#[test]
fn the_shipped_example_reads_its_answer() {
    let mut sandbox = Sandbox::shipped();
    sandbox.set("DATA_GO_KR_KEY", KEY);
    sandbox.write("korea.xml", answer(&[("2025.12", 1_200_050)]));
    sandbox.write("config/own.toml", format!(
        "[daemon]\ninclude = [\"feeds/korea.toml\"]\n\n[rule.any]\nseries = {{ feed = \"korea-magnets\", measure = \
        \"weight\", partner = \"CN\", reporter = \"KR\", hs = \"8505110000\", flow = \"import\" }}\nwhen = \"value > 1 kt\"\n\
        severity = \"warning\"\nnotify = \"desk\"\n\n{DESK}"
    ));
    let args = ["dry-run", "--config", "config/own.toml", "--feed", "korea-magnets=korea.xml"];
    sandbox.run(&args).is(0).says(&["1 200 050 kg"]);
}
