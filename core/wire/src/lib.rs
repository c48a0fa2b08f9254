//! Everything that crosses a zone, as bytes.
//!
//! SCALE is the codec. Each type here is a promise: its layout is written down in `docs/protocol/`,
//! held by fixtures in `tests/`, and changed only by adding a version. Whatever is hashed or signed
//! goes through [`domain::tagged_hash`], whose labels are unique in the workspace and whose parts are
//! length-prefixed, so that no two meanings share bytes.
//!
//! This crate holds no key and does no I/O. Bytes that come from outside are decoded with
//! [`decode_all`], which refuses what is too long and what is left over.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

pub mod audit;
pub mod certificate;
pub mod command;
pub mod domain;
pub mod handover;
pub mod limits;
pub mod mailbox;
pub mod message;
pub mod query;
pub mod receipt;
pub mod record;
pub mod registration;
pub mod snapshot;

use codec::{Decode, DecodeLimit};

/// Why bytes from outside are not a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// More bytes than this kind of value may have.
    TooLong {
        /// The bound.
        bytes_max: u32,
    },
    /// Not an encoding of this kind of value.
    Malformed,
    /// A value, and then more.
    TrailingBytes,
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooLong { bytes_max } => write!(f, "longer than {bytes_max} bytes"),
            Self::Malformed => f.write_str("not a valid encoding"),
            Self::TrailingBytes => f.write_str("bytes are left over after the value"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// How deep a nested value may be.
const DEPTH_MAX: u32 = 16;

/// Decodes untrusted bytes: at most `bytes_max` of them, and all of them.
///
/// # Errors
/// See [`DecodeError`]. Never panics.
pub fn decode_all<T: Decode>(bytes: &[u8], bytes_max: u32) -> Result<T, DecodeError> {
    if bytes.len() > bytes_max as usize {
        return Err(DecodeError::TooLong { bytes_max });
    }
    let mut rest = bytes;
    let value =
        T::decode_with_depth_limit(DEPTH_MAX, &mut rest).map_err(|_| DecodeError::Malformed)?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(DecodeError::TrailingBytes)
    }
}
