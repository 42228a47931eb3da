//! Any bytes as a CSV feed; the first says how it is read.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| supplywatch::internals::csv(bytes));
