//! One SMTP transaction: a deadline for each phase, a verdict for each recipient.
//!
//! The mail library's own transport is not used: it has no deadline but for connecting, takes any
//! positive reply for success, and gives up all recipients for one. Its connection is driven here step
//! by step, and dropped, never reused, after an error.

use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Noop, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::super::Sent;
use super::super::answer::kept;
use super::{Email, Tls};
use crate::base::limits::LEASE;
use crate::base::secret::Secret;
use crate::outbox::Outcome;

/// What became of the mail for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The relay has it for them.
    Has {
        /// The relay's words, with its own name for the mail.
        queued: String,
    },
    /// Not now.
    Deferred {
        /// The relay's words.
        why: String,
        /// Its reply code.
        status: Option<u16>,
    },
    /// Never.
    Refused {
        /// The relay's words.
        why: String,
        /// Its reply code.
        status: Option<u16>,
    },
    /// Not with its chart: without, perhaps.
    TooLarge {
        /// The relay's words.
        why: String,
    },
    /// The mail was written and its answer lost.
    Lost {
        /// What happened.
        why: String,
    },
}

/// Greylisting lets nobody in before some minutes have passed, and counts what comes too early.
const DEFERRED_WAIT: Duration = Duration::from_secs(60);
/// A certificate or a missing STARTTLS is mended by people.
const TLS_WAIT: Duration = Duration::from_secs(300);

/// "Requested mail action aborted: exceeded storage allocation" (RFC 5321), "message size exceeds fixed maximum
/// message size" (RFC 1870).
const TOO_LARGE: u16 = 552;

impl Verdict {
    /// How long another attempt had better wait.
    pub fn wait(&self) -> Option<Duration> {
        matches!(self, Self::Deferred { .. }).then_some(DEFERRED_WAIT)
    }

    /// The reply code.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Has { .. } => Some(250),
            Self::Deferred { status, .. } | Self::Refused { status, .. } => *status,
            Self::TooLarge { .. } => Some(TOO_LARGE),
            Self::Lost { .. } => None,
        }
    }

    /// The verdict on a mail that can still be made smaller.
    pub fn lighter(self) -> Self {
        match self {
            Self::Refused { why, status: Some(TOO_LARGE) } => {
                Self::TooLarge { why: format!("{why}; it is sent without the chart") }
            }
            other => other,
        }
    }
}

/// A step of the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connect,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Body,
    Quit,
}

impl Phase {
    const ALL: [Self; 8] =
        [Self::Connect, Self::StartTls, Self::Auth, Self::Mail, Self::Rcpt, Self::Data, Self::Body, Self::Quit];

