//! HTTP out of a contract.

use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};

/// What to send.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub struct HttpRequest {
    /// Absolute, `http` or `https`.
    pub url: String,
    /// Such as `GET`.
    pub method: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; may be empty.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub struct HttpResponse {
    /// The status. 523 and 524 say that nothing was reached, or not in time.
    pub status_code: u16,
    /// The status in words.
    pub reason_phrase: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why a request has no response. The order is part of the interface: a batch that fails as a whole
/// returns the index plus one as its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub enum HttpError {
    /// The URL is none, or of another scheme.
    InvalidUrl,
    /// The method is none.
    InvalidMethod,
    /// A header's name is none.
    InvalidHeaderName,
    /// A header's value is none.
    InvalidHeaderValue,
    /// No client could be made.
    FailedToCreateClient,
    /// It took too long.
    Timeout,
    /// The address may not be reached from a contract, or requests are not allowed here.
    NotAllowed,
    /// More requests than one batch may have.
    TooManyRequests,
    /// The connection failed.
    NetworkError,
    /// The response is longer than allowed.
    ResponseTooLarge,
    /// The response has more headers than allowed.
    TooManyHeaders,
}

impl HttpError {
    /// All, by index.
    pub const ALL: [Self; 11] = [
        Self::InvalidUrl,
        Self::InvalidMethod,
        Self::InvalidHeaderName,
        Self::InvalidHeaderValue,
        Self::FailedToCreateClient,
        Self::Timeout,
        Self::NotAllowed,
        Self::TooManyRequests,
        Self::NetworkError,
        Self::ResponseTooLarge,
        Self::TooManyHeaders,
    ];

    /// The status of a batch that fails as a whole: index plus one.
    pub fn status(self) -> u32 {
        self as u32 + 1
    }

    /// The error of a status.
    pub fn from_status(status: u32) -> Option<Self> {
        let index = usize::try_from(status.checked_sub(1)?).ok()?;
        Self::ALL.get(index).copied()
    }
}

/// The status that stands for "nothing was reached", and for HTTP in a transaction.
pub const STATUS_UNREACHABLE: u16 = 523;
/// The status that stands for "it took too long".
pub const STATUS_TIMEOUT: u16 = 524;
