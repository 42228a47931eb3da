//! The lines in which everything that is stored is carried elsewhere.
//!
//! The first line is an [`Opening`], then of each table a [`Heading`] and its rows, each an array of JSON, and last an
//! [`Ending`]. Numbers, text and null are JSON's own; bytes are Base64. Nothing in them is a database's: another kind
//! of store reads and writes them, too.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

/// What the lines are; also how they are told from others.
pub const KIND: &str = "supplywatch export";
/// The number of their form.
pub const FORMAT: u32 = 1;
/// No line is longer, in bytes: a row holds a response that was kept at most.
const LINE_MAX: u64 = 256 << 20;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// [`KIND`].
    pub kind: String,
    /// [`FORMAT`].
    pub format: u32,
    /// The number of the schema whose tables follow.
    pub schema: i32,
    /// The name of the store that they are from.
    pub store: String,
    /// When they were written (RFC 3339).
    pub at: String,
    /// How many rows of each table follow.
    pub rows: BTreeMap<String, u64>,
    /// The last number that was given in each table that numbers its rows and gives none twice.
    pub numbers: BTreeMap<String, i64>,
}

/// What stands before the rows of a table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heading {
    /// Its name.
    pub table: String,
    /// The names of the columns, in the order in which the rows have them.
    pub columns: Vec<String>,
    /// Those that hold bytes.
    pub bytes: Vec<String>,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// How many rows there are in all.
    pub rows: u64,
    /// SHA-256 of all lines before this one, with their ends, in hex.
    pub sha256: String,
}

/// Where lines are written to.
pub enum Target<'a> {
    /// As they are.
    Plain(BufWriter<Box<dyn Write + 'a>>),
    /// Compressed.
    Packed(Box<GzEncoder<BufWriter<Box<dyn Write + 'a>>>>),
}

impl<'a> Target<'a> {
    /// To a file of that name, or another place.
    pub fn new(name: Option<&Path>, place: impl Write + 'a) -> Self {
        let place = BufWriter::with_capacity(1 << 16, Box::new(place) as Box<dyn Write + 'a>);
        if name.is_some_and(is_packed) {
            Self::Packed(Box::new(GzEncoder::new(place, Compression::default())))
        } else {
            Self::Plain(place)
        }
    }

    /// Writes some bytes.
    pub fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(place) => place.write_all(bytes),
            Self::Packed(place) => place.write_all(bytes),
        }
    }

    /// Writes what is outstanding.
    pub fn finish(self) -> std::io::Result<()> {
        match self {
            Self::Plain(mut place) => place.flush(),
            Self::Packed(place) => place.finish()?.flush(),
        }
    }
}

/// Opens lines to be read: those of a file, or of standard input.
pub fn source(from: Option<&Path>) -> std::io::Result<Box<dyn BufRead>> {
    let Some(path) = from else { return Ok(Box::new(BufReader::new(std::io::stdin()))) };
    let file = BufReader::with_capacity(1 << 16, File::open(path)?);
    Ok(if is_packed(path) { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) })
}

/// Reads the next line with its end; `false` where there is none. One without an end was cut off.
pub fn next_line(source: &mut dyn BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let read = source.take(LINE_MAX).read_until(b'\n', line)?;
    if read > 0 && line.last() != Some(&b'\n') {
        return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the line is cut off, or too long"));
    }
    Ok(read > 0)
}

fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}