    /// How long it may take, for all recipients together where there are several. RFC 5321 (4.5.3.2)
    /// allows minutes for each; a lease allows less.
    const fn deadline(self) -> Duration {
        Duration::from_secs(match self {
            Self::Connect => 20,
            Self::StartTls | Self::Auth | Self::Mail => 15,
            Self::Rcpt => 20,
            Self::Data => 10,
            Self::Body => 60,
            Self::Quit => 2,
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::StartTls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Body => "end of DATA",
            Self::Quit => "QUIT",
        }
    }
}

const _: () = {
    let (mut total, mut index) = (0, 0);
    while index < Phase::ALL.len() {
        total += Phase::ALL[index].deadline().as_secs();
        index += 1;
    }
    assert!(total + 15 <= LEASE.as_secs(), "an attempt ends well within its lease");
};

/// What went wrong in a phase.
#[derive(Debug)]
enum Failure {
    /// The relay said no.
    Reply { code: u16, why: String },
    /// It may be mended by people: a certificate, a missing STARTTLS.
    Tls { why: String },
    /// The set-up asks for what the relay does not offer.
    Setup { why: String },
    /// Silence, a closed connection, nonsense.
    Lost { why: String },
}

/// Sends to all recipients; `Err` where the attempt ended before any of them had a verdict.
pub async fn deliver(
    email: &Email,
    from: Option<&Address>,
    to: &[Address],
    bytes: &[u8],
) -> Result<Vec<Verdict>, Sent> {
    let mut relay = open(email).await?;
    let parameters = parameters(&relay, from, to, bytes)?;
    let mail = Mail::new(from.cloned(), parameters);
    match within(Phase::Mail, relay.command(mail)).await {
        Ok(_) => {}
        // That is about the mail, and not about its sender.
        Err(Failure::Reply { code: TOO_LARGE, why }) => {
            return Ok(vec![refused(Phase::Mail, TOO_LARGE, why); to.len()]);
        }
        Err(failure) => return Err(whole(Phase::Mail, failure)),
    }
    let mut verdicts = recipients(&mut relay, to).await?;
    if verdicts.iter().any(Option::is_none) {
        let verdict = body(&mut relay, bytes).await?;
        for open in verdicts.iter_mut().filter(|verdict| verdict.is_none()) {
            *open = Some(verdict.clone());
        }
    }
    // The relay has answered; how the conversation ends changes nothing.
    let _ = within(Phase::Quit, relay.quit()).await;
    Ok(verdicts.into_iter().flatten().collect())
}

/// Goes as far as a mail would, and takes leave.
pub async fn probe(email: &Email) -> Result<(), Sent> {
    let mut relay = open(email).await?;
    within(Phase::Mail, relay.command(Noop)).await.map_err(|failure| whole(Phase::Mail, failure))?;
    // The relay has answered; how the conversation ends changes nothing.
    let _ = within(Phase::Quit, relay.quit()).await;
    Ok(())
}

/// A connection that is protected and logged in as the set-up says.
async fn open(email: &Email) -> Result<AsyncSmtpConnection, Sent> {
    let hello = ClientId::Domain(email.hello_name());
    let server = (host(email), email.port);
    let mut relay = match email.tls {
        Tls::Implicit => {
            let tls = tls(email)?;
            let connecting = AsyncSmtpConnection::connect_tokio1(server, None, &hello, Some(tls), None);
            within(Phase::Connect, connecting).await
        }
        Tls::StartTls | Tls::None => within_io(server, &hello).await,
    }
    .map_err(|failure| whole(Phase::Connect, failure))?;
    if email.tls == Tls::StartTls {
        if !relay.can_starttls() {
            let why = "the relay does not offer STARTTLS, and the mail is not to go unprotected".to_owned();
            return Err(whole(Phase::StartTls, Failure::Tls { why }));
        }
        let protecting = relay.starttls(tls(email)?, &hello);
        within(Phase::StartTls, protecting).await.map_err(|failure| whole(Phase::StartTls, failure))?;
    }
    if let Some((user, password)) = &email.login {
        let credentials = Credentials::new(user.clone(), password.expose().to_owned());
        let logging_in = within(Phase::Auth, relay.auth(DEFAULT_MECHANISMS, &credentials)).await;
        logging_in.map_err(|failure| whole(Phase::Auth, failure).without(email))?;
    }
    Ok(relay)
}

/// Connects without TLS, reads the greeting and says hello.
async fn within_io(server: (&str, u16), hello: &ClientId) -> Result<AsyncSmtpConnection, Failure> {
    let connecting = async {
        let lost = |error: io::Error| Failure::Lost { why: error.to_string() };
        let stream = TcpStream::connect(server).await.map_err(lost)?;
        // A short write would else wait for the answer to the one before it.
        stream.set_nodelay(true).map_err(lost)?;
        let stream = Box::new(LineByLine { stream, passing: false });
        AsyncSmtpConnection::connect_with_transport(stream, hello).await.map_err(|error| failure(&error))
    };
    tokio::time::timeout(Phase::Connect.deadline(), connecting).await.unwrap_or_else(|_| Err(silence(Phase::Connect)))
}

/// The relay's name, or its address without the brackets of a URL.
fn host(email: &Email) -> &str {
    email.host.trim_start_matches('[').trim_end_matches(']')
}

fn tls(email: &Email) -> Result<TlsParameters, Sent> {
    let unusable = |error: Error| Sent::disable(format!("the relay's certificates cannot be checked: {error}"));
    let mut builder = TlsParameters::builder(host(email).to_owned());
    if let Some(pem) = &email.ca_pem {
        if !pem.windows(11).any(|window| window == b"-----BEGIN ") {
            return Err(Sent::disable("the CA file holds no certificate in PEM form"));
        }
        builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(unusable)?);
    }
    builder.build().map_err(unusable)
}

