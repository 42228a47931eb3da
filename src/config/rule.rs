//! The shape of `[rule.NAME]`: what is looked at, when it alarms, and who is told how.
//!
//! What the values mean, and whether they fit together, is `resolve`'s.

use super::file::patterns;
use super::route::EscalateTable;
use super::section::{Given, Section};
use super::source::{At, Texts};
use super::template::TemplateTable;

/// `[rule.NAME]`.
pub struct RuleTable {
    /// Its keys.
    pub given: Given,
    /// Labels and patterns; `None` where there is no such table.
    pub series: Option<Vec<(At<String>, Texts)>>,
    /// The labels that series are judged together by.
    pub group_by: Option<Texts>,
    /// The gates.
    pub when: Option<Texts>,
    /// What ends a firing alert.
    pub clear: Option<At<String>>,
    /// The conditions of a warning.
    pub warning: Option<LevelTable>,
    /// The conditions of what is critical.
    pub critical: Option<LevelTable>,
    /// Which figures count.
    pub status: Option<At<String>>,
    /// What becomes of a missing period.
    pub on_gap: Option<At<String>>,
    /// How large a revision is news.
    pub revision_tolerance: Option<At<String>>,
    /// How bad it is.
    pub severity: Option<At<String>>,
    /// Who is told.
    pub notify: Option<Texts>,
    /// Below this base a ratio says nothing.
    pub min_base: Option<At<String>>,
    /// Whether an alert that goes on is told again.
    pub renotify: Option<At<String>>,
    /// Which of its transitions are told in one message.
    pub group: Option<At<String>>,
    /// What the figures are.
    pub title: Option<At<String>>,
    /// The rules whose alerts keep its messages back.
    pub inhibited_by: Option<Texts>,
    /// The labels that both alerts must have alike.
    pub equal: Option<Texts>,
    /// Who is told, too, when nobody acknowledges.
    pub escalate: Option<EscalateTable>,
    /// How its messages are told.
    pub template: Option<TemplateTable>,
}

/// `warning` or `critical`: the gates alone, or a table that says as well what ends it.
pub struct LevelTable {
    /// Its keys, where it is a table.
    pub given: Option<Given>,
    /// The gates.
    pub when: Option<Texts>,
    /// What ends it.
    pub clear: Option<At<String>>,
}

impl RuleTable {
    /// Reads the table.
    pub fn read(mut section: Section<'_>) -> Self {
        let series = section.table("series").map(|series| patterns(&series));
        Self {
            series,
            group_by: section.texts("group_by"),
            when: section.texts("when"),
            clear: section.text("clear"),
            warning: LevelTable::read(&mut section, "warning"),
            critical: LevelTable::read(&mut section, "critical"),
            status: section.text("status"),
            on_gap: section.text("on_gap"),
            revision_tolerance: section.number("revision_tolerance", "0.1%"),
            severity: section.text("severity"),
            notify: section.texts("notify"),
            min_base: section.text("min_base"),
            renotify: section.text("renotify"),
            group: section.text("group"),
            title: section.text("title"),
            inhibited_by: section.texts("inhibited_by"),
            equal: section.texts("equal"),
            escalate: section.table("escalate").map(EscalateTable::read),
            template: TemplateTable::read(&mut section),
            given: section.finish(),
        }
    }
}

impl LevelTable {
    fn read(section: &mut Section<'_>, key: &'static str) -> Option<Self> {
        let at = section.table_or_texts(key)?;
        let whole = At { value: (), place: at.place, key: at.key };
        Some(match at.value {
            Err(gates) => Self { given: None, when: Some(whole.with(gates)), clear: None },
            Ok(mut table) => {
                let (when, clear) = (table.texts("when"), table.text("clear"));
                Self { given: Some(table.finish()), when, clear }
            }
        })
    }
}
