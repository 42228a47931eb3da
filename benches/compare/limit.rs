//! The limit: the four rules written by hand for just these rules, in the layout that suits them best.
//!
//! `declines >= 2`, `change(1) < -20%`, `yoy < -25%`, `zscore(24) < -2`. Sixteen series lie side by side,
//! the months that the rules read one behind another, so that one stream runs through memory and all sums
//! stay in registers. Missing is NaN; no comparison holds on it. A general program cannot be faster than
//! this; how near it comes is what is measured.

/// Series side by side.
const SIDE: usize = 16;
/// Months that the rules read: the latest and the 24 before it.
const READ: usize = 25;
/// Months of the z-score's window.
const WINDOW: f64 = 24.0;

/// The last months of all series, tile by tile.
pub struct Recent(Vec<[f64; SIDE]>);

impl Recent {
    /// Lays out the last months of a matrix of one series after another.
    pub fn new(matrix: &[f64], months: usize) -> Self {
        Self(tiled(matrix, months, months - READ..months))
    }

    /// One byte for each series: bit 0 to 3 for the four rules.
    pub fn judge(&self, out: &mut Vec<[u8; SIDE]>) {
        out.clear();
        out.extend(self.0.chunks_exact(READ).map(judge_tile));
    }
}

fn judge_tile(tile: &[[f64; SIDE]]) -> [u8; SIDE] {
    let (now, before, earlier, year) = (&tile[24], &tile[23], &tile[22], &tile[12]);
    let (mut sum, mut squares) = ([0.0; SIDE], [0.0; SIDE]);
    // Shifted by the newest figure, so that one pass keeps its precision.
    for month in &tile[..24] {
        for lane in 0..SIDE {
            let off = month[lane] - now[lane];
            sum[lane] += off;
            squares[lane] += off * off;
        }
    }
    std::array::from_fn(|lane| {
        let mean = sum[lane] / WINDOW;
        let variance = (squares[lane] - sum[lane] * mean) / (WINDOW - 1.0);
        let falls = (now[lane] < before[lane]) & (before[lane] < earlier[lane]);
        let drops = now[lane] / before[lane] - 1.0 < -0.20 - 1e-12;
        let yearly = now[lane] / year[lane] - 1.0 < -0.25 - 1e-12;
        let low = -mean / variance.sqrt() < -2.0 - 2e-12;
        u8::from(falls) | u8::from(drops) << 1 | u8::from(yearly) << 2 | u8::from(low) << 3
    })
}

/// All months of all series, tile by tile.
pub struct Whole {
    tiles: Vec<[f64; SIDE]>,
    months: usize,
}

impl Whole {
    /// Lays out a matrix of one series after another.
    pub fn new(matrix: &[f64], months: usize) -> Self {
        Self { tiles: tiled(matrix, months, 0..months), months }
    }

    /// How many series fire, by month and rule. The window slides: what enters is added, what leaves is
    /// taken off; nothing is divided.
    pub fn slide(&self) -> Vec<[u64; 4]> {
        let mut fired = vec![[0; 4]; self.months];
        for tile in self.tiles.chunks_exact(self.months) {
            slide_tile(tile, &mut fired);
        }
        fired
    }
}

const NOTHING: [f64; SIDE] = [f64::NAN; SIDE];

/// The sums of a sliding window, off a figure of the series itself, with how many figures there are.
struct Sums {
    shift: [f64; SIDE],
    count: [f64; SIDE],
    sum: [f64; SIDE],
    squares: [f64; SIDE],
}

impl Sums {
    #[inline(always)]
    fn put(&mut self, month: &[f64; SIDE], sign: f64) {
        for (lane, figure) in month.iter().enumerate() {
            let off = figure - self.shift[lane];
            let known = !off.is_nan();
            let off = if known { off } else { 0.0 };
            self.count[lane] += if known { sign } else { 0.0 };
            self.sum[lane] += sign * off;
            self.squares[lane] += sign * off * off;
        }
    }
}

fn slide_tile(tile: &[[f64; SIDE]], fired: &mut [[u64; 4]]) {
    let shift = std::array::from_fn(|lane| tile.iter().map(|month| month[lane]).find(|x| !x.is_nan()).unwrap_or(0.0));
    let mut sums = Sums { shift, count: [0.0; SIDE], sum: [0.0; SIDE], squares: [0.0; SIDE] };
    for (at, (now, fired)) in tile.iter().zip(fired).enumerate() {
        let back = |n: usize| at.checked_sub(n).map_or(&NOTHING, |at| &tile[at]);
        let (before, earlier, year) = (back(1), back(2), back(12));
        let mut bytes = [[0_u8; SIDE]; 4];
        for lane in 0..SIDE {
            let x = now[lane] - shift[lane];
            let off = WINDOW * x - sums.sum[lane];
            let spread = WINDOW * sums.squares[lane] - sums.sum[lane] * sums.sum[lane];
            // z < −2, multiplied out: z² = off²·(n − 1) / (n·spread).
            let low = (sums.count[lane] == WINDOW) & (off < 0.0) & (off * off * (WINDOW - 1.0) > 4.0 * WINDOW * spread);
            bytes[0][lane] = u8::from((now[lane] < before[lane]) & (before[lane] < earlier[lane]));
            bytes[1][lane] = u8::from(now[lane] < (0.80 - 1e-12) * before[lane]);
            bytes[2][lane] = u8::from(now[lane] < (0.75 - 1e-12) * year[lane]);
            bytes[3][lane] = u8::from(low);
        }
        for (fired, bytes) in fired.iter_mut().zip(bytes) {
            *fired += u64::from(bytes.iter().sum::<u8>());
        }
        sums.put(now, 1.0);
        sums.put(back(24), -1.0);
    }
}

/// The lanes of some months of a matrix; the last tile is filled up with nothing.
fn tiled(matrix: &[f64], months: usize, read: std::ops::Range<usize>) -> Vec<[f64; SIDE]> {
    let series = matrix.len() / months;
    let mut tiles = Vec::with_capacity(series.div_ceil(SIDE) * read.len());
    for first in (0..series).step_by(SIDE) {
        for month in read.clone() {
            tiles.push(std::array::from_fn(|lane| {
                matrix.get((first + lane) * months + month).copied().unwrap_or(f64::NAN)
            }));
        }
    }
    tiles
}
