//! Files of any size, read piece by piece: plain, gzipped, or in a zip archive.
//!
//! What a piece means is not decided here, only where one may end: between two records of a text, with the
//! lines before the first record said again in front of each piece.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::FetchError;
use super::file::is_file;
use crate::base::limits::{FILES_MAX, PIECE_BYTES, RECORD_BYTES_MAX, WHOLE_BYTES_MAX};
use crate::base::text::hex;

/// How a large file of a feed's figures may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// As a whole: it has a beginning and an end that belong together.
    Whole,
    /// Record by record, after so many lines and a header.
    Records {
        /// Lines before the header.
        skip_lines: usize,
        /// The sign between fields; `None`: any of those that are tried.
        delimiter: Option<u8>,
    },
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The lines up to the header, and some records.
    pub body: Vec<u8>,
    /// How many lines of the text lie between the header and these records.
    pub lines_before: usize,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// Bytes, unpacked.
    pub bytes: u64,
    /// SHA-256 over them, in hex.
    pub sha256: String,
}

/// Reads a file piece by piece; of an archive one member after the other. `read` hears how far the file itself
/// is read, `take` gets each piece.
pub fn pieces<E: From<FetchError>>(
    path: &Path,
    cut: Cut,
    read: impl FnMut(u64),
    mut take: impl FnMut(Piece) -> Result<(), E>,
) -> Result<Total, E> {
    let kind = path.metadata().map_err(FetchError::of_file)?;
    is_file(&kind)?;
    let file = File::open(path).map_err(FetchError::of_file)?;
    let mut source = BufReader::with_capacity(1 << 16, Counted { file, at: 0, read });
    let mut text = Text { hash: Sha256::new(), bytes: 0 };
    match Packing::of(source.fill_buf().map_err(FetchError::Unreadable)?) {
        Packing::None => text.read(source, cut, &mut take)?,
        Packing::Gzip => text.read(MultiGzDecoder::new(source), cut, &mut take)?,
        Packing::Zip => {
            let mut archive = ZipArchive::new(source).map_err(FetchError::Archive)?;
            if archive.len() > FILES_MAX {
                return Err(FetchError::TooManyFiles(FILES_MAX).into());
            }
            for index in 0..archive.len() {
                let member = archive.by_index(index).map_err(FetchError::Archive)?;
                if member.is_file() {
                    text.read(member, cut, &mut take)?;
                }
            }
        }
    }
    Ok(Total { bytes: text.bytes, sha256: hex(&text.hash.finalize()) })
}

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zip,
}

impl Packing {
    /// By its first bytes (RFC 1952, APPNOTE.TXT 4.3.7).
    fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A workbook is an archive, too, and a format of its own.
            [b'P', b'K', 3, 4, ..] if !is_workbook(bytes) => Self::Zip,
            _ => Self::None,
        }
    }
}

