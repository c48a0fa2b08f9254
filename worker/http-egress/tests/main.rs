//! HTTP out of contracts, against peers on loopback: good ones, and every bad one that was thought of.

mod filter;
mod hostile;
mod limits;
mod messages;
mod redirects;
mod support;
mod tls;
