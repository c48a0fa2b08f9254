//! A worker's session, from its start to its stop, in events.
//!
//! ```text
//! start ──► on line ──heartbeat──► on line (paid)
//!             │  ▲
//!       go_offline │ heartbeat (not paid)
//!             ▼  │
//!           off line                     stop: from either, ends the session
//! ```
//!
//! Between events nothing is stored and nothing runs: a worker on line grows and earns, a worker off line
//! shrinks. Order inside a block is that of the published algorithm: the first block grows, the block of a
//! heartbeat does not, the block in which a worker is found off line already shrinks. A block divides
//! its budget among who was on line at its start.
//!
//! What a worker has earned since its last heartbeat is lost to it when it goes off line or stops.
//! What is lost is not spent on others.
//!
//! An event needs the [`RewardIndex`] at its block. When a vote changes the parameters, a worker's blocks since
//! its last event are settled with the new ones.

use crate::formulas::{self, growth_step};
use crate::slashing::return_stake;
use crate::{
    Confidence, Error, Fault, Fixed, Growth, Heartbeat, IndexEntry, Parameters, Performance,
    RewardIndex, Rounding, StakeReturn, mul_div,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitives::{Balance, BlockNumber, UnixMillis};
use scale_info::TypeInfo;

/// With what a session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The stake.
    pub stake: Balance,
    /// Score of the benchmark.
    pub score: u32,
    /// Level of the evidence.
    pub confidence: Confidence,
    /// Time of the block.
    pub now: UnixMillis,
}

/// A worker that mines.
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
pub struct Session {
    stake: Balance,
    ve: Fixed,
    v: Fixed,
    /// Growth since the last payment: the most that the next one takes off `v`.
    deductible: Fixed,
    /// What slashing has taken off `v`.
    lost: Fixed,
    performance: Performance,
    confidence: Confidence,
    /// The last block that `v` reflects.
    settled: BlockNumber,
    /// Its part of the rewards; none while it is off line.
    entry: Option<IndexEntry>,
}

/// What is paid from the subsidy pool.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Payment {
    /// To the worker's pool.
    pub worker: Balance,
    /// To the treasury.
    pub treasury: Balance,
}

/// What a heartbeat does.
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
pub enum Outcome {
    /// The worker was on line and is paid for the time since its last event.
    Paid(Payment),
    /// The worker was off line and is back.
    Recovered,
}

impl Session {
    /// A worker starts in a block.
    ///
    /// # Errors
    /// Those of [`initial_value`](crate::initial_value), and of the index.
    pub fn start(
        index: &mut RewardIndex,
        parameters: &Parameters,
        block: BlockNumber,
        start: Start,
    ) -> Result<Self, Error> {
        at_block(index, block)?;
        let stake = Fixed::from_balance(start.stake)?;
        let ve = formulas::initial_value(parameters, stake, start.score, start.confidence)?;
        let mut session = Self {
            stake: start.stake,
            ve,
            v: ve,
            deductible: Fixed::ZERO,
            lost: Fixed::ZERO,
            performance: Performance::new(start.score, start.now),
            confidence: start.confidence,
            // The first block grows already.
            settled: block.checked_sub(1).ok_or(Error::InThePast)?,
            entry: None,
        };
        session.enter(index, parameters)?;
        Ok(session)
    }

    /// The worker has answered a challenge.
    ///
    /// # Errors
    /// [`Error::InThePast`] for a block already settled, [`Error::IndexBehind`].
    pub fn heartbeat(
        &mut self,
        index: &mut RewardIndex,
        parameters: &Parameters,
        block: BlockNumber,
        heartbeat: &Heartbeat,
    ) -> Result<Outcome, Error> {
        self.event(index, block, |next, index| {
            let silent = next.settle_before(parameters, block)?;
            next.performance.measure(heartbeat);
            let outcome = match next.entry.take() {
                None => Outcome::Recovered,
                Some(entry) => {
                    let earned = index.remove(&entry)?;
                    // Who computed nothing in all that time has not grown, and is not paid.
                    let idle = silent > 0 && next.deductible == Fixed::ZERO;
                    let earned = if idle { Fixed::ZERO } else { earned };
                    let payment = Payment::of(earned, parameters);
                    let paid = Fixed::from_balance(payment.worker)?;
                    next.v = next.v.saturating_sub(next.deductible.min(paid));
                    Outcome::Paid(payment)
                }
            };
            next.deductible = Fixed::ZERO;
            next.settled = block;
            next.enter(index, parameters)?;
            Ok(outcome)
        })
    }

    /// The worker has left a challenge unanswered for longer than the window.
    ///
    /// # Errors
    /// [`Error::Unresponsive`] when it is off line already; those of [`heartbeat`](Self::heartbeat).
    pub fn go_offline(
        &mut self,
        index: &mut RewardIndex,
        parameters: &Parameters,
        block: BlockNumber,
    ) -> Result<(), Error> {
        self.event(index, block, |next, index| {
            next.settle_before(parameters, block)?;
            let entry = next.entry.take().ok_or(Error::Unresponsive)?;
            index.remove(&entry)?;
            next.deductible = Fixed::ZERO;
            // This block is the first that shrinks.
            Ok(())
        })
    }

