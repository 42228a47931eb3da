//! Standard output: the message as a person reads it on a terminal, or one JSON object a line.
//!
//! Nobody confirms that it was read: a message is delivered when it is written.

use std::io::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style as Ansi};

use super::layout::{self, Line, Style};
use super::look::Tone;
use super::webhook::{Payload, payload};
use super::{Parcel, Sent, safe_json};
use crate::base::error::Chain;

/// The console.
#[derive(Clone, Debug)]
pub struct Console {
    /// Colour and width follow the terminal; `false` never.
    pub colour: bool,
}

/// The width where no terminal says otherwise.
const WIDTH: usize = 96;
/// Writing, at most: a reader that has stopped reading holds up one attempt, not the daemon.
const WRITE: Duration = Duration::from_secs(30);

impl Console {
    /// Writes the message.
    pub async fn send(&self, parcel: Parcel<'_>) -> Sent {
        write(format!("{}\n\n", self.text(parcel))).await
    }

    /// The message as it is written.
    pub fn text(&self, parcel: Parcel<'_>) -> String {
        let colour = self.colour && anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
        let width = if self.colour { terminal_width() } else { WIDTH };
        let lines = layout::lay_out(parcel, width);
        if colour { painted(&lines) } else { layout::plain(&lines) }
    }
}

/// Writes the message as one JSON object on a line of its own.
pub async fn send_line(parcel: Parcel<'_>) -> Sent {
    write(format!("{}\n", line(parcel))).await
}

/// The message as one JSON object.
pub fn line(parcel: Parcel<'_>) -> String {
    /// `{"type": "message", …}`.
    #[derive(serde::Serialize)]
    struct Written<'a> {
        r#type: &'static str,
        id: &'a str,
        receiver: &'a str,
        attempt: u32,
        may_be_repeat: bool,
        event: &'a str,
        timestamp: crate::base::clock::Timestamp,
        data: &'a super::webhook::Data<'a>,
    }
    let Payload { r#type: event, timestamp, data } = &payload(parcel.message());
    let written = Written {
        r#type: "message",
        id: &parcel.delivery.id,
        receiver: &parcel.delivery.receiver,
        attempt: parcel.attempt,
        may_be_repeat: parcel.maybe_delivered,
        event,
        timestamp: *timestamp,
        data,
    };
    safe_json(&serde_json::to_string(&written).expect("a message is text and numbers"))
}

/// Writes in one piece, so that two messages never mix.
async fn write(text: String) -> Sent {
    let writing = tokio::task::spawn_blocking(move || {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
    });
    match tokio::time::timeout(WRITE, writing).await {
        Ok(Ok(Ok(()))) => Sent::delivered(None),
        // Some of it may have been read.
        Ok(Ok(Err(error))) => Sent::lost(format!("standard output cannot be written to: {}", Chain(&error))),
        Ok(Err(error)) => Sent::lost(format!("writing to standard output was interrupted: {}", Chain(&error))),
        Err(_) => Sent::lost(format!("nobody reads standard output: not written within {} s", WRITE.as_secs())),
    }
}

/// Between 60 and 100 columns: less breaks every table, more is hard to read.
fn terminal_width() -> usize {
    columns().map_or(WIDTH, |width| width.clamp(60, 100))
}

/// How many columns the terminal has that shows standard output, where one does.
pub fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|width| *width > 0)
}

fn painted(lines: &[Line]) -> String {
    let paint = |line: &Line| -> String {
        let pieces = line.iter().map(|piece| {
            let ansi = ansi(piece.style);
            format!("{ansi}{}{ansi:#}", piece.text)
        });
        pieces.collect()
    };
    lines.iter().map(paint).collect::<Vec<_>>().join("\n")
}

const fn ansi(style: Style) -> Ansi {
    match style {
        Style::Plain => Ansi::new(),
        Style::Strong => Ansi::new().bold(),
        Style::Faint => Ansi::new().dimmed(),
        Style::Tone(tone) => colour(tone).on_default().bold(),
    }
}

const fn colour(tone: Tone) -> AnsiColor {
    match tone {
        Tone::Critical => AnsiColor::Red,
        Tone::Warning => AnsiColor::Yellow,
        Tone::Info => AnsiColor::Blue,
        Tone::Resolved => AnsiColor::Green,
        Tone::Corrected => AnsiColor::Magenta,
        Tone::Ended => AnsiColor::BrightBlack,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::double::{delivery, fired, parcel};

    #[test]
    fn colour_is_only_colour() {
        let delivery = delivery(fired());
        let lines = layout::lay_out(parcel(&delivery), WIDTH);
        let painted = painted(&lines);
        assert!(painted.starts_with("\u{1b}[1m\u{1b}[31m▲ CRITICAL  \u{1b}[0m\u{1b}[1mChina → US"), "{painted:?}");
        let stripped = anstream::adapter::strip_str(&painted).to_string();
        let trimmed: Vec<&str> = stripped.lines().map(str::trim_end).collect();
        assert_eq!(trimmed.join("\n"), layout::plain(&lines));
    }

    #[test]
    fn without_colour_no_byte_of_it_is_written() {
        let delivery = delivery(fired());
        let text = Console { colour: false }.text(parcel(&delivery));
        assert!(text.contains("420.5 t") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_line_is_one_object_with_all_of_the_message() {
        let delivery = delivery(fired());
        let line = line(Parcel { attempt: 3, maybe_delivered: true, ..parcel(&delivery) });
        assert_eq!(line.lines().count(), 1);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&value["type"], &value["event"]), (&"message".into(), &"supplywatch.alert.fired".into()));
        assert_eq!((&value["id"], &value["receiver"]), (&delivery.id.as_str().into(), &"desk".into()));
        assert_eq!((&value["attempt"], &value["may_be_repeat"]), (&3.into(), &true.into()));
        let data = serde_json::to_value(payload(&delivery.message).data).unwrap();
        assert_eq!(value["data"], data);
    }
}
