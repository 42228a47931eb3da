//! From a page's observations to rows for the store: one unit per series, no two figures for one period.
//!
//! What cannot be stored is refused with its reason, never mended silently. Whether too much was
//! refused for the pull to stand is the caller's decision.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use foldhash::fast::RandomState;

use super::{Finite, Labels, Observation, Refusal, Status, Unit};
use crate::base::clock::Timestamp;
use crate::base::limits::REFUSALS_KEPT;
use crate::period::Span;

/// One figure ready for the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The series.
    pub labels: Labels,
    /// The series' unit.
    pub unit: Option<Unit>,
    /// What the figure covers.
    pub span: Span,
    /// The figure, in the series' unit; `None` withdraws the one before.
    pub value: Option<Finite>,
    /// The publisher's mark.
    pub status: Status,
    /// When it was published, where the publisher says so.
    pub published: Option<Timestamp>,
}

/// The figures of one series, ready for the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// The series.
    pub labels: Labels,
    /// Its unit.
    pub unit: Option<Unit>,
    /// Its figures, in the order in which they were told.
    pub figures: Vec<Figure>,
}

/// A figure of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// What it covers.
    pub span: Span,
    /// The figure, in the series' unit; `None` withdraws the one before.
    pub value: Option<Finite>,
    /// The publisher's mark.
    pub status: Status,
    /// When it was published, where the publisher says so.
    pub published: Option<Timestamp>,
}

/// Rows, gathered by their series. A series whose rows are apart is there several times.
pub fn by_series(rows: impl IntoIterator<Item = Row>) -> Vec<Figures> {
    let mut all: Vec<Figures> = Vec::new();
    for Row { labels, unit, span, value, status, published } in rows {
        let figure = Figure { span, value, status, published };
        match all.last_mut().filter(|last| last.labels == labels && last.unit == unit) {
            Some(series) => series.figures.push(figure),
            None => all.push(Figures { labels, unit, figures: vec![figure] }),
        }
    }
    all
}

/// What of a pull can be stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Intake {
    /// In the order of series, span and publication.
    pub rows: Vec<Row>,
    /// The first of the rows that were refused here.
    pub refused: Vec<Refusal>,
    /// All of them.
    pub refused_count: usize,
}

/// A row with the line that says so.
struct Told {
    /// The number of its series.
    series: usize,
    line: usize,
    row: Row,
}

/// Numbers for the series of a pull, in the order in which they are met: a million rows are sorted by numbers,
/// not by labels.
#[derive(Default)]
struct Numbers {
    /// By where the labels lie, as most rows share theirs with others.
    by_place: HashMap<usize, usize, RandomState>,
    /// Where the labels of the row before lie, and their number.
    last: Option<(usize, usize)>,
    by_labels: HashMap<Labels, usize, RandomState>,
}

impl Numbers {
    /// The number of a series.
    fn of(&mut self, labels: &Labels) -> usize {
        let place = labels.place();
        if let Some((_, number)) = self.last.filter(|(last, _)| *last == place) {
            return number;
        }
        let number = self.number(labels);
        // What was met before is kept by this pull, so that its place is not another's.
        self.last = self.by_place.contains_key(&place).then_some((place, number));
        number
    }

    fn number(&mut self, labels: &Labels) -> usize {
        if let Some(number) = self.by_place.get(&labels.place()) {
            return *number;
        }
        let next = self.by_labels.len();
        // The copy that is kept keeps the place from being another's.
        let (kept, number) = match self.by_labels.entry(labels.clone()) {
            Entry::Vacant(entry) => (entry.key().place(), *entry.insert(next)),
            Entry::Occupied(entry) => (entry.key().place(), *entry.get()),
        };
        if kept == labels.place() {
            self.by_place.insert(kept, number);
        }
        number
    }

    /// The place of each number in the order of labels.
    fn ranks(&self) -> Vec<usize> {
        let mut order: Vec<(&Labels, usize)> =
            self.by_labels.iter().map(|(labels, number)| (labels, *number)).collect();
        order.sort();
        let mut ranks = vec![0; order.len()];
        order.into_iter().enumerate().for_each(|(rank, (_, number))| ranks[number] = rank);
        ranks
    }
}

/// What a feed says of its figures as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms<'a> {
    /// The declared unit.
    pub unit: Option<&'a Unit>,
    /// A cell that the publisher leaves out is a zero (`absent = "zero"`).
    pub absent_zero: bool,
}

