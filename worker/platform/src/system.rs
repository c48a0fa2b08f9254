//! Entropy and clock of the operating system; in a TEE, the kernel inside it.

use primitives::UnixMillis;
use std::time::{SystemTime, UNIX_EPOCH};

/// The operating system gave no entropy; the process must not make keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no entropy ({0}); do not start without")]
pub struct EntropyError(pub(crate) String);

pub(crate) fn fill_random(out: &mut [u8]) -> Result<(), EntropyError> {
    getrandom::fill(out).map_err(|error| EntropyError(error.to_string()))
}

pub(crate) fn unix_millis() -> UnixMillis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    since.as_millis().try_into().unwrap_or(UnixMillis::MAX)
}
