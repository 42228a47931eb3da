//! One file per format: from bytes to a table, a pure function each.
