//! E-mail by SMTP.
//!
//! One mail goes to all recipients in one transaction, and each has its own verdict. Who has it, and
//! who refused it for good, is remembered until the delivery is settled, so a retry goes to the others
//! alone. That memory lives in the process: after a crash between two attempts those who had it get it
//! again, marked as a possible repeat, and nobody is left out.

pub mod dkim;
mod html;
mod letter;
mod memory;
mod smtp;

use lettre::address::Envelope;
use lettre::message::Mailbox;

pub use memory::Memory;

use self::dkim::Dkim;
use self::letter::Charts;
use super::{Parcel, Sent};
use crate::base::secret::Secret;

/// A mail relay and whom to write to.
#[derive(Clone, Debug)]
pub struct Email {
    /// The relay's host name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// Login, where the relay asks for one.
    pub login: Option<(String, Secret)>,
    /// The sender.
    pub from: Mailbox,
    /// Whom to write to: one mail to all, a verdict for each.
    pub to: Vec<Mailbox>,
    /// The name given in EHLO; `None`: the domain of `from`.
    pub hello: Option<String>,
    /// A private CA's certificates (PEM), beside the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// What the mails are signed with, where the relay does not sign them.
    pub dkim: Option<Dkim>,
}

/// How an SMTP connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "STARTTLS is called so")]
pub enum Tls {
    /// From the first byte (port 465).
    Implicit,
    /// By STARTTLS, required (port 587).
    StartTls,
    /// Not at all: `insecure = true`.
    None,
}

impl Email {
    /// One attempt, for those who are not settled yet.
    pub async fn send(&self, memory: &Memory, parcel: Parcel<'_>) -> Sent {
        let mut progress = memory.recall(parcel);
        // Whoever is left is told of a repeat only where it may be one for them.
        let marked = Parcel { maybe_delivered: progress.lost, ..parcel };
        let charts = if progress.too_large { Charts::Omitted } else { Charts::Shown };
        let (envelope, mail) = match self.write(marked, charts) {
            Ok(written) => written,
            Err(sent) => return sent,
        };
        let rest: Vec<_> = envelope.to().iter().filter(|to| !progress.is_settled(to)).cloned().collect();
        let sent = match smtp::deliver(self, envelope.from(), &rest, &mail).await {
            Ok(verdicts) => {
                let is_lighter = charts == Charts::Shown && parcel.message().chart.is_some();
                let verdicts = verdicts.into_iter().map(|verdict| if is_lighter { verdict.lighter() } else { verdict });
                progress.note(rest.iter().zip(verdicts));
                progress.verdict()
            }
            Err(sent) => progress.unless_some_have_it(sent),
        };
        progress.warn(parcel);
        memory.keep(parcel, progress, &sent);
        sent
    }

    /// Connects and logs in as for a mail, and writes none; `Err` says what is wrong.
    pub async fn probe(&self) -> Result<(), Sent> {
        smtp::probe(self).await
    }

    /// Who it is from and for, and the mail as it goes out.
    fn write(&self, parcel: Parcel<'_>, charts: Charts) -> Result<(Envelope, Vec<u8>), Sent> {
        let mail = letter::write(self, parcel, charts)
            .map_err(|error| Sent::disable(format!("the mail cannot be made from sender and recipients: {error}")))?;
        let bytes = mail.formatted();
        let bytes = match &self.dkim {
            Some(dkim) => dkim.sign(&bytes, parcel.message().at).map_err(|error| Sent::disable(error.to_string()))?,
            None => bytes,
        };
        Ok((mail.envelope().clone(), bytes))
    }

    /// Headers and text part, and that there is an HTML part.
    pub fn preview(&self, parcel: Parcel<'_>) -> String {
        letter::preview(self, parcel)
    }

    /// The name for EHLO: only what may stand in a command.
    fn hello_name(&self) -> String {
        let named =
            self.hello.as_deref().map(str::trim).filter(|name| {
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:[]".contains(c))
            });
        named.map_or_else(|| letter::domain(&self.from.email), ToOwned::to_owned)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::notify::double::{delivery, drawn, fired, parcel};
    use crate::notify::relay::{HANG_UP, MailDouble, Script};
    use crate::outbox::{Delivery, Outcome};

    /// Two recipients behind a relay on loopback.
    pub fn email(port: u16) -> Email {
        Email {
            host: "127.0.0.1".to_owned(),
            port,
            tls: Tls::None,
            login: None,
            from: "Supply Watch <alerts@example.org>".parse().unwrap(),
            to: vec!["Ann <ann@example.org>".parse().unwrap(), "bob@example.org".parse().unwrap()],
            hello: None,
            ca_pem: None,
            dkim: None,
        }
    }

    /// A mail as a mail program reads it: our headers alone, short lines, two parts that decode.
    pub fn check_mail(parcel: Parcel<'_>) {
        let bytes = letter::write(&email(25), parcel, Charts::Shown).unwrap().formatted();
        assert!(bytes.is_ascii());
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.replace("\r\n", "").bytes().all(|byte| byte >= b' ' || byte == b'\t'), "no stray control");
        assert!(text.split("\r\n").all(|line| line.len() <= 998));
        let names: Vec<String> = letter::tests::header_lines(&text)
            .iter()
            .map(|line| line.split_once(": ").unwrap().0.to_owned())
            .filter(|name| !["Importance", "X-Priority"].contains(&name.as_str()))
            .collect();
        assert_eq!(names, letter::tests::HEADERS, "{text}");
        let boundary = format!("--=_{}", parcel.delivery.id);
        let parts: Vec<&str> = text.split(&format!("{boundary}\r\n")).collect();
        let [_, plain, html] = parts[..] else { panic!("two parts: {text}") };
        let html = html.strip_suffix(&format!("\r\n{boundary}--\r\n")).unwrap();
        assert_eq!(decoded(plain).trim_end(), letter::text(parcel).replace('\n', "\r\n"));
        let html = decoded(html);
        assert!(!html.contains("<script") && !html.contains("<https") && html.len() < 102_000);
        assert_eq!(html.replace("\r\n", "\n"), html::render(parcel, None));
    }