/// What MAIL has to announce.
fn parameters(
    relay: &AsyncSmtpConnection,
    from: Option<&Address>,
    to: &[Address],
    bytes: &[u8],
) -> Result<Vec<MailParameter>, Sent> {
    let ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
    if bytes.is_ascii() && to.iter().chain(from).all(ascii) {
        return Ok(Vec::new());
    }
    let offers = |extension| relay.server_info().supports_feature(extension);
    if !offers(Extension::SmtpUtfEight) || !offers(Extension::EightBitMime) {
        return Err(Sent::disable("an address is not ASCII, and the relay does not carry such (SMTPUTF8)"));
    }
    Ok(vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)])
}

/// A verdict for each recipient that was not accepted.
async fn recipients(relay: &mut AsyncSmtpConnection, to: &[Address]) -> Result<Vec<Option<Verdict>>, Sent> {
    let asking = async {
        let mut verdicts = Vec::new();
        for address in to {
            verdicts.push(match relay.command(Rcpt::new(address.clone(), Vec::new())).await {
                Ok(_) => None,
                Err(error) => Some(refusal(failure(&error))?),
            });
        }
        Ok(verdicts)
    };
    let answered = tokio::time::timeout(Phase::Rcpt.deadline(), asking).await;
    answered.unwrap_or_else(|_| Err(silence(Phase::Rcpt))).map_err(|failure| whole(Phase::Rcpt, failure))
}

/// The verdict of a refused recipient; `Err` where the refusal is about us, or about everyone.
fn refusal(failure: Failure) -> Result<Verdict, Failure> {
    let told = |why: String| format!("{}: {why}", Phase::Rcpt.name());
    match failure {
        Failure::Reply { code: code @ (421 | 530), why } => Err(Failure::Reply { code, why }),
        Failure::Reply { code: code @ 400..=499, why } => Ok(Verdict::Deferred { why: told(why), status: Some(code) }),
        Failure::Reply { code, why } => Ok(Verdict::Refused { why: told(why), status: Some(code) }),
        failure => Err(failure),
    }
}

/// A refusal of the mail itself.
fn refused(phase: Phase, code: u16, why: String) -> Verdict {
    let (why, status) = (format!("{}: {why}", phase.name()), Some(code));
    if code < 500 { Verdict::Deferred { why, status } } else { Verdict::Refused { why, status } }
}

/// The mail itself; one verdict for all who were accepted.
async fn body(relay: &mut AsyncSmtpConnection, bytes: &[u8]) -> Result<Verdict, Sent> {
    let told = |phase: Phase, why: String| format!("{}: {why}", phase.name());
    match within(Phase::Data, relay.command(Data)).await {
        Ok(reply) if reply.has_code(354) => {}
        Ok(reply) => {
            let why = format!("expected 354, found {}", reply.code());
            return Err(whole(Phase::Data, Failure::Lost { why }));
        }
        Err(Failure::Reply { code, why }) if code != 530 => return Ok(refused(Phase::Data, code, why)),
        Err(failure) => return Err(whole(Phase::Data, failure)),
    }
    match within(Phase::Body, relay.message(bytes)).await {
        Ok(reply) if reply.has_code(250) => Ok(Verdict::Has { queued: kept(reply.first_line().unwrap_or_default()) }),
        Ok(reply) => {
            let why = format!("expected 250, found {}", reply.code());
            Ok(Verdict::Lost { why: told(Phase::Body, why) })
        }
        Err(Failure::Reply { code, why }) => Ok(refused(Phase::Body, code, why)),
        Err(Failure::Tls { why } | Failure::Setup { why } | Failure::Lost { why }) => {
            Ok(Verdict::Lost { why: told(Phase::Body, why) })
        }
    }
}

/// A failure that ends the attempt for every recipient, before the mail was written.
fn whole(phase: Phase, failure: Failure) -> Sent {
    let told = |why: String| format!("{}: {why}", phase.name());
    match failure {
        Failure::Reply { code, why } => {
            let why = told(why);
            let about_us = code == 530 || (code >= 500 && matches!(phase, Phase::Auth | Phase::Mail));
            // A relay that turns us away at the door may let us in later.
            let sent = if about_us { Sent::disable(why) } else { Sent::retry(why) };
            sent.with_status(Some(code))
        }
        Failure::Tls { why } => Outcome::Retry { after: Some(TLS_WAIT), why: told(why), maybe_delivered: false }.into(),
        Failure::Setup { why } => Sent::disable(told(why)),
        Failure::Lost { why } => Sent::retry(told(why)),
    }
}

