//! Templates: what arrives in the operator's own words, and what arrives where these fail.

use super::hook::Hook;
use super::sandbox::Sandbox;
use super::scene::{DESK, magnets, once, webhook};

const FIGURES: &str = "period,partner,tonnes,published
2025-07,US,619,2025-08-20
2025-08,US,590,2025-09-20
2025-09,US,420.5,2025-10-20
";

/// A rule with a template of its own, and a receiver.
fn scene(template: &str, receiver: &str) -> Sandbox {
    let sandbox = Sandbox::with_config(&format!(
        "[feed.magnets]
kind = \"csv\"
path = \"magnets.csv\"
frequency = \"month\"
unit = \"t\"
labels = {{ reporter = \"CN\", flow = \"export\" }}
columns = {{ period = \"period\", value = \"tonnes\", published = \"published\", labels = [\"partner\"] }}

[rule.falling]
series = {{ feed = \"magnets\" }}
when = \"declines >= 2\"
notify = [\"desk\"]

[rule.falling.template]
{template}

{receiver}"
    ));
    sandbox.write("config/magnets.csv", FIGURES);
    sandbox
}

const TEMPLATE: &str = r#"title = "{{ alert.labels.partner }} buys less: {{ evidence.points[-1].value }} {{ evidence.unit }}"
body = """
Call {{ alert.labels.buyer or 'the desk' }}.
{% for row in evidence.table %}{{ row.period }}: {{ row.value }}
{% endfor %}""""#;

const GOOD: &str = r#"title = "{{ alert.labels.partner }} buys less: {% if evidence.points %}{{ evidence.points[-1].value }} {{ evidence.unit }}{% endif %}"
body = """
Call the desk.

{% for row in evidence.table %}{{ row.period }}: {{ row.value }}
{% endfor %}""""#;

#[test]
fn a_rules_own_words_are_told_and_can_be_looked_at_before() {
    let sandbox = scene(GOOD, DESK);
    sandbox.run(&["check"]).is(0);
    let ended = once(&sandbox, 0);
    ended.says(&[
        "US buys less: 420.5 t",
        "  Call the desk.\n\n  2025-07: 619 t\n  2025-08: 590 t\n  2025-09: 420.5 t\n",
    ]);
    ended.says(&["Rule         falling: declines >= 2"]).says_nothing_of(&["Why", "fell for"]);
    let shown = sandbox.run(&["template", "render", "falling", "partner=US"]);
    shown.is(0).says(&["to desk ──\nUS buys less: 420.5 t\n\nCall the desk.\n\n2025-07: 619 t\n2025-08: 590 t"]);
    let lines = sandbox.json(&["template", "render", "falling"]);
    assert_eq!((&lines[0]["title"], &lines[0]["error"]), (&"US buys less: 420.5 t".into(), &serde_json::Value::Null));
    sandbox.run(&["template", "render", "failing"]).is(2).says(&["did you mean `falling`?"]);
    sandbox.run(&["template", "render", "falling", "--receiver", "dusk"]).is(2).says(&["did you mean `desk`?"]);
}

/// A label that no series has is not known to be missing before there is a message.
#[test]
fn what_fails_arrives_in_the_programs_words_with_a_note() {
    let sandbox = scene(TEMPLATE, DESK);
    let note = "template's body failed: undefined value";
    once(&sandbox, 0).says(&["fell for at least 2 months: 420.5 t", note, "Why"]);
    sandbox.run(&["template", "render", "falling"]).is(1).says(&["(the default, since the template's body failed"]);
}

/// Each reader has figures as it reads them; a program has them as they are.
#[test]
fn figures_are_told_in_the_readers_locale_and_unit() {
    let hook = Hook::start();
    let berlin = "[receiver.berlin]\nkind = \"console\"\nlocale = \"de\"\nunits = [\"kg\", \"EUR/kg\"]\n\n";
    let words = "[receiver.own]\nkind = \"console\"\nlocale = \"de\"\nunits = [\"kg\"]\ntemplate = { title = \"\
                 {% for point in evidence.points[-1:] %}{{ point.value|quantity(evidence.unit) }}{% endfor %}\" }\n\n";
    let receivers = [
        ("desk", DESK.to_owned()),
        ("berlin", berlin.to_owned()),
        ("own", words.to_owned()),
        ("hook", webhook("hook", &hook.url())),
    ];
    let sandbox = magnets(&receivers);
    let english = "fell for at least 2 months: 420.5 t in September 2025, −28.7 %";
    let german = "fell for at least 2 months: 420.500 kg in September 2025, -28,7\u{a0}%";
    let row = ["2025-09 ", "420.500 kg ", "-28,7\u{a0}%"];
    sandbox.run(&["dry-run"]).is(0).says(&[english, german, "420.500 kg\n"]);
    once(&sandbox, 0).says(&["4 messages delivered", english, german]).says(&row);
    sandbox
        .run(&["drill", "magnets-falling", "--to", "berlin"])
        .is(0)
        .says(&["420.500 kg in September 2025"])
        .says_nothing_of(&["420.5 t"]);
    let shown = sandbox.run(&["template", "render", "magnets-falling", "--receiver", "own"]);
    shown.is(0).says(&["to own ──\n420.500 kg\n"]);
    let data = &hook.posts()[0].json()["data"];
    assert_eq!((&data["evidence"]["unit"], &data["evidence"]["points"][2]["value"]), (&"t".into(), &420.5.into()));
    assert_eq!(data["evidence"]["table"][2]["value"], "420.5 t");
}

#[test]
fn what_cannot_work_is_refused() {
    let bad = scene("title = \"{{ titel }}\"\nbody = \"{% for x in gates %}\"\nfoot = \"x\"", DESK);
    bad.run(&["check"]).is(78).says(&[
        "the template's `title` cannot be used: a message has no `titel`",
        "the template's `body` cannot be used: syntax error",
        "unknown key `foot` in [rule.falling.template]",
    ]);
    let bare = scene("title = \"{{ evidence.table[-1].value }}\"", DESK);
    bare.run(&["check"]).is(0).says(&["the template's `title` fails for a message without figures"]);
}

/// A receiver's own template is for what the rule does not say; a program gets the message as it is.
#[test]
fn a_receivers_own_words_fill_in() {
    let desk = format!("{DESK}[receiver.desk.template]\ntitle = \"unheard\"\nbody = \"In short: {{{{ title }}}}\"\n\n");
    let hook = webhook("hook", "http://127.0.0.1:9/");
    let sandbox = scene("title = \"{{ severity }}: look\"", &format!("{desk}{hook}"));
    once(&sandbox, 0).says(&["warning: look", "In short: "]).says_nothing_of(&["unheard", "Why"]);
    let told = sandbox.run(&["template", "render", "falling", "--receiver", "hook"]);
    told.is(0).says(&["to hook ──\nwarning: look\n\n(the default)"]);
}

/// Where a page shows alerts, every message leads to its own.
#[test]
fn a_message_leads_to_the_page_of_its_alert() {
    let sandbox =
        scene("title = \"{{ url }}\"", &format!("{DESK}[daemon]\npage_url = \"https://watch.example/sub/\"\n"));
    let told = once(&sandbox, 0).stdout.clone();
    let id = sandbox.json(&["alerts"])[0]["id"].as_str().unwrap().to_owned();
    let address = format!("https://watch.example/sub/alerts/{id}");
    assert!(
        told.contains(&format!("▲ WARNING  {address}\n")) && told.contains(&format!("  Page         {address}\n")),
        "{told}"
    );
}

/// A title of one's own does not hide that it is an exercise.
#[test]
fn a_drill_in_ones_own_words_is_marked() {
    let sandbox = scene(GOOD, DESK);
    once(&sandbox, 0);
    sandbox.run(&["drill", "falling"]).is(0).says(&["[DRILL] US buys less: 420.5 t", "Call the desk."]);
}

/// What was kept back is told in one's own words, too.
#[test]
fn what_is_told_late_is_told_in_ones_own_words() {
    let sandbox = scene(GOOD, DESK);
    sandbox.write("config/magnets.csv", FIGURES.replace("420.5", "600"));
    once(&sandbox, 0);
    sandbox.run(&["silence", "add", "--match", "partner=US", "--for", "1d", "--comment", "known"]).is(0);
    sandbox.write("config/magnets.csv", FIGURES);
    once(&sandbox, 0).says_nothing_of(&["buys less"]);
    sandbox.run(&["silence", "expire", "1"]).is(0);
    once(&sandbox, 0).says(&["US buys less: 420.5 t", "Call the desk."]);
}
