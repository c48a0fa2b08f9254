//! The rim over real sockets.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bounds;
mod http;
mod server;