impl Sent {
    /// The same without the login: a relay may repeat what it was given.
    fn without(mut self, email: &Email) -> Self {
        if let Some((user, password)) = &email.login
            && let Outcome::Retry { why, .. } | Outcome::Disable { why } = &mut self.outcome
        {
            let plain = format!("\0{user}\0{}", password.expose());
            for secret in [STANDARD.encode(plain), STANDARD.encode(password.expose()), password.expose().to_owned()] {
                *why = Secret::new(secret).remove_from(why);
            }
        }
        self
    }
}

async fn within<T>(phase: Phase, step: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    match tokio::time::timeout(phase.deadline(), step).await {
        Ok(done) => done.map_err(|error| failure(&error)),
        Err(_) => Err(silence(phase)),
    }
}

fn silence(phase: Phase) -> Failure {
    Failure::Lost { why: format!("no answer within {} s", phase.deadline().as_secs()) }
}

fn failure(error: &Error) -> Failure {
    // The library's error prints its source itself, unlike ours.
    let why = kept(&error.to_string());
    if let Some(code) = error.status() {
        let words = error.source().map(|source| kept(&source.to_string())).unwrap_or_default();
        let code = u16::from(code);
        return Failure::Reply { code, why: format!("{code} {words}").trim_end().to_owned() };
    }
    if error.is_client() {
        return Failure::Setup { why };
    }
    if is_certificate(error) { Failure::Tls { why } } else { Failure::Lost { why } }
}

/// Whether TLS itself failed: its error hides in an I/O error.
fn is_certificate(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        let hidden = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if cause.is::<rustls::Error>() || hidden.is_some_and(|hidden| hidden.is::<rustls::Error>()) {
            return true;
        }
        source = cause.source();
    }
    false
}

/// A connection that gives out no byte before it is asked for, until TLS begins.
///
/// What arrives in the same packet as the answer to STARTTLS would otherwise wait in the reader's
/// buffer and be taken for words under TLS (the class of CVE-2011-0411). Byte by byte it stays with
/// the system and reaches TLS, which does not take it for its own.
#[derive(Debug)]
struct LineByLine {
    stream: TcpStream,
    /// TLS has begun.
    passing: bool,
}

/// The first byte of a TLS handshake record; no SMTP command begins so.
const TLS_HANDSHAKE: u8 = 0x16;

