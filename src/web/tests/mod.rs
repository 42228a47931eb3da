//! The server as a whole, asked without a network.

mod door;
mod figures;
mod told;
