//! The bounds inside which nothing overflows, and why.
//!
//! [`Parameters::validate`](crate::Parameters::validate),
//! [`Schedule::validate`](crate::Schedule::validate), [`Session::start`](crate::Session::start) and
//! the index, which counts its workers, enforce them. Beyond them arithmetic is still checked: a
//! step then fails with [`Error::Overflow`](crate::Error::Overflow) and changes nothing.
//!
//! - A worker's share is `√(V² + (2p)²)` with `V ≤ 2^24` and `2p ≤ 2 · 1.2 · 2^20`, so below
//!   `2^25`, and its square below `2^50`.
//! - Its slope is at most its growth in a block, `1.2 · (2^24 · 2^-14 + 2^10) < 2^12`.
//! - All shares together are below `2^45` and all slopes below `2^32`, so after `2^31` silent
//!   blocks the sum is below `2^45 + 2^63 < 2^64`.
//! - The index pays at most 1 PHA per unit of share and block, so it grows by at most `2^31` in
//!   `2^31` blocks, and by at most `2^62` weighted with the block. It is kept modulo `2^64`; only
//!   its differences are used.
//! - A worker earns at most what all earn: `2^20 · 2^31 = 2^51` PHA.

/// Most workers that mine on one network.
pub const WORKERS_MAX: u64 = 1 << 20;
/// Largest value of a worker that parameters may allow, PHA.
pub const VALUE_MAX: u64 = 1 << 24;
/// Largest benchmark score.
pub const SCORE_MAX: u32 = 1 << 20;
/// Largest growth of a value in one block is one part of this many.
pub const GROWTH_PARTS: u64 = 1 << 14;
/// Largest cost that a worker is credited in one block, PHA.
pub const COST_MAX: u64 = 1 << 10;
/// Largest budget of a block, PHA.
pub const BUDGET_MAX: u64 = 1 << 20;
/// Most blocks between two settlements. The last block that there can be is 2^32 − 2.
pub const BLOCKS_MAX: u32 = 1 << 31;

const GROWTH_MAX: u64 = 2 * (VALUE_MAX / GROWTH_PARTS + COST_MAX);
const SHARE_MAX: u64 = 2 * VALUE_MAX;

const _: () = assert!(VALUE_MAX >= 4 * SCORE_MAX as u64);
const _: () = assert!(SHARE_MAX as u128 * SHARE_MAX as u128 <= u64::MAX as u128);
const _: () = assert!(
    WORKERS_MAX as u128 * (SHARE_MAX as u128 + GROWTH_MAX as u128 * BLOCKS_MAX as u128) < 1 << 64
);
const _: () = assert!((BUDGET_MAX as u128 * BLOCKS_MAX as u128) < 1 << 64);