/// Sorts a pull's observations into rows and refusals.
///
/// `known` has the units of the series that the store has. A series' unit is the known one, else the
/// declared one, else the first that the pull states for it; figures in another are converted, or
/// refused where they do not convert. Two different figures for one period of one series, published at
/// one time, are both refused; equal copies are one. `unavailable` are the cells that say "not
/// available": with `absent_zero` they stay gaps where a cell left out is a zero.
pub fn intake(
    observations: Vec<Observation>,
    unavailable: &[(Labels, Span)],
    terms: Terms<'_>,
    known: &HashMap<Labels, Option<Unit>>,
) -> Intake {
    let mut numbers = Numbers::default();
    let mut units: Vec<Option<Unit>> = Vec::new();
    let mut told: Vec<Told> = Vec::with_capacity(observations.len());
    let mut refused = Refused::default();
    for observation in observations {
        let stated = observation.unit.as_ref().or(terms.unit);
        let series = numbers.of(&observation.labels);
        if series == units.len() {
            let known = known.get(&observation.labels).cloned();
            units.push(known.unwrap_or_else(|| terms.unit.or(stated).cloned()));
        }
        let unit = &units[series];
        match observation.value.map(|value| in_unit(value, stated, unit.as_ref())).transpose() {
            Ok(value) => {
                let Observation { labels, span, status, published, row: line, .. } = observation;
                let row = Row { labels, unit: unit.clone(), span, value, status, published };
                told.push(Told { series, line, row });
            }
            Err(reason) => refused.add(observation.row, || reason),
        }
    }
    let ranks = numbers.ranks();
    let cell = |told: &Told| (ranks[told.series], told.row.span, told.row.published);
    if !told.is_sorted_by_key(cell) {
        told.sort_by_key(cell);
    }
    let mut rows: Vec<Row> = Vec::with_capacity(told.len());
    let mut told = told.into_iter().peekable();
    while let Some(first) = told.next() {
        let mut copies = vec![];
        while let Some(copy) = told.next_if(|next| cell(next) == cell(&first)) {
            copies.push(copy);
        }
        if copies.iter().all(|copy| same(&copy.row, &first.row)) {
            rows.push(first.row);
        } else {
            copies.insert(0, first);
            conflict(&copies, &mut refused);
        }
    }
    drop_empty_withdrawals(&mut rows, known);
    // A refused row is a cell that was not left out: which one, its labels may not say.
    if terms.absent_zero && refused.count == 0 {
        let zeros = zeros(&rows, unavailable, known);
        rows.extend(zeros);
        rows.sort_by(|a, b| (&a.labels, a.span, a.published).cmp(&(&b.labels, b.span, b.published)));
    }
    Intake { rows, refused_count: refused.count, refused: refused.first() }
}

/// Drops withdrawals from series of which nothing is or was known: there is nothing to take back.
fn drop_empty_withdrawals(rows: &mut Vec<Row>, known: &HashMap<Labels, Option<Unit>>) {
    if rows.iter().all(|row| row.value.is_some()) {
        return;
    }
    let told: HashSet<Labels> = rows.iter().filter(|row| row.value.is_some()).map(|row| row.labels.clone()).collect();
    rows.retain(|row| row.value.is_some() || known.contains_key(&row.labels) || told.contains(&row.labels));
}

/// A zero for every known series and every span of the pull that the series has no cell for.
fn zeros(rows: &[Row], unavailable: &[(Labels, Span)], known: &HashMap<Labels, Option<Unit>>) -> Vec<Row> {
    let cells = rows.iter().map(|row| (&row.labels, row.span));
    let present: HashSet<(&Labels, Span)> =
        cells.chain(unavailable.iter().map(|(labels, span)| (labels, *span))).collect();
    let spans: BTreeSet<Span> = rows.iter().map(|row| row.span).collect();
    let mut units: HashMap<&Labels, &Option<Unit>> = known.iter().collect();
    units.extend(rows.iter().map(|row| (&row.labels, &row.unit)));
    let zero = |labels: &Labels, unit: &Option<Unit>, span| Row {
        labels: labels.clone(),
        unit: unit.clone(),
        span,
        value: Some(Finite::ZERO),
        status: Status::Final,
        published: None,
    };
    let missing = |(labels, unit): (&&Labels, &&Option<Unit>)| {
        let absent = spans.iter().filter(|span| !present.contains(&(*labels, **span)));
        absent.map(|span| zero(labels, unit, *span)).collect::<Vec<_>>()
    };
    units.iter().flat_map(missing).collect()
}

