//! A scene as a PNG file: light and opaque, so that a mail reader's own ground does not show through.
//!
//! It draws the same scene that becomes SVG; its text is drawn as outlines of the program's own font.

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, PixelDimensions, Unit};
use tiny_skia::{Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Transform};
use ttf_parser::OutlineBuilder;

use super::font;
use super::scene::{Anchor, At, Ink, Scene, Shape, Stroke, at};

/// Dots along an edge, at most.
const DOTS_MAX: f64 = 16_384.0;
/// CSS has 96 pixels in an inch of 0.0254 m.
const DOTS_PER_METRE: f64 = 96.0 / 0.0254;

/// The file, with `density` dots to each pixel of the scene.
pub fn png(scene: &Scene, density: u8) -> Vec<u8> {
    let largest = scene.width.max(scene.height).max(1.0);
    let scale = f64::from(density.max(1)).min(DOTS_MAX / largest);
    let dots = |length: f64| (length * scale).round().clamp(1.0, DOTS_MAX) as u32;
    let mut pixmap = Pixmap::new(dots(scene.width), dots(scene.height)).expect("both sides are within limits");
    pixmap.fill(colour(Ink::Paper));
    let mut canvas = Canvas { pixmap: &mut pixmap, scale, origin: at(0.0, 0.0) };
    scene.shapes.iter().for_each(|shape| canvas.draw(shape));
    encoded(&pixmap, scale).expect("writing into memory does not fail")
}

fn encoded(pixmap: &Pixmap, scale: f64) -> Result<Vec<u8>, EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, pixmap.width(), pixmap.height());
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::High);
    let per_metre = (DOTS_PER_METRE * scale).round() as u32;
    encoder.set_pixel_dims(Some(PixelDimensions { xppu: per_metre, yppu: per_metre, unit: Unit::Meter }));
    let opaque: Vec<u8> = pixmap.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&opaque)?;
    writer.finish()?;
    Ok(bytes)
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
