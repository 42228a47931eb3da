//! Any bytes as a feed of items; the first says of which kind.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| supplywatch::internals::items(bytes));
