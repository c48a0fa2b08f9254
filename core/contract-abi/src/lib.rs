//! What contracts and the engine agree on, as SCALE types and numbers.
//!
//! - [`extension`]: the functions of the *pink* chain extension, extension 0, and their limits
//! - [`http`], [`script`]: what these functions take and give
//! - [`event`]: side effects, which contracts ask for by an event of one well-known topic
//! - [`system`]: the system contract of a cluster, selector by selector
//!
//! The formats are those of the Phat contracts of 2022-2023, so that their binaries run.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

pub mod event;
pub mod extension;
pub mod http;
pub mod script;
pub mod system;

/// A contract, an account inside a cluster, or a hash: 32 bytes.
pub type Bytes32 = [u8; 32];
