//! The chart of a mail: a PNG that the HTML part shows by its Content-ID, drawn when the mail is.

use super::super::look;
use crate::chart::Chart;

/// How wide it is shown, in pixels: the card without its padding.
pub const WIDTH: u32 = 568;
/// Dots to a pixel, so that it is sharp on a phone; where that is too much, fewer.
const DENSITIES: [u8; 2] = [2, 1];
/// Bytes of a file, at most: whoever reads on the road pays for it.
const BYTES_MAX: usize = 100_000;
/// Characters of what stands in its place where pictures are not shown, at most.
const ALT_MAX: usize = 700;

/// A chart, ready to go with a mail.
pub struct Picture {
    /// How the HTML part names it: the Content-ID without its angle brackets.
    pub cid: String,
    /// What it shows, in words and figures.
    pub alt: String,
    /// The file.
    pub png: Vec<u8>,
}

impl Picture {
    /// Draws a chart; `None` where even a coarse one would be too large. `id` and `domain` name it to mail programs.
    pub fn draw(chart: &Chart, id: &str, domain: &str) -> Option<Self> {
        let png = DENSITIES.into_iter().map(|density| chart.png(WIDTH, density)).find(|png| png.len() <= BYTES_MAX)?;
        Some(Self { cid: format!("chart.{id}@{domain}"), alt: look::line(&chart.alt(), ALT_MAX), png })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chart::testing::{any_chart, marked};
    use crate::notify::double::{drawn, fired};
    use crate::outbox::Message;

    /// Width and height of a PNG in dots, and its kind of colour (2: opaque).
    fn header(png: &[u8]) -> (u32, u32, u8) {
        let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        (number(16), number(20), png[25])
    }

    #[test]
    fn it_is_sharp_opaque_and_small_and_says_its_figures() {
        let picture = Picture::draw(&marked(), "msg_1", "example.org").unwrap();
        let (width, height, colour) = header(&picture.png);
        assert_eq!((width, colour, picture.cid.as_str()), (2 * WIDTH, 2, "chart.msg_1@example.org"));
        assert!(height > 400 && picture.png.len() <= BYTES_MAX, "{height} {}", picture.png.len());
        assert!(picture.alt.contains("406 t in April 2026 (preliminary)"), "{}", picture.alt);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn whatever_it_shows_it_is_small_and_what_is_kept_draws_the_same(chart in any_chart()) {
            let message = Message { chart: Some(chart), ..fired() };
            let kept: Message = serde_json::from_str(&serde_json::to_string(&message).unwrap()).unwrap();
            if let Some(chart) = &kept.chart {
                prop_assert_eq!(&kept, &message);
                let picture = Picture::draw(chart, "x", "example.org");
                prop_assert!(picture.is_none_or(|picture| picture.png.len() <= BYTES_MAX));
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
