//! The shape of `[receiver.NAME]`: who is told, and how.
//!
//! Which keys go with which kind, and what their values mean, is `resolve`'s.

use super::secret::SecretText;
use super::section::{Given, Section};
use super::source::{At, Texts};
use super::template::TemplateTable;

/// `[receiver.NAME]`, of every kind.
pub struct ReceiverTable {
    /// Its keys.
    pub given: Given,
    /// A kind of [`super::resolve`]'s.
    pub kind: Option<At<String>>,
    /// Where posts go.
    pub url: Option<At<SecretText>>,
    /// What posts are signed with.
    pub secret: Option<At<SecretText>>,
    /// Plain connections are allowed.
    pub insecure: Option<At<bool>>,
    /// Private addresses are allowed.
    pub allow_private: Option<At<bool>>,
    /// The mail relay.
    pub host: Option<At<String>>,
    /// Its port.
    pub port: Option<At<u64>>,
    /// How the connection is protected.
    pub tls: Option<At<String>>,
    /// The login's name.
    pub username: Option<At<SecretText>>,
    /// The login's password.
    pub password: Option<At<SecretText>>,
    /// The sender.
    pub from: Option<At<String>>,
    /// Whom to write to.
    pub to: Option<Texts>,
    /// The name given in EHLO.
    pub hello: Option<At<String>>,
    /// A private CA's certificates.
    pub ca_file: Option<At<String>>,
    /// What mails are signed with.
    pub dkim: Option<DkimTable>,
    /// What a service knows us by.
    pub token: Option<At<SecretText>>,
    /// What a service knows the receiver of its messages by.
    pub key: Option<At<SecretText>>,
    /// The user, of a service that has users.
    pub user: Option<At<SecretText>>,
    /// Addresses of servers that are all told.
    pub urls: Option<Texts>,
    /// The channel, stream or space.
    pub channel: Option<At<String>>,
    /// The topic.
    pub topic: Option<At<String>>,
    /// The room.
    pub room: Option<At<String>>,
    /// The chat.
    pub chat: Option<At<String>>,
    /// A thread that all messages go to.
    pub thread: Option<At<String>>,
    /// Where the service's servers are.
    pub region: Option<At<String>>,
    /// A word without which the service takes no message.
    pub keyword: Option<At<String>>,
    /// The form of a webhook's body.
    pub format: Option<At<String>>,
    /// How many messages it takes, such as `20/min`.
    pub rate: Option<At<String>>,
    /// What becomes of a message whose answer was lost.
    pub on_ambiguous: Option<At<String>>,
    /// Whether the console is coloured.
    pub color: Option<At<String>>,
    /// When an undelivered message is given up.
    pub give_up_after: Option<At<String>>,
    /// How often a message rings that insists.
    pub retry: Option<At<String>>,
    /// How long it rings.
    pub expire: Option<At<String>>,
    /// How long an alert fires of which nothing more is heard.
    pub hold: Option<At<String>>,
    /// When it wants no messages.
    pub quiet: Option<QuietTable>,
    /// Whether figures are shown as a picture too.
    pub chart: Option<At<bool>>,
    /// By which locale figures are written.
    pub locale: Option<At<String>>,
    /// The units that they are told in.
    pub units: Option<Texts>,
    /// When its messages go out together.
    pub digest: Option<DigestTable>,
    /// How many messages are told one by one.
    pub storm: Option<At<String>>,
    /// How its messages are told.
    pub template: Option<TemplateTable>,
}

/// `dkim`.
pub struct DkimTable {
    /// Its keys.
    pub given: Given,
    /// The domain that signs.
    pub domain: Option<At<String>>,
    /// The name of its key.
    pub selector: Option<At<String>>,
    /// The private key.
    pub key: Option<At<SecretText>>,
}

impl DkimTable {
    fn read(mut section: Section<'_>) -> Self {
        Self {
            domain: section.text("domain"),
            selector: section.text("selector"),
            key: section.secret("key"),
            given: section.finish(),
        }
    }
}

/// `quiet`.
pub struct QuietTable {
    /// Its keys.
    pub given: Given,
    /// When it begins.
    pub from: Option<At<String>>,
    /// When it ends.
    pub to: Option<At<String>>,
    /// Whose clock it is.
    pub timezone: Option<At<String>>,
    /// The days on which it begins.
    pub days: Option<Texts>,
    /// How bad a message must be not to wait.
    pub except: Option<At<String>>,
}

/// `digest`: a time, or a table with one.
pub struct DigestTable {
    /// Its keys; `None` where it is a time alone.
    pub given: Option<Given>,
    /// When it goes out.
    pub at: Option<At<String>>,
    /// Whose clock it is.
    pub timezone: Option<At<String>>,
    /// How bad a message must be not to wait.
    pub except: Option<At<String>>,
}

impl DigestTable {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let found = section.table_or_texts("digest")?;
        let place = At { value: (), place: found.place, key: found.key };
        Some(match found.value {
            // Of several texts the whole is no time, and is refused as that.
            Err(texts) => {
                let joined = texts.iter().map(|at| at.value.as_str()).collect::<Vec<_>>().join(", ");
                Self { given: None, at: Some(place.with(joined)), timezone: None, except: None }
            }
            Ok(mut table) => {
                let (at, timezone, except) = (table.text("at"), table.text("timezone"), table.text("except"));
                Self { given: Some(table.finish()), at, timezone, except }
            }
        })
    }
}

impl QuietTable {
    fn read(mut section: Section<'_>) -> Self {
        Self {
            from: section.text("from"),
            to: section.text("to"),
            timezone: section.text("timezone"),
            days: section.texts("days"),
            except: section.text("except"),
            given: section.finish(),
        }
    }
}

impl ReceiverTable {
    /// Reads the table.
    pub fn read(mut section: Section<'_>) -> Self {
        Self {
            kind: section.text("kind"),
            url: section.secret("url"),
            secret: section.secret("secret"),
            insecure: section.flag("insecure"),
            allow_private: section.flag("allow_private"),
            host: section.text("host"),
            port: section.whole("port"),
            tls: section.text("tls"),
            username: section.secret("username"),
            password: section.secret("password"),
            from: section.text("from"),
            to: section.texts("to"),
            hello: section.text("hello"),
            ca_file: section.text("ca_file"),
            dkim: section.table("dkim").map(DkimTable::read),
            token: section.secret("token"),
            key: section.secret("key"),
            user: section.secret("user"),
            urls: section.texts("urls"),
            channel: section.text("channel"),
            topic: section.text("topic"),
            room: section.text("room"),
            chat: section.text("chat"),
            thread: section.text("thread"),
            region: section.text("region"),
            keyword: section.text("keyword"),
            format: section.text("format"),
            rate: section.text("rate"),
            on_ambiguous: section.text("on_ambiguous"),
            color: section.text_or_flag("color"),
            give_up_after: section.text("give_up_after"),
            retry: section.text("retry"),
            expire: section.text("expire"),
            hold: section.text("hold"),
            quiet: section.table("quiet").map(QuietTable::read),
            chart: section.flag("chart"),
            locale: section.text("locale"),
            units: section.texts("units"),
            digest: DigestTable::read(&mut section),
            storm: section.text("storm"),
            template: TemplateTable::read(&mut section),
            given: section.finish(),
        }
    }
}