/// Whether an archive begins as those of Office Open XML do.
fn is_workbook(bytes: &[u8]) -> bool {
    let names: [&[u8]; 4] = [b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/"];
    names.iter().any(|name| bytes.get(30..).is_some_and(|rest| rest.starts_with(name)))
}

/// Texts on their way into pieces.
struct Text {
    hash: Sha256,
    bytes: u64,
}

impl Text {
    fn read<E: From<FetchError>>(
        &mut self,
        source: impl Read,
        cut: Cut,
        take: &mut impl FnMut(Piece) -> Result<(), E>,
    ) -> Result<(), E> {
        match cut {
            Cut::Whole => {
                let mut body = Vec::new();
                self.fill(&mut source.take(WHOLE_BYTES_MAX + 1), &mut body, usize::MAX)?;
                if body.len() as u64 > WHOLE_BYTES_MAX {
                    return Err(FetchError::TooLargeWhole { limit: WHOLE_BYTES_MAX }.into());
                }
                take(Piece { body, lines_before: 0 })
            }
            Cut::Records { skip_lines, delimiter } => self.records(source, skip_lines, delimiter, take),
        }
    }

    fn records<E: From<FetchError>>(
        &mut self,
        mut source: impl Read,
        skip_lines: usize,
        delimiter: Option<u8>,
        take: &mut impl FnMut(Piece) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = Vec::new();
        let mut ended = self.fill(&mut source, &mut rest, PIECE_BYTES)?;
        let head_end = header_end(&rest, skip_lines, delimiter).unwrap_or(rest.len());
        let head: Vec<u8> = rest.drain(..head_end).collect();
        let mut lines_before = 0;
        let mut first = true;
        loop {
            let end = if ended { rest.len() } else { record_end(&rest, delimiter) };
            if end == 0 && !ended {
                if rest.len() > RECORD_BYTES_MAX {
                    return Err(FetchError::RecordTooLong { limit: RECORD_BYTES_MAX }.into());
                }
            } else if end > 0 || first {
                let body = [&head[..], &rest[..end]].concat();
                let lines = rest[..end].iter().filter(|byte| **byte == b'\n').count();
                rest.drain(..end);
                take(Piece { body, lines_before })?;
                lines_before += lines;
                first = false;
            }
            if ended {
                return Ok(());
            }
            ended = self.fill(&mut source, &mut rest, PIECE_BYTES)?;
        }
    }

    /// Reads up to so many bytes more; whether that was the end.
    fn fill(&mut self, source: &mut impl Read, into: &mut Vec<u8>, more: usize) -> Result<bool, FetchError> {
        let before = into.len();
        let limit = u64::try_from(more).unwrap_or(u64::MAX);
        source.take(limit).read_to_end(into).map_err(FetchError::Unreadable)?;
        let new = &into[before..];
        self.hash.update(new);
        self.bytes += new.len() as u64;
        Ok(new.len() < more)
    }
}

/// Where the records begin: after some lines and the header.
fn header_end(text: &[u8], skip_lines: usize, delimiter: Option<u8>) -> Option<usize> {
    let line = |from: usize| text[from..].iter().position(|byte| *byte == b'\n').map(|end| from + end + 1);
    let mut start = (0..skip_lines).try_fold(0, |from, _| line(from))?;
    // Empty lines before the header are none.
    while let Some(end) = line(start).filter(|end| text[start..*end].trim_ascii().is_empty()) {
        start = end;
    }
    ends(&text[start..], delimiter).next().map(|end| start + end)
}

/// Where the last record ends that is whole; 0 where none is.
fn record_end(text: &[u8], delimiter: Option<u8>) -> usize {
    if !text.contains(&b'"') {
        return text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    }
    ends(text, delimiter).last().unwrap_or(0)
}

/// Where each record of a text ends that begins with a field. A quote opens where a field begins (RFC 4180).
fn ends(text: &[u8], delimiter: Option<u8>) -> impl Iterator<Item = usize> {
    let separates = move |byte: u8| match delimiter {
        Some(delimiter) => byte == delimiter,
        None => matches!(byte, b',' | b';' | b'\t' | b'|'),
    };
    let (mut quoted, mut at_start) = (false, true);
    text.iter().enumerate().filter_map(move |(place, byte)| {
        match (quoted, *byte) {
            // Two quotes within a field open it again at once.
            (true, b'"') => quoted = false,
            (false, b'"') if at_start || text[place - 1] == b'"' => quoted = true,
            _ => {}
        }
        at_start = !quoted && (separates(*byte) || *byte == b'\n');
        (!quoted && *byte == b'\n').then_some(place + 1)
    })
}

/// A file whose reader is told how far it has come.
struct Counted<F> {
    file: File,
    at: u64,
    read: F,
}

impl<F: FnMut(u64)> Read for Counted<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        self.at += count as u64;
        (self.read)(self.at);
        Ok(count)
    }
}

