//! A scene as SVG.
//!
//! Colours are attributes, which every program understands, and each has a class by which a page's own
//! stylesheet sets it; there are no inline styles, scripts or ids, so a strict page can take it as it is.

use std::fmt::Write;

use super::scene::{Anchor, At, Colour, Ink, Scene, Shape, Stroke};

const FONTS: &str = "Inter,system-ui,-apple-system,Segoe UI,Roboto,Helvetica Neue,Arial,sans-serif";

/// The styles of elements, for a page: each ink is a custom property, such as
/// `--chart-line`, that falls back to what suits the reader's light or dark screen.
pub fn stylesheet() -> String {
    let rules = |colour: fn(Ink) -> Colour| {
        let rule = |ink: Ink| {
            let (name, colour) = (ink.name(), hex(colour(ink)));
            format!(
                ".cf-{name}{{fill:var(--chart-{name},{colour})}}.cs-{name}{{stroke:var(--chart-{name},{colour})}}\n"
            )
        };
        Ink::ALL.map(rule).concat()
    };
    format!("{}@media (prefers-color-scheme:dark){{\n{}}}\n", rules(Ink::light), rules(Ink::dark))
}

/// A file of its own. It brings the colours for a dark screen along.
pub fn document(scene: &Scene, alt: &str) -> String {
    let dark = Ink::ALL.map(|ink| {
        let (name, colour) = (ink.name(), hex(ink.dark()));
        format!(".cf-{name}{{fill:{colour}}}.cs-{name}{{stroke:{colour}}}")
    });
    let style = format!("<style>@media screen and (prefers-color-scheme:dark){{{}}}</style>\n", dark.concat());
    svg(scene, alt, &style)
}

/// An element of a page.
pub fn element(scene: &Scene, alt: &str) -> String {
    svg(scene, alt, "")
}

fn svg(scene: &Scene, alt: &str, style: &str) -> String {
    let (width, height, alt) = (length(scene.width), length(scene.height), escaped(alt));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{alt}\" font-family=\"{FONTS}\" stroke-linejoin=\"round\">\n{style}"
    );
    scene.shapes.iter().for_each(|shape| write(&mut out, shape));
    out.push_str("</svg>\n");
    out
}

fn write(out: &mut String, shape: &Shape) {
    match shape {
        Shape::Path { pieces, closed, fill, stroke } => {
            let all: String = pieces.iter().map(|piece| data(piece, *closed)).collect();
            let ink = inked(*fill, stroke.as_ref());
            push(out, &format!("<path{ink} d=\"{all}\"/>\n"));
        }
        Shape::Circle { centre, radius, fill, stroke } => {
            let (x, y, radius) = (length(centre.x), length(centre.y), length(*radius));
            let ink = inked(Some(*fill), stroke.as_ref());
            push(out, &format!("<circle{ink} cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>\n"));
        }
        Shape::Text { place, anchor, size, ink, text } => {
            let (x, y, size) = (length(place.x), length(place.y), length(*size));
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            };
            let (ink, text) = (inked(Some(*ink), None), escaped(text));
            push(out, &format!("<text{ink} x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor}>{text}</text>\n"));
        }
        Shape::Group { moved, title, shapes } => {
            let moved = match moved {
                At { x: 0.0, y: 0.0 } => String::new(),
                At { x, y } => format!(" transform=\"translate({} {})\"", length(*x), length(*y)),
            };
            let title = title.as_ref().map(|title| format!("<title>{}</title>", escaped(title))).unwrap_or_default();
            push(out, &format!("<g{moved}>{title}\n"));
            shapes.iter().for_each(|shape| write(out, shape));
            out.push_str("</g>\n");
        }
    }
}

fn push(out: &mut String, text: &str) {
    out.push_str(text);
}

fn data(piece: &[At], closed: bool) -> String {
    let mut out = String::new();
    for (index, place) in piece.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        // Writing into memory cannot fail.
        let _ = write!(out, "{command}{} {}", length(place.x), length(place.y));
    }
    if closed {
        out.push('Z');
    }
    out
}

/// The class and the colours of a shape; on a page, its stylesheet beats the colours.
fn inked(fill: Option<Ink>, stroke: Option<&Stroke>) -> String {
    let classes = fill.map(|ink| format!("cf-{}", ink.name()));
    let classes: Vec<String> =
        classes.into_iter().chain(stroke.map(|stroke| format!("cs-{}", stroke.ink.name()))).collect();
    let fill = fill.map_or_else(|| "none".to_owned(), |ink| hex(ink.light()));
    let mut out = format!(" class=\"{}\" fill=\"{fill}\"", classes.join(" "));
    if let Some(Stroke { ink, width, dash }) = stroke {
        let (colour, width) = (hex(ink.light()), length(*width));
        out.push_str(&format!(" stroke=\"{colour}\" stroke-width=\"{width}\""));
        let dash = dash.map(|(dash, between)| format!(" stroke-dasharray=\"{} {}\"", length(dash), length(between)));
        out.push_str(&dash.unwrap_or_default());
    }
    out
}

