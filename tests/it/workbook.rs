//! Workbooks of any publisher, from a file of Excel's to an alert: tables that begin anywhere, dates, notes, errors.

use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};

use super::sandbox::{PROJECT, Sandbox};
use super::scene::{DESK, once};

fn world(file: &str, more: &str) -> Sandbox {
    Sandbox::with_config(&format!(
        "[feed.exports]\nkind = \"xlsx\"\npath = \"{file}\"\nfrequency = \"month\"\nunit = \"t\"\n{more}\n\
        [rule.falling]\nseries = {{ feed = \"exports\", partner = \"US\" }}\nwhen = \"declines >= 2\"\n\
        severity = \"critical\"\nnotify = \"desk\"\n\n{DESK}"
    ))
}

const COLUMNS: &str = "columns = { period = \"Month\", value = \"Tonnes\", labels = { partner = \"Partner\" } }\n";

/// A workbook of two sheets; the table begins in the third row of the second, with a note below it.
fn exports() -> Vec<u8> {
    let mut book = Workbook::new();
    book.add_worksheet().set_name("Read me").unwrap().write_string(0, 0, "Exports of magnets").unwrap();
    let sheet = book.add_worksheet().set_name("Table 1").unwrap();
    sheet.write_string(0, 1, "Exports of magnets, September 2025").unwrap();
    sheet.write_row(2, 1, ["Partner", "Month", "Tonnes", "Change"]).unwrap();
    let month = Format::new().set_num_format("mmm yyyy");
    for (row, (number, tonnes)) in (3..).zip([(7, "619"), (8, "590.0000000000001"), (9, "420.5")]) {
        sheet.write_string(row, 1, "United States").unwrap();
        sheet.write_datetime_with_format(row, 2, ExcelDateTime::from_ymd(2025, number, 1).unwrap(), &month).unwrap();
        sheet.write_formula(row, 3, Formula::new("=SUM(A1)").set_result(tonnes)).unwrap();
        sheet.write_formula(row, 4, Formula::new("=1/0").set_result("#DIV/0!")).unwrap();
    }
    sheet.write_string(7, 1, "p: preliminary").unwrap();
    book.save_to_buffer().unwrap()
}

#[test]
fn a_table_within_a_workbook_alarms() {
    let sandbox = world("exports.xlsx", &format!("sheet = \"Table 1\"\n{COLUMNS}"));
    sandbox.write("config/exports.xlsx", exports());
    once(&sandbox, 0).says(&["feed exports: 3 new, 0 revised, 0 unchanged\n", "CRITICAL", "420.5 t", "September 2025"]);
    once(&sandbox, 0).says(&["feed exports: 0 new, 0 revised, 3 unchanged"]);
}

#[test]
fn a_workbook_of_several_sheets_asks_which() {
    let sandbox = world("exports.xlsx", COLUMNS);
    sandbox.write("config/exports.xlsx", exports());
    once(&sandbox, 1)
        .says(&["the workbook has not just one sheet: set `sheet`; the sheets are `Read me` and `Table 1`"]);
    let sandbox = world("exports.xlsx", &format!("sheet = \"Table1\"\n{COLUMNS}"));
    sandbox.write("config/exports.xlsx", exports());
    once(&sandbox, 1).says(&["no sheet `Table1` (did you mean `Table 1`?)"]);
}

/// A file of the old format, in which one cell for a country is merged with those below it.
#[test]
fn an_old_workbook_is_read_and_an_error_in_a_cell_has_its_address() {
    let sandbox = world("1900.xls", COLUMNS);
    let file = std::path::Path::new(PROJECT).join("src/feed/format/workbook/testdata/1900.xls");
    sandbox.write("config/1900.xls", std::fs::read(file).unwrap());
    let ended = once(&sandbox, 0);
    ended.says(&[
        "feed exports: 3 new",
        "1 row refused",
        "row 9, column `Tonnes`: Exports!C9: expected a value, found the error #DIV/0!",
    ]);
}

#[test]
fn what_is_called_a_workbook_and_is_none_is_told() {
    for (body, said) in [
        ("<html><title>Please sign in</title></html>", "found a web page titled \"Please sign in\""),
        (
            "Month\tTonnes\n2025-09\t1\n",
            "expected a workbook (XLSX or XLS), found a file that begins with \"Month Tonnes",
        ),
        ("PK\u{3}\u{4}", "the workbook cannot be read"),
        ("", "the response is empty"),
    ] {
        let sandbox = world("exports.xlsx", COLUMNS);
        sandbox.write("config/exports.xlsx", body);
        once(&sandbox, 1).says(&["feed exports: set aside, earlier data stand", said]);
    }
}
