//! A scene as a PNG file: light and opaque, so that a mail reader's own ground does not show through.
//!
//! It draws the same scene that becomes SVG; its text is drawn as outlines of the program's own font.

use std::cmp::Reverse;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter, PixelDimensions, Unit};
use tiny_skia::{Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Transform};
use ttf_parser::OutlineBuilder;

use super::font;
use super::scene::{Anchor, At, Ink, Scene, Shape, Stroke, at};

/// Red, green and blue.
type Rgb = [u8; 3];

/// Dots of a whole picture, at most: as it is drawn, each takes four bytes.
const DOTS_MAX: f64 = 24e6;
/// Dots along an edge, at most.
const EDGE_MAX: f64 = 32_000.0;
/// CSS has 96 pixels in an inch of 0.0254 m.
const DOTS_PER_METRE: f64 = 96.0 / 0.0254;

/// The file, with `density` dots to each pixel of the scene, or as many as it may have.
pub fn png(scene: &Scene, density: u8) -> Vec<u8> {
    let (scale, [width, height]) = dots(scene, density);
    let mut pixmap = Pixmap::new(width, height).expect("both sides are within limits");
    pixmap.fill(colour(Ink::Paper));
    let mut canvas = Canvas { pixmap: &mut pixmap, scale, origin: at(0.0, 0.0) };
    scene.shapes.iter().for_each(|shape| canvas.draw(shape));
    encoded(&pixmap, scale).expect("writing into memory does not fail")
}

/// How many dots there are to a pixel, and how many in a row and in a column.
fn dots(scene: &Scene, density: u8) -> (f64, [u32; 2]) {
    let (width, height) = (scene.width.max(1.0), scene.height.max(1.0));
    let most = (DOTS_MAX / (width * height)).sqrt().min(EDGE_MAX / width.max(height));
    let scale = f64::from(density.max(1)).min(most);
    (scale, [width, height].map(|length| (length * scale).round().clamp(1.0, EDGE_MAX) as u32))
}

fn encoded(pixmap: &Pixmap, scale: f64) -> Result<Vec<u8>, EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, pixmap.width(), pixmap.height());
    let pixels: Vec<Rgb> = pixmap.pixels().iter().map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
    let (palette, places) = by_palette(&pixels);
    encoder.set_color(ColorType::Indexed);
    encoder.set_palette(palette.concat());
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::High);
    // Neighbours in a palette are no neighbours in colour.
    encoder.set_filter(Filter::NoFilter);
    let per_metre = (DOTS_PER_METRE * scale).round() as u32;
    encoder.set_pixel_dims(Some(PixelDimensions { xppu: per_metre, yppu: per_metre, unit: Unit::Meter }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&places)?;
    writer.finish()?;
    Ok(bytes)
}

/// The commonest colours, and for each dot the place of its own among them, or of the nearest: what is rare is an
/// edge between two colours, and there are less than half as many bytes.
fn by_palette(pixels: &[Rgb]) -> (Vec<Rgb>, Vec<u8>) {
    let mut counts: HashMap<Rgb, u32, RandomState> = HashMap::default();
    for pixel in pixels {
        *counts.entry(*pixel).or_default() += 1;
    }
    let mut colours: Vec<(Rgb, u32)> = counts.into_iter().collect();
    colours.sort_unstable_by_key(|(colour, count)| (Reverse(*count), *colour));
    let palette: Vec<Rgb> = colours.iter().take(256).map(|(colour, _)| *colour).collect();
    let distance = |a: &Rgb, b: &Rgb| a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum::<u32>();
    let nearest = |colour: &Rgb| (0_u8..=255).zip(&palette).min_by_key(|(_, known)| distance(known, colour));
    let places: HashMap<Rgb, u8, RandomState> =
        colours.iter().filter_map(|(colour, _)| Some((*colour, nearest(colour)?.0))).collect();
    let places = pixels.iter().map(|pixel| places[pixel]).collect();
    (palette, places)
}

fn colour(ink: Ink) -> Color {
    let [red, green, blue] = ink.light();
    Color::from_rgba8(red, green, blue, 255)
}

fn paint(ink: Ink) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(colour(ink));
    paint
}

struct Canvas<'a> {
    pixmap: &'a mut Pixmap,
    scale: f64,
    origin: At,
}

