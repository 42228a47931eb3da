//! What the figures of trade are, in the words that the config and the labels have for it.
//!
//! Which codes and columns a publisher has for them is the publisher's.

/// The direction, as its reporter has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Into the reporter's country.
    Import,
    /// Out of it.
    Export,
}

impl Flow {
    /// Both with their names.
    pub const ALL: [(&'static str, Self); 2] = [("import", Self::Import), ("export", Self::Export)];

    /// As the config and the label `flow` have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Export => "export",
        }
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Money.
    Value,
    /// Mass.
    Weight,
    /// The unit in which the publisher counts the good.
    Quantity,
}

impl Measure {
    /// Every one with its name.
    pub const ALL: [(&'static str, Self); 3] =
        [("value", Self::Value), ("weight", Self::Weight), ("quantity", Self::Quantity)];

    /// As the config and the label `measure` have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Weight => "weight",
            Self::Quantity => "quantity",
        }
    }
}
