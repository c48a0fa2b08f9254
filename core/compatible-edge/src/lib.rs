//! What clients of the original network send and expect, as bytes and as cryptography: the published
//! `@phala/sdk` talks to a worker through this.
//!
//! # What is here
//!
//! * [`method`] and [`prpc`]: the methods of the worker's HTTP interface, and their messages as protobuf
//!   and as JSON.
//! * [`query`]: what is sealed inside them.
//! * [`certificate`]: who asks, by a chain of signatures over block-bounded certificates.
//! * [`envelope`]: opening a query and sealing its answer (version 0 of the envelope).
//! * [`result`](mod@result): what became of an execution, in the encoding of pallet-contracts.
//!
//! A worker turns an opened query into one of protocol v1 and runs it like any other; nothing behind
//! this crate knows where a query came from. `docs/protocol/compatible-edge.md` has the bytes.
//!
//! # Threats
//!
//! This protocol is weaker than v1, and cannot be mended without breaking its clients:
//!
//! * the worker's signing key is its key of agreement too; clients insist on it;
//! * what is agreed on is an AES key as it is, without derivation, and nothing is authenticated beside the
//!   ciphertext: neither network nor worker nor purpose;
//! * a query has no expiry, so that a recorded one may be sent again once the worker has forgotten it;
//! * a certificate names a last block, not a network: it holds on every network that knows the account;
//! * lengths of answers are not hidden.
//!
//! Therefore it is a crate of its own, its contract keys have labels of their own
//! (`wire::domain::CONTRACT_KEY`), and a worker's operator and a cluster's owner can switch it off.
//!
//! # Limits
//!
//! See the constants of [`method`], [`prpc`] and [`certificate`]. Every parser refuses what is longer before it
//! decodes, and what is left over.

#![deny(missing_docs)]

pub mod certificate;
mod ecdsa;
pub mod envelope;
pub mod method;
pub mod prpc;
pub mod query;
pub mod result;
