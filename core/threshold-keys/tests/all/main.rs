//! Threshold keys through their public API: many holders, on one seed.

mod dealing;
mod evaluation;
mod evidence;
mod formats;
mod network;
mod proof;
