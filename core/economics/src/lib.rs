//! The mathematics of Secure Worker Mining, of its budget, and of the pools that stake for workers.
//!
//! Workers put up stake, prove that they are on line, and share a budget. How much each gets
//! depends on its *value* V, which begins at Ve, grows with every block on line, shrinks with every
//! payment and with every block off line, and on its *performance* p. `docs/economy/mathematics.md`
//! has the formulas, units, parameters and measured differences.
//!
//! Everything is a pure function of numbers: no clock, no storage, no allocation, no floating
//! point. A worker's state is brought forward over any number of blocks at once, so that an event
//! costs the same with one worker and with a hundred thousand, and silence costs nothing:
//!
//! - [`RewardIndex`] is the network's state, [`Session`] a worker's;
//! - [`Schedule`] says what may be spent;
//! - [`pool`] and [`queue`] divide what a pool owns among who staked into it;
//! - `reference`, behind the feature of that name, is the published algorithm that visits every
//!   worker in every block. Tests compare the two.
//!
//! ```
//! use economics::{Confidence, Fixed, Heartbeat, Outcome, Parameters, RewardIndex, Session, Start};
//!
//! # fn main() -> Result<(), economics::Error> {
//! let parameters = Parameters::GENESIS;
//! let budget = Fixed::from_int(100);
//! let mut index = RewardIndex::new(1);
//!
//! index.advance(2, budget)?;
//! let start = Start { stake: 2_500 * primitives::units::PHA, score: 100, confidence: Confidence::One, now: 24_000 };
//! let mut session = Session::start(&mut index, &parameters, 2, start)?;
//!
//! // Nothing happens for a day. Then the worker answers a challenge.
//! index.advance(7_204, budget.saturating_mul_int(7_202))?;
//! let heartbeat = Heartbeat { now: 86_448_000, challenged: 86_436_000, iterations: 1_440_000, contract_running: false };
//! let Outcome::Paid(payment) = session.heartbeat(&mut index, &parameters, 7_204, &heartbeat)? else {
//!     unreachable!("it was on line");
//! };
//! // It is alone, so it has earned the whole budget, but for the rounding.
//! let budget = 720_200 * primitives::units::PHA;
//! assert!(budget - (payment.worker + payment.treasury) < 1_000_000);
//! # Ok(())
//! # }
//! ```

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

pub mod bounds;
mod budget;
mod challenge;
mod error;
mod formulas;
mod index;
mod number;
mod parameters;
pub mod pool;
pub mod queue;
#[cfg(feature = "reference")]
pub mod reference;
mod session;
mod slashing;

pub use budget::{Schedule, split_by_share};
pub use challenge::{challenge_interval, challenge_target, challenges_per_block};
pub use error::Error;
pub use formulas::{
    Confidence, Growth, Heartbeat, Performance, benchmark_score, decay, effective_re, grow,
    initial_value, rig_cost, share,
};
pub use index::{IndexEntry, RewardIndex};
pub use number::{Fixed, Permill, Rounding, mul_div};
pub use parameters::Parameters;
pub use session::{Outcome, Payment, Session, Start};
pub use slashing::{Fault, StakeReturn};
