//! The shape of `[rule.NAME.template]` and `[receiver.NAME.template]`.
//!
//! Whether its texts can be used is `resolve`'s to say.

use super::section::Section;
use super::source::At;

/// `[rule.NAME.template]`, `[receiver.NAME.template]`.
pub struct TemplateTable {
    /// The title.
    pub title: Option<At<String>>,
    /// What follows it.
    pub body: Option<At<String>>,
}

impl TemplateTable {
    /// Reads `template` of a table.
    pub fn read(section: &mut Section<'_>) -> Option<Self> {
        let mut table = section.table("template")?;
        let read = Self { title: table.text("title"), body: table.text("body") };
        table.finish();
        Some(read)
    }
}
