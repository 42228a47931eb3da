//! How a receiver is spoken to: the same matter, told so that its reader can use it.

use crate::series::Notation;

/// How a receiver is spoken to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Voice {
    /// It shows the figures as a picture.
    pub chart: bool,
    /// How its figures are written.
    pub notation: Notation,
}
