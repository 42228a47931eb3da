//! Standard output: the message as a person reads it on a terminal.

/// The console.
#[derive(Clone, Debug)]
pub struct Console {
    /// Colour and width follow the terminal; `false` never.
    pub colour: bool,
}
