//! What `docs/WEB.md` says is so.

use crate::base::limits::{
    CONNECTIONS_MAX, HEADER_BYTES_MAX, HEADER_FIELDS_MAX, HEADER_WAIT, REQUEST_BYTES_MAX, REQUEST_TIME_MAX,
    WATCHERS_MAX,
};

const PAGE: &str = include_str!("../../../docs/WEB.md");

#[test]
fn the_limits_on_the_page_are_the_programs() {
    let kib = |bytes: usize| format!("{} KiB", bytes / 1024);
    for (what, limit) in [
        ("connections at a time", CONNECTIONS_MAX.to_string()),
        ("pages at a time that take in changes", WATCHERS_MAX.to_string()),
        (
            "the header of a request",
            format!("{}, {HEADER_FIELDS_MAX} fields, within {} s", kib(HEADER_BYTES_MAX), HEADER_WAIT.as_secs()),
        ),
        ("the body of a request", kib(REQUEST_BYTES_MAX)),
        ("a request, with its answer", format!("{} s", REQUEST_TIME_MAX.as_secs())),
    ] {
        let row = format!("| {what} | {limit} |\n");
        assert!(PAGE.contains(&row), "the page lacks {row}");
    }
}
