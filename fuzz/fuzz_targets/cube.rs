//! Any bytes as a table of SDMX or JSON-stat; the first says which.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| supplywatch::internals::cube(bytes));
