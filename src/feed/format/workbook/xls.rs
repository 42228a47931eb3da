//! XLS: a compound file with a stream of records ([MS-CFB], [MS-XLS]), read by calamine.
//!
//! calamine reads every sheet as a whole rectangle, reserves what a record claims, and follows chains of sectors
//! without an end. So the stream is taken out of its container and looked through first, and calamine gets it in a
//! container of our own.

use std::io::{Cursor, Read, Write};

use calamine::{Data, DataRef, Reader, Xls};

use super::{Sheet, Taking, broken, choose, columns, too_large};
use crate::base::limits::{CELLS_MAX, UNPACKED_BYTES_MAX};
use crate::feed::ParseError;

/// Records, by the numbers of [MS-XLS] 2.3.
mod kind {
    pub const FORMULA: u16 = 0x0006;
    pub const EOF: u16 = 0x000A;
    pub const CONTINUE: u16 = 0x003C;
    pub const BOUND_SHEET: u16 = 0x0085;
    pub const MUL_RK: u16 = 0x00BD;
    pub const SST: u16 = 0x00FC;
    pub const LABEL_SST: u16 = 0x00FD;
    pub const DIMENSIONS: u16 = 0x0200;
    pub const STRING: u16 = 0x0207;
    pub const BOF: u16 = 0x0809;
    /// The other records that are one cell: Number, Label, `RString`, `BoolErr`, RK.
    pub const CELLS: [u16; 5] = [0x0203, 0x0204, 0x00D6, 0x0205, 0x027E];
}

/// Cells that a sheet may say that it has: all that the format knows. Memory is reserved for them, not taken.
const CLAIMED_MAX: u64 = 65_536 * 256;
/// Bytes of formulas, at most: each may become a text a hundred times as long.
const FORMULA_BYTES_MAX: usize = 8 << 20;

/// Reads one sheet.
pub fn read(body: &[u8], name: Option<&str>) -> Result<Sheet, ParseError> {
    let stream = stream(body)?;
    look_through(&stream)?;
    let mut book: Xls<_> = Xls::new(Cursor::new(contained(&stream)?)).map_err(broken)?;
    let name = choose(book.sheets_metadata(), name)?;
    let regions = book.merge_cells_by_sheet_name(&name).map_err(broken)?;
    let range = book.worksheet_range(&name).map_err(broken)?;
    let (top, left) = range.start().unwrap_or_default();
    let mut taking = Taking::new();
    for (row, column, data) in range.used_cells() {
        let place = |offset: usize, start: u32| u32::try_from(offset).unwrap_or(u32::MAX).saturating_add(start);
        taking.add((place(row, top), place(column, left)), &by_ref(data))?;
    }
    Ok(taking.sheet(name, columns(&regions)))
}

