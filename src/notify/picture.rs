//! A message's chart as a PNG, for services and mails that take a picture together with the message.
//!
//! It is drawn when the message is sent, and the same each time.

use std::fmt;

use super::look;
use crate::chart::Chart;
use crate::outbox::Message;

/// How a picture is drawn.
#[derive(Clone, Copy)]
pub struct Size {
    /// How wide it is laid out, in pixels: its letters have their size at this width.
    pub width: u32,
    /// Bytes of the file, at most: whoever reads on the road pays for it.
    pub bytes: usize,
}

/// In a chat, on a phone and beside text.
pub const CHAT: Size = Size { width: 360, bytes: 100_000 };

/// Dots to a pixel, so that it is sharp on a phone; where that is too much, fewer.
const DENSITIES: [u8; 2] = [2, 1];
/// Characters of what stands in its place where pictures are not shown, at most.
const ALT_MAX: usize = 700;

/// A chart, ready to go with a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// What it shows, in words and figures.
    pub alt: String,
    /// The file.
    pub png: Vec<u8>,
}

impl Picture {
    /// What it is called where it is a file.
    pub const NAME: &str = "chart.png";
    /// What it is.
    pub const KIND: &str = "image/png";

    /// Draws a chart; `None` where even a coarse one would be too large.
    pub fn draw(chart: &Chart, size: Size) -> Option<Self> {
        let mut drawn = DENSITIES.into_iter().map(|density| chart.png(size.width, density));
        let png = drawn.find(|png| png.len() <= size.bytes)?;
        Some(Self { alt: look::line(&chart.alt(), ALT_MAX), png })
    }

    /// A message's chart, where it has one.
    pub fn of(message: &Message, size: Size) -> Option<Self> {
        message.chart.as_ref().and_then(|chart| Self::draw(chart, size))
    }
}

/// Its bytes say nothing to people.
impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {} KiB)", Self::NAME, Self::KIND, self.png.len().div_ceil(1024))
    }
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chart::testing::{any_chart, marked};
    use crate::notify::double::{drawn, fired};

    /// Width and height of a PNG in dots, and its kind of colour (3: of a palette, opaque).
    pub fn header(png: &[u8]) -> (u32, u32, u8) {
        let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        (number(16), number(20), png[25])
    }

    #[test]
    fn it_is_sharp_opaque_and_small_and_says_its_figures() {
        let picture = Picture::draw(&marked(), CHAT).unwrap();
        let (width, height, colour) = header(&picture.png);
        assert_eq!((width, colour), (2 * CHAT.width, 3));
        assert!(height > 250 && picture.png.len() <= CHAT.bytes, "{height} {}", picture.png.len());
        assert!(picture.alt.contains("406 t in April 2026 (preliminary)"), "{}", picture.alt);
        let coarse = Picture::draw(&marked(), Size { bytes: picture.png.len() - 1, ..CHAT }).unwrap();
        assert_eq!(header(&coarse.png).0, CHAT.width);
        assert_eq!(Picture::draw(&marked(), Size { bytes: 100, ..CHAT }), None);
        assert_eq!(Picture::of(&fired(), CHAT), None);
    }

    #[test]
    fn its_bytes_are_not_shown() {
        let shown = format!("{:?}", Picture::of(&drawn(), CHAT).unwrap());
        assert!(shown.starts_with("chart.png (image/png, ") && shown.ends_with(" KiB)"), "{shown}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn whatever_it_shows_it_is_small_and_what_is_kept_draws_the_same(chart in any_chart()) {
            let message = Message { chart: Some(chart), ..fired() };
            let kept: Message = serde_json::from_str(&serde_json::to_string(&message).unwrap()).unwrap();
            if kept.chart.is_some() {
                prop_assert_eq!(&kept, &message);
                prop_assert!(Picture::of(&kept, CHAT).is_none_or(|picture| picture.png.len() <= CHAT.bytes));
            }
        }
    }

    #[test]
    fn a_message_of_an_older_or_a_later_store_is_read_without_its_chart() {
        let mut kept = serde_json::to_value(drawn()).unwrap();
        assert_eq!(serde_json::from_value::<Message>(kept.clone()).unwrap(), drawn());
        kept["chart"]["figures"][0]["span"] = "some other way".into();
        assert_eq!(serde_json::from_value::<Message>(kept.clone()).unwrap(), fired());
        kept.as_object_mut().unwrap().remove("chart");
        assert_eq!(serde_json::from_value::<Message>(kept).unwrap(), fired());
    }
}