impl Canvas<'_> {
    fn draw(&mut self, shape: &Shape) {
        match shape {
            Shape::Path { pieces, closed, fill, stroke } => {
                let mut builder = PathBuilder::new();
                pieces.iter().for_each(|piece| add(&mut builder, piece, *closed));
                self.put(builder.finish(), *fill, stroke.as_ref());
            }
            Shape::Circle { centre, radius, fill, stroke } => {
                let path = PathBuilder::from_circle(centre.x as f32, centre.y as f32, *radius as f32);
                self.put(path, Some(*fill), stroke.as_ref());
            }
            Shape::Text { place, anchor, size, ink, text } => {
                let shift = match anchor {
                    Anchor::Start => 0.0,
                    Anchor::Middle => font::width(text, *size) / 2.0,
                    Anchor::End => font::width(text, *size),
                };
                let mut pen = Pen { builder: PathBuilder::new(), from: *place, factor: 1.0 };
                font::outline(text, *size, |x, factor, glyph| {
                    pen.from = at(place.x - shift + x, place.y);
                    pen.factor = factor;
                    glyph(&mut pen);
                });
                self.put(pen.builder.finish(), Some(*ink), None);
            }
            Shape::Group { moved, shapes, .. } => {
                let origin = at(self.origin.x + moved.x, self.origin.y + moved.y);
                let mut within = Canvas { pixmap: self.pixmap, scale: self.scale, origin };
                shapes.iter().for_each(|shape| within.draw(shape));
            }
        }
    }

    /// A path without a place has nothing to show.
    fn put(&mut self, path: Option<Path>, fill: Option<Ink>, stroke: Option<&Stroke>) {
        let Some(path) = path else { return };
        let scale = self.scale as f32;
        let transform = Transform::from_translate(self.origin.x as f32, self.origin.y as f32).post_scale(scale, scale);
        if let Some(ink) = fill {
            self.pixmap.fill_path(&path, &paint(ink), FillRule::Winding, transform, None);
        }
        if let Some(Stroke { ink, width, dash }) = stroke {
            let dash =
                dash.and_then(|(dash, between)| tiny_skia::StrokeDash::new(vec![dash as f32, between as f32], 0.0));
            let (line_cap, line_join) = (LineCap::Butt, LineJoin::Round);
            let stroke = tiny_skia::Stroke { width: *width as f32, line_cap, line_join, dash, ..Default::default() };
            self.pixmap.stroke_path(&path, &paint(*ink), &stroke, transform, None);
        }
    }
}

fn add(builder: &mut PathBuilder, piece: &[At], closed: bool) {
    for (index, place) in piece.iter().enumerate() {
        let (x, y) = (place.x as f32, place.y as f32);
        if index == 0 { builder.move_to(x, y) } else { builder.line_to(x, y) }
    }
    if closed && !piece.is_empty() {
        builder.close();
    }
}

/// Takes a glyph's outline, whose units point upwards, to its place.
struct Pen {
    builder: PathBuilder,
    from: At,
    factor: f64,
}

impl Pen {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        ((self.from.x + f64::from(x) * self.factor) as f32, (self.from.y - f64::from(y) * self.factor) as f32)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.builder.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.builder.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.place(x1, y1), self.place(x, y));
        self.builder.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.place(x1, y1), self.place(x2, y2), self.place(x, y));
        self.builder.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.builder.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Common colours are exact, rare ones near.
    #[test]
    fn a_palette_has_the_commonest_colours() {
        let grey = |n: u8| [n, n, n];
        let (palette, places) = by_palette(&[grey(9), [1, 2, 3], grey(9)]);
        assert_eq!((palette, places), (vec![grey(9), [1, 2, 3]], vec![0, 1, 0]));
        let many: Vec<Rgb> = (0..=255).flat_map(|n| [grey(n), grey(n), [n, n, n.saturating_add(1)]]).collect();
        let (palette, places) = by_palette(&many);
        assert_eq!(palette.len(), 256);
        for (pixel, place) in many.iter().zip(places) {
            let found = palette[usize::from(place)];
            assert!(pixel.iter().zip(found).all(|(a, b)| a.abs_diff(b) <= 1), "{pixel:?} {found:?}");
        }
    }

    #[test]
    fn a_picture_that_would_be_too_large_is_drawn_coarser() {
        let size = |width: f64, height: f64, density: u8| {
            let (scale, [width, height]) = dots(&Scene { width, height, shapes: Vec::new() }, density);
            (scale, f64::from(width) * f64::from(height) <= 1.001 * DOTS_MAX)
        };
        assert_eq!(size(600.0, 400.0, 2), (2.0, true));
        assert_eq!(size(600.0, 400.0, 0), (1.0, true));
        let (scale, fits) = size(4000.0, 12_000.0, 4);
        assert!(scale < 1.0 && fits, "{scale}");
        assert!(size(160.0, 1e9, 1).1);
    }
}