    /// A part's body, its transfer encoding undone.
    fn decoded(part: &str) -> String {
        use base64::Engine;
        let (head, body) = part.split_once("\r\n\r\n").unwrap();
        let bytes = if head.contains("base64") {
            base64::engine::general_purpose::STANDARD.decode(body.replace("\r\n", "")).unwrap()
        } else if head.contains("quoted-printable") {
            unquoted(&body.replace("=\r\n", ""))
        } else {
            body.as_bytes().to_vec()
        };
        String::from_utf8(bytes).unwrap()
    }

    /// Quoted-printable (RFC 2045, 6.7), soft line breaks gone already.
    fn unquoted(text: &str) -> Vec<u8> {
        let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
        while let Some((first, after)) = rest.split_first() {
            if *first == b'=' {
                bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
                rest = &after[2..];
            } else {
                bytes.push(*first);
                rest = after;
            }
        }
        bytes
    }

    struct Case {
        relay: MailDouble,
        email: Email,
        memory: Memory,
        delivery: Delivery,
    }

    impl Case {
        async fn new(script: &[(&'static str, &'static str)]) -> Self {
            let relay = MailDouble::start(Script::new(script)).await;
            let email = email(relay.port);
            Self { relay, email, memory: Memory::default(), delivery: delivery(fired()) }
        }

        async fn attempt(&self, attempt: u32, maybe_delivered: bool) -> Sent {
            let parcel = Parcel { attempt, maybe_delivered, ..parcel(&self.delivery) };
            self.email.send(&self.memory, parcel).await
        }

        fn recipients(&self) -> Vec<String> {
            let commands = self.relay.commands().into_iter();
            commands.filter_map(|line| line.strip_prefix("RCPT TO:").map(ToOwned::to_owned)).collect()
        }
    }

    #[tokio::test]
    async fn a_mail_arrives_with_both_parts() {
        let case = Case::new(&[]).await;
        let sent = case.attempt(1, false).await;
        assert_eq!(sent, Sent::delivered(Some("2.0.0 queued as D0UBLE".to_owned())).with_status(Some(250)));
        assert_eq!(
            case.relay.commands(),
            [
                "EHLO example.org",
                "MAIL FROM:<alerts@example.org>",
                "RCPT TO:<ann@example.org>",
                "RCPT TO:<bob@example.org>",
                "DATA",
                "QUIT"
            ]
        );
        let [mail] = &case.relay.messages()[..] else { panic!("one mail") };
        assert!(mail.contains("Content-Type: text/plain") && mail.contains("Content-Type: text/html"));
        assert!(mail.starts_with("From: "), "{mail}");
    }

    #[tokio::test]
    async fn a_mail_is_signed_where_there_is_a_key() {
        let mut case = Case::new(&[]).await;
        case.email.dkim = Some(dkim::tests::dkim(dkim::tests::ED25519));
        case.attempt(1, false).await;
        let mails = case.relay.messages();
        assert!(mails[0].starts_with("DKIM-Signature: v=1; a=ed25519-sha256; "), "{}", mails[0]);
        case.attempt(1, false).await;
        assert_eq!(mails[0], case.relay.messages().pop().unwrap(), "a copy can be known for one");
        let preview = case.email.preview(parcel(&case.delivery));
        assert!(preview.ends_with("says the same; signed for example.org with the key `watch`)"), "{preview}");
    }

    #[tokio::test]
    async fn one_bad_address_loses_nobody_else() {
        let case = Case::new(&[("RCPT TO:<bob", "550 5.1.1 no such user")]).await;
        let sent = case.attempt(1, false).await;
        let Outcome::Delivered { remote_ref: Some(told) } = sent.outcome else { panic!("{sent:?}") };
        assert_eq!(told, "2.0.0 queued as D0UBLE; refused for bob@example.org: RCPT: 550 5.1.1 no such user");
        assert_eq!(case.relay.messages().len(), 1);
    }

