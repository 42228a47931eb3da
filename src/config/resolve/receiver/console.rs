//! `kind = "console"`.

use super::Kind;
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::{Context, value};
use crate::notify::Channel;
use crate::notify::console::Console;

pub const KIND: Kind = Kind {
    name: "console",
    keys: &["color"],
    rate: None,
    resolve: |cx, table| Some(Channel::Console(console(cx, table))),
};

fn console(cx: Context<'_>, table: &ReceiverTable) -> Console {
    let choices = [("auto", true), ("true", true), ("never", false), ("false", false)];
    let colour = table.color.as_ref().and_then(|at| value::choice(cx, "color", at, &choices));
    Console { colour: colour.unwrap_or(true) }
}
