//! HTTP out of contracts, against peers on loopback: good ones, and every bad one that was thought of.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod filter;
mod hostile;
mod limits;
mod messages;
mod redirects;
mod support;
mod tls;
