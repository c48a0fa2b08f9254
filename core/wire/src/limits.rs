//! What the contracts of one cluster may use, as its owner sets it.
//!
//! The limits are part of what a cluster's workers agree on: they change by a mailbox entry alone.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitives::bounds;
use scale_info::TypeInfo;

/// Limits of a cluster's contracts.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct ClusterLimits {
    /// Most memory of a contract, pages of 64 KiB.
    pub memory_pages: u32,
    /// Longest code, bytes of WebAssembly.
    pub code_bytes: u32,
    /// Longest time of a query, milliseconds, waiting for HTTP included.
    pub query_ms: u32,
    /// Most HTTP requests in one batch; they run at once.
    pub http_batch: u32,
    /// Longest body of an HTTP request or response, bytes.
    pub http_body_bytes: u32,
    /// Most bytes of a contract's cache on one worker, keys and values, before shares by weight.
    pub cache_bytes: u32,
    /// Most bytes of logs kept for a contract on one worker; the oldest go first.
    pub log_bytes: u32,
}

impl ClusterLimits {
    /// What a new cluster has.
    pub const DEFAULT: Self = Self {
        memory_pages: 256,
        code_bytes: 4 * 1024 * 1024,
        query_ms: 10_000,
        http_batch: 16,
        http_body_bytes: 4 * 1024 * 1024,
        cache_bytes: 20 * 1024 * 1024,
        log_bytes: 1024 * 1024,
    };

    /// The most that a cluster's owner may set; each worker can give this much.
    pub const MAX: Self = Self {
        memory_pages: bounds::MEMORY_PAGES_MAX,
        code_bytes: bounds::CODE_BYTES_MAX,
        query_ms: 120_000,
        http_batch: 64,
        http_body_bytes: 16 * 1024 * 1024,
        cache_bytes: 64 * 1024 * 1024,
        log_bytes: 16 * 1024 * 1024,
    };

    /// The least: enough for the contracts of the original network.
    pub const MIN: Self = Self {
        memory_pages: 16,
        code_bytes: 64 * 1024,
        query_ms: 100,
        http_batch: 1,
        http_body_bytes: 16 * 1024,
        cache_bytes: 0,
        log_bytes: 0,
    };

    /// Whether each limit is between [`Self::MIN`] and [`Self::MAX`].
    pub fn is_valid(&self) -> bool {
        let values = |limits: &Self| {
            [
                limits.memory_pages,
                limits.code_bytes,
                limits.query_ms,
                limits.http_batch,
                limits.http_body_bytes,
                limits.cache_bytes,
                limits.log_bytes,
            ]
        };
        let (min, max) = (values(&Self::MIN), values(&Self::MAX));
        let within = |(value, (min, max)): (&u32, (&u32, &u32))| min <= value && value <= max;
        values(self).iter().zip(min.iter().zip(&max)).all(within)
    }
}

impl Default for ClusterLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_outside_of_the_bounds_are_seen() {
        for limits in [
            ClusterLimits::DEFAULT,
            ClusterLimits::MIN,
            ClusterLimits::MAX,
        ] {
            assert!(limits.is_valid());
        }
        let with = |change: fn(&mut ClusterLimits)| {
            let mut limits = ClusterLimits::DEFAULT;
            change(&mut limits);
            limits
        };
        assert!(!with(|limits| limits.memory_pages = 15).is_valid());
        assert!(!with(|limits| limits.code_bytes = u32::MAX).is_valid());
        assert!(!with(|limits| limits.log_bytes = u32::MAX).is_valid());
    }
}
