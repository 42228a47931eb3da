//! The figures of a series as a table for spreadsheets.

use super::series::Case;

impl Case<'_> {
    /// Every vintage of every figure as a table (RFC 4180), with its labels: a line each, oldest period first. No cell
    /// is a formula to a spreadsheet.
    pub fn csv(&self) -> String {
        let labels: Vec<(&str, &str)> = self.summary.labels.iter().collect();
        let columns = ["period", "value", "unit", "status", "known_since", "known_until"];
        let header = labels.iter().map(|(name, _)| *name).chain(columns).map(harmless).collect();
        let unit = self.history.unit().map(ToString::to_string).unwrap_or_default();
        let mut records: Vec<Vec<String>> = vec![header];
        for (span, vintages) in self.history.entries() {
            for (at, vintage) in vintages.iter().enumerate() {
                let until = vintages.get(at + 1).map(|next| next.recorded_at.to_string());
                let mut record: Vec<String> = labels.iter().map(|(_, value)| harmless(value)).collect();
                record.extend([
                    span.to_string(),
                    vintage.value.map(|value| value.get().to_string()).unwrap_or_default(),
                    harmless(&unit),
                    vintage.status.to_string(),
                    vintage.recorded_at.to_string(),
                    until.unwrap_or_default(),
                ]);
                records.push(record);
            }
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        for record in records {
            // Writing into memory cannot fail.
            let _ = writer.write_record(record);
        }
        writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// A text that no spreadsheet takes for a formula
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
fn harmless(text: &str) -> String {
    let first = text.trim_start_matches(' ').chars().next();
    if first.is_some_and(|first| "=+-@\t\r\n".contains(first)) { format!("'{text}") } else { text.to_owned() }
}
