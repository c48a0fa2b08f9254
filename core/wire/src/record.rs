//! Recorded queries: an answer with everything it depends on that neither state nor question says.

use crate::query::QueryOutput;
use alloc::vec::Vec;
use codec::{Decode, Encode};
use primitives::UnixMillis;

/// Longest log of host calls, bytes.
pub const HOST_LOG_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most host calls in a log.
pub const HOST_CALLS_MAX: usize = 16 * 1024;

/// An answer that was recorded. A receipt over it vouches for the log too.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Recorded {
    /// What the contract answered.
    pub output: QueryOutput,
    /// Mailbox entries run to reach the state that was read.
    pub next_number: u64,
    /// Timestamp of the final block whose state was read: the time that the contract saw.
    pub block_timestamp_ms: UnixMillis,
    /// What the worker answered the contract, call by call: SCALE of `executor_api::HostLog`.
    pub log: Vec<u8>,
}
