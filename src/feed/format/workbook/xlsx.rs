//! XLSX: a ZIP archive of XML files (ECMA-376), read by calamine.
//!
//! What the archive unpacks to, and what it makes calamine reserve, is looked at first: memory that cannot be had
//! ends the process, and no error tells of it.

use std::io::{Cursor, Read, copy, sink};

use calamine::{Reader, Xlsx};
use quick_xml::events::Event;
use zip::ZipArchive;
use zip::read::ZipFile;

use super::{Sheet, Taking, broken, choose, too_large};
use crate::base::limits::UNPACKED_BYTES_MAX;
use crate::feed::ParseError;

/// Reads one sheet.
pub fn read(body: &[u8], name: Option<&str>) -> Result<Sheet, ParseError> {
    measure(body, UNPACKED_BYTES_MAX)?;
    let mut book = Xlsx::new(Cursor::new(body)).map_err(broken)?;
    let name = choose(book.sheets_metadata(), name)?;
    let regions = book.merge_cells_by_sheet_name(&name).map_err(broken)?;
    let mut taking = Taking::new();
    let mut cells = book.worksheet_cells_reader(&name).map_err(broken)?;
    while let Some(cell) = cells.next_cell().map_err(broken)? {
        taking.add(cell.get_position(), cell.get_value())?;
    }
    Ok(taking.sheet(name, super::columns(&regions)))
}

/// Unpacks every file of the archive to nowhere: what an archive says of its sizes is a claim.
fn measure(body: &[u8], limit: u64) -> Result<(), ParseError> {
    let mut archive = ZipArchive::new(Cursor::new(body)).map_err(broken)?;
    let mut left = limit;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(broken)?;
        let is_strings = file.name().is_ok_and(|name| name.to_ascii_lowercase().ends_with("sharedstrings.xml"));
        let size = copy(&mut file.take(left + 1), &mut sink()).map_err(broken)?;
        left = left.checked_sub(size).ok_or_else(too_large)?;
        if is_strings {
            strings(archive.by_index(index).map_err(broken)?, size)?;
        }
    }
    Ok(())
}

/// How many texts a workbook says it has: calamine makes room for so many.
fn strings<R: Read>(file: ZipFile<'_, R>, size: u64) -> Result<(), ParseError> {
    let mut reader = quick_xml::Reader::from_reader(std::io::BufReader::new(file));
    reader.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).map_err(broken)? {
            Event::Start(table) | Event::Empty(table) if table.local_name().as_ref() == "sst" => {
                let fits = claims(&table).all(|count| count <= size);
                return if fits { Ok(()) } else { Err(broken("it says that it has more texts than it can hold")) };
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// How many different texts there are, as a tag says; one is said once, where nobody means harm.
fn claims(tag: &str) -> impl Iterator<Item = u64> {
    tag.match_indices("uniqueCount").map(|(at, name)| {
        let digits = tag[at + name.len()..].trim_start_matches(|c: char| !c.is_ascii_digit());
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        digits[..end].parse().unwrap_or(if end == 0 { 0 } else { u64::MAX })
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;
    use rust_xlsxwriter::Workbook;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::super::tests::told;
    use super::*;

    fn book() -> Vec<u8> {
        let mut book = Workbook::new();
        book.add_worksheet().set_name("S").unwrap().write_row(0, 0, ["Month", "Price"]).unwrap();
        book.save_to_buffer().unwrap()
    }

    /// The workbook with some of its files told otherwise.
    fn with(change: impl Fn(&str, String) -> String) -> Vec<u8> {
        let mut archive = ZipArchive::new(Cursor::new(book())).unwrap();
        let mut changed = ZipWriter::new(Cursor::new(Vec::new()));
        for index in 0..archive.len() {
            let mut file = archive.by_index(index).unwrap();
            let name = file.name().unwrap().into_owned();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            changed.start_file(&*name, SimpleFileOptions::default()).unwrap();
            changed.write_all(change(&name, text).as_bytes()).unwrap();
        }
        changed.finish().unwrap().into_inner()
    }

    #[test]
    fn an_archive_that_unpacks_to_too_much_is_refused() {
        let padded = with(|name, text| if name.ends_with("styles.xml") { text + &" ".repeat(1 << 20) } else { text });
        assert!(padded.len() < 20_000, "{}", padded.len());
        assert!(measure(&padded, 1 << 21).is_ok());
        let told = measure(&padded, 1 << 20).unwrap_err().to_string();
        assert_eq!(told, "the workbook cannot be read: it unpacks to more than 128 MiB");
    }

    #[test]
    fn more_texts_than_there_can_be_are_refused() {
        for count in ["99999999999", "99999999999999999999999", "\n 4000000000"] {
            let claim = |name: &str, text: String| {
                assert!(!name.ends_with("sharedStrings.xml") || text.contains("uniqueCount=\"2\""), "{text}");
                text.replace("uniqueCount=\"2\"", &format!("uniqueCount=\"{count}\""))
            };
            assert_eq!(
                told(&with(claim), None),
                "the workbook cannot be read: it says that it has more texts than it can hold"
            );
        }
        assert_eq!(told(&with(|_, text| text), None), "S\n1: Month ¦ Price");
    }

    #[test]
    fn archives_that_are_no_workbook_say_so() {
        let without =
            |part: &'static str| with(move |name, text| if name.contains(part) { "<a/>".to_owned() } else { text });
        for (body, said) in [
            (b"PK\x03\x04 and no more".to_vec(), "the workbook cannot be read: invalid Zip archive"),
            (without("_rels/.rels"), "the workbook cannot be read"),
            (without("workbook.xml"), "the workbook"),
            (without("sheet1.xml"), "the workbook cannot be read"),
        ] {
            let told = told(&body, None);
            assert!(told.starts_with(said), "{told}");
        }
    }

    #[test]
    fn a_workbook_that_is_cut_off_or_damaged_is_an_error_at_most() {
        let body = book();
        for end in (0..body.len()).step_by(97) {
            assert!(Sheet::open(&body[..end], None).is_err(), "{end}");
        }
        // Within the files of the archive, where no checksum has been taken.
        for (from, to) in
            [("<row", "<rox"), ("r=\"A1\"", "r=\"AAAAAAAAAA99999999999\""), ("t=\"s\"", "t=\"q\""), ("<v>0", "<v>7")]
        {
            let damaged = with(|_, text| text.replace(from, to));
            let _ = Sheet::open(&damaged, None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Whatever stands in the files of the archive.
        #[test]
        fn a_damaged_workbook_is_an_error_at_most(part in 0..9_usize, at in any::<prop::sample::Index>(), sign in "[ -~]{0,3}") {
            let names = ["rels", "workbook.xml", "sheet1", "styles", "sharedStrings", "Content_Types", "theme", "app", "core"];
            let damaged = with(|name, text| {
                let mut signs: Vec<char> = text.chars().collect();
                if name.contains(names[part]) {
                    let at = at.index(signs.len());
                    let end = (at + 2).min(signs.len());
                    signs.splice(at..end, sign.chars());
                }
                signs.into_iter().collect()
            });
            let _ = Sheet::open(&damaged, None);
        }
    }
}
