//! Answers of Korea's portal of public data: XML of items, each with a text under each name, and a head that says
//! whether it went well.
//!
//! Errors of the portal come in another envelope, and as a success. No entity but XML's five is known, and no
//! document type is read. Source: the portal's guide to its interfaces, data.go.kr.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::sdmx_ml::{encoding, entity, syntax};
use super::{decode, no_page};
use crate::base::limits::ROWS_MAX;
use crate::base::text::shorten;
use crate::feed::ParseError;

/// Levels of elements, at most.
const DEPTH_MAX: usize = 32;
/// Texts of one item, at most.
const TEXTS_MAX: usize = 64;
/// Characters of one text, at most.
const TEXT_CHARS: usize = 1000;

/// The texts of an item, by the names of their elements.
pub type Item = BTreeMap<String, String>;

/// What an answer says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Its code: `00` where it went well.
    pub code: String,
    /// Its words.
    pub said: String,
}

/// Reads an answer and gives each item, numbered from 1, to a sink.
pub fn read(body: &[u8], sink: &mut dyn FnMut(usize, &Item) -> Result<(), ParseError>) -> Result<Head, ParseError> {
    let start = no_page(body, "XML of data.go.kr")?;
    if !start.starts_with(b"<") {
        let found = format!("a text: {}", shorten(&String::from_utf8_lossy(&start[..start.len().min(400)]), 200));
        return Err(ParseError::Foreign { expected: "XML of data.go.kr", found });
    }
    let text = decode(body, encoding(body))?;
    let mut answer = Answer::default();
    let mut reader = Reader::from_str(&text);
    reader.config_mut().expand_empty_elements = true;
    loop {
        let event = reader.read_event().map_err(|error| syntax(&text, reader.error_position(), &error.to_string()))?;
        let at = reader.buffer_position();
        match event {
            Event::Start(element) => {
                answer.start(element.local_name().as_ref()).map_err(|reason| syntax(&text, at, &reason))?;
            }
            Event::End(_) => answer.end(sink)?,
            Event::Text(piece) => answer.text(&piece.xml10_content()),
            Event::CData(piece) => answer.text(&piece.xml10_content()),
            Event::GeneralRef(name) => answer.text(entity(&name.xml10_content())),
            Event::Eof if answer.path.is_empty() => return Ok(answer.head),
            Event::Eof => return Err(syntax(&text, at, "the text breaks off")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Empty(_) => {}
        }
    }
}

/// An answer as far as it was read.
#[derive(Default)]
struct Answer {
    path: Vec<String>,
    text: String,
    item: Item,
    items: usize,
    head: Head,
}

impl Answer {
    fn start(&mut self, name: &str) -> Result<(), String> {
        if self.path.len() >= DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} levels of elements"));
        }
        if name == "item" {
            self.item.clear();
        }
        self.text.clear();
        self.path.push(shorten(name, 60));
        Ok(())
    }

    fn text(&mut self, piece: &str) {
        let room = TEXT_CHARS.saturating_sub(self.text.chars().count());
        self.text.extend(piece.chars().take(room));
    }

    fn end(&mut self, sink: &mut dyn FnMut(usize, &Item) -> Result<(), ParseError>) -> Result<(), ParseError> {
        let Some(name) = self.path.pop() else { return Ok(()) };
        let text = std::mem::take(&mut self.text).trim().to_owned();
        if name == "item" {
            self.items += 1;
            if self.items > ROWS_MAX {
                return Err(ParseError::TooManyRows(ROWS_MAX));
            }
            return sink(self.items, &self.item);
        }
        if self.path.last().is_some_and(|parent| parent == "item") {
            if self.item.len() < TEXTS_MAX {
                self.item.insert(name, text);
            }
            return Ok(());
        }
        match name.as_str() {
            "resultCode" | "returnReasonCode" => self.head.code = text,
            // The portal's own words are a constant; those beside them say what happened.
            "resultMsg" | "returnAuthMsg" => self.head.said = text,
            "errMsg" if self.head.said.is_empty() => self.head.said = text,
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(body: &str) -> String {
        let mut items = Vec::new();
        let read = read(body.as_bytes(), &mut |number, item| {
            items.push(format!("{number} {item:?}"));
            Ok(())
        });
        items.push(read.map_or_else(|error| error.to_string(), |head| format!("{} {}", head.code, head.said)));
        items.join("\n")
    }

    #[test]
    fn items_are_names_and_texts() {
        insta::assert_snapshot!(told("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response><header><resultCode>00</resultCode><resultMsg>OK</resultMsg></header><body><items>\
            <item><hsCd>-</hsCd><year>총계</year></item><item><hsCd>8505111000</hsCd><statKor> A &amp; B<![CDATA[<c>]]></statKor><impWgt/></item></items></body></response>"), @r#"
        1 {"hsCd": "-", "year": "총계"}
        2 {"hsCd": "8505111000", "impWgt": "", "statKor": "A & B<c>"}
        00 OK
        "#);
        assert_eq!(
            told("<response><header><resultCode>00</resultCode></header><body><items/></body></response>"),
            "00 "
        );
    }

    #[test]
    fn the_portals_other_envelope_has_a_code_too() {
        assert_eq!(
            told(
                "<OpenAPI_ServiceResponse><cmmMsgHeader><errMsg>SERVICE ERROR</errMsg><returnAuthMsg>LIMITED</returnAuthMsg><returnReasonCode>22</returnReasonCode></cmmMsgHeader></OpenAPI_ServiceResponse>"
            ),
            "22 LIMITED"
        );
        assert_eq!(told("<a><cmmMsgHeader><errMsg>OUT</errMsg></cmmMsgHeader></a>"), " OUT");
    }

    #[test]
    fn what_is_no_such_answer_is_an_error() {
        let deep = format!("{}x", "<a>".repeat(40));
        insta::assert_snapshot!(
            [
                told(""),
                told("Unexpected errors"),
                told("{\"response\":{}}"),
                told("<html><title>Login</title></html>"),
                told("<response><body>"),
                told("<response></body>"),
                told(&deep),
                told("<!DOCTYPE x [<!ENTITY e \"eeee\">]><response><item><a>&e;</a></item></response>"),
            ]
            .join("\n"),
            @r#"
        the response is empty
        expected XML of data.go.kr, found a text: Unexpected errors
        expected XML of data.go.kr, found a text: {"response":{}}
        expected XML of data.go.kr, found a web page titled "Login"
        no XML at line 1, column 17: the text breaks off
        no XML at line 1, column 11: ill-formed document: expected `</response>`, but `</body>` was found
        no XML at line 1, column 100: more than 32 levels of elements
        1 {"a": "�"}
        "#
        );
        let long = told(&format!("<r><item><a>{}</a></item></r>", "x".repeat(5000)));
        assert!(long.len() < 1100);
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "(<response>|<item>|<year>|</item>|</year>|&amp;|&x;|<!\\[CDATA\\[|\\]\\]>|[a-z0-9<>/ é]){0,20}") {
            let _ = told(&text);
        }
    }
}