/// A value told in the series' unit.
fn in_unit(value: Finite, stated: Option<&Unit>, target: Option<&Unit>) -> Result<Finite, String> {
    let (Some(stated), Some(target)) = (stated, target) else {
        return match (stated, target) {
            (None, Some(target)) => Err(format!("the row states no unit: the series is in {target}")),
            (Some(stated), None) => Err(format!("the row is in {stated}: the series so far has no unit")),
            _ => Ok(value),
        };
    };
    let converted = stated.convert(value.get(), target);
    let converted =
        converted.ok_or_else(|| format!("{stated} does not convert to {target}, the unit of the series"))?;
    Finite::new(converted).ok_or_else(|| format!("{} {stated} is too large in {target}", value.get()))
}

fn same(a: &Row, b: &Row) -> bool {
    a.value == b.value && a.status == b.status
}

/// Figures of one cell that a refusal names, at most.
const FIGURES_NAMED: usize = 4;

fn conflict(copies: &[Told], refused: &mut Refused) {
    let told = |Told { line, row, .. }: &Told| match row.value {
        Some(value) => format!("{} in row {line}", value.get()),
        None => format!("withdrawn in row {line}"),
    };
    let mut figures: Vec<String> = copies.iter().take(FIGURES_NAMED).map(told).collect();
    if copies.len() > FIGURES_NAMED {
        figures.push(format!("and {} more", copies.len() - FIGURES_NAMED));
    }
    let how_many = if copies.len() == 2 { "two".to_owned() } else { copies.len().to_string() };
    for Told { line, row, .. } in copies {
        refused.add(*line, || format!("{} of {} has {how_many} figures: {}; where they are of different series, a label has to tell them apart", row.span, row.labels, figures.join(", ")));
    }
}

/// Refused rows: all are counted, and enough of them kept to find the first.
#[derive(Default)]
struct Refused {
    kept: Vec<Refusal>,
    count: usize,
}

impl Refused {
    fn add(&mut self, row: usize, reason: impl FnOnce() -> String) {
        self.count += 1;
        if self.kept.len() < 50 * REFUSALS_KEPT {
            self.kept.push(Refusal { row, column: None, reason: reason() });
        }
    }

