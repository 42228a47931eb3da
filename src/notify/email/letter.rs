//! The mail of a message: its headers, a text part that is complete by itself, an HTML part.
//!
//! The same delivery gives the same bytes, so that a copy can be known for one.

use std::time::{Duration, UNIX_EPOCH};

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message as Mail};
use url::Host;

use super::super::picture::Picture;
use super::super::{Parcel, layout, look, printable_lines};
use super::html::Inline;
use super::{Email, html};
use crate::alert::Kind;
use crate::base::text::{printable, shorten};
use crate::outbox::{AlertRef, Message};
use crate::rule::Severity;

/// The width of the text part.
const WIDTH: usize = 76;
/// Characters of a subject, at most.
const SUBJECT_MAX: usize = 250;

/// Threads that a mail refers to beside its own, at most.
const REFERENCES_MAX: usize = 20;

/// Whether a mail shows its message's chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charts {
    /// Where the message has one.
    Shown,
    /// The relay takes no mail of that size.
    Omitted,
}

/// The mail as it is sent.
pub fn write(email: &Email, parcel: Parcel<'_>, charts: Charts) -> Result<Mail, lettre::error::Error> {
    let (from, to) = (safe(&email.from), email.to.iter().map(safe));
    let envelope = Envelope::new(Some(from.email.clone()), to.clone().map(|to| to.email).collect())?;
    let millis = u64::try_from(parcel.message().at.millis()).unwrap_or(0);
    let mut builder = Mail::builder().from(from).date(UNIX_EPOCH + Duration::from_millis(millis)).envelope(envelope);
    builder = to.fold(builder, |builder, to| builder.to(to));
    for (name, value) in headers(email, parcel) {
        builder = builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
    }
    let picture = picture(email, parcel, charts);
    let html = SinglePart::html(html::render(parcel, picture.as_ref()));
    let parts = MultiPart::alternative()
        .boundary(format!("=_{}", token(&parcel.delivery.id)))
        .singlepart(SinglePart::plain(format!("{}\n", text(parcel))));
    builder.multipart(match picture {
        None => parts.singlepart(html),
        Some(picture) => parts.multipart(related(parcel, html, picture)?),
    })
}

/// The HTML part and the picture that it shows.
fn related(parcel: Parcel<'_>, html: SinglePart, inline: Inline) -> Result<MultiPart, lettre::error::Error> {
    // What may stand in an address may stand in a Content-ID, so this is the only thing that could be wrong with it.
    let png = Picture::KIND.parse().map_err(|_| lettre::error::Error::NonAsciiChars)?;
    let image = Attachment::new_inline_with_name(inline.cid, Picture::NAME.to_owned()).body(inline.picture.png, png);
    let boundary = format!("=r_{}", token(&parcel.delivery.id));
    Ok(MultiPart::related().boundary(boundary).singlepart(html).singlepart(image))
}

/// The chart, where the message has one.
fn picture(email: &Email, parcel: Parcel<'_>, charts: Charts) -> Option<Inline> {
    let picture = (charts == Charts::Shown).then(|| Picture::of(parcel.message(), html::CHART))??;
    Some(Inline { cid: format!("chart.{}@{}", token(&parcel.delivery.id), domain(&email.from.email)), picture })
}

/// The text part.
pub fn text(parcel: Parcel<'_>) -> String {
    layout::plain(&layout::lay_out(parcel, WIDTH))
}

/// Headers and text part as a person reads them.
pub fn preview(email: &Email, parcel: Parcel<'_>) -> String {
    let to: Vec<String> = email.to.iter().map(|to| safe(to).to_string()).collect();
    let date = parcel.message().at.utc().to_rfc2822();
    let fixed = [("From", safe(&email.from).to_string()), ("To", to.join(", ")), ("Date", date)];
    let lines: Vec<String> =
        fixed.into_iter().chain(headers(email, parcel)).map(|(name, value)| format!("{name}: {value}")).collect();
    let head = printable_lines(&lines.join("\n"));
    let picture = picture(email, parcel, Charts::Shown);
    let kib = |bytes: usize| bytes.div_ceil(1024);
    let size = kib(html::render(parcel, picture.as_ref()).len());
    let chart =
        picture.map(|inline| format!(", with a chart of {} KiB", kib(inline.picture.png.len()))).unwrap_or_default();
    let signed =
        email.dkim.as_ref().map(|dkim| format!("; signed for {} with the key `{}`", dkim.domain, dkim.selector));
    let signed = signed.unwrap_or_default();
    format!("{head}\n\n{}\n\n(an HTML part of {size} KiB says the same{chart}{signed})", text(parcel))
}

