//! The journal, by its own protocol (systemd.journal-fields(7)): each event is a datagram of fields.
//!
//! Written out because the published crate leaves the fields out of the text, and the text is all that `journalctl`
//! shows: "pull failed" without which, and why.

use std::fmt::{Debug, Write};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::base::limits::JOURNAL_VALUE_BYTES_MAX;

const SOCKET: &str = "/run/systemd/journal/socket";

/// The way to the journal.
pub struct Journal {
    socket: UnixDatagram,
}

impl Journal {
    /// The machine's; an error where it has none.
    pub fn open() -> io::Result<Self> {
        Self::at(Path::new(SOCKET))
    }

    fn at(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(path)?;
        Ok(Self { socket })
    }
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (mut said, about) = (Said::default(), event.metadata());
        event.record(&mut said);
        let priority = match *about.level() {
            Level::ERROR => "3",
            Level::WARN => "4",
            Level::INFO => "6",
            Level::DEBUG | Level::TRACE => "7",
        };
        let mut datagram = Vec::new();
        put(&mut datagram, "PRIORITY", priority);
        put(&mut datagram, "SYSLOG_IDENTIFIER", "supplywatch");
        put(&mut datagram, "TARGET", about.target());
        put(&mut datagram, "CODE_FILE", about.file().unwrap_or_default());
        put(&mut datagram, "CODE_LINE", &about.line().unwrap_or_default().to_string());
        put(&mut datagram, "MESSAGE", &format!("{}{}", said.message, said.beside));
        said.fields.iter().for_each(|(name, value)| put(&mut datagram, &name.to_ascii_uppercase(), value));
        // A log that cannot be written is no reason to stop, and there is nobody to be told.
        let _ = self.socket.send(&datagram);
    }
}

/// What an event says.
#[derive(Default)]
struct Said {
    message: String,
    /// The fields as they follow the message.
    beside: String,
    fields: Vec<(&'static str, String)>,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
            return;
        }
        let value = format!("{value:?}");
        // A String takes whatever is written to it.
        let _ = write!(self.beside, " {}={value}", field.name());
        self.fields.push((field.name(), value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        // Quoted in the text, as it may have blanks; plain in its field, by which it is looked for.
        let _ = write!(self.beside, " {}={value:?}", field.name());
        self.fields.push((field.name(), value.to_owned()));
    }
}

/// One field: on a line of its own, or with its length where it has lines.
fn put(datagram: &mut Vec<u8>, name: &str, value: &str) {
    let end = (0..=value.len().min(JOURNAL_VALUE_BYTES_MAX)).rev().find(|end| value.is_char_boundary(*end));
    let value = &value[..end.unwrap_or_default()];
    datagram.extend(name.as_bytes());
    if value.contains('\n') {
        datagram.push(b'\n');
        datagram.extend((value.len() as u64).to_le_bytes());
    } else {
        datagram.push(b'=');
    }
    datagram.extend(value.as_bytes());
    datagram.push(b'\n');
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// What reaches the journal, a field a line.
    fn journalled(log: impl FnOnce()) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let journald = UnixDatagram::bind(&path).unwrap();
        let registry = tracing_subscriber::registry().with(Journal::at(&path).unwrap());
        tracing::subscriber::with_default(registry, log);
        let mut datagram = vec![0; 256 << 10];
        let length = journald.recv(&mut datagram).unwrap();
        String::from_utf8_lossy(&datagram[..length]).lines().map(ToOwned::to_owned).collect()
    }

    #[test]
    fn the_text_says_what_the_fields_say() {
        let reason = "timed out\nMESSAGE=forged";
        let lines = journalled(|| tracing::warn!(feed = "magnets", ?reason, status = 503, "pull failed"));
        assert_eq!(lines[0], "PRIORITY=4");
        assert!(lines.iter().any(|line| line == "TARGET=supplywatch::cli::journal::tests"), "{lines:#?}");
        assert_eq!(
            &lines[5..],
            [
                r#"MESSAGE=pull failed feed="magnets" reason="timed out\nMESSAGE=forged" status=503"#,
                "FEED=magnets",
                r#"REASON="timed out\nMESSAGE=forged""#,
                "STATUS=503",
            ]
        );
    }

    #[test]
    fn lines_and_lengths_break_no_field() {
        let long = "é".repeat(JOURNAL_VALUE_BYTES_MAX);
        let lines = journalled(|| tracing::info!(note = "a\nPRIORITY=0", long, "done"));
        let note = lines.iter().position(|line| line == "NOTE").unwrap();
        assert_eq!(lines[note + 1], "\u{c}\0\0\0\0\0\0\0a");
        assert_eq!(lines[note + 2], "PRIORITY=0");
        assert_eq!(lines.last().unwrap().len(), "LONG=".len() + JOURNAL_VALUE_BYTES_MAX);
    }
}