impl AsyncRead for LineByLine {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.passing || buffer.remaining() == 0 {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut one))?;
        buffer.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineByLine {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.passing |= bytes.first() == Some(&TLS_HANDSHAKE);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for LineByLine {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::email::tests::email;
    use crate::notify::relay::{CA_PEM, HANG_UP, MailDouble, SILENCE, Script};

    async fn send(email: &Email) -> Result<Vec<Verdict>, Sent> {
        let to: Vec<Address> = email.to.iter().map(|to| to.email.clone()).collect();
        deliver(email, Some(&email.from.email), &to, b"Subject: x\r\n\r\n.dots\r\n").await
    }

    /// What a script leads to: the outcome of the whole, or the verdicts.
    async fn told(script: Script, change: impl FnOnce(Email) -> Email) -> String {
        let relay = MailDouble::start(script).await;
        match send(&change(email(relay.port))).await {
            Err(sent) => {
                let maybe = matches!(sent.outcome, Outcome::Retry { maybe_delivered: true, .. });
                format!("{}{}: {}", sent.outcome.name(), if maybe { " maybe" } else { "" }, sent.outcome.why().unwrap())
            }
            Ok(verdicts) => {
                let told = verdicts.iter().map(|verdict| match verdict {
                    Verdict::Has { queued } => format!("has ({queued})"),
                    Verdict::Deferred { why, .. } => format!("deferred ({why})"),
                    Verdict::Refused { why, .. } => format!("refused ({why})"),
                    Verdict::TooLarge { why } => format!("too large ({why})"),
                    Verdict::Lost { why } => format!("lost ({why})"),
                });
                told.collect::<Vec<_>>().join(", ")
            }
        }
    }

    fn login(email: Email) -> Email {
        Email { login: Some(("watch".to_owned(), Secret::new("hunter22"))), ..email }
    }

    #[tokio::test]
    async fn every_reply_has_its_verdict() {
        let table: &[(&[(&str, &str)], &str)] = &[
            (&[], "has (2.0.0 queued as D0UBLE), has (2.0.0 queued as D0UBLE)"),
            (&[("", "554 no service for you")], "retry: connecting: 554 no service for you"),
            (&[("", "421 too busy")], "retry: connecting: 421 too busy"),
            (&[("EHLO", "500 what")], "retry: connecting: 500 what"),
            (&[("MAIL", "451 later")], "retry: MAIL: 451 later"),
            (&[("MAIL", "550 5.7.1 sender refused")], "disable: MAIL: 550 5.7.1 sender refused"),
            (
                &[("MAIL", "530 5.7.0 Must issue a STARTTLS command first")],
                "disable: MAIL: 530 5.7.0 Must issue a STARTTLS command first",
            ),
            (
                &[("RCPT TO:<ann", "450 4.7.1 greylisted")],
                "deferred (RCPT: 450 4.7.1 greylisted), has (2.0.0 queued as D0UBLE)",
            ),
            (&[("RCPT TO:<bob", "553 no")], "has (2.0.0 queued as D0UBLE), refused (RCPT: 553 no)"),
            (&[("RCPT TO:<bob", "421 closing")], "retry: RCPT: 421 closing"),
            (&[("RCPT", "530 authentication required")], "disable: RCPT: 530 authentication required"),
            (&[("RCPT", "452 full")], "deferred (RCPT: 452 full), deferred (RCPT: 452 full)"),
            (&[("DATA", "451 later")], "deferred (DATA: 451 later), deferred (DATA: 451 later)"),
            (&[("DATA", "554 no")], "refused (DATA: 554 no), refused (DATA: 554 no)"),
            (&[("DATA", "250 ok")], "retry: DATA: expected 354, found 250"),
            (&[(".", "451 later")], "deferred (end of DATA: 451 later), deferred (end of DATA: 451 later)"),
            (
                &[(".", "552 5.3.4 too big")],
                "refused (end of DATA: 552 5.3.4 too big), refused (end of DATA: 552 5.3.4 too big)",
            ),
            (
                &[(".", "354 go on")],
                "lost (end of DATA: expected 250, found 354), lost (end of DATA: expected 250, found 354)",
            ),
            (&[("QUIT", HANG_UP)], "has (2.0.0 queued as D0UBLE), has (2.0.0 queued as D0UBLE)"),
        ];
        for (script, expected) in table {
            assert_eq!(told(Script::new(script), |email| email).await, *expected, "{script:?}");
        }
    }

    #[tokio::test]
    async fn a_login_that_fails_is_our_own_mistake() {
        let auth = |reply| told(Script::new(&[("AUTH", reply)]), login);
        assert_eq!(auth("535 5.7.8 hunter22 is wrong").await, "disable: AUTH: 535 5.7.8 <secret> is wrong");
        let plain = STANDARD.encode("\0watch\0hunter22");
        let echo = Script::new(&[("AUTH", Box::leak(format!("502 what is AUTH PLAIN {plain}").into_boxed_str()))]);
        assert_eq!(told(echo, login).await, "disable: AUTH: 502 what is AUTH PLAIN <secret>");
        assert_eq!(auth("454 4.7.0 later").await, "retry: AUTH: 454 4.7.0 later");
        let none = Script::new(&[("EHLO", "250 double")]);
        assert!(told(none, login).await.starts_with("disable: AUTH: "));
        let relay = MailDouble::start(Script::default()).await;
        send(&login(email(relay.port))).await.unwrap();
        assert!(relay.commands().contains(&format!("AUTH PLAIN {plain}")));
    }

    #[tokio::test]
    async fn a_connection_that_breaks_off_means_what_was_sent_by_then() {
        for phase in ["", "EHLO", "MAIL", "RCPT", "DATA"] {
            let told = told(Script::new(&[(phase, HANG_UP)]), |email| email).await;
            assert!(told.starts_with("retry: "), "{phase}: {told}");
        }
        assert!(told(Script::new(&[(".", HANG_UP)]), |email| email).await.starts_with("lost (end of DATA"));
        assert!(
            told(Script::default(), |email| Email { port: closed_port(), ..email })
                .await
                .starts_with("retry: connecting")
        );
    }

    fn closed_port() -> u16 {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    #[tokio::test(start_paused = true)]
    async fn every_phase_has_its_own_deadline() {
        let table = [
            ("", Phase::Connect),
            ("EHLO", Phase::Connect),
            ("AUTH", Phase::Auth),
            ("MAIL", Phase::Mail),
            ("RCPT", Phase::Rcpt),
            ("RCPT TO:<bob", Phase::Rcpt),
            ("DATA", Phase::Data),
        ];
        for (command, phase) in table {
            let begun = tokio::time::Instant::now();
            let told = told(Script::new(&[(command, SILENCE)]), login).await;
            let seconds = phase.deadline().as_secs();
            assert_eq!(told, format!("retry: {}: no answer within {seconds} s", phase.name()), "{command}");
            assert_eq!(begun.elapsed().as_secs(), seconds, "{command}");
        }
        let lost = told(Script::new(&[(".", SILENCE)]), login).await;
        assert!(lost.starts_with("lost (end of DATA: no answer within 60 s), lost"), "{lost}");
        let begun = tokio::time::Instant::now();
        let has = told(Script::new(&[("QUIT", SILENCE)]), login).await;
        assert!(has.starts_with("has"), "{has}");
        assert_eq!(begun.elapsed(), Phase::Quit.deadline());
    }

    #[tokio::test]
    async fn tls_is_spoken_in_both_ways_with_a_private_authority() {
        for tls in [Tls::Implicit, Tls::StartTls] {
            let relay = MailDouble::start(Script::default().tls(tls)).await;
            let email = login(Email { tls, ca_pem: Some(CA_PEM.to_vec()), ..email(relay.port) });
            let verdicts = send(&email).await.unwrap();
            assert!(matches!(verdicts[..], [Verdict::Has { .. }, Verdict::Has { .. }]), "{tls:?}");
            assert_eq!(relay.messages(), ["Subject: x\r\n\r\n.dots\r\n\r\n"]);
            let hellos = relay.commands().iter().filter(|line| line.starts_with("EHLO")).count();
            assert_eq!(hellos, if tls == Tls::StartTls { 2 } else { 1 }, "{tls:?}");
        }
    }

    #[tokio::test]
    async fn a_certificate_that_is_not_trusted_ends_it_before_anything_is_said() {
        for tls in [Tls::Implicit, Tls::StartTls] {
            let relay = MailDouble::start(Script::default().tls(tls)).await;
            let sent = send(&login(Email { tls, ..email(relay.port) })).await.unwrap_err();
            let Outcome::Retry { after: Some(TLS_WAIT), maybe_delivered: false, why } = &sent.outcome else {
                panic!("{sent:?}")
            };
            assert!(why.contains("certificate"), "{why}");
            assert!(!relay.commands().iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")));
        }
    }

    #[tokio::test]
    async fn a_relay_without_starttls_gets_neither_login_nor_mail() {
        let relay = MailDouble::start(Script::default()).await;
        let sent = send(&login(Email { tls: Tls::StartTls, ..email(relay.port) })).await.unwrap_err();
        assert!(matches!(sent.outcome, Outcome::Retry { after: Some(TLS_WAIT), .. }), "{sent:?}");
        assert_eq!(relay.commands(), ["EHLO example.org"]);
    }

    #[tokio::test]
    async fn what_is_slipped_in_before_tls_is_not_taken_for_words_under_it() {
        let slipped = "220 go ahead\r\n250-evil\r\n250 AUTH PLAIN LOGIN";
        let script = Script::new(&[("STARTTLS", slipped)]).tls(Tls::StartTls);
        let relay = MailDouble::start(script).await;
        let trusted = Email { tls: Tls::StartTls, ca_pem: Some(CA_PEM.to_vec()), ..email(relay.port) };
        let sent = send(&login(trusted)).await.unwrap_err();
        assert!(matches!(sent.outcome, Outcome::Retry { maybe_delivered: false, .. }), "{sent:?}");
        assert_eq!(relay.commands(), ["EHLO example.org", "STARTTLS"]);
    }

    #[tokio::test]
    async fn a_ca_file_without_a_certificate_is_a_set_up_that_cannot_work() {
        let broken = Email { tls: Tls::Implicit, ca_pem: Some(b"not pem".to_vec()), ..email(closed_port()) };
        assert!(matches!(send(&broken).await.unwrap_err().outcome, Outcome::Disable { .. }));
    }
}