/// The headers that are texts.
fn headers(email: &Email, parcel: Parcel<'_>) -> Vec<(&'static str, String)> {
    let message = parcel.message();
    let domain = domain(&email.from.email);
    let root = root(&message.alert, message.thread.as_deref(), &domain);
    // What comes later of one of the others finds its way here as well. The nearest parent stands last.
    let others = message
        .others
        .iter()
        .take(REFERENCES_MAX)
        .map(|brief| self::root(&brief.alert, brief.thread.as_deref(), &domain));
    let before = before(message).map(|alert| self::root(&alert, None, &domain));
    let references: Vec<String> =
        before.into_iter().chain(others).filter(|other| *other != root).chain([root.clone()]).collect();
    let subject = format!("[{}] {}", look::word(message), message.title);
    let mut headers = vec![
        ("Subject", shorten(&printable(&subject), SUBJECT_MAX)),
        ("Message-ID", format!("<{}@{domain}>", token(&parcel.delivery.id))),
        ("In-Reply-To", root.clone()),
        ("References", references.join(" ")),
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("X-Auto-Response-Suppress", "All".to_owned()),
        ("List-Id", format!("supplywatch alerts <alerts.{domain}>")),
        ("X-Supplywatch-Alert", format!("{}.{}", token(&message.alert.id), message.alert.episode)),
        ("X-Supplywatch-Rule", shorten(&printable(&message.alert.rule), 100)),
        ("X-Supplywatch-Transition", message.kind.name().to_owned()),
        ("X-Supplywatch-Severity", message.severity.name().to_owned()),
    ];
    if message.severity == Severity::Critical && matches!(message.kind, Kind::Fired | Kind::Escalated) {
        headers.extend([("Importance", "high".to_owned()), ("X-Priority", "1 (Highest)".to_owned())]);
    }
    headers
}

/// The episode before, where a revision brings the alert back: what was said then and is now belongs together.
fn before(message: &Message) -> Option<AlertRef> {
    let comes_back = message.kind == Kind::Corrected && !message.closes() && message.alert.episode > 1;
    comes_back.then(|| AlertRef { episode: message.alert.episode - 1, ..message.alert.clone() })
}

/// The parent that all mails of an episode (or of a thread) share, whichever came first. Nobody sends it.
fn root(alert: &AlertRef, thread: Option<&str>, domain: &str) -> String {
    let thread = thread.map_or_else(|| alert.episode.to_string(), token);
    format!("<alert.{}.{thread}@{domain}>", token(&alert.id))
}

/// What may stand in an identifier of RFC 5322 without quotes.
fn token(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    kept.take(60).collect()
}

/// The domain of an address as DNS writes it.
pub fn domain(address: &Address) -> String {
    match Host::parse(address.domain()) {
        Ok(Host::Domain(domain)) => domain,
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) | Err(_) => "supplywatch.invalid".to_owned(),
    }
}