    #[tokio::test]
    async fn a_mail_that_nobody_may_get_is_rejected() {
        let case = Case::new(&[("RCPT", "550 5.1.1 no such user")]).await;
        let sent = case.attempt(1, false).await;
        assert!(matches!(&sent.outcome, Outcome::Reject { why } if why.contains("ann@example.org")), "{sent:?}");
        assert_eq!((sent.status, case.relay.messages().len()), (Some(550), 0));
    }

    #[tokio::test]
    async fn a_retry_goes_to_those_alone_who_were_put_off() {
        let case = Case::new(&[("RCPT TO:<bob", "450 4.2.0 greylisted")]).await;
        let sent = case.attempt(1, false).await;
        let Outcome::Retry { after: Some(after), maybe_delivered: true, why } = &sent.outcome else {
            panic!("{sent:?}")
        };
        assert!(after.as_secs() >= 60 && why.contains("bob@example.org"), "{sent:?}");
        assert_eq!(case.recipients(), ["<ann@example.org>", "<bob@example.org>"]);
        case.relay.follow(Script::default());
        let sent = case.attempt(2, true).await;
        assert!(matches!(sent.outcome, Outcome::Delivered { .. }), "{sent:?}");
        assert_eq!(case.recipients(), ["<bob@example.org>"]);
        let mails = case.relay.messages();
        assert_eq!(mails.len(), 2);
        assert!(!mails[1].contains("may be a repeat"), "for bob it is the first");
    }

    #[tokio::test]
    async fn a_retry_in_another_process_goes_to_all_and_says_so() {
        let case = Case::new(&[("RCPT TO:<bob", "450 4.2.0 greylisted")]).await;
        case.attempt(1, false).await;
        case.recipients();
        case.relay.follow(Script::default());
        let case = Case { memory: Memory::default(), ..case };
        assert!(matches!(case.attempt(2, true).await.outcome, Outcome::Delivered { .. }));
        assert_eq!(case.recipients(), ["<ann@example.org>", "<bob@example.org>"]);
        assert!(case.relay.messages()[1].contains("may be a repeat"));
    }

    #[tokio::test]
    async fn a_lost_answer_marks_the_repeat() {
        let case = Case::new(&[(".", HANG_UP)]).await;
        let sent = case.attempt(1, false).await;
        assert!(matches!(sent.outcome, Outcome::Retry { maybe_delivered: true, .. }), "{sent:?}");
        case.relay.follow(Script::default());
        assert!(matches!(case.attempt(2, true).await.outcome, Outcome::Delivered { .. }));
        let mails = case.relay.messages();
        assert!(!mails[0].contains("may be a repeat") && mails[1].contains("may be a repeat"));
    }

    #[tokio::test]
    async fn a_relay_that_is_down_forgets_nobody() {
        let case = Case::new(&[("RCPT TO:<bob", "450 4.2.0 greylisted")]).await;
        case.attempt(1, false).await;
        case.recipients();
        case.relay.follow(Script::new(&[("", "421 closing down")]));
        let sent = case.attempt(2, true).await;
        assert!(matches!(sent.outcome, Outcome::Retry { maybe_delivered: true, .. }), "ann has it: {sent:?}");
        case.relay.follow(Script::default());
        case.attempt(3, true).await;
        assert_eq!(case.recipients(), ["<bob@example.org>"]);
    }

    #[tokio::test]
    async fn what_is_too_large_goes_without_its_chart() {
        for refused in [".", "MAIL"] {
            let case = Case::new(&[(refused, "552 5.3.4 message size exceeds fixed limit")]).await;
            let case = Case { delivery: delivery(drawn()), ..case };
            let sent = case.attempt(1, false).await;
            let Outcome::Retry { after: None, maybe_delivered: false, why } = &sent.outcome else { panic!("{sent:?}") };
            assert!(why.contains("552 5.3.4") && why.contains("without the chart"), "{why}");
            // It is refused for its size with the chart, and not for that alone.
            assert!(matches!(case.attempt(2, false).await.outcome, Outcome::Reject { .. }));
            case.attempt(1, false).await;
            case.relay.follow(Script::default());
            assert!(matches!(case.attempt(2, false).await.outcome, Outcome::Delivered { .. }));
            let mails = case.relay.messages();
            let last = mails.last().unwrap();
            assert!(last.contains("text/html") && !last.contains("image/png"), "{refused}");
        }
    }

    #[tokio::test]
    async fn the_name_in_ehlo_is_a_name() {
        let named = |hello: &str| Email { hello: Some(hello.to_owned()), ..email(25) }.hello_name();
        assert_eq!(named("watch.example.org"), "watch.example.org");
        assert_eq!(named("[192.0.2.1]"), "[192.0.2.1]");
        assert_eq!(named("x\r\nMAIL FROM:<evil>"), "example.org");
        assert_eq!(named(""), "example.org");
    }
}
