//! `kind = "csv"` and `kind = "json"`.

use super::{Basis, Kind, Meaning};
use crate::config::resolve::feed::target;
use crate::feed::Request;
use crate::feed::publisher::csv::Csv;
use crate::feed::publisher::json::Json;

/// `csv`
pub const CSV: Kind = Kind {
    name: "csv",
    keys: &[
        "path",
        "columns",
        "decimal",
        "thousands",
        "period_format",
        "absent",
        "wide",
        "delimiter",
        "encoding",
        "skip_lines",
    ],
    meaning: Meaning::Columns,
    resolve: |cx, Basis { table, common, layout }| {
        let request = Request::new(target(cx, table)?);
        Some(Box::new(Csv { request, common, columns: layout.columns, dialect: layout.dialect }))
    },
};

/// `json`
pub const JSON: Kind = Kind {
    name: "json",
    keys: &["path", "columns", "decimal", "thousands", "period_format", "absent", "records"],
    meaning: Meaning::Pointers,
    resolve: |cx, Basis { table, common, layout }| {
        let request = Request::new(target(cx, table)?);
        Some(Box::new(Json { request, common, columns: layout.columns, records: layout.records }))
    },
};
