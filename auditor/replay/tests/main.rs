//! Histories that a cluster has made, and what becomes of them in other hands.

mod cluster;
mod commands;
mod recorded;
