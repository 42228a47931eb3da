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
    measure(body)?;
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
fn measure(body: &[u8]) -> Result<(), ParseError> {
    let mut archive = ZipArchive::new(Cursor::new(body)).map_err(broken)?;
    let mut left = UNPACKED_BYTES_MAX;
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
