//! What feeds and configs may hold at worst, sent through every channel and read back.

use proptest::prelude::*;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::double::{HttpDouble, Reply, corrected, delivery, fired, gathered, noticed, parcel};
use super::service::Form;
use super::{
    Channel, Parcel, Receiver, Sender, alertmanager, console, dingtalk, discord, email, feishu, googlechat, gotify,
    http, layout, matrix, mattermost, ntfy, opsgenie, pagerduty, pushover, rocketchat, slack, teams, telegram, webhook,
    wecom, zulip,
};
use crate::base::secret::Secret;
use crate::base::text::printable;
use crate::notify::template::Template;
use crate::outbox::{Delivery, Message, Policy, Told, Voice};

/// Pieces that mean something to some markup, terminal or parser.
const PIECES: [&str; 24] = [
    "<script>alert(1)</script>",
    "<!channel>",
    "<https://evil.example|click>",
    "&lt;b&gt;",
    "&",
    "```\n*bold* _it_ ~no~",
    "`",
    "\r\nBcc: victim@example.org\r\n\r\n",
    "\n.\r\n",
    "\u{1b}[2J\u{1b}]0;x\u{7}",
    "\u{202e}txet",
    "\u{2066}\u{2069}\u{200f}",
    "\u{85}\u{9b}31m",
    "\u{2028}\u{2029}",
    "\0\u{7f}",
    "=?utf-8?B?PHg+?=",
    "\"'\\",
    "{{ x }} ${y} %s",
    "a\u{301}\u{302}\u{303}",
    "👩‍👩‍👧‍👦",
    "稀土永磁体",
    "\u{feff}",
    "--=_msg_00112233445566778899aabbccddeeff--",
    " ",
];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(&PIECES[..]).prop_map(ToOwned::to_owned),
        2 => any::<String>(),
        1 => "[a-z ]{1,20}",
        1 => prop::sample::select(&PIECES[..]).prop_map(|piece| piece.repeat(10_000 / piece.len())),
    ];
    prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

/// A message all of whose texts are hostile.
fn message() -> impl Strategy<Value = Message> {
    (prop::collection::vec(hostile(), 8), any::<bool>(), 1_usize..13).prop_map(|(texts, correction, count)| {
        let mut next = texts.into_iter().cycle();
        let mut text = || next.next().unwrap();
        let mut message = if correction { corrected() } else { fired() };
        (message.title, message.summary, message.rule_text) = (text(), text(), text());
        message.alert.rule = text();
        message.alert.labels.insert(text(), text());
        message.clears = Some(text());
        for gate in &mut message.gates {
            (gate.text, gate.value, gate.verdict) = (text(), text(), text());
        }
        for row in &mut message.table {
            (row.period, row.value) = (text(), text());
            (row.change, row.status, row.note) = (Some(text()), Some(text()), Some(text()));
        }
        for source in &mut message.sources {
            (source.feed, source.url) = (text(), text());
        }
        if let Some(said) = &mut message.said {
            said.title = text();
        }
        for revision in &mut message.revisions {
            (revision.old, revision.new) = (text(), text());
        }
        message.items = noticed().items;
        for item in &mut message.items {
            (item.id, item.title, item.summary, item.about) = (text(), text(), text(), text());
            (item.url, item.corrects, item.ends_on) = (Some(text()), Some(text()), Some(text()));
        }
        message.thread = Some(text());
        message.others = gathered().others;
        for brief in &mut message.others {
            (brief.title, brief.alert.id, brief.alert.rule) = (text(), text(), text());
            (brief.url, brief.thread, brief.period) = (Some(text()), Some(text()), Some(text()));
        }
        let (gate, item) = (message.gates[0].clone(), message.items[0].clone());
        let brief = message.others[0].clone();
        (message.gates, message.items, message.others) = (vec![gate; count], vec![item; count], vec![brief; 2 * count]);
        message
    })
}

