//! What a picture is made of: paths, circles and text in inks that have a name.
//!
//! A scene knows nothing of figures, and nothing of the file that it becomes.

/// What something is drawn with. Each has a colour for light and for dark surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// What everything lies on.
    Paper,
    /// Titles and figures.
    Text,
    /// Labels of axes and legends.
    Muted,
    /// Lines behind everything.
    Grid,
    /// The figures' line and points.
    Line,
    /// What figures are held against.
    Level,
    /// The edge of what fires.
    Firing,
    /// The hatching of what fires.
    Hatch,
    /// The ground of what fires.
    Tint,
}

/// Red, green and blue.
pub type Colour = [u8; 3];

impl Ink {
    /// Every ink.
    pub const ALL: [Self; 9] = [
        Self::Paper,
        Self::Text,
        Self::Muted,
        Self::Grid,
        Self::Line,
        Self::Level,
        Self::Firing,
        Self::Hatch,
        Self::Tint,
    ];

    /// The name by which a stylesheet calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Text => "text",
            Self::Muted => "muted",
            Self::Grid => "grid",
            Self::Line => "line",
            Self::Level => "level",
            Self::Firing => "firing",
            Self::Hatch => "hatch",
            Self::Tint => "tint",
        }
    }

    /// Its colour on paper.
    pub const fn light(self) -> Colour {
        match self {
            Self::Paper => [0xff, 0xff, 0xff],
            Self::Text => [0x1a, 0x1c, 0x1f],
            Self::Muted => [0x55, 0x5b, 0x63],
            Self::Grid => [0xdf, 0xe2, 0xe6],
            Self::Line => [0x0b, 0x4f, 0x8a],
            Self::Level => [0x6a, 0x2c, 0x91],
            Self::Firing => [0xb3, 0x26, 0x1e],
            Self::Hatch => [0xee, 0xb9, 0xb2],
            Self::Tint => [0xfd, 0xf1, 0xef],
        }
    }

    /// Its colour on a dark screen.
    pub const fn dark(self) -> Colour {
        match self {
            Self::Paper => [0x14, 0x17, 0x1b],
            Self::Text => [0xe9, 0xeb, 0xee],
            Self::Muted => [0xaa, 0xb1, 0xb9],
            Self::Grid => [0x31, 0x37, 0x3f],
            Self::Line => [0x7c, 0xbb, 0xf7],
            Self::Level => [0xcf, 0xa8, 0xf2],
            Self::Firing => [0xff, 0x8a, 0x80],
            Self::Hatch => [0x6b, 0x39, 0x36],
            Self::Tint => [0x2b, 0x1c, 0x1d],
        }
    }
}

/// A place: to the right and down, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct At {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

/// A place.
pub const fn at(x: f64, y: f64) -> At {
    At { x, y }
}

/// How an edge is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke {
    /// With what.
    pub ink: Ink,
    /// How wide.
    pub width: f64,
    /// How long the dashes are, and what is between them; `None` for a whole line.
    pub dash: Option<(f64, f64)>,
}

impl Stroke {
    /// A whole line.
    pub const fn whole(ink: Ink, width: f64) -> Self {
        Self { ink, width, dash: None }
    }

    /// A dashed line.
    pub const fn dashed(ink: Ink, width: f64, dash: f64, between: f64) -> Self {
        Self { ink, width, dash: Some((dash, between)) }
    }
}

/// Which point of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its left end.
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}

/// One thing to draw.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Straight lines through some places, one piece after another.
    Path {
        /// The pieces.
        pieces: Vec<Vec<At>>,
        /// Whether each piece returns to where it began.
        closed: bool,
        /// What fills it.
        fill: Option<Ink>,
        /// Its edge.
        stroke: Option<Stroke>,
    },
    /// A circle.
    Circle {
        /// Its centre.
        centre: At,
        /// Half its width.
        radius: f64,
        /// What fills it.
        fill: Ink,
        /// Its edge.
        stroke: Option<Stroke>,
    },
    /// One line of text.
    Text {
        /// Where its baseline is.
        place: At,
        /// Which of its points that is.
        anchor: Anchor,
        /// How large it is.
        size: f64,
        /// With what.
        ink: Ink,
        /// The characters.
        text: String,
    },
    /// Some things that lie elsewhere, or say what they are when pointed at.
    Group {
        /// How far to the right and down.
        moved: At,
        /// What they are.
        title: Option<String>,
        /// The things.
        shapes: Vec<Self>,
    },
}

impl Shape {
    /// A line through some places.
    pub fn line(places: Vec<At>, stroke: Stroke) -> Self {
        Self::lines(vec![places], stroke)
    }

    /// Several lines of one kind.
    pub const fn lines(pieces: Vec<Vec<At>>, stroke: Stroke) -> Self {
        Self::Path { pieces, closed: false, fill: None, stroke: Some(stroke) }
    }

    /// A filled area with as many corners as there are places.
    pub fn area(corners: Vec<At>, fill: Ink, stroke: Option<Stroke>) -> Self {
        Self::Path { pieces: vec![corners], closed: true, fill: Some(fill), stroke }
    }

    /// A filled rectangle.
    pub fn block(from: At, to: At, fill: Ink) -> Self {
        Self::area(vec![from, at(to.x, from.y), to, at(from.x, to.y)], fill, None)
    }
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// How wide.
    pub width: f64,
    /// How high.
    pub height: f64,
    /// What is drawn, the first below all others.
    pub shapes: Vec<Shape>,
}
