//! `kind = "feed"`: RSS or Atom.

use super::{Basis, Kind, Meaning};
use crate::config::resolve::feed::target;
use crate::feed::Request;
use crate::feed::publisher::feed::Syndication;

/// The kind.
pub const KIND: Kind = Kind {
    name: "feed",
    keys: &["path"],
    meaning: Meaning::Items,
    resolve: |cx, Basis { table, common, .. }| {
        let request = Request::new(target(cx, table)?);
        Some(Box::new(Syndication { request, common }))
    },
};
