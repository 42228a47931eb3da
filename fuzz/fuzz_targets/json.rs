//! Any bytes as a JSON feed; the first says how it is read.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| supplywatch::internals::json(bytes));
