//! What is another between two configs.

use super::super::outline::Outline;
use super::{FEED, Sandbox};

const RULE: &str = "[rule.r]\nseries = { feed = 'f' }\nwhen = 'declines >= 2'\nnotify = ['hook']\n";
const HOOK: &str = "[receiver.hook]\nkind = 'webhook'\nurl = 'https://hooks.example/T0KEN-a'\n";

fn outline(config: &str) -> Outline {
    Sandbox::new(config).setup().outline
}

/// The same as another process is told of it.
fn served(outline: &Outline) -> Outline {
    serde_json::from_str(&serde_json::to_string(outline).unwrap()).unwrap()
}

/// What is another, a line each; then what cannot be known.
fn told(old: &Outline, new: &Outline) -> String {
    let changes = old.changes(new);
    let items = changes.items.iter().map(ToString::to_string);
    let unseen = changes.unseen.iter().map(|key| format!("({key})"));
    items.chain(unseen).chain([changes.sum()]).collect::<Vec<_>>().join("\n")
}

fn changed(old: &str, new: &str) -> String {
    told(&outline(old), &outline(new))
}

#[test]
fn what_is_only_written_otherwise_is_the_same() {
    let old = format!("{FEED}skip_lines = 1\nlabels = {{ hs = '85051110', reporter = 'CN' }}\n{RULE}{HOOK}");
    let labels = "[feed.f.labels]\nreporter = \"CN\"\nhs = \"85051110\" # magnets\n";
    let new = format!("# mine\n{HOOK}{RULE}{FEED}skip_lines = 0x1\n{labels}");
    assert_eq!(changed(&old, &new), "nothing changed");
    let parts = Sandbox::new(&format!("[daemon]\ninclude = ['rules/*.toml']\n{FEED}skip_lines = 1\n{labels}{HOOK}"));
    let new = parts.with("rules/r.toml", RULE).setup().outline;
    assert_eq!(told(&outline(&old), &new), "[daemon] changed: include\n[daemon] changed");
}

#[test]
fn items_come_and_go_and_change_by_keys() {
    let old = format!("{FEED}{RULE}{HOOK}[web]\nhosts = ['a.example']\n");
    let rule = RULE.replace(">= 2", ">= 3").replace("[rule.r]", "[rule.r]\nseverity = 'critical'");
    let more = "[rule.s]\nseries = {}\nwhen = 'rises >= 2'\nnotify = ['desk']\n[receiver.desk]\nkind = 'console'\n";
    let derived = "[series.d]\nfrom = { a = { feed = 'f' } }\nvalue = 'a * 2'\nunit = 't'\n";
    let new = format!(
        "{FEED}unit = 't'\ncolumns = {{ value = 'tonnes' }}\n{rule}{HOOK}{more}{derived}[web]\nhosts = ['b.example']\n"
    );
    insta::assert_snapshot!(changed(&old, &new), @r"
    [web] changed: hosts
    feed f changed: columns.value, unit
    series d added
    rule r changed: severity, when
    rule s added
    receiver desk added
    [web] changed, 1 feed changed, 1 series added, 1 rule added, 1 rule changed, 1 receiver added
    ");
    insta::assert_snapshot!(changed(&new, &old), @r"
    [web] changed: hosts
    feed f changed: columns.value, unit
    series d removed
    rule r changed: severity, when
    rule s removed
    receiver desk removed
    [web] changed, 1 feed changed, 1 series removed, 1 rule changed, 1 rule removed, 1 receiver removed
    ");
    let (old, new) = (outline(&old), outline(&new));
    let changes = old.changes(&new);
    let key = changes.items.iter().flat_map(|item| item.what.keys()).find(|key| key.key == "when").unwrap();
    assert_eq!(key.before.as_deref().zip(key.after.as_deref()), Some(("\"declines >= 2\"", "\"declines >= 3\"")));
    assert_eq!(told(&served(&old), &served(&new)), told(&old, &new), "what is served says the same");
}

#[test]
fn what_waits_for_the_next_start_is_known() {
    let daemon = |contact| format!("[daemon]\ncontact = '{contact}'\ntimezone = 'UTC'\n{FEED}");
    let changes = outline(&daemon("a@example.org")).changes(&outline(&daemon("b@example.org")));
    assert_eq!(changes.items[0].at_start(), ["contact"]);
    let changes =
        outline(&daemon("a@example.org")).changes(&outline(&daemon("a@example.org").replace("UTC", "Asia/Tokyo")));
    assert_eq!(changes.items[0].at_start(), [""; 0]);
}

#[test]
fn routes_are_known_by_what_they_say() {
    let route =
        |partner: &str, whom: &str| format!("[[route]]\nmatch = {{ partner = '{partner}' }}\nnotify = ['{whom}']\n");
    let desks = "[receiver.a]\nkind = 'console'\n[receiver.b]\nkind = 'console'\n";
    let config = |routes: &[(&str, &str)]| {
        let routes: String = routes.iter().map(|(partner, whom)| route(partner, whom)).collect();
        format!("{FEED}{routes}{desks}")
    };
    let old = config(&[("US", "a"), ("DE", "a"), ("JP", "b")]);
    let check = |new: &[(&str, &str)], expected: &str| assert_eq!(changed(&old, &config(new)), expected);
    check(&[("US", "a"), ("FR", "a"), ("DE", "a"), ("JP", "b")], "route 2 added\n1 route added");
    check(&[("US", "a"), ("JP", "b")], "route 2 removed\n1 route removed");
    check(&[("US", "a"), ("DE", "b"), ("JP", "b")], "route 2 changed: notify\n1 route changed");
    check(&[("DE", "a"), ("US", "a"), ("JP", "b")], "routes changed: order\n1 route changed");
}

#[test]
fn a_secret_is_compared_by_whoever_has_read_it_and_is_in_no_outline() {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let hook = "secret = { file = 'key' }\n[receiver.mail]\nkind = 'email'\nhost = 'mail.example.org'\nusername = 'us3r-name'\n\
        password = 'hunter22'\nfrom = 'a@example.org'\nto = ['b@example.org']\n";
    let sandbox = Sandbox::new(
        &format!("{FEED}url = 'https://data.example/k3y'\n{RULE}{HOOK}{hook}").replace("path = 'f.csv'\n", ""),
    );
    let sandbox = sandbox.with("key", SECRET);
    let old = sandbox.setup().outline;
    let text = serde_json::to_string(&old).unwrap();
    for secret in ["T0KEN", "us3r", "hunter22", "k3y", SECRET] {
        assert!(!text.contains(secret) && !format!("{old:?}").contains(secret), "{secret} in {text}");
    }
    assert!(text.contains("https://hooks.example/…") && text.contains(r#"{ file = \"key\" }"#), "{text}");
    let sandbox = sandbox.with("key", SECRET.replace("Mf", "Mg"));
    let new = sandbox.setup().outline;
    assert_eq!(told(&old, &new), "receiver hook changed: secret\n1 receiver changed");
    insta::assert_snapshot!(told(&served(&old), &new), @r"
    (feed.f.url)
    (receiver.hook.secret)
    (receiver.hook.url)
    (receiver.mail.password)
    (receiver.mail.username)
    nothing changed
    ");
}