/// A mailbox that can be a header: a name with a line break would end the program, and an
/// international domain is carried by every relay once it is written as DNS writes it.
fn safe(mailbox: &Mailbox) -> Mailbox {
    let name = mailbox.name.as_deref().map(|name| shorten(&printable(name), 100));
    let ascii = match Host::parse(mailbox.email.domain()) {
        Ok(Host::Domain(domain)) => Address::new(mailbox.email.user(), domain).ok(),
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) | Err(_) => None,
    };
    Mailbox::new(name, ascii.unwrap_or_else(|| mailbox.email.clone()))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::notify::double::{at, corrected, delivery, drawn, fired, gathered, parcel, resolved};
    use crate::notify::email::tests::email;
    use crate::outbox::Message;

    fn mail(message: Message) -> String {
        String::from_utf8(write(&email(25), parcel(&delivery(message)), Charts::Shown).unwrap().formatted()).unwrap()
    }

    /// The headers of every mail, in order.
    pub const HEADERS: [&str; 16] = [
        "From",
        "Date",
        "To",
        "Subject",
        "Message-ID",
        "In-Reply-To",
        "References",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "List-Id",
        "X-Supplywatch-Alert",
        "X-Supplywatch-Rule",
        "X-Supplywatch-Transition",
        "X-Supplywatch-Severity",
        "MIME-Version",
        "Content-Type",
    ];

    /// The header lines, folds undone.
    pub fn header_lines(mail: &str) -> Vec<String> {
        let head = mail.split_once("\r\n\r\n").unwrap().0;
        head.replace("\r\n ", " ").split("\r\n").map(ToOwned::to_owned).collect()
    }

    #[test]
    fn the_headers_of_an_alert() {
        insta::assert_snapshot!(header_lines(&mail(fired())).join("\n"), @r#"
        From: "Supply Watch" <alerts@example.org>
        Date: Mon, 20 Oct 2025 01:05:00 +0000
        To: Ann <ann@example.org>, bob@example.org
        Subject: [CRITICAL] China =?utf-8?b?4oaS?= US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, =?utf-8?b?4oiSMjguNw==?= %
        Message-ID: <msg_00112233445566778899aabbccddeeff@example.org>
        In-Reply-To: <alert.9f3c21d07be45a68.1@example.org>
        References: <alert.9f3c21d07be45a68.1@example.org>
        Auto-Submitted: auto-generated
        X-Auto-Response-Suppress: All
        List-Id: supplywatch alerts <alerts.example.org>
        X-Supplywatch-Alert: 9f3c21d07be45a68.1
        X-Supplywatch-Rule: magnet-exports-falling
        X-Supplywatch-Transition: fired
        X-Supplywatch-Severity: critical
        Importance: high
        X-Priority: 1 (Highest)
        MIME-Version: 1.0
        Content-Type: multipart/alternative; boundary="=_msg_00112233445566778899aabbccddeeff"
        "#);
    }

    #[test]
    fn an_episode_is_one_thread_and_every_message_its_own() {
        let header = |message: Message, name: &str| {
            let delivery = crate::outbox::Delivery { id: format!("msg_{}", message.number), ..delivery(message) };
            let headers = headers(&email(25), parcel(&delivery));
            headers.into_iter().find(|(known, _)| *known == name).unwrap().1
        };
        let root = "<alert.9f3c21d07be45a68.1@example.org>";
        for message in [fired(), corrected(), resolved()] {
            assert_eq!(header(message.clone(), "References"), root);
            assert_eq!(header(message, "In-Reply-To"), root);
        }
        assert_eq!(header(fired(), "Message-ID"), "<msg_1@example.org>");
        assert_eq!(header(corrected(), "Message-ID"), "<msg_2@example.org>");
        let mut second = fired();
        second.alert.episode = 2;
        assert_ne!(header(second.clone(), "References"), root);
        let back = Message { kind: Kind::Corrected, said: None, ..second };
        assert_eq!(header(back, "References"), format!("{root} <alert.9f3c21d07be45a68.2@example.org>"));
        let noticed = crate::notify::double::noticed();
        assert_eq!(header(noticed, "References"), "<alert.9f3c21d07be45a68.pull-17@example.org>");
    }

    #[test]
    fn a_mail_of_several_alerts_is_in_the_thread_of_each() {
        let delivery = delivery(gathered());
        let headers = headers(&email(25), parcel(&delivery));
        let header = |name: &str| headers.iter().find(|(known, _)| *known == name).unwrap().1.as_str();
        let own = "<alert.9f3c21d07be45a68.1@example.org>";
        assert_eq!(header("In-Reply-To"), own);
        let roots = ["<alert.00000000000000DE.1@example.org>", "<alert.00000000000000JP.1@example.org>", own];
        assert_eq!(header("References"), roots.join(" "));
    }

    #[test]
    fn the_same_delivery_gives_the_same_bytes() {
        let delivery = delivery(drawn());
        let bytes = |parcel| write(&email(25), parcel, Charts::Shown).unwrap().formatted();
        let later = Parcel { attempt: 9, now: at("2026-01-01T00:00:00Z"), ..parcel(&delivery) };
        assert_eq!(bytes(parcel(&delivery)), bytes(later));
        assert!(bytes(later).is_ascii(), "every relay carries it");
    }

    #[test]
    fn a_chart_stands_beside_the_html_that_shows_it() {
        let text = mail(drawn());
        let types: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("Content-Type: ")).collect();
        let kinds: Vec<&str> = types.iter().map(|kind| kind.split(';').next().unwrap()).collect();
        let expected = ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"];
        assert_eq!(kinds, expected);
        assert!(text.contains("Content-ID: <chart.msg_00112233445566778899aabbccddeeff@example.org>"));
        assert!(text.contains("Content-Disposition: inline; filename=\"chart.png\""));
        let delivery = delivery(drawn());
        let bare = write(&email(25), parcel(&delivery), Charts::Omitted).unwrap().formatted();
        assert_eq!(
            bare,
            write(&email(25), parcel(&crate::notify::double::delivery(fired())), Charts::Shown).unwrap().formatted()
        );
        assert!(preview(&email(25), parcel(&delivery)).contains("says the same, with a chart of "));
    }

    #[test]
    fn subjects_say_what_it_is() {
        let subject = |message: Message| {
            let delivery = delivery(message);
            headers(&email(25), parcel(&delivery)).remove(0).1
        };
        assert!(subject(fired()).starts_with("[CRITICAL] China → US rare-earth magnet exports fell"));
        assert!(subject(corrected()).starts_with("[CORRECTED] "));
        assert!(subject(resolved()).starts_with("[RESOLVED] "));
    }

    #[test]
    fn hostile_names_and_titles_make_no_header() {
        let mut email = email(25);
        email.from.name = Some("Desk\r\nBcc: victim@example.org\0\u{202e}".to_owned());
        email.to[0].name = Some("a\nb".to_owned());
        let title = "x\r\nBcc: victim@example.org\r\n\r\nbody".to_owned();
        let mut message = Message { title, ..fired() };
        message.alert.rule = "r\r\nBcc: victim@example.org".to_owned();
        message.alert.id = "id>\r\nBcc: victim@example.org".to_owned();
        let mail = write(&email, parcel(&delivery(message)), Charts::Shown).unwrap();
        assert_eq!(mail.envelope().to().len(), 2);
        let text = String::from_utf8(mail.formatted()).unwrap();
        let names: Vec<String> =
            header_lines(&text).iter().map(|line| line.split_once(':').unwrap().0.to_owned()).collect();
        assert!(!names.contains(&"Bcc".to_owned()), "{text}");
        assert_eq!(names.len(), 18, "{names:?}");
    }

    #[test]
    fn international_domains_are_written_as_dns_writes_them() {
        let mailbox: Mailbox = "Büro <melder@bücher.example>".parse().unwrap();
        assert_eq!(safe(&mailbox).email.to_string(), "melder@xn--bcher-kva.example");
        assert_eq!(domain(&mailbox.email), "xn--bcher-kva.example");
    }

    #[test]
    fn a_preview_has_headers_and_text() {
        let delivery = delivery(resolved());
        insta::assert_snapshot!(preview(&email(25), parcel(&delivery)), @"
        From: Supply Watch <alerts@example.org>
        To: Ann <ann@example.org>, bob@example.org
        Date: Thu, 20 Nov 2025 01:05:00 +0000
        Subject: [RESOLVED] China → US rare-earth magnet exports: `declines >= 2` no longer holds: 656 t in October 2025, +56 %
        Message-ID: <msg_00112233445566778899aabbccddeeff@example.org>
        In-Reply-To: <alert.9f3c21d07be45a68.1@example.org>
        References: <alert.9f3c21d07be45a68.1@example.org>
        Auto-Submitted: auto-generated
        X-Auto-Response-Suppress: All
        List-Id: supplywatch alerts <alerts.example.org>
        X-Supplywatch-Alert: 9f3c21d07be45a68.1
        X-Supplywatch-Rule: magnet-exports-falling
        X-Supplywatch-Transition: resolved
        X-Supplywatch-Severity: critical

        ✓ RESOLVED  China → US rare-earth magnet exports: `declines >= 2` no longer
                    holds: 656 t in October 2025, +56 %

          September 2025 420.5 t, October 2025 656 t. Known since 20 November 2025.

          period     value    change  known since
          2025-05   46.4 t            2025-06-20
          2025-06    353 t  +660.8 %  2025-07-20
          2025-07    619 t   +75.4 %  2025-08-20
          2025-08    590 t    −4.7 %  2025-09-20
          2025-09  420.5 t   −28.7 %  2025-10-20
          2025-10    656 t     +56 %  2025-11-20

          Said before  on 20 October 2025: China → US rare-earth magnet exports fell
                       for a 2nd month: 420.5 t in September 2025, −28.7 %
          Why          ✗ fails  declines >= 2   declines = 0
          Source       china-magnets, samples/china-magnet-exports.csv, retrieved
                       2025-10-20 01:04 UTC
          Rule         magnet-exports-falling: declines >= 2
          Series       feed china-magnets, hs 85051110, partner US, reporter CN
          Alert        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC,
                       supplywatch 0.1.0

        (an HTML part of 13 KiB says the same)
        ");
    }
}