fn hex([red, green, blue]: Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// A length to a hundredth of a pixel.
fn length(value: f64) -> String {
    let text = format!("{value:.2}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// Text for an element or an attribute: no markup, and no character that XML 1.0 does not know.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            c if c.is_control() => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::scene::at;

    #[test]
    fn lengths_are_short() {
        let all = [1.0, 0.126, -0.001, 300.5, 1e7].map(length);
        assert_eq!(all, ["1", "0.13", "0", "300.5", "10000000"]);
    }

    #[test]
    fn text_is_never_markup() {
        assert_eq!(escaped("</text><script>\"'&"), "&lt;/text&gt;&lt;script&gt;&quot;&#39;&amp;");
        assert_eq!(escaped("a\u{0}b\u{1b}c\u{FFFF}稀"), "a\u{FFFD}b\u{FFFD}c\u{FFFD}稀");
    }

    #[test]
    fn a_scene_is_an_element_without_styles() {
        let place = at(1.0, 2.0);
        let text =
            |text: &str| Shape::Text { place, anchor: Anchor::End, size: 12.0, ink: Ink::Muted, text: text.to_owned() };
        let dashed = Stroke::dashed(Ink::Bound, 1.5, 4.0, 3.0);
        let circle =
            Shape::Circle { centre: place, radius: 3.0, fill: Ink::Paper, stroke: Some(Stroke::whole(Ink::Line, 1.0)) };
        let shapes = vec![
            Shape::line(vec![place, at(3.25, -0.001)], dashed),
            Shape::Group { moved: at(0.0, 9.0), title: Some("<b>".to_owned()), shapes: vec![circle, text("a & b")] },
        ];
        let scene = Scene { width: 20.0, height: 10.0, shapes };
        insta::assert_snapshot!(element(&scene, "it \"fell\""), @r##"
        <svg xmlns="http://www.w3.org/2000/svg" class="chart" width="20" height="10" viewBox="0 0 20 10" role="img" aria-label="it &quot;fell&quot;" font-family="Inter,system-ui,-apple-system,Segoe UI,Roboto,Helvetica Neue,Arial,sans-serif" stroke-linejoin="round">
        <path class="cs-bound" fill="none" stroke="#6a2c91" stroke-width="1.5" stroke-dasharray="4 3" d="M1 2L3.25 0"/>
        <g transform="translate(0 9)"><title>&lt;b&gt;</title>
        <circle class="cf-paper cs-line" fill="#ffffff" stroke="#0b4f8a" stroke-width="1" cx="1" cy="2" r="3"/>
        <text class="cf-muted" fill="#555b63" x="1" y="2" font-size="12" text-anchor="end">a &amp; b</text>
        </g>
        </svg>
        "##);
    }

    #[test]
    fn a_file_of_its_own_knows_dark_screens_and_a_page_says_its_colours() {
        let scene = Scene { width: 1.0, height: 1.0, shapes: Vec::new() };
        assert!(document(&scene, "").contains("prefers-color-scheme:dark){.cf-paper{fill:#14171b}"));
        let sheet = stylesheet();
        assert!(
            sheet.starts_with(".cf-paper{fill:var(--chart-paper,#ffffff)}.cs-paper{stroke:var(--chart-paper,#ffffff)}")
        );
        assert!(sheet.contains("{\n.cf-paper{fill:var(--chart-paper,#14171b)}"));
    }

    /// WCAG 2.2, 1.4.3 and 1.4.11: 4.5 to 1 for text, 3 to 1 for what has to be seen to understand.
    #[test]
    fn inks_stand_out_from_their_paper() {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        let luminance =
            |[red, green, blue]: Colour| 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
        let contrast = |one: Colour, other: Colour| {
            let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
            one.max(other) / one.min(other)
        };
        for colour in [Ink::light as fn(Ink) -> Colour, Ink::dark] {
            for ground in [Ink::Paper, Ink::Tint] {
                for (ink, least) in
                    [(Ink::Text, 4.5), (Ink::Muted, 4.5), (Ink::Line, 3.0), (Ink::Bound, 3.0), (Ink::Firing, 3.0)]
                {
                    let found = contrast(colour(ink), colour(ground));
                    assert!(found >= least, "{ink:?} on {ground:?}: {found}");
                }
            }
        }
    }
}
