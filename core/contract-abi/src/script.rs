//! JavaScript in contracts.

use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub enum JsCode {
    /// Source text.
    Source(String),
    /// QuickJS bytecode. Refused: a forged one breaks out of the interpreter.
    Bytecode(Vec<u8>),
}

/// What a program ended with.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub enum JsValue {
    /// `undefined`.
    Undefined,
    /// `null`.
    Null,
    /// A string.
    String(String),
    /// A `Uint8Array` or an `ArrayBuffer`.
    Bytes(Vec<u8>),
    /// Anything else, as text: JSON where there is one.
    Other(String),
    /// It threw this, or could not be run for this reason.
    Exception(String),
}