    /// The first of them, in the order of rows.
    fn first(mut self) -> Vec<Refusal> {
        self.kept.sort_by_key(|refusal| refusal.row);
        self.kept.truncate(REFUSALS_KEPT);
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(row: usize, span: &str, value: f64, unit: Option<&str>) -> Observation {
        Observation {
            labels: [("partner", "US")].into_iter().collect(),
            span: Span::parse(span).unwrap(),
            value: Some(Finite::new(value).unwrap()),
            unit: unit.map(|unit| Unit::parse(unit).unwrap()),
            status: Status::Final,
            published: None,
            row,
        }
    }

    fn reasons(intake: &Intake) -> Vec<String> {
        intake.refused.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn convertible_units_are_converted_to_the_series_own() {
        let tonnes = Unit::parse("t").unwrap();
        let pull = vec![
            observation(2, "2025-08", 590.0, None),
            observation(3, "2025-09", 420_500.0, Some("kg")),
            observation(4, "2025-10", 7.0, Some("count")),
        ];
        let intake = intake(pull, &[], Terms { unit: Some(&tonnes), absent_zero: false }, &HashMap::new());
        let values: Vec<f64> = intake.rows.iter().map(|row| row.value.unwrap().get()).collect();
        assert_eq!(values, [590.0, 420.5]);
        assert_eq!(reasons(&intake), ["row 4: items does not convert to t, the unit of the series"]);
    }

    #[test]
    fn the_stores_unit_stays() {
        let known: HashMap<_, _> =
            [([("partner", "US")].into_iter().collect(), Some(Unit::parse("kg").unwrap()))].into_iter().collect();
        let intake = intake(vec![observation(2, "2025-08", 590.0, Some("t"))], &[], Terms::default(), &known);
        assert_eq!(intake.rows[0].value.unwrap().get(), 590_000.0);
        assert_eq!(intake.rows[0].unit, Some(Unit::parse("kg").unwrap()));
    }

    #[test]
    fn two_figures_for_one_period_are_both_refused() {
        let pull = vec![
            observation(2, "2025-08", 590.0, None),
            observation(3, "2025-09", 420.5, None),
            observation(4, "2025-09", 600.0, None),
            observation(5, "2025-08", 590.0, None),
        ];
        let intake = intake(pull, &[], Terms::default(), &HashMap::new());
        assert_eq!(intake.rows.len(), 1);
        let expected = r#"2025-09 of {partner="US"} has two figures: 420.5 in row 3, 600 in row 4; where they are of different series, a label has to tell them apart"#;
        assert_eq!(reasons(&intake), [format!("row 3: {expected}"), format!("row 4: {expected}")]);
    }

    /// However often a file says something else of one cell, what is told of it stays short.
    #[test]
    fn a_cell_with_thousands_of_figures_is_told_in_a_line() {
        let pull = (0..3000).map(|row| observation(row + 2, "2025-08", row as f64, None)).collect();
        let intake = intake(pull, &[], Terms::default(), &HashMap::new());
        assert_eq!((intake.rows.len(), intake.refused_count, intake.refused.len()), (0, 3000, REFUSALS_KEPT));
        let expected = r#"row 2: 2025-08 of {partner="US"} has 3000 figures: 0 in row 2, 1 in row 3, 2 in row 4, 3 in row 5, and 2996 more; where they are of different series, a label has to tell them apart"#;
        assert_eq!(reasons(&intake)[0], expected);
    }

    #[test]
    fn two_publications_of_one_period_are_two_vintages() {
        let mut first = observation(2, "2025-09", 420.5, None);
        let mut second = observation(3, "2025-09", 600.0, None);
        first.published = Timestamp::parse("2025-10-20T00:00:00Z");
        second.published = Timestamp::parse("2025-11-20T00:00:00Z");
        let intake = intake(vec![second, first], &[], Terms::default(), &HashMap::new());
        let values: Vec<f64> = intake.rows.iter().map(|row| row.value.unwrap().get()).collect();
        assert_eq!((values, intake.refused.len()), (vec![420.5, 600.0], 0));
    }

    #[test]
    fn a_withdrawal_needs_no_unit_but_something_to_take_back() {
        let withdrawn = |row, span| Observation { value: None, ..observation(row, span, 0.0, None) };
        let tonnes = Some(Unit::parse("t").unwrap());
        let known: HashMap<_, _> = [([("partner", "US")].into_iter().collect(), tonnes.clone())].into_iter().collect();
        let told = |intake: &Intake| -> Vec<(String, Option<f64>)> {
            intake.rows.iter().map(|row| (row.span.to_string(), row.value.map(Finite::get))).collect()
        };
        let one = intake(vec![withdrawn(2, "2025-08")], &[], Terms::default(), &known);
        assert_eq!((told(&one), &one.rows[0].unit), (vec![("2025-08".to_owned(), None)], &tonnes));
        assert_eq!(intake(vec![withdrawn(2, "2025-08")], &[], Terms::default(), &HashMap::new()), Intake::default());
        let both = vec![observation(2, "2025-07", 5.0, None), withdrawn(3, "2025-08")];
        assert_eq!(intake(both, &[], Terms::default(), &HashMap::new()).rows.len(), 2);
        let torn = vec![observation(2, "2025-08", 5.0, Some("t")), withdrawn(3, "2025-08")];
        let expected = r#"row 2: 2025-08 of {partner="US"} has two figures: 5 in row 2, withdrawn in row 3; where they are of different series, a label has to tell them apart"#;
        assert_eq!(reasons(&intake(torn, &[], Terms::default(), &known))[0], expected);
    }

    #[test]
    fn a_cell_left_out_is_a_zero_where_the_feed_says_so() {
        let german: Labels = [("partner", "DE")].into_iter().collect();
        let known: HashMap<_, _> = [(german.clone(), None)].into_iter().collect();
        let terms = Terms { unit: None, absent_zero: true };
        let pull = || vec![observation(2, "2025-08", 590.0, None), observation(3, "2025-09", 420.5, None)];
        let told = |intake: &Intake| -> Vec<String> {
            let cell = |row: &Row| {
                format!("{} {} {}", row.labels.value("partner").unwrap(), row.span, row.value.unwrap().get())
            };
            intake.rows.iter().map(cell).collect()
        };
        let filled = intake(pull(), &[(german, Span::parse("2025-08").unwrap())], terms, &known);
        assert_eq!(told(&filled), ["DE 2025-09 0", "US 2025-08 590", "US 2025-09 420.5"]);
        let mut torn = pull();
        torn.push(observation(4, "2025-09", 1.0, None));
        assert_eq!(told(&intake(torn, &[], terms, &known)), ["US 2025-08 590"]);
    }
}
