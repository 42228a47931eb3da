//! From a transition to its receiver: what arrives, signed and whole; at least once and under one id; in
//! order; and no receiver waits for another.

use serde_json::{Value, json};

use super::hook::{Hook, id, is_signed};
use super::http::{Answer, Request};
use super::sandbox::{Sandbox, Signal};
use super::scene::{BETTER, DESK, MAGNETS, SECRET, WORSE, magnets, once, webhook};
use super::smtp::Relay;

fn hooked(hook: &Hook) -> Sandbox {
    magnets(&[("hook", webhook("hook", &hook.url()))])
}

/// A Slack channel on loopback.
fn slack(url: &str) -> String {
    format!("[receiver.slack]\nkind = \"slack\"\nurl = \"{url}\"\ninsecure = true\nallow_private = true\n\n")
}

/// Mail through a relay on loopback.
pub fn email(relay: &Relay) -> String {
    format!(
        "[receiver.mail]\nkind = \"email\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\ninsecure = true\n\
        from = \"supplywatch <alerts@example.org>\"\nto = [\"buyer@example.org\", \"desk@example.net\"]\n\n",
        relay.port()
    )
}

#[test]
fn a_webhook_gets_the_whole_alert_signed() {
    let hook = Hook::start();
    let sandbox = hooked(&hook);
    once(&sandbox, 0).says(&["1 message delivered"]);
    let posts = hook.posts();
    let [post] = &posts[..] else { panic!("{posts:#?}") };
    assert!(is_signed(post, SECRET) && id(post).starts_with("msg_"), "{post:#?}");
    assert_eq!((post.method.as_str(), post.header("content-type")), ("POST", Some("application/json")));
    assert!(post.header("user-agent").unwrap().starts_with("supplywatch/"));

    let body = post.json();
    assert_eq!(body["type"], "supplywatch.alert.fired");
    assert!(body["timestamp"].as_str().unwrap().ends_with('Z'));
    let data = &body["data"];
    assert_eq!(data["alert"]["rule"], "magnets-falling");
    assert_eq!(data["alert"]["episode"], 1);
    assert_eq!(data["alert"]["labels"]["partner"], "US");
    assert!(data["alert"]["id"].is_string());
    let [kind, transition, severity, period] =
        ["kind", "transition", "severity", "period"].map(|key| data[key].as_str().unwrap());
    assert_eq!([kind, transition, severity, period], ["market", "fired", "critical", "2025-09"]);
    assert_eq!(data["number"], 1);
    assert!(data["title"].as_str().unwrap().contains("420.5 t"), "{data:#}");
    assert!(data["summary"].as_str().unwrap().contains("590 t"), "{data:#}");
    assert_eq!(data["gates"][0]["text"], "declines >= 2");
    let points = data["evidence"]["points"].as_array().unwrap();
    let figures: Vec<(&str, f64)> =
        points.iter().map(|point| (point["period"].as_str().unwrap(), point["value"].as_f64().unwrap())).collect();
    assert_eq!(figures, [("2025-07", 619.0), ("2025-08", 590.0), ("2025-09", 420.5)]);
}

#[test]
fn a_post_that_failed_is_repeated_under_its_id_and_with_its_body() {
    let hook = Hook::start();
    let sandbox = hooked(&hook);
    let failures = [Answer::new(500, "oops"), Answer::new(503, ""), Answer::reset(), Answer::new(408, "")];
    let count = failures.len();
    hook.answer_with(failures);
    for _ in 0..count {
        once(&sandbox, 1).says(&["not delivered to hook", "tried again at"]);
    }
    once(&sandbox, 0).says(&["1 message delivered"]);
    once(&sandbox, 0).says(&["0 messages delivered"]);
    let posts = hook.posts();
    assert_eq!(posts.len(), count + 1);
    assert!(posts.iter().all(|post| id(post) == id(&posts[0]) && is_signed(post, SECRET)), "{posts:#?}");
    assert!(posts.iter().all(|post| post.body == posts[0].body));
}

#[test]
fn a_receiver_that_asks_for_a_pause_is_asked_again_when_told_to() {
    let hook = Hook::start();
    let sandbox = hooked(&hook);
    hook.answer_with([Answer::new(429, "slow down").header("Retry-After", "120")]);
    once(&sandbox, 1).says(&["not delivered to hook", "429"]);
    let delivery = &sandbox.json(&["deliveries"])[0];
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("pending"), &json!(1)));
    let [created, due] = ["created_at", "not_before"]
        .map(|key| chrono::DateTime::parse_from_rfc3339(delivery[key].as_str().unwrap()).unwrap());
    assert!((due - created).num_seconds() >= 120, "{delivery:#}");
}