fn marked(delivery: &Delivery) -> Parcel<'_> {
    Parcel { maybe_delivered: true, ..parcel(delivery) }
}

fn is_safe(text: &str) -> bool {
    text.lines().all(|line| printable(line) == line)
}

/// A channel of every kind.
fn channels() -> Vec<Channel> {
    let endpoint =
        || http::Endpoint { url: Secret::new("https://hooks.example/x"), insecure: false, allow_private: false };
    vec![
        Channel::Console(console::Console { colour: false }),
        Channel::Lines,
        Channel::Service(Box::new(webhook::Webhook {
            endpoint: endpoint(),
            secret: Some(Secret::new("whsec_YWJj")),
            format: webhook::Format::CloudEvents,
        })),
        Channel::Service(Box::new(slack::Slack { endpoint: endpoint(), bot: None })),
        Channel::Service(Box::new(pagerduty::PagerDuty { api: endpoint(), key: Secret::new("0123456789abcdef") })),
        Channel::Service(Box::new(alertmanager::Alertmanager {
            first: endpoint(),
            others: vec![endpoint()],
            hold: std::time::Duration::from_secs(60),
        })),
        Channel::Service(Box::new(feishu::Feishu {
            endpoint: endpoint(),
            secret: Some(Secret::new("0123")),
            keyword: None,
        })),
        Channel::Service(Box::new(dingtalk::DingTalk {
            endpoint: endpoint(),
            secret: Some(Secret::new("0123")),
            keyword: None,
        })),
        Channel::Service(Box::new(wecom::WeCom { endpoint: endpoint() })),
        Channel::Service(Box::new(opsgenie::Opsgenie { api: endpoint(), key: Secret::new("0123456789abcdef") })),
        Channel::Service(Box::new(teams::tests::teams("https://hooks.example/x"))),
        Channel::Service(Box::new(discord::tests::discord("https://hooks.example/x"))),
        Channel::Service(Box::new(mattermost::tests::mattermost("https://hooks.example/x"))),
        Channel::Service(Box::new(googlechat::tests::googlechat("https://hooks.example/x"))),
        Channel::Service(Box::new(rocketchat::tests::rocketchat("https://hooks.example/x"))),
        Channel::Email(Box::new(email::tests::email(25))),
        Channel::Service(Box::new(telegram::Telegram {
            api: endpoint(),
            token: Secret::new("42:x"),
            chat: "-1001".to_owned(),
            topic: None,
        })),
        Channel::Service(Box::new(ntfy::Ntfy { server: endpoint(), topic: "x".to_owned(), login: None })),
        Channel::Service(Box::new(matrix::Matrix {
            server: endpoint(),
            token: Secret::new("syt_x"),
            room: "!x".to_owned(),
        })),
        Channel::Service(Box::new(zulip::Zulip {
            server: endpoint(),
            user: "a@b.example".to_owned(),
            key: Secret::new("x"),
            channel: "x".to_owned(),
            topic: None,
        })),
        Channel::Service(Box::new(pushover::Pushover {
            api: endpoint(),
            token: Secret::new("x"),
            user: Secret::new("y"),
            insists: None,
        })),
        Channel::Service(Box::new(gotify::Gotify { server: endpoint(), token: Secret::new("x") })),
    ]
}

