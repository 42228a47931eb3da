//! A chart in words, with its figures: for those who do not see it.

use super::figure::Figure;
use super::{Chart, Firing, Line};
use crate::base::text::counted;
use crate::period::{Frequency, Period, Span};

/// Examples of a kind that are named, at most; the others are counted.
const NAMED: usize = 3;

impl Chart {
    /// What it shows, in a few sentences: the latest figure and its change, the lowest and the highest, what
    /// fires, what is missing, what was revised.
    pub fn alt(&self) -> String {
        let Some(latest) = self.latest_told() else {
            return format!("{}: no figures.", self.title);
        };
        let sentences = [
            Some(format!("{}: {latest}", self.title)),
            self.range_told(),
            self.firing_told(),
            self.lines_told(),
            self.gaps_told(),
            self.revised_told(),
            self.due.map(|(period, day)| format!("{} is due on {day}", period.in_words())),
        ];
        sentences.into_iter().flatten().map(|sentence| format!("{sentence}.")).collect::<Vec<_>>().join(" ")
    }

    /// One figure with all that its mark shows.
    pub(super) fn told(&self, figure: &Figure) -> String {
        let value = figure.value.map_or_else(|| "withdrawn".to_owned(), |value| self.quantity(value));
        let sure = if figure.is_unsure() { format!(", {}", figure.status) } else { String::new() };
        let was = figure.was.map(|was| format!(", was {}", self.quantity(was))).unwrap_or_default();
        format!("{}: {value}{sure}{was}", figure.span.in_words())
    }

    pub(super) fn quantity(&self, value: f64) -> String {
        self.notation.quantity(value, self.unit.as_ref())
    }

    fn latest_told(&self) -> Option<String> {
        let (figure, value) = self.shown().next_back()?;
        let sure = if figure.is_unsure() { format!(" ({})", figure.status) } else { String::new() };
        let now = format!("{} {}{sure}", self.quantity(value), dated(figure.span));
        let row = self.rows().pop().unwrap_or_default();
        let before = row.iter().rev().nth(1).filter(|_| row.last().is_some_and(|(last, _)| last.span == figure.span));
        let Some((before, was)) = before else { return Some(now) };
        let (was_told, when) = (self.quantity(*was), dated(before.span));
        Some(if *was > 0.0 {
            format!("{now}, {} from {was_told} {when}", self.notation.percent(value / was - 1.0))
        } else {
            format!("{now}, after {was_told} {when}")
        })
    }

    fn range_told(&self) -> Option<String> {
        let by_value = |a: &(&Figure, f64), b: &(&Figure, f64)| a.1.total_cmp(&b.1);
        let (low, least) = self.shown().min_by(by_value)?;
        let (high, most) = self.shown().max_by(by_value)?;
        let count = self.shown().count();
        let of = |figure: &Figure, value: f64| format!("{} {}", self.quantity(value), dated(figure.span));
        let first = self.shown().next()?.0.span.first().in_words();
        (count > 1).then(|| {
            let figures = counted(count, "figure");
            format!("Of {figures} since {first}, the lowest is {}, the highest {}", of(low, least), of(high, most))
        })
    }

    fn firing_told(&self) -> Option<String> {
        let fired = self.fired();
        let (Firing { since, until }, _, _) = fired.last()?;
        let last = match until {
            None => format!("Firing since {}", since.in_words()),
            Some(until) => format!("Last fired {}", dated(Span::new(*since, *until).unwrap_or((*since).into()))),
        };
        let before = match fired.len() - 1 {
            0 => String::new(),
            1 => ", and once before".to_owned(),
            count => format!(", and {count} times before"),
        };
        Some(format!("{last}{before}"))
    }

    fn lines_told(&self) -> Option<String> {
        let told: Vec<String> = self.lines.iter().map(|line: &Line| self.line_told(line)).collect();
        let text = told.join(", ");
        let mut characters = text.chars();
        characters.next().map(|first| first.to_uppercase().chain(characters).collect())
    }

    fn gaps_told(&self) -> Option<String> {
        let told = |(first, last): (Period, Period)| {
            Span::new(first, last).map_or_else(|| format!("{first} to {last}"), Span::in_words)
        };
        let gaps: Vec<String> = self.gaps().into_iter().map(told).collect();
        let neighbours = if self.frequency == Frequency::Day { "No figures" } else { "No figure" };
        (!gaps.is_empty()).then(|| format!("{neighbours} for {}", some(&gaps)))
    }

    fn revised_told(&self) -> Option<String> {
        let revised = self.figures.iter().rev().filter(|figure| figure.was.is_some());
        let told = |figure: &Figure| {
            let (was, span) = (figure.was.map(|was| self.quantity(was)).unwrap_or_default(), figure.span.in_words());
            match figure.value {
                Some(value) => format!("{span} from {was} to {}", self.quantity(value)),
                None => format!("{span}, {was} withdrawn"),
            }
        };
        let all: Vec<String> = revised.map(told).collect();
        (!all.is_empty()).then(|| format!("Revised: {}", some(&all)))
    }
}

/// `on 18 September 2025`, `in September 2025`, `from January 2025 to February 2025`.
fn dated(span: Span) -> String {
    let preposition = match span.last().frequency() {
        _ if !span.is_single() => "from",
        Frequency::Day => "on",
        Frequency::Week | Frequency::Month | Frequency::Quarter | Frequency::Year => "in",
    };
    format!("{preposition} {}", span.in_words())
}

/// The last named, the others counted.
fn some(all: &[String]) -> String {
    let named = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    match all.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
}