#[test]
fn a_redirect_is_not_followed_with_what_is_secret() {
    let (hook, elsewhere) = (Hook::start(), Hook::start());
    let sandbox = hooked(&hook);
    hook.answer_with([Answer::new(302, "").header("Location", &elsewhere.url())]);
    once(&sandbox, 1).says(&["not delivered to hook", "302"]);
    assert!(elsewhere.posts().is_empty());
}

#[test]
fn a_receiver_that_is_gone_gets_no_second_post_before_somebody_has_looked() {
    let hook = Hook::start();
    let sandbox = hooked(&hook);
    hook.answer_with([Answer::new(410, "")]);
    let mut daemon = sandbox.daemon();
    daemon.wait("READY=1");
    hook.wait(1);
    let is_recorded = || sandbox.json(&["deliveries"])[0]["last_error"] != Value::Null;
    assert!((0..100).any(|_| is_recorded()), "the answer is never recorded");
    assert_eq!(sandbox.json(&["deliveries"])[0]["state"], "pending");
    // Nothing is sent to it by itself; whoever reads the config again says that it was mended.
    assert_eq!(hook.posts().len(), 1);
    daemon.signal(Signal::HUP);
    let posts = hook.wait(2);
    assert_eq!(id(&posts[1]), id(&posts[0]));
    daemon.stop().is(0);
}

