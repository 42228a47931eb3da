//! A message as plain text in lines of a given width: the console shows it, mail carries it.
//!
//! Colours are named here by their meaning; what a terminal makes of them is the console's business.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::look::{self, Tone};
use super::{Parcel, REPEAT};
use crate::outbox::Message;

/// What a piece of text is, for whoever colours it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Nothing special.
    Plain,
    /// The title.
    Strong,
    /// A heading, or what few will read.
    Faint,
    /// The word that says how things stand.
    Tone(Tone),
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its style.
    pub style: Style,
    /// Its text, safe for a terminal.
    pub text: String,
}

/// A line of pieces, and lines of them.
pub type Line = Vec<Piece>;

/// Characters of one field, at most: no field is longer unless something is wrong with it.
const FIELD_CHARS_MAX: usize = 4000;
/// Gates, sources and revisions that are shown, at most, each.
const ITEMS_MAX: usize = 20;
/// What else a message tells that is shown, at most.
const OTHERS_MAX: usize = 100;
/// The column at which the values of the fields begin.
const LABEL_WIDTH: usize = 13;
/// How far everything but the title is set in.
pub const INDENT: &str = "  ";

/// The message of a parcel, laid out.
pub fn lay_out(parcel: Parcel<'_>, width: usize) -> Vec<Line> {
    let message = parcel.message();
    let mut lines = title(message, width);
    if parcel.maybe_delivered {
        lines.push(faint(format!("{INDENT}{REPEAT}")));
    }
    if !message.summary.is_empty() {
        lines.push(Line::new());
        for said in look::summary(message, FIELD_CHARS_MAX) {
            let laid = hung(INDENT, Style::Plain, &said, width);
            // An empty line parts paragraphs.
            lines.extend(if laid.is_empty() { vec![Line::new()] } else { laid });
        }
    }
    lines.extend(items(message, width));
    lines.extend(others(message, width));
    let table = table(message, width);
    if !table.is_empty() {
        lines.push(Line::new());
        lines.extend(table);
    }
    lines.push(Line::new());
    lines.extend(fields(message, width));
    // Whole, so that it can be followed.
    lines.extend(look::page(message).map(|page| faint(format!("{INDENT}{:LABEL_WIDTH$}{page}", "Page"))));
    lines
}