fn by_ref(data: &Data) -> DataRef<'_> {
    match data {
        Data::Int(number) => DataRef::Int(*number),
        Data::Float(number) => DataRef::Float(*number),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(truth) => DataRef::Bool(*truth),
        Data::DateTime(moment) => DataRef::DateTime(*moment),
        Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
        Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

/// The stream of records within a compound file.
fn stream(body: &[u8]) -> Result<Vec<u8>, ParseError> {
    let mut file = cfb::CompoundFile::open(Cursor::new(body)).map_err(broken)?;
    if file.exists("/EncryptedPackage") {
        return Err(broken("it is protected by a password"));
    }
    let name = ["/Workbook", "/Book"].into_iter().find(|name| file.is_stream(name));
    let name = name.ok_or_else(|| broken("it is an Office document of another kind"))?;
    let mut records = Vec::new();
    // No stream is longer than its file.
    let limit = body.len() as u64;
    file.open_stream(name).map_err(broken)?.take(limit).read_to_end(&mut records).map_err(broken)?;
    Ok(records)
}

/// A compound file of nothing but a stream of records.
fn contained(stream: &[u8]) -> Result<Vec<u8>, ParseError> {
    let empty = Cursor::new(Vec::new());
    let mut file = cfb::CompoundFile::create_with_version(cfb::Version::V3, empty).map_err(broken)?;
    file.create_stream("/Workbook").and_then(|mut into| into.write_all(stream)).map_err(broken)?;
    file.flush().map_err(broken)?;
    Ok(file.into_inner().into_inner())
}

/// What a workbook makes calamine take, as far as its records have been walked.
#[derive(Default)]
struct Load {
    cells: u64,
    text_bytes: u64,
    formula_bytes: usize,
    walked: usize,
}

/// Walks through the records as calamine does, and refuses what would take too much memory.
fn look_through(stream: &[u8]) -> Result<(), ParseError> {
    let mut texts = Vec::new();
    let mut sheets = Vec::new();
    let mut records = Records { left: stream };
    while let Some((kind, data)) = records.next().filter(|(kind, _)| *kind != kind::EOF) {
        match kind {
            kind::BOUND_SHEET => sheets.push(long(data, 0).ok_or_else(cut_off)?),
            kind::SST => texts = Texts::of(data, records.clone()).lengths().ok_or_else(cut_off)?,
            _ => {}
        }
    }
    let mut load = Load::default();
    for position in sheets {
        let sheet = stream.get(position as usize..).ok_or_else(cut_off)?;
        load.sheet(sheet, &texts)?;
        // Sheets that lie in one another are none that Excel wrote.
        if load.walked > stream.len().saturating_mul(2) {
            return Err(broken("its sheets overlap"));
        }
    }
    Ok(())
}

impl Load {
    fn sheet(&mut self, sheet: &[u8], texts: &[u16]) -> Result<(), ParseError> {
        let mut extent = Extent::default();
        let (mut begun, mut depth, mut formula) = (false, 0_usize, (0, 0));
        for (kind, data) in (Records { left: sheet }) {
            self.walked += data.len() + 4;
            match kind {
                kind::EOF if depth == 0 => break,
                kind::EOF => depth -= 1,
                kind::BOF if begun => depth += 1,
                kind::BOF => begun = true,
                // A chart within the sheet has records like those of cells.
                _ if depth > 0 => {}
                kind::DIMENSIONS if claimed(data) > CLAIMED_MAX => {
                    return Err(broken("it says that it has more cells than it can hold"));
                }
                kind::STRING => extent.add(formula),
                kind::MUL_RK => {
                    let (row, first) = place(data)?;
                    let last = data.len().checked_sub(2).and_then(|at| short(data, at)).ok_or_else(cut_off)?;
                    extent.add((row, first));
                    extent.add((row, last));
                }
                _ => {
                    self.cell(kind, data, texts, &mut extent, &mut formula)?;
                }
            }
        }
        self.cells += extent.cells();
        if self.cells > CELLS_MAX as u64 {
            return Err(broken(format!("its cells lie in a rectangle of more than {CELLS_MAX}")));
        }
        Ok(())
    }

    /// A record that is one cell, if it is one.
    fn cell(
        &mut self,
        kind: u16,
        data: &[u8],
        texts: &[u16],
        extent: &mut Extent,
        formula: &mut (u16, u16),
    ) -> Result<(), ParseError> {
        if !matches!(kind, kind::FORMULA | kind::LABEL_SST) && !kind::CELLS.contains(&kind) {
            return Ok(());
        }
        let at = place(data)?;
        extent.add(at);
        if kind == kind::FORMULA {
            *formula = at;
            self.formula_bytes += data.len();
        }
        if kind == kind::LABEL_SST {
            let text = long(data, 6).and_then(|index| texts.get(index as usize)).copied().unwrap_or(0);
            // A character takes three bytes at most.
            self.text_bytes += u64::from(text) * 3;
        }
        if self.text_bytes > UNPACKED_BYTES_MAX || self.formula_bytes > FORMULA_BYTES_MAX {
            return Err(too_large());
        }
        Ok(())
    }
}

/// The rectangle of the cells of a sheet.
#[derive(Default)]
struct Extent(Option<[u16; 4]>);

impl Extent {
    fn add(&mut self, (row, column): (u16, u16)) {
        let [top, bottom, left, right] = self.0.unwrap_or([row, row, column, column]);
        self.0 = Some([top.min(row), bottom.max(row), left.min(column), right.max(column)]);
    }

    fn cells(&self) -> u64 {
        self.0.map_or(0, |[top, bottom, left, right]| (u64::from(bottom - top) + 1) * (u64::from(right - left) + 1))
    }
}

/// The cells that a Dimensions record says its sheet has.
fn claimed(data: &[u8]) -> u64 {
    let short = |at| short(data, at).map_or(0, u64::from);
    let long = |at| long(data, at).map_or(0, u64::from);
    let (rows, columns) = if data.len() == 10 {
        ((short(0), short(2)), (short(4), short(6)))
    } else {
        ((long(0), long(4)), (short(8), short(10)))
    };
    rows.0.max(rows.1).saturating_mul(columns.0.max(columns.1))
}

/// The row and the column of a cell's record.
fn place(data: &[u8]) -> Result<(u16, u16), ParseError> {
    short(data, 0).zip(short(data, 2)).ok_or_else(cut_off)
}

fn short(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn long(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

fn cut_off() -> ParseError {
    broken("a record is cut off")
}

/// The records of a stream: each with its number.
#[derive(Clone)]
struct Records<'s> {
    left: &'s [u8],
}

impl<'s> Iterator for Records<'s> {
    type Item = (u16, &'s [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, length) = (short(self.left, 0)?, usize::from(short(self.left, 2)?));
        let data = self.left.get(4..4 + length)?;
        self.left = &self.left[4 + length..];
        Some((kind, data))
    }
}

/// The shared texts of a workbook, in the records that hold them ([MS-XLS] 2.4.265).
struct Texts<'s> {
    data: &'s [u8],
    more: Records<'s>,
}

impl<'s> Texts<'s> {
    fn of(data: &'s [u8], more: Records<'s>) -> Self {
        Self { data: data.get(8..).unwrap_or_default(), more }
    }

    /// The length of each text, in characters; `None` where one is cut off.
    fn lengths(mut self) -> Option<Vec<u16>> {
        let mut lengths = Vec::new();
        while !self.data.is_empty() || self.continues() {
            if self.data.is_empty() {
                continue;
            }
            let (length, flags) = (short(self.data, 0)?, *self.data.get(2)?);
            self.data = &self.data[3..];
            let runs = if flags & 8 == 0 { 0 } else { usize::from(short(self.take(2)?, 0)?) * 4 };
            let extra = if flags & 4 == 0 { 0 } else { long(self.take(4)?, 0)? as usize };
            self.characters(usize::from(length), flags)?;
            self.skip(runs.checked_add(extra)?)?;
            lengths.push(length);
        }
        Some(lengths)
    }

    fn continues(&mut self) -> bool {
        let next = self.more.next().filter(|(kind, _)| *kind == kind::CONTINUE);
        next.map(|(_, data)| self.data = data).is_some()
    }

    fn take(&mut self, bytes: usize) -> Option<&'s [u8]> {
        let (taken, left) = self.data.split_at_checked(bytes)?;
        self.data = left;
        Some(taken)
    }

    /// Passes over characters; where a text goes on in the next record, that says anew how wide they are.
    fn characters(&mut self, mut left: usize, mut flags: u8) -> Option<()> {
        while left > 0 {
            let width = 1 + usize::from(flags & 1);
            let here = left.min(self.data.len() / width);
            self.take(here * width)?;
            left -= here;
            if left > 0 {
                self.continues().then_some(())?;
                flags = *self.take(1)?.first()?;
            }
        }
        Some(())
    }

    fn skip(&mut self, mut left: usize) -> Option<()> {
        while left > 0 {
            if self.data.is_empty() {
                self.continues().then_some(())?;
            }
            let here = left.min(self.data.len());
            self.take(here)?;
            left -= here;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::told;
    use super::*;

    const XLS: &[u8] = include_bytes!("testdata/1900.xls");
    const BOF: (u16, &[u8]) = (kind::BOF, &[0, 6, 5, 0, 0, 0, 0, 0]);
    const END: (u16, &[u8]) = (kind::EOF, &[]);

    fn records(records: &[(u16, &[u8])]) -> Vec<u8> {
        let bytes = |(kind, data): &(u16, &[u8])| {
            let length = u16::try_from(data.len()).unwrap();
            [&kind.to_le_bytes()[..], &length.to_le_bytes(), data].concat()
        };
        records.iter().flat_map(bytes).collect()
    }

    /// A workbook of so many sheets that are one, of these records, and with these for all.
    fn book(count: usize, globals: &[(u16, &[u8])], sheet: &[(u16, &[u8])]) -> Vec<u8> {
        let bound = 4 + 9;
        let position = 12 + count * bound + records(globals).len() + 4;
        let mut stream = records(&[BOF]);
        for _ in 0..count {
            let position = u32::try_from(position).unwrap().to_le_bytes();
            stream.extend(records(&[(kind::BOUND_SHEET, &[&position[..], &[0, 0, 1, 0, b'S']].concat())]));
        }
        stream.extend(records(globals));
        stream.extend(records(&[END]));
        assert_eq!(stream.len(), position);
        stream.extend(records(&[&[BOF], sheet, &[END]].concat()));
        contained(&stream).unwrap()
    }

    /// A number in a cell.
    fn number(row: u16, column: u16, number: f64) -> Vec<u8> {
        [&row.to_le_bytes()[..], &column.to_le_bytes(), &[0, 0], &number.to_le_bytes()].concat()
    }

    fn refused(reason: &str) -> String {
        format!("the workbook cannot be read: {reason}")
    }

    #[test]
    fn a_workbook_of_records_is_read() {
        let (first, last) = (number(2, 1, 420.5), number(3, 2, 590.0));
        let body = book(1, &[], &[(0x0203, &first), (0x0203, &last)]);
        assert_eq!(told(&body, None), "S\n3:  ¦ 420.5\n4:  ¦  ¦ 590");
    }

    #[test]
    fn more_cells_than_fit_are_refused_before_they_are_made() {
        let (first, last) = (number(0, 0, 1.0), number(65_535, 65_535, 1.0));
        let corners = book(1, &[], &[(0x0203, &first), (0x0203, &last)]);
        assert_eq!(told(&corners, None), refused("its cells lie in a rectangle of more than 4000000"));
        let claim = [[0; 4], [0xFF; 4], [0, 0, 0xFF, 0xFF], [0; 4]].concat();
        let claims = book(1, &[], &[(kind::DIMENSIONS, &claim[..14])]);
        assert_eq!(told(&claims, None), refused("it says that it has more cells than it can hold"));
        let many = book(400, &[], &[(0x0203, &first)]);
        assert_eq!(told(&many, None), refused("its sheets overlap"));
    }

    #[test]
    fn a_text_that_is_used_too_often_is_refused() {
        let long = [&[0; 8][..], &60_000_u16.to_le_bytes(), &[0], &[b'x'; 8_000]].concat();
        let more = [&[0][..], &[b'x'; 8_000]].concat();
        let mut globals: Vec<(u16, &[u8])> = vec![(kind::SST, &long)];
        globals.extend([(kind::CONTINUE, &more[..]); 7].iter().take(6));
        let rest = [&[0][..], &[b'x'; 4_000]].concat();
        globals.push((kind::CONTINUE, &rest));
        let cells: Vec<Vec<u8>> = (0..1_000_u16).map(|row| [&row.to_le_bytes()[..], &[0; 8]].concat()).collect();
        let cells: Vec<(u16, &[u8])> = cells.iter().map(|cell| (kind::LABEL_SST, &cell[..])).collect();
        assert_eq!(told(&book(1, &globals, &cells), None), refused("it unpacks to more than 128 MiB"));
        assert!(told(&book(1, &globals, &cells[..2]), None).starts_with("S\n1: xxxxx"));
    }

    #[test]
    fn a_chain_without_an_end_is_refused() {
        // The table of sectors begins in the first: it says of the directory's sector that it follows itself.
        let mut body = XLS.to_vec();
        let directory = u32::from_le_bytes(body[48..52].try_into().unwrap());
        let table = u32::from_le_bytes(body[76..80].try_into().unwrap());
        let entry = 512 * (table as usize + 1) + 4 * directory as usize;
        body[entry..entry + 4].copy_from_slice(&directory.to_le_bytes());
        assert!(told(&body, None).starts_with("the workbook cannot be read"), "{}", told(&body, None));
    }

    /// What calamine takes of it is not there.
    #[test]
    fn a_panic_within_a_record_is_an_error() {
        let stream = records(&[BOF, (kind::BOUND_SHEET, &[20, 0, 0, 0]), END, BOF, END]);
        let told = told(&contained(&stream).unwrap(), None);
        assert!(told.starts_with(&refused("a part of it is cut off or wrong (index out of bounds")), "{told}");
    }

    #[test]
    fn other_files_of_its_kind_say_so() {
        let with = |name: &str| {
            let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
            file.create_stream(name).unwrap().write_all(b"x").unwrap();
            file.into_inner().into_inner()
        };
        assert_eq!(told(&with("/EncryptedPackage"), None), refused("it is protected by a password"));
        assert_eq!(told(&with("/WordDocument"), None), refused("it is an Office document of another kind"));
        assert!(told(&XLS[..700], None).starts_with(&refused("")), "{}", told(&XLS[..700], None));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// calamine takes slices unchecked: whatever it meets is an error at most.
        #[test]
        fn a_damaged_workbook_is_an_error_at_most(damage in proptest::collection::vec((0..XLS.len(), any::<u8>()), 1..12), cut in 0..XLS.len()) {
            let mut body = XLS.to_vec();
            damage.iter().for_each(|(at, byte)| body[*at] = *byte);
            let _ = Sheet::open(&body, Some("Exports"));
            let _ = Sheet::open(&body[..cut], None);
            let mut stream = stream(XLS).unwrap();
            damage.iter().for_each(|(at, byte)| { let at = at % stream.len(); stream[at] = *byte; });
            let _ = Sheet::open(&contained(&stream).unwrap(), Some("Exports"));
        }
    }
}
