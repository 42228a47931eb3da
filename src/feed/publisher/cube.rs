//! From a statistical table (SDMX, JSON-stat) to a page of observations: the same for every format and for
//! every office, with the marks that they share.

use super::reading::{Figures, Place, Reading, Roles};
use super::{Columns, Common};
use crate::feed::format::cube::{Field, Role, Sink};
use crate::feed::{Page, ParseError};
use crate::series::Status;

/// A format's reader.
pub type Format = fn(&[u8], &[Field], Sink<'_>) -> Result<(), ParseError>;

/// Reads a whole answer.
pub fn read(format: Format, body: &[u8], common: &Common, columns: &Columns) -> Result<Page, ParseError> {
    let mut fields = Vec::new();
    let roles = roles(columns, &mut fields);
    let mut reading = Reading::new(common, roles).with_marks(status);
    format(body, &fields, &mut |fact| reading.row(fact))?;
    reading.finish().map_err(|error| match error {
        ParseError::NoRows => ParseError::NoData { why: NOTHING.to_owned() },
        other => other,
    })
}

/// What an answer without figures means.
const NOTHING: &str = "a key whose parts stand in another order, or a code that the publisher does not know, is \
                       often answered so";

/// The columns that a feed names, and those that every such table has.
fn roles(columns: &Columns, fields: &mut Vec<Field>) -> Roles {
    let mut place = |role: Role, name: Option<&String>| {
        let field = Field { role, name: name.map(|name| name.trim().to_owned()) };
        let shown = field.names().first().map_or_else(|| "LAST UPDATE".to_owned(), |name| (*name).to_owned());
        fields.push(field);
        Place { name: shown, index: fields.len() - 1 }
    };
    Roles {
        figures: Figures::Long {
            period: place(Role::Period, columns.period.as_ref()),
            value: place(Role::Value, columns.value.as_ref()),
        },
        unit: columns.unit.as_ref().map(|name| place(Role::Plain, Some(name))),
        status: Some(place(Role::Status, columns.status.as_ref())),
        published: Some(place(Role::Published, columns.published.as_ref())),
        labels: columns.labels.iter().map(|(label, name)| (label.clone(), place(Role::Plain, Some(name)))).collect(),
    }
}

/// What a statistical office's mark means: letters of SDMX's code list CL_OBS_STATUS or of Eurostat's flags, some
/// together (`bp`, `|C`). A mark of which nothing is known leaves the figure as it is.
#[expect(clippy::unnecessary_wraps, reason = "as the marks of other publishers, which may be refused")]
pub fn status(mark: &str) -> Option<Status> {
    let letters: Vec<char> = mark.chars().filter(char::is_ascii_alphabetic).collect();
    if letters.len() > 3 {
        return Some(Status::read(mark).unwrap_or_default());
    }
    // `s` is Eurostat's estimate; `S` is a strike.
    let is = |signs: &str| letters.iter().any(|letter| signs.contains(*letter));
    Some(match () {
        () if is("cCqQ") => Status::Confidential,
        () if is("eEiIfFs") => Status::Estimated,
        () if is("pP") => Status::Preliminary,
        () => Status::Final,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_statistical_offices() {
        for (mark, expected) in [
            ("", Status::Final),
            ("A", Status::Final),
            ("b", Status::Final),
            ("S", Status::Final),
            ("s", Status::Estimated),
            ("F", Status::Estimated),
            ("bp", Status::Preliminary),
            ("pc", Status::Confidential),
            ("|C", Status::Confidential),
            ("estimated", Status::Estimated),
            ("low reliability", Status::Final),
        ] {
            assert_eq!(status(mark), Some(expected), "{mark}");
        }
    }
}