/// Lines without their styles.
pub fn plain(lines: &[Line]) -> String {
    let joined = lines.iter().map(|line| line.iter().map(|piece| piece.text.as_str()).collect::<String>());
    joined.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// The same for a place where nothing is set in.
pub fn flush(lines: &[Line]) -> String {
    let text = plain(lines);
    text.lines().map(|line| line.strip_prefix(INDENT).unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

fn faint(text: String) -> Line {
    vec![Piece { style: Style::Faint, text }]
}

/// `▲ CRITICAL  what, where, how much, since when`.
fn title(message: &Message, width: usize) -> Vec<Line> {
    let tone = Tone::of(message);
    let head = format!("{} {}  ", tone.mark(), look::word(message));
    let hang = head.width();
    let mut lines = wrap(&message.title, width.saturating_sub(hang)).into_iter();
    let first = lines.next().unwrap_or_default();
    let opening = vec![Piece { style: Style::Tone(tone), text: head }, Piece { style: Style::Strong, text: first }];
    let rest = lines.map(|text| vec![Piece { style: Style::Strong, text: format!("{}{text}", " ".repeat(hang)) }]);
    std::iter::once(opening).chain(rest).collect()
}

/// The items, each in words with its address below it: whole, so that it can be followed.
fn items(message: &Message, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for item in &message.items {
        lines.push(Line::new());
        lines.extend(hung(INDENT, Style::Plain, &look::item(item), width));
        match item.url.as_deref() {
            Some(url) if is_address(url) => lines.push(faint(format!("{INDENT}{url}"))),
            Some(other) => lines.extend(hung(INDENT, Style::Faint, other, width)),
            None => {}
        }
    }
    lines.extend(look::items_left_out(message).map(|more| faint(format!("{INDENT}{more}"))));
    lines
}

/// What else the message tells, a line or two each.
fn others(message: &Message, width: usize) -> Vec<Line> {
    let others = look::others(message);
    if others.is_empty() {
        return Vec::new();
    }
    let (shown, more) = look::some(&others, OTHERS_MAX);
    let told = shown.iter().flat_map(|other| hung(INDENT, Style::Plain, other, width));
    let head = [Line::new(), faint(format!("{INDENT}Also:"))];
    head.into_iter().chain(told).chain(more.map(|more| faint(format!("{INDENT}{more}")))).collect()
}

/// Whether a text is an address on the web and nothing else.
pub fn is_address(text: &str) -> bool {
    let has_scheme = text.starts_with("https://") || text.starts_with("http://");
    has_scheme && text.len() <= FIELD_CHARS_MAX && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Everything that has a name: what was said, why, until when, from where.
fn fields(message: &Message, width: usize) -> Vec<Line> {
    let fields: Vec<(&str, Vec<String>)> = vec![
        ("Said before", look::said(message).into_iter().collect()),
        ("Revised", look::revisions(message)),
        ("Why", gates(message)),
        ("Clears", message.clears.clone().into_iter().collect()),
        ("Source", look::sources(message)),
        ("Rule", vec![look::rule(message)]),
        ("Series", vec![look::series(message)]),
        ("Alert", vec![look::identity(message)]),
    ];
    fields.into_iter().flat_map(|(label, values)| field(label, &values, width)).collect()
}

/// One named field; nothing where it has no value.
fn field(label: &str, values: &[String], width: usize) -> Vec<Line> {
    let (shown, more) = look::some(values, ITEMS_MAX);
    let values = shown.iter().map(String::as_str).chain(more.as_deref()).filter(|value| !value.is_empty());
    let room = width.saturating_sub(INDENT.len() + LABEL_WIDTH);
    let texts = values.flat_map(|value| wrap(value, room));
    let labelled = texts.enumerate().map(|(index, text)| {
        let label = if index == 0 { label } else { "" };
        let label = Piece { style: Style::Faint, text: format!("{INDENT}{label:LABEL_WIDTH$}") };
        vec![label, Piece { style: Style::Plain, text }]
    });
    labelled.collect()
}

/// The gates: `✓ holds  declines >= 2   declines = 2`, in columns.
fn gates(message: &Message) -> Vec<String> {
    let cells = message.gates.iter().map(|gate| {
        let [verdict, text, value] =
            [&gate.verdict, &gate.text, &gate.value].map(|text| look::line(text, FIELD_CHARS_MAX / 4));
        (look::gate_mark(gate), verdict, text, value)
    });
    let cells: Vec<_> = cells.collect();
    let verdict_width = cells.iter().map(|(_, verdict, _, _)| verdict.width()).max().unwrap_or(0).min(10);
    let text_width = cells.iter().map(|(_, _, text, _)| text.width()).max().unwrap_or(0).min(40);
    let told = cells.iter().map(|(mark, verdict, text, value)| {
        let (verdict, text) = (pad(verdict, verdict_width, false), pad(text, text_width, false));
        format!("{mark} {verdict}  {text}   {value}").trim_end().to_owned()
    });
    told.collect()
}

/// What may be told under its row instead of in a column, from nothing on: the note is the longest by far, and few
/// rows have a publisher's mark.
const UNDER: [&[usize]; 3] = [&[], &[5], &[3, 5]];

/// The last periods in columns, as many of them as fit beside each other; where the figures and their days do not, a
/// paragraph for each period.
pub fn table(message: &Message, width: usize) -> Vec<Line> {
    let rows = cells(message);
    if rows.is_empty() {
        return Vec::new();
    }
    let fits = |under: &&&[usize]| total(&beside(&rows, under)) <= width;
    let Some(under) = UNDER.iter().find(fits) else { return paragraphs(&rows, width) };
    let widths = beside(&rows, under);
    let mut lines = aligned(&rows, &widths).into_iter();
    let mut laid: Vec<Line> = lines.next().into_iter().collect();
    laid.extend(lines.zip(&rows).flat_map(|(line, row)| annotated(line, &said(row, under), widths[0], width)));
    laid
}

/// The width of each column but those.
fn beside(rows: &[[String; 6]], under: &[usize]) -> [usize; 6] {
    let mut widths = columns(rows);
    under.iter().for_each(|column| widths[*column] = 0);
    widths
}

/// A row with its note: behind it where there is room, else under it.
fn annotated(mut line: Line, note: &str, hang: usize, width: usize) -> Vec<Line> {
    let end: usize = line.iter().map(|piece| piece.text.width()).sum();
    if note.is_empty() {
        return vec![line];
    }
    if end + 3 + note.width() <= width {
        line.push(Piece { style: Style::Faint, text: format!("   {note}") });
        return vec![line];
    }
    let under = hung(&" ".repeat(INDENT.len() + hang + 2), Style::Faint, note, width);
    std::iter::once(line).chain(under).collect()
}

/// The width of each column; zero for one in which no row has anything.
fn columns(rows: &[[String; 6]]) -> [usize; 6] {
    std::array::from_fn(|column| {
        let widest = rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
        if widest == 0 { 0 } else { widest.max(look::HEADINGS[column].width()) }
    })
}

fn total(widths: &[usize; 6]) -> usize {
    // The indent is as wide as the gap that the last column has not.
    widths.iter().filter(|width| **width > 0).map(|width| width + 2).sum::<usize>()
}

fn aligned(rows: &[[String; 6]], widths: &[usize; 6]) -> Vec<Line> {
    let line = |cells: [&str; 6]| {
        let shown = cells.into_iter().zip(widths).enumerate().filter(|(_, (_, width))| **width > 0);
        // Figures stand at the right, so that their digits are above each other.
        let padded = shown.map(|(column, (cell, width))| pad(cell, *width, column == 1 || column == 2));
        format!("{INDENT}{}", padded.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    let heading = faint(line(look::HEADINGS));
    let body = rows.iter().map(|row| {
        let text = line(std::array::from_fn(|column| row[column].as_str()));
        vec![Piece { style: Style::Plain, text }]
    });
    std::iter::once(heading).chain(body).collect()
}

fn cells(message: &Message) -> Vec<[String; 6]> {
    message.table.iter().map(|row| look::cells(row).map(|cell| look::line(&cell, FIELD_CHARS_MAX))).collect()
}

/// The last periods, each a line of words: `2025-06, 353 t, +660.8 %, known since 2025-07-20`.
pub fn rows(message: &Message) -> Vec<String> {
    cells(message).iter().map(|row| said(row, &[0, 1, 2, 3, 4, 5])).collect()
}

/// Those cells of a row in words: `353 t, +660.8 %, known since 2025-07-20`.
pub fn said(row: &[String; 6], columns: &[usize]) -> String {
    let columns = columns.iter().filter(|column| !row[**column].is_empty());
    let said = columns.map(|column| match look::HEADINGS[*column] {
        heading @ "known since" => format!("{heading} {}", row[*column]),
        _ => row[*column].clone(),
    });
    said.collect::<Vec<_>>().join(", ")
}

fn paragraphs(rows: &[[String; 6]], width: usize) -> Vec<Line> {
    rows.iter().flat_map(|row| hung(INDENT, Style::Plain, &said(row, &[0, 1, 2, 3, 4, 5]), width)).collect()
}

/// A paragraph, every line set in by `hang`.
fn hung(hang: &str, style: Style, text: &str, width: usize) -> Vec<Line> {
    let lines = wrap(text, width.saturating_sub(hang.width()));
    lines.into_iter().map(|text| vec![Piece { style, text: format!("{hang}{text}") }]).collect()
}

fn pad(cell: &str, width: usize, right: bool) -> String {
    let gap = " ".repeat(width.saturating_sub(cell.width()));
    if right { format!("{gap}{cell}") } else { format!("{cell}{gap}") }
}

/// Text in lines of at most `width` columns (at least ten), made safe for a terminal. Lines break
/// between words; a word that is longer than a line is broken within. Spaces within a line are kept.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(10);
    let safe = look::line(text, FIELD_CHARS_MAX);
    let (mut lines, mut line, mut column) = (Vec::new(), String::new(), 0);
    for word in words(&safe) {
        if column > 0 && column + word.trim_end().width() > width {
            lines.push(std::mem::take(&mut line));
            column = 0;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if column + wide > width && c != ' ' {
                lines.push(std::mem::take(&mut line));
                column = 0;
            }
            line.push(c);
            column += wide;
        }
    }
    lines.push(line);
    lines.into_iter().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// Words with the spaces that follow them. A figure and its short unit (`420.5 t`, `−28.7 %`) are one word.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut begin, mut end, mut figure) = (0, 0, false);
    for piece in text.split_inclusive(' ') {
        let unit = figure && piece.trim_end().chars().count() <= 3;
        if !unit && end > begin {
            words.push(&text[begin..end]);
            begin = end;
        }
        end += piece.len();
        figure = !unit && piece.trim_end().ends_with(|c: char| c.is_ascii_digit());
    }
    words.push(&text[begin..end]);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::double::{corrected, delivery, fired, gathered, noticed, parcel, resolved};

    fn text(message: Message, width: usize) -> String {
        plain(&lay_out(parcel(&delivery(message)), width))
    }

    #[test]
    fn an_alert_explains_itself() {
        insta::assert_snapshot!(text(fired(), 96), @"
        ▲ CRITICAL  China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September
                    2025, −28.7 %

          July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.

          period     value    change  known since  note
          2025-04        —                         not published
          2025-05   46.4 t            2025-06-20
          2025-06    353 t  +660.8 %  2025-07-20
          2025-07    619 t   +75.4 %  2025-08-20
          2025-08    590 t    −4.7 %  2025-09-20
          2025-09  420.5 t   −28.7 %  2025-10-20

          Why          ✓ holds  declines >= 2   declines = 2
          Clears       ends when `declines >= 2` no longer holds
          Source       china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
          Rule         magnet-exports-falling: declines >= 2
          Series       feed china-magnets, hs 85051110, partner US, reporter CN
          Alert        9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        ");
    }

    #[test]
    fn what_else_the_message_tells_stands_below() {
        let text = text(gathered(), 76);
        let also = text.split_once("Also:").unwrap().1.split_once("period").unwrap().0;
        insta::assert_snapshot!(also, @"

        ▲ WARNING: China → Germany: <b>magnets</b> fell for a 2nd month: 12 t in
        September 2025
        ✓ RESOLVED: China → Japan: magnets no longer fall: 40 t in October 2025,
        +56 %
        ");
        let many = Message { others: vec![gathered().others[0].clone(); 150], ..fired() };
        let text = self::text(many, 200);
        assert_eq!((text.matches("▲ WARNING: China").count(), text.contains("… and 51 more")), (99, true));
    }

    #[test]
    fn items_are_told_with_an_address_that_can_be_followed() {
        insta::assert_snapshot!(text(noticed(), 76), @r#"
        ▲ WARNING  export rules: Licences for gallium, and 1 more

          2 items, published on 24 September 2026; 1 corrects another.

          24 September 2026: Licences for gallium (Rule, Industry and Security
          Bureau). Until 10 November 2026. The licence requirement is suspended.
          https://notices.example/documents/2026/09/24/2026-2/a-title-that-is-long-enough-to-be-wider-than-a-line

          24 September 2026: Gallium <b>list</b> (Rule, Industry and Security
          Bureau). Corrects Gallium <b>list</b> (2026-1), published on 1 September
          2026.
          https://notices.example/documents/2026/09/24/C1-2026-1/a-title-that-is-long-enough-to-be-wider-than-a-line
          … and 3 more

          Why          ✓ holds  new("gallium")   new('gallium') = holds
          Source       china-magnets, samples/china-magnet-exports.csv, retrieved
                       2025-10-20 01:04 UTC
          Rule         magnet-exports-falling: declines >= 2
          Series       feed china-magnets, hs 85051110, partner US, reporter CN
          Alert        9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC,
                       supplywatch 0.1.0
        "#);
    }

    #[test]
    fn a_correction_names_what_was_said_and_both_figures() {
        insta::assert_snapshot!(text(corrected(), 76), @"
        ✎ CORRECTED  China → US rare-earth magnet exports: `declines >= 2` no longer
                     holds after a revision: September 2025 is now 600 t, was
                     420.5 t

          August 2025 590 t, September 2025 600 t. Known since 20 November 2025.

          period    value    change  status       known since
          2025-04       —   not published
          2025-05  46.4 t                         2025-06-20
          2025-06   353 t  +660.8 %               2025-07-20
          2025-07   619 t   +75.4 %               2025-08-20
          2025-08   590 t    −4.7 %               2025-09-20
          2025-09   600 t    +1.7 %  preliminary  2025-11-20
                   was 420.5 t until 20 November 2025

          Said before  on 20 October 2025: China → US rare-earth magnet exports fell
                       for a 2nd month: 420.5 t in September 2025, −28.7 %
          Revised      2025-09: was 420.5 t, is 600 t since 2025-11-20
          Why          ✗ fails  declines >= 2   declines = 0
          Source       china-magnets, samples/china-magnet-exports.csv, retrieved
                       2025-10-20 01:04 UTC
          Rule         magnet-exports-falling: declines >= 2
          Series       feed china-magnets, hs 85051110, partner US, reporter CN
          Alert        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC,
                       supplywatch 0.1.0
        ");
    }

    #[test]
    fn a_resolution_says_what_ended_it() {
        insta::assert_snapshot!(text(resolved(), 76), @"
        ✓ RESOLVED  China → US rare-earth magnet exports: `declines >= 2` no longer
                    holds: 656 t in October 2025, +56 %

          September 2025 420.5 t, October 2025 656 t. Known since 20 November 2025.

          period     value    change  known since
          2025-05   46.4 t            2025-06-20
          2025-06    353 t  +660.8 %  2025-07-20
          2025-07    619 t   +75.4 %  2025-08-20
          2025-08    590 t    −4.7 %  2025-09-20
          2025-09  420.5 t   −28.7 %  2025-10-20
          2025-10    656 t     +56 %  2025-11-20

          Said before  on 20 October 2025: China → US rare-earth magnet exports fell
                       for a 2nd month: 420.5 t in September 2025, −28.7 %
          Why          ✗ fails  declines >= 2   declines = 0
          Source       china-magnets, samples/china-magnet-exports.csv, retrieved
                       2025-10-20 01:04 UTC
          Rule         magnet-exports-falling: declines >= 2
          Series       feed china-magnets, hs 85051110, partner US, reporter CN
          Alert        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC,
                       supplywatch 0.1.0
        ");
    }

    #[test]
    fn what_may_be_a_repeat_says_so() {
        let delivery = delivery(fired());
        let parcel = Parcel { maybe_delivered: true, ..parcel(&delivery) };
        assert!(plain(&lay_out(parcel, 80)).contains("\n  (may be a repeat)\n"));
    }

    #[test]
    fn a_table_that_does_not_fit_is_told_in_words() {
        let text = plain(&table(&fired(), 30));
        insta::assert_snapshot!(text, @"
        2025-04, —, not published
        2025-05, 46.4 t, known since
        2025-06-20
        2025-06, 353 t, +660.8 %,
        known since 2025-07-20
        2025-07, 619 t, +75.4 %,
        known since 2025-08-20
        2025-08, 590 t, −4.7 %,
        known since 2025-09-20
        2025-09, 420.5 t, −28.7 %,
        known since 2025-10-20
        ");
    }

    #[test]
    fn lines_break_between_words_and_long_words_within() {
        assert_eq!(wrap("one two three", 10), ["one two", "three"]);
        assert_eq!(wrap("abcdefghijklmnop q", 10), ["abcdefghij", "klmnop q"]);
        assert_eq!(wrap("was 420.5 t, is 600 t", 10), ["was", "420.5 t,", "is 600 t"]);
        // Two columns each.
        assert_eq!(wrap("稀土永磁出口下降", 10), ["稀土永磁出", "口下降"]);
        assert_eq!(wrap("a\nb\u{1b}[2J", 20), ["a\\u{a}b\\u{1b}[2J"]);
        assert!(wrap("", 10).is_empty());
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        let wide = "x".repeat(10_000);
        let mut message = Message { title: wide.clone(), summary: wide.clone(), rule_text: wide.clone(), ..fired() };
        message.table[0].value = wide.clone();
        message.gates[0].text = wide.clone();
        message.gates[0].value = wide;
        for line in text(message, 76).lines() {
            assert!(line.width() <= 76, "{} columns: {line}", line.width());
        }
    }
}
