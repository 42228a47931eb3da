//! Any bytes as a file or an answer of a customs office; the first says whose.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| supplywatch::internals::customs(bytes));
