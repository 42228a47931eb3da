//! Any bytes as an answer of an office of trade; the first says whose, and to which question.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| supplywatch::internals::trade(bytes));