#[test]
fn a_receiver_that_is_down_delays_no_other() {
    let (down, up) = (Hook::start(), Hook::start());
    let sandbox =
        magnets(&[("down", webhook("down", &down.url())), ("up", webhook("up", &up.url())), ("desk", DESK.to_owned())]);
    down.answer_with([Answer::new(500, ""), Answer::new(500, "")]);
    once(&sandbox, 1).says(&["2 messages delivered", "not delivered to down"]);
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{WORSE}"));
    once(&sandbox, 1).says(&["2 messages delivered", "not delivered to down"]);
    assert_eq!(up.posts().iter().map(|post| post.json()["data"]["number"].clone()).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn messages_of_one_alert_arrive_in_order() {
    let hook = Hook::start();
    let sandbox = hooked(&hook);
    hook.answer_with([Answer::new(500, ""), Answer::new(500, "")]);
    once(&sandbox, 1);
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{WORSE}"));
    once(&sandbox, 1).says(&["1 alert changed"]);
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{WORSE}2025-11,US,300\n"));
    once(&sandbox, 0).says(&["1 alert changed, 2 messages delivered"]);
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{WORSE}2025-11,US,300\n2025-12,US,700\n"));
    once(&sandbox, 0).says(&["1 alert changed, 1 message delivered"]);
    let told = |post: &Request| format!("{} {}", post.json()["data"]["transition"], post.json()["data"]["number"]);
    let told: Vec<String> = hook.posts().iter().map(told).collect();
    // The second continued for a month and gave way to the third.
    assert_eq!(told, ["\"fired\" 1", "\"fired\" 1", "\"fired\" 1", "\"continued\" 3", "\"resolved\" 4"]);
}

#[test]
fn a_revision_is_told_with_what_was_said_before() {
    let hook = Hook::start();
    let sandbox = hooked(&hook);
    once(&sandbox, 0);
    sandbox.write("config/magnets.csv", MAGNETS.replace("420.5", "600"));
    once(&sandbox, 0).says(&["1 revised"]);
    let [fired, corrected] = [0, 1].map(|index| hook.posts()[index].json());
    assert_eq!((&corrected["type"], &corrected["data"]["number"]), (&json!("supplywatch.alert.corrected"), &json!(2)));
    let data = &corrected["data"];
    assert_eq!(data["said"]["title"], fired["data"]["title"]);
    assert_eq!((&data["revisions"][0]["old"], &data["revisions"][0]["new"]), (&json!("420.5 t"), &json!("600 t")));
    assert_eq!(data["alert"]["id"], fired["data"]["alert"]["id"]);
    assert_ne!(id(&hook.posts()[0]), id(&hook.posts()[1]));
}

#[test]
fn whoever_got_the_opening_notice_gets_the_closing_one() {
    let (first, second) = (Hook::start(), Hook::start());
    let sandbox = magnets(&[("first", webhook("first", &first.url()))]);
    once(&sandbox, 0);
    let config = sandbox.read("config/supplywatch.toml");
    let both = format!("{}{}", config.replace("[\"first\"]", "[\"second\"]"), webhook("second", &second.url()));
    sandbox.write("config/supplywatch.toml", both);
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{BETTER}"));
    once(&sandbox, 0);
    assert_eq!(first.posts().last().unwrap().json()["data"]["transition"], "resolved");
    assert!(second.posts().is_empty(), "it was told of an end whose beginning it does not know");
}

#[test]
fn slack_gets_blocks_and_hostile_labels_do_no_harm() {
    let hook = Hook::start();
    let sandbox = magnets(&[("slack", slack(&hook.url()))]);
    sandbox.write("config/magnets.csv", MAGNETS.replace("US", "<!channel> & *co*"));
    once(&sandbox, 0).says(&["1 message delivered"]);
    let body = hook.posts()[0].json();
    let text = body.to_string();
    assert!(body["blocks"].as_array().is_some_and(|blocks| !blocks.is_empty()), "{body:#}");
    assert!(body["text"].as_str().unwrap().contains("420.5 t"), "{body:#}");
    assert!(!text.contains("<!channel>") && text.contains("&lt;!channel&gt; &amp;"), "{body:#}");
}

#[test]
fn slack_says_no_in_its_own_way() {
    let hook = Hook::start();
    let sandbox = magnets(&[("slack", slack(&hook.url()))]);
    hook.answer_with([Answer::new(404, "no_service")]);
    once(&sandbox, 1).says(&["not delivered to slack, which is disabled", "no_service"]);
}

#[test]
fn mail_arrives_in_words_for_people_and_as_html() {
    let relay = Relay::start();
    let sandbox = magnets(&[("mail", email(&relay))]);
    once(&sandbox, 0).says(&["1 message delivered"]);
    let mails = relay.mails();
    let to: Vec<&str> = mails.iter().flat_map(|mail| &mail.to).map(String::as_str).collect();
    assert_eq!(to, ["buyer@example.org", "desk@example.net"]);
    for mail in &mails {
        assert_eq!(mail.from, "alerts@example.org");
        assert!(mail.subject().contains("420.5 t") && mail.subject().contains("−28.7 %"), "{}", mail.subject());
        let parts = mail.parts();
        let [text, html, chart, ..] = &parts[..] else { panic!("{parts:#?}") };
        for figure in ["619 t", "590 t", "420.5 t", "declines >= 2"] {
            assert!(text.contains(figure), "{figure}\n{text}");
        }
        assert!(html.contains("<table") && html.contains("420.5 t") && html.contains("declines &gt;= 2"), "{html}");
        assert!(html.contains("<img src=\"cid:chart.msg_") && html.contains("420.5 t in September 2025"), "{html}");
        assert!(chart.contains("PNG") && chart.contains("IHDR"), "the picture that the HTML part shows");
        assert_eq!(mail.header("Auto-Submitted").as_deref(), Some("auto-generated"));
    }
}

#[test]
fn mail_that_was_put_off_is_sent_again_under_its_message_id() {
    let relay = Relay::start();
    let sandbox = magnets(&[("mail", email(&relay).replace("\"buyer@example.org\", ", ""))]);
    relay.reply_with(["451 4.7.1 greylisted, come back later"]);
    once(&sandbox, 1).says(&["not delivered to mail", "greylisted", "tried again at"]);
    once(&sandbox, 0).says(&["1 message delivered"]);
    let ids: Vec<Option<String>> = relay.mails().iter().map(|mail| mail.header("Message-ID")).collect();
    assert!(ids.len() == 2 && ids[0] == ids[1] && ids[0].as_ref().unwrap().contains("msg_"), "{ids:?}");

    sandbox.write("config/magnets.csv", format!("{MAGNETS}{BETTER}"));
    relay.reply_with(["550 5.7.1 we do not want your mail"]);
    once(&sandbox, 1).says(&["not delivered to mail, given up", "we do not want your mail"]);
    // The closing mail belongs to the thread of the opening one.
    let resolved = relay.mails().pop().unwrap();
    assert!(resolved.header("References").is_some_and(|references| !references.is_empty()), "{}", resolved.data);
}

#[test]
fn mail_logs_in_where_the_relay_asks_for_it() {
    let relay = Relay::start();
    let mut sandbox = magnets(&[(
        "mail",
        format!("{}username = \"u\"\npassword = {{ env = \"PW\" }}\n", email(&relay).trim_end().to_owned() + "\n"),
    )]);
    sandbox.set("PW", "pw-0123456789");
    once(&sandbox, 0).says_nothing_of(&["pw-0123456789"]);
    assert_eq!(relay.mails()[0].login, Some(("u".to_owned(), "pw-0123456789".to_owned())));
}