impl<F> Seek for Counted<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    /// A file's pieces as texts with their lines before.
    fn cut(bytes: &[u8], cut: Cut) -> Vec<(String, usize)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let mut all = Vec::new();
        let total = pieces::<FetchError>(
            file.path(),
            cut,
            |_| (),
            |piece| {
                all.push((String::from_utf8(piece.body).unwrap(), piece.lines_before));
                Ok(())
            },
        );
        total.unwrap();
        all
    }

    const CSV: Cut = Cut::Records { skip_lines: 0, delimiter: None };

    #[test]
    fn a_small_text_is_one_piece() {
        assert_eq!(cut(b"a,b\n1,2\n", CSV), [("a,b\n1,2\n".to_owned(), 0)]);
        assert_eq!(cut(b"a,b\n", CSV), [("a,b\n".to_owned(), 0)]);
        assert_eq!(cut(b"", CSV), [(String::new(), 0)]);
        assert_eq!(cut(b"{}", Cut::Whole), [("{}".to_owned(), 0)]);
    }

    #[test]
    fn a_header_is_said_again_before_each_piece() {
        let row = format!("2025-09,\"{}\nx\"\n", "y".repeat(1000));
        let text = format!("note, \"not closed\n\nperiod,\"two\nlines\"\n{}", row.repeat(2 * PIECE_BYTES / 1000));
        let all = cut(text.as_bytes(), Cut::Records { skip_lines: 1, delimiter: Some(b',') });
        assert!(all.len() >= 2, "{}", all.len());
        let head = "note, \"not closed\n\nperiod,\"two\nlines\"\n";
        let mut lines = 0;
        for (body, before) in &all {
            let records = body.strip_prefix(head).unwrap();
            assert!(records.starts_with("2025-09,") && records.ends_with("x\"\n"));
            assert_eq!(*before, lines);
            lines += records.matches('\n').count();
        }
        assert_eq!(lines, text.matches('\n').count() - 4);
    }

    #[test]
    fn packed_files_are_unpacked() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"a\n1\n").unwrap();
        let twice = gzip.finish().unwrap();
        assert_eq!(cut(&twice, CSV), [("a\n1\n".to_owned(), 0)]);
        let mut archive = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, text) in [("one.csv", "a\n1\n"), ("two/three.csv", "a\n2\n")] {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
        let bytes = archive.finish().unwrap().into_inner();
        assert_eq!(cut(&bytes, CSV), [("a\n1\n".to_owned(), 0), ("a\n2\n".to_owned(), 0)]);
        assert!(is_workbook(&[&[b'P', b'K', 3, 4][..], &[0; 26], b"xl/workbook.xml"].concat()));
    }

    #[test]
    fn a_record_without_an_end_is_refused() {
        let text = format!("a\n\"{}", "x".repeat(RECORD_BYTES_MAX + 2 * PIECE_BYTES));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let refused = pieces::<FetchError>(file.path(), CSV, |_| (), |_| Ok(()));
        assert!(matches!(refused, Err(FetchError::RecordTooLong { .. })), "{refused:?}");
        let broken = pieces::<FetchError>(Path::new("/"), CSV, |_| (), |_| Ok(()));
        assert!(matches!(broken, Err(FetchError::NotAFile { .. })));
    }

    proptest! {
        /// The ends that are found are those of the csv crate.
        #[test]
        fn records_end_where_the_csv_reader_ends_them(fields in proptest::collection::vec("[a\",\n]{0,4}", 1..20)) {
            let mut text = csv::Writer::from_writer(Vec::new());
            fields.chunks_exact(2).for_each(|pair| text.write_record(pair).unwrap());
            let text = text.into_inner().unwrap();
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&text[..]);
            let mut record = csv::ByteRecord::new();
            let mut expected = Vec::new();
            while reader.read_byte_record(&mut record).unwrap() {
                expected.push(usize::try_from(reader.position().byte()).unwrap());
            }
            prop_assert_eq!(ends(&text, Some(b',')).collect::<Vec<_>>(), expected);
        }
    }
}
