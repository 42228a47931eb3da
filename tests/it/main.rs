//! The program as its users meet it: the built binary in a directory of its own, against publishers and
//! receivers on loopback, and the files that are shipped with it.
//!
//! What a pure function can show is shown beside that function; here is what only the whole can show.

#[cfg(test)]
mod asking;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod census;
#[cfg(test)]
mod codes;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod comtrade;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod daemon;
#[cfg(test)]
mod delivering;
#[cfg(test)]
mod documented;
#[cfg(test)]
mod eurostat;
#[cfg(test)]
mod feeds;
#[cfg(test)]
mod fetching;
#[cfg(test)]
mod first_config;
#[cfg(test)]
mod five_minutes;
#[cfg(test)]
mod fred;
#[cfg(test)]
mod gacc;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod hook;
#[cfg(test)]
mod http;
#[cfg(test)]
mod importing;
#[cfg(test)]
mod inbox;
#[cfg(test)]
mod items;
#[cfg(test)]
mod japan;
#[cfg(test)]
mod korea;
#[cfg(test)]
mod live;
#[cfg(test)]
mod looking;
#[cfg(test)]
mod markdown;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod moving;
#[cfg(test)]
mod packaging;
#[cfg(test)]
mod probing;
#[cfg(test)]
mod publisher;
#[cfg(test)]
mod quiet;
#[cfg(test)]
mod receiving;
#[cfg(test)]
mod replicas;
#[cfg(test)]
mod routing;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod scaling;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod sdmx;
#[cfg(test)]
mod server;
#[cfg(test)]
mod services;
#[cfg(test)]
mod shipped;
#[cfg(test)]
mod smtp;
#[cfg(test)]
mod source;
#[cfg(test)]
mod telling;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod together;
#[cfg(test)]
mod trying;
#[cfg(test)]
mod upgrading;
#[cfg(test)]
mod upkeep;
#[cfg(test)]
mod workbook;
#[cfg(test)]
mod worldbank;