fn receivers() -> Vec<Receiver> {
    let (policy, voice) = (Policy::DEFAULT, Voice::default());
    let receiver = |channel| Receiver {
        name: "x".to_owned(),
        kind: "any",
        channel,
        policy,
        digest: None,
        voice: voice.clone(),
        template: Template::default(),
    };
    channels().into_iter().map(receiver).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// A terminal shows what it is given, in lines that fit, whatever is in them.
    #[test]
    fn a_terminal_is_not_driven(message in message()) {
        let delivery = delivery(message);
        for receiver in receivers() {
            let preview = receiver.preview(marked(&delivery));
            prop_assert!(is_safe(&preview), "{preview:?}");
        }
        let text = console::Console { colour: false }.text(marked(&delivery));
        prop_assert!(text.lines().all(|line| line.width() <= 96));
        prop_assert!(text.contains("(may be a repeat)"));
    }

    /// JSON comes back as what went in.
    #[test]
    fn json_is_read_back(message in message()) {
        let delivery = delivery(message);
        let message = &delivery.message;
        let payload = serde_json::to_string(&webhook::payload(message)).unwrap();
        let event = serde_json::to_string(&webhook::event(&delivery)).unwrap();
        let line = console::line(parcel(&delivery));
        prop_assert_eq!(line.lines().count(), 1);
        for json in [payload, event, line] {
            let value: Value = serde_json::from_str(&json).unwrap();
            let data = &value["data"];
            prop_assert_eq!(&data["title"], &message.title);
            prop_assert_eq!(&data["summary"], &message.summary);
            prop_assert_eq!(&data["alert"]["labels"], &serde_json::to_value(&message.alert.labels).unwrap());
            prop_assert_eq!(&data["gates"][0]["text"], &message.gates[0].text);
            prop_assert_eq!(&data["evidence"]["table"][0]["value"], &message.table[0].value);
        }
    }

    /// Slack's limits hold and nothing in a text is read as Slack's own words.
    #[test]
    fn slack_takes_it(message in message()) {
        slack::tests::check_limits(&slack::tests::payload_of(message));
    }

    /// ntfy and Pushover take it: text alone, within what a phone is sent.
    #[test]
    fn phones_take_it(message in message()) {
        pushover::tests::check_limits(message.clone());
        ntfy::tests::check_limits(&ntfy::tests::payload_of(marked(&delivery(message))));
    }

    /// Telegram and Matrix read no tag that we did not write.
    #[test]
    fn html_is_ours(message in message()) {
        let delivery = delivery(message);
        prop_assert!(telegram::tests::text_of(marked(&delivery)).contains("(may be a repeat)"));
        matrix::tests::check(marked(&delivery));
    }

    /// Zulip and Gotify read no sign that we did not write.
    #[test]
    fn markdown_is_ours(message in message()) {
        let delivery = delivery(message);
        zulip::tests::check(marked(&delivery));
        gotify::tests::check(marked(&delivery));
    }

    /// Alertmanager can read the alert, and its labels are names and texts.
    #[test]
    fn alertmanager_takes_it(message in message()) {
        let alert = alertmanager::tests::alerts_of(message, Form::Full).remove(0);
        let safe = |texts: &Value| texts.as_object().unwrap().values().all(|text| is_safe(text.as_str().unwrap()));
        prop_assert!(safe(&alert["labels"]) && safe(&alert["annotations"]), "{alert:#}");
    }

    /// The chats of China read no sign of a text as theirs, nobody is mentioned, and their limits hold.
    #[test]
    fn robots_take_it(message in message()) {
        for form in [Form::Full, Form::Short] {
            let card = feishu::tests::card_of(message.clone(), form);
            prop_assert!(is_safe(card["header"]["title"]["content"].as_str().unwrap()));
            let texts = [
                feishu::tests::read(&card),
                dingtalk::tests::text_of(message.clone(), form),
                wecom::tests::text_of(message.clone(), form),
            ];
            for text in texts {
                prop_assert!(is_safe(&text) && text.contains("(may be a repeat)"), "{text}");
            }
        }
    }

    /// Opsgenie's limits hold, and texts are texts.
    #[test]
    fn opsgenie_takes_it(message in message()) {
        for form in [Form::Full, Form::Short] {
            let (_, body) = opsgenie::tests::request_of(message.clone(), form);
            let said = body["description"].as_str().or(body["note"].as_str()).unwrap();
            prop_assert!(is_safe(said) && said.contains("(may be a repeat)"), "{said}");
        }
    }

    /// PagerDuty's limits hold, and texts are texts.
    #[test]
    fn pagerduty_takes_it(message in message()) {
        for form in [Form::Full, Form::Short] {
            let event = pagerduty::tests::event_of(message.clone(), form);
            prop_assert!(is_safe(event["payload"]["summary"].as_str().unwrap()));
            prop_assert!(layout::is_address(event["links"][0]["href"].as_str().unwrap_or("https://none.example")));
        }
    }

    /// Teams reads no sign and no mention in it, and the card is small enough.
    #[test]
    fn teams_takes_it(message in message()) {
        teams::tests::check_card(&teams::tests::payload_of(message), &[]);
    }

    /// An embed's limits hold, one by one and together, and nothing is read in it.
    #[test]
    fn discord_takes_it(message in message()) {
        discord::tests::check_embed(&discord::tests::embed_of(message), &[]);
    }

    /// Mattermost reads no sign but our own and calls nobody.
    #[test]
    fn mattermost_takes_it(message in message()) {
        mattermost::tests::check(message);
    }

    /// Rocket.Chat reads no sign but our own and calls nobody.
    #[test]
    fn rocketchat_takes_it(message in message()) {
        rocketchat::tests::check(message);
    }

    /// Google reads no tag but our own, and the card is small enough.
    #[test]
    fn googlechat_takes_it(message in message()) {
        googlechat::tests::check(&googlechat::tests::body_of(message));
    }

    /// A mail has the headers that we gave it, each on short lines, and two parts that say the message.
    #[test]
    fn a_mail_is_one_mail(message in message()) {
        let delivery = delivery(message);
        email::tests::check_mail(marked(&delivery));
    }
}