    /// A fault was proven. Value, initial value and stake shrink alike, so that the stop does not count it
    /// again; what the worker has earned since its last heartbeat is lost. Returns what to take
    /// from the pool's stake.
    ///
    /// # Errors
    /// Those of [`heartbeat`](Self::heartbeat).
    pub fn punish(
        &mut self,
        index: &mut RewardIndex,
        parameters: &Parameters,
        block: BlockNumber,
        fault: Fault,
    ) -> Result<Balance, Error> {
        self.event(index, block, |next, index| {
            next.settle_before(parameters, block)?;
            let entry = next.entry.take();
            if let Some(entry) = &entry {
                index.remove(entry)?;
            }
            let kept = |amount: u128| {
                let (parts, all) = (fault.part().parts(), crate::Permill::ONE.parts());
                mul_div(amount, (all - parts).into(), all.into(), Rounding::Down).unwrap_or(0)
            };
            for value in [&mut next.ve, &mut next.v, &mut next.lost] {
                *value = Fixed::from_bits(kept(value.to_bits()));
            }
            next.deductible = Fixed::ZERO;
            let taken = next.stake - kept(next.stake);
            next.stake -= taken;
            next.settled = block;
            if entry.is_some() {
                next.enter(index, parameters)?;
            }
            Ok(taken)
        })
    }

    /// The session ends. Returns what becomes of the stake.
    ///
    /// # Errors
    /// Those of [`heartbeat`](Self::heartbeat).
    pub fn stop(
        mut self,
        index: &mut RewardIndex,
        parameters: &Parameters,
        block: BlockNumber,
    ) -> Result<StakeReturn, Error> {
        self.event(index, block, |last, index| {
            last.settle_before(parameters, block)?;
            if let Some(entry) = last.entry.take() {
                index.remove(&entry)?;
            }
            return_stake(last.stake, last.ve, last.v, last.lost, parameters.kappa)
        })
    }

    /// The worker's evidence has been renewed; its level counts from the next heartbeat on.
    pub const fn attested(&mut self, confidence: Confidence) {
        self.confidence = confidence;
    }

    /// Whether it is on line.
    pub const fn is_online(&self) -> bool {
        self.entry.is_some()
    }

    /// The stake that is left.
    pub const fn stake(&self) -> Balance {
        self.stake
    }

    /// Ve, with which it began, PHA.
    pub const fn initial_value(&self) -> Fixed {
        self.ve
    }

    /// Its performance.
    pub const fn performance(&self) -> &Performance {
        &self.performance
    }

    /// V after a block without events, PHA; at its last event for an earlier block.
    pub fn value_after(&self, parameters: &Parameters, block: BlockNumber) -> Fixed {
        self.moved(parameters, block.saturating_sub(self.settled)).v
    }

    /// What a heartbeat in the index's block would be paid.
    ///
    /// # Errors
    /// [`Error::Overflow`] beyond [`bounds`](crate::bounds).
    pub fn unpaid(&self, index: &RewardIndex, parameters: &Parameters) -> Result<Payment, Error> {
        match &self.entry {
            Some(entry) => Ok(Payment::of(index.earned(entry)?, parameters)),
            None => Ok(Payment::default()),
        }
    }

    /// Runs an event on copies, so that one that fails changes nothing.
    fn event<T>(
        &mut self,
        index: &mut RewardIndex,
        block: BlockNumber,
        change: impl FnOnce(&mut Self, &mut RewardIndex) -> Result<T, Error>,
    ) -> Result<T, Error> {
        at_block(index, block)?;
        let (mut session, mut next) = (*self, *index);
        let result = change(&mut session, &mut next)?;
        (*self, *index) = (session, next);
        Ok(result)
    }

    /// Brings the value to the end of the block before this one; returns over how many.
    fn settle_before(&mut self, parameters: &Parameters, block: BlockNumber) -> Result<u32, Error> {
        let before = block.checked_sub(1).ok_or(Error::InThePast)?;
        let blocks = before.checked_sub(self.settled).ok_or(Error::InThePast)?;
        let moved = self.moved(parameters, blocks);
        self.deductible = self.deductible.saturating_add(moved.grown);
        if !self.is_online() {
            self.lost = self.lost.saturating_add(self.v.saturating_sub(moved.v));
        }
        self.v = moved.v;
        self.settled = before;
        Ok(blocks)
    }

    fn moved(&self, parameters: &Parameters, blocks: u32) -> Growth {
        if self.is_online() {
            formulas::grow(parameters, &self.performance, self.v, blocks)
        } else {
            Growth {
                v: formulas::decay(parameters, self.v, blocks),
                grown: Fixed::ZERO,
            }
        }
    }

    /// Takes part in the rewards from the next block on.
    fn enter(&mut self, index: &mut RewardIndex, parameters: &Parameters) -> Result<(), Error> {
        let share = formulas::share(self.v, &self.performance, self.confidence);
        let slope = growth_step(parameters, &self.performance, self.v)
            .saturating_mul(self.v)
            .checked_div(share)
            .unwrap_or(Fixed::ZERO);
        self.entry = Some(index.insert(share, slope, self.settled.saturating_add(1))?);
        Ok(())
    }
}

impl Payment {
    /// Divides what was earned; both parts together are it, rounded down.
    fn of(earned: Fixed, parameters: &Parameters) -> Self {
        let all = earned.to_balance();
        let kept = Fixed::ONE.saturating_sub(parameters.treasury_ratio);
        let worker =
            mul_div(all, kept.to_bits(), Fixed::ONE.to_bits(), Rounding::Down).unwrap_or(0);
        Self {
            worker,
            treasury: all - worker,
        }
    }
}

const fn at_block(index: &RewardIndex, block: BlockNumber) -> Result<(), Error> {
    if index.block() < block {
        Err(Error::IndexBehind)
    } else if index.block() > block {
        Err(Error::InThePast)
    } else {
        Ok(())
    }
}
