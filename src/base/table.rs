//! Aligned columns for a terminal.
//!
//! It escapes what it lays out; colours and wrapping are not its business.

use unicode_width::UnicodeWidthStr;

use crate::base::text::printable;

/// Rows as text: columns padded to their widest cell, two spaces apart, the last one ragged.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(ToString::to_string).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.chain([&header[column]]).map(|cell| cell.width()).max().unwrap_or(0)
        })
        .collect();
    std::iter::once(&header).chain(&rows).map(|row| line(row, &widths)).collect::<Vec<_>>().join("\n")
}

fn line(row: &[String], widths: &[usize]) -> String {
    let padded = row.iter().zip(widths).map(|(cell, width)| {
        let gap = width.saturating_sub(cell.width());
        format!("{cell}{}", " ".repeat(gap))
    });
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_by_width() {
        let rows = vec![vec!["稀土".to_owned(), "1".to_owned()], vec!["a\nb".to_owned(), "22".to_owned()]];
        insta::assert_snapshot!(table(&["name", "n"], &rows), @r"
        name     n
        稀土     1
        a\u{a}b  22
        ");
    }
}