/// The whole way once: what arrives is what was sent.
#[tokio::test]
async fn hostile_text_arrives_as_it_was() {
    let server = HttpDouble::start(Reply::status(200)).await;
    let title = PIECES.concat();
    let delivery = delivery(Message { title: title.clone(), ..fired() });
    let endpoint = http::Endpoint { url: Secret::new(server.url("/")), insecure: true, allow_private: true };
    let channel =
        Channel::Service(Box::new(webhook::Webhook { endpoint, secret: None, format: webhook::Format::Standard }));
    let receiver = Receiver {
        name: "hook".to_owned(),
        kind: "webhook",
        channel,
        policy: Policy::DEFAULT,
        digest: None,
        voice: Voice::default(),
        template: Template::default(),
    };
    receiver.send(&Sender::new(None).unwrap(), parcel(&delivery)).await;
    let body: Value = serde_json::from_str(&server.requests()[0].body).unwrap();
    assert_eq!(body["data"]["title"], title);
}

#[test]
fn people_are_told_a_templates_words_and_programs_the_messages_own() {
    let told = Some(Told { title: Some("Otherwise".to_owned()), ..Told::default() });
    let delivery = delivery(Message { told, ..fired() });
    for receiver in receivers() {
        let is_program = match &receiver.channel {
            Channel::Lines => true,
            Channel::Console(_) | Channel::Email(_) => false,
            Channel::Service(service) => {
                ["Webhook", "Alertmanager"].iter().any(|name| format!("{service:?}").starts_with(name))
            }
        };
        let preview = receiver.preview(parcel(&delivery));
        assert_eq!(preview.contains("Otherwise"), !is_program, "{preview}");
    }
}

#[test]
fn only_a_console_is_told_how_to_write() {
    for mut receiver in receivers() {
        let console = matches!(receiver.channel, Channel::Console(_));
        receiver.write_plain();
        receiver.write_json();
        let lines = matches!(receiver.channel, Channel::Lines);
        assert!(!console || lines);
        let delivery = delivery(fired());
        let is_line = receiver.preview(parcel(&delivery)).starts_with("{\"type\":\"message\"");
        assert_eq!(is_line, lines);
    }
}
