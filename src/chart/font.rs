//! The font that measures text for every chart and draws it into PNG files.
//!
//! One face and one weight, no shaping: labels, dates and figures need none. Where it comes from is said in
//! `font/README.md`.

use std::sync::LazyLock;

use ttf_parser::{Face, OutlineBuilder};

static FACE: LazyLock<Face<'static>> = LazyLock::new(|| {
    let bytes: &'static [u8] = include_bytes!("font/Inter-Regular-subset.ttf");
    Face::parse(bytes, 0).expect("the font is part of the program, and a test reads it")
});

/// How wide a text is at a size.
pub fn width(text: &str, size: f64) -> f64 {
    text.chars().map(|c| advance(c) * size).sum()
}

/// Draws a text along its baseline, from its left end at the origin, into `pen`: one call of `glyph` for each
/// character, with the distance from the origin and the factor from the font's units.
pub fn outline(text: &str, size: f64, mut glyph: impl FnMut(f64, f64, &dyn Fn(&mut dyn OutlineBuilder))) {
    let scale = size / f64::from(FACE.units_per_em());
    let mut x = 0.0;
    for c in text.chars() {
        let id = FACE.glyph_index(c).unwrap_or_default();
        glyph(x, scale, &|pen| {
            // A space has no outline.
            let _ = FACE.outline_glyph(id, pen);
        });
        x += advance(c) * size;
    }
}

/// `text` as it fits into a width: whole, or with `…` at its end.
pub fn fitted(text: &str, size: f64, limit: f64) -> String {
    if width(text, size) <= limit {
        return text.to_owned();
    }
    let mut left = limit - width("…", size);
    let kept = text.chars().take_while(|c| {
        left -= advance(*c) * size;
        left >= 0.0
    });
    let kept: String = kept.collect();
    format!("{}…", kept.trim_end())
}

/// `text` broken between words into at most so many lines; the last one is cut where that is not enough.
pub fn wrapped(text: &str, size: f64, limit: f64, lines: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let full = out.len() >= lines;
        match out.last_mut() {
            Some(line) if full || width(&format!("{line} {word}"), size) <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => out.push(word.to_owned()),
        }
    }
    out.into_iter().map(|line| fitted(&line, size, limit)).collect()
}

fn advance(c: char) -> f64 {
    let id = FACE.glyph_index(c).unwrap_or_default();
    f64::from(FACE.glyph_hor_advance(id).unwrap_or_default()) / f64::from(FACE.units_per_em())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_what_charts_say() {
        for c in "AZaz09 −→≤≥…·×°²€%‰“”–—żćÅöσЖ".chars() {
            assert!(FACE.glyph_index(c).is_some(), "{c}");
        }
        assert!(width("稀土", 10.0) > 0.0, "a character without a glyph is a box");
        assert!(width("10", 20.0) > 1.9 * width("10", 10.0));
    }

    #[test]
    fn text_is_broken_and_cut_to_a_width() {
        let limit = width("rare earths", 12.0) + 0.1;
        assert_eq!(wrapped("rare earths to the US", 12.0, limit, 3), ["rare earths", "to the US"]);
        assert_eq!(wrapped("rare earths to the United States", 12.0, limit, 2), ["rare earths", "to the U…"]);
        assert_eq!(wrapped("", 12.0, limit, 2), Vec::<String>::new());
        assert_eq!(fitted("a long word", 12.0, 0.0), "…");
    }
}
