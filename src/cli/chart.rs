//! Charts that a verb writes into a file or shows on a terminal.
//!
//! What they look like is not known here.

use std::path::{Path, PathBuf};

use super::{Exit, FAILED, USAGE, say};
use crate::base::limits::CHARTS_MAX;
use crate::base::text::printable;
use crate::chart::{Chart, sheet_png, sheet_svg};
use crate::notify::console::columns;

/// The width of a terminal that does not say it, or of a file.
const WIDTH: usize = 96;
/// The width of a picture, in pixels.
const PICTURE_WIDTH: u32 = 800;
/// Dots to a pixel in PNG, so that it is sharp on a good screen and in print.
const DENSITY: u8 = 2;

/// The file into which charts are to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    path: PathBuf,
    kind: Kind,
}

/// What the file's name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Svg,
    Png,
}

impl Picture {
    /// Reads the command line's `FILE.svg` or `FILE.png`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        let kind = match extension.as_deref() {
            Some("svg") => Kind::Svg,
            Some("png") => Kind::Png,
            Some(_) | None => return Err("expected a file whose name ends in .svg or .png".to_owned()),
        };
        Ok(Self { path, kind })
    }

    /// Refuses what one picture has no room for.
    pub fn holds(&self, charts: usize) -> anyhow::Result<()> {
        if charts <= CHARTS_MAX {
            return Ok(());
        }
        say(&format!(
            "error: --chart: one picture has room for {CHARTS_MAX} series, and these are {charts}: name fewer, as in \
             `backtest RULE partner=US --chart {}`",
            shown(&self.path)
        ));
        Err(Exit(USAGE).into())
    }

    /// Writes the charts, one below the other, over what the file held before.
    pub fn write(&self, charts: &[Chart]) -> anyhow::Result<()> {
        let bytes = match self.kind {
            Kind::Svg => sheet_svg(charts, PICTURE_WIDTH).into_bytes(),
            Kind::Png => sheet_png(charts, PICTURE_WIDTH, DENSITY),
        };
        match std::fs::write(&self.path, bytes) {
            Ok(()) => {
                say(&format!("chart: {}", shown(&self.path)));
                Ok(())
            }
            Err(error) => {
                say(&format!("error: --chart {}: it cannot be written: {error}", shown(&self.path)));
                Err(Exit(FAILED).into())
            }
        }
    }
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// Whether results go to a terminal.
pub fn is_terminal() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stdout())
}

/// How many characters a line of results has room for.
pub fn width() -> usize {
    columns().unwrap_or(WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_name_says_what_it_is() {
        let kind = |text: &str| Picture::parse(text).map(|picture| picture.kind);
        assert_eq!((kind("a/b.svg"), kind("B.PNG")), (Ok(Kind::Svg), Ok(Kind::Png)));
        for other in ["a.pdf", "svg", ".svg", ""] {
            assert!(kind(other).unwrap_err().contains(".svg or .png"), "{other}");
        }
    }
}
