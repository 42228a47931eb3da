//! The library behind the `supplywatch` binary; `docs/ARCHITECTURE.md` tells its story.

mod base;
mod period;
mod series;
