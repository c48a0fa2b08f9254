//! What can be refused.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Why a step of the economy is refused. Nothing has changed then.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Error {
    /// A number leaves the bounds of [`bounds`](crate::bounds). With parameters that were validated
    /// this cannot happen.
    Overflow,
    /// A parameter lies outside its bounds.
    InvalidParameters,
    /// The score is below the least that may mine.
    ScoreTooLow,
    /// The stake is below the least for the worker's score.
    StakeTooLow,
    /// The worker's initial value would be above the largest.
    StakeTooHigh,
    /// The block, or the time, lies before what was already settled.
    InThePast,
    /// The reward index has not been brought to this block.
    IndexBehind,
    /// The worker is already off-line.
    Unresponsive,
    /// The amount is too small to be worth an entry.
    Dust,
    /// The pool has shares and no value.
    Bankrupt,
    /// The pool has no shares to reward.
    NoShares,
    /// More shares than there are.
    NotEnoughShares,
}

impl core::fmt::Display for Error {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(match self {
            Self::Overflow => "a number left its bounds",
            Self::InvalidParameters => "a parameter lies outside its bounds",
            Self::ScoreTooLow => "the worker's score is below the least that may mine",
            Self::StakeTooLow => "the stake is below the least for this score: add stake",
            Self::StakeTooHigh => "the worker's value would be above the largest: stake less",
            Self::InThePast => "this block or time was already settled",
            Self::IndexBehind => "the reward index must be advanced to this block first",
            Self::Unresponsive => "the worker is off-line already",
            Self::Dust => "the amount is too small",
            Self::Bankrupt => "the pool has lost all its value",
            Self::NoShares => "the pool has no shares",
            Self::NotEnoughShares => "there are fewer shares than that",
        })
    }
}

impl core::error::Error for Error {}
