//! What Mattermost and Rocket.Chat took over of Slack's older messages: a text, and an attachment with a bar in the
//! colour of its tone.
//!
//! Which signs they read is theirs to say.

use serde_json::{Value, json};

use super::Parcel;
use super::look::Tone;
use super::prose::{self, Markup};
use super::service::Form;

/// Characters of the attachment's text. Older servers keep 8,000 of all attachments, written as JSON, and
/// Rocket.Chat 5,000 of a message.
pub const TEXT_MAX: usize = 3500;
/// Characters of the text above it.
pub const HEAD_MAX: usize = 1000;

/// The message: its title as text, which is what a phone announces, and everything else attached. The short form is
/// a text alone.
pub fn payload(parcel: Parcel<'_>, markup: &dyn Markup, form: Form, channel: Option<&str>) -> Value {
    let message = parcel.message();
    let mut payload = match form {
        Form::Full => json!({
            "text": markup.strong(&prose::headline(message, prose::TITLE_CHARS)),
            "attachments": [{
                "fallback": prose::headline(message, prose::TITLE_CHARS),
                "color": Tone::of(message).colour(),
                "text": prose::body(parcel, markup, TEXT_MAX),
            }],
        }),
        Form::Short => json!({"text": prose::note(parcel, markup, HEAD_MAX)}),
    };
    if let Some(channel) = channel {
        payload["channel"] = channel.into();
    }
    payload
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::notify::double::{delivery, fired, parcel};
    use crate::outbox::Message;

    /// What a service gets of a message, marked as a repeat.
    pub fn payload_of(message: Message, markup: &dyn Markup) -> Value {
        payload(Parcel { maybe_delivered: true, ..parcel(&delivery(message)) }, markup, Form::Full, None)
    }

    /// What both servers keep, and what neither may lack.
    pub fn check_limits(payload: &Value) {
        let of = |value: &Value| value.as_str().unwrap().chars().count();
        let attached = &payload["attachments"][0];
        assert!((1..=HEAD_MAX).contains(&of(&payload["text"])) && of(&attached["text"]) <= TEXT_MAX);
        assert!(payload["attachments"].to_string().chars().count() <= 8000);
        assert!(attached["text"].as_str().unwrap().contains("(may be a repeat)"));
    }

    /// As a person reads it.
    pub fn shown(message: Message, markup: &dyn Markup) -> String {
        let payload = payload(parcel(&delivery(message)), markup, Form::Full, None);
        let (text, attached) = (payload["text"].as_str().unwrap(), &payload["attachments"][0]);
        format!("{text}\n[{}]\n{}", attached["color"].as_str().unwrap(), attached["text"].as_str().unwrap())
    }

    /// More than fits.
    pub fn long() -> Message {
        let message = fired();
        let (table, gates) = (vec![message.table[5].clone(); 60], vec![message.gates[0].clone(); 60]);
        Message { table, gates, title: "a*".repeat(300), summary: "\\".repeat(9000), ..message }
    }
}
