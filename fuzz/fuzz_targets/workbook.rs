//! Any bytes as a workbook or as a page that links to one; the first says how they are read.
#![no_main]

use std::panic::{catch_unwind, set_hook};

// The engine's hook aborts at any panic, also at one that is caught: those of calamine are. What gets here is a
// broken promise.
libfuzzer_sys::fuzz_target!(init: set_hook(Box::new(|_| ())), |bytes: &[u8]| {
    if let Err(panic) = catch_unwind(|| supplywatch::internals::workbook(bytes)) {
        eprintln!("{:?}", panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied()));
        std::process::abort();
    }
});
