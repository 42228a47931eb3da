//! `kind = "csv"`, `kind = "json"` and `kind = "xlsx"`.

use super::{Basis, Kind, Meaning};
use crate::config::resolve::feed::target;
use crate::config::resolve::value;
use crate::feed::Request;
use crate::feed::publisher::csv::Csv;
use crate::feed::publisher::json::Json;
use crate::feed::publisher::xlsx::Xlsx;

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

/// `xlsx`
pub const XLSX: Kind = Kind {
    name: "xlsx",
    keys: &["path", "columns", "decimal", "thousands", "period_format", "absent", "wide", "skip_lines", "sheet"],
    meaning: Meaning::Columns,
    resolve: |cx, Basis { table, common, layout }| {
        let sheet = table.sheet.as_ref().and_then(|at| value::line(cx, "sheet", at));
        let request = Request::new(target(cx, table)?);
        let (skip_lines, wide) = (layout.dialect.skip_lines, layout.dialect.wide);
        Some(Box::new(Xlsx { request, common, columns: layout.columns, sheet, skip_lines, wide }))
    },
};
