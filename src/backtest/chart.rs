//! A series as one line of blocks, with the spans in which the alert fired below it.
//!
//! It draws what it is given; scales and axes are for other charts.

use super::replay::Row;

/// Columns of the line, at most; longer series are drawn several periods to a column.
const WIDTH: usize = 100;
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The line of figures as they are known now, and the line below it; `None` where there is no figure.
/// A column of several periods shows the last figure, and fires where any of them does.
pub fn chart(rows: &[Row]) -> Option<(String, String)> {
    let values = || rows.iter().filter_map(|row| row.now);
    let (low, high) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
    let columns = rows.chunks(rows.len().div_ceil(WIDTH).max(1));
    let (mut figures, mut firing) = (String::new(), String::new());
    for column in columns {
        let value = column.iter().rev().find_map(|row| row.now);
        figures.push(value.map_or('·', |value| block(value, low, high)));
        firing.push(if column.iter().any(|row| row.firing) { '━' } else { ' ' });
    }
    Some((figures, firing.trim_end().to_owned()))
}

/// The block of a value between the lowest and the highest.
fn block(value: f64, low: f64, high: f64) -> char {
    // Halved first: the distance of two figures near the limits of f64 is no finite number.
    let (range, above) = (high / 2.0 - low / 2.0, value / 2.0 - low / 2.0);
    if range <= 0.0 {
        return BLOCKS[3];
    }
    let level = (above / range * (BLOCKS.len() - 1) as f64).round();
    BLOCKS.into_iter().enumerate().find(|(index, _)| *index as f64 >= level).map_or('█', |(_, block)| block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::replay::Told;
    use crate::period::Period;

    fn rows(script: &str) -> Vec<Row> {
        let first = Period::month(2000, 1).unwrap();
        let row = |(index, word): (usize, &str)| {
            let now = word.trim_end_matches('!').parse().ok();
            Row {
                span: first.offset(index as i32).into(),
                known: None,
                then: now,
                now,
                said: None,
                says: Told { verdict: "fails", reason: None },
                firing: word.ends_with('!'),
                held: None,
            }
        };
        script.split_whitespace().enumerate().map(row).collect()
    }

    #[test]
    fn figures_are_blocks_and_gaps_are_dots() {
        let drawn = |script: &str| chart(&rows(script)).unwrap();
        assert_eq!(drawn("0 7! 3! _ 1"), ("▁█▄·▂".to_owned(), " ━━".to_owned()));
        assert_eq!(drawn("5 5"), ("▄▄".to_owned(), String::new()));
        assert_eq!(drawn("-1.7e308 1.7e308 0").0, "▁█▅");
        assert_eq!(chart(&rows("_ _")), None);
    }

    #[test]
    fn a_long_series_shares_its_columns() {
        let script: Vec<String> = (0..250).map(|n| if n == 3 { format!("{n}!") } else { n.to_string() }).collect();
        let (figures, firing) = chart(&rows(&script.join(" "))).unwrap();
        assert_eq!((figures.chars().count(), firing.as_str()), (84, " ━"));
    }
}
