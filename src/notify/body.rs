//! What a request carries: nothing, JSON, or a form; and how that is shown to people.

use reqwest::{RequestBuilder, multipart};

use super::picture::Picture;
use super::safe_json;
use crate::base::text::printable;

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON, byte for byte.
    Json(String),
    /// Fields of a form (`application/x-www-form-urlencoded`).
    Form(Vec<(&'static str, String)>),
    /// Fields of a form of which some are files (`multipart/form-data`).
    Parts(Vec<(String, Part)>),
}

/// A field of a form that may hold files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text.
    Text(String),
    /// JSON, byte for byte.
    Json(String),
    /// A picture, as a file.
    Picture(Picture),
}

impl Part {
    /// As it is sent.
    fn made(&self) -> multipart::Part {
        match self {
            Self::Text(text) => multipart::Part::text(text.clone()),
            Self::Json(text) => of_kind(multipart::Part::text(text.clone()), "application/json"),
            Self::Picture(picture) => {
                let file = multipart::Part::bytes(picture.png.clone()).file_name(Picture::NAME);
                of_kind(file, Picture::KIND)
            }
        }
    }

    /// The same in lines, for people.
    fn lines(&self) -> String {
        match self {
            Self::Text(text) => text_lines(text),
            Self::Json(text) => json_lines(text),
            Self::Picture(picture) => picture.to_string(),
        }
    }
}

fn of_kind(part: multipart::Part, kind: &str) -> multipart::Part {
    part.mime_str(kind).expect("what we name is a media type")
}

fn text_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n  ")
}

fn json_lines(text: &str) -> String {
    let value = serde_json::from_str::<serde_json::Value>(text);
    value.map_or_else(|_| safe_json(text), |value| safe_json(&format!("{value:#}")))
}

impl Body {
    /// What it is, for the header.
    pub const fn content_type(&self) -> &'static str {
        match self {
            Self::Empty => "",
            Self::Json(_) => "application/json",
            Self::Form(_) => "application/x-www-form-urlencoded",
            Self::Parts(_) => "multipart/form-data",
        }
    }

    /// The JSON that it must be.
    #[cfg(test)]
    #[track_caller]
    pub fn json(&self) -> String {
        let Self::Json(text) = self else { panic!("no JSON") };
        text.clone()
    }

    /// A request with it; what stands between parts is new each time.
    pub fn fill(&self, request: RequestBuilder, content_type: &'static str) -> RequestBuilder {
        let text = match self {
            Self::Empty => return request,
            Self::Json(text) => text.clone(),
            Self::Form(fields) => url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish(),
            Self::Parts(parts) => {
                let add = |form: multipart::Form, (name, part): &(String, Part)| form.part(name.clone(), part.made());
                return request.multipart(parts.iter().fold(multipart::Form::new(), add));
            }
        };
        request.header("content-type", content_type).body(text)
    }

    /// The same in lines, for people.
    pub fn lines(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Json(text) => json_lines(text),
            Self::Form(fields) => {
                let line = |(name, value): &(&str, String)| format!("{name} = {}", text_lines(value));
                fields.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            Self::Parts(parts) => {
                let line = |(name, part): &(String, Part)| format!("{name} = {}", part.lines());
                parts.iter().map(line).collect::<Vec<_>>().join("\n")
            }
        }
    }
}
