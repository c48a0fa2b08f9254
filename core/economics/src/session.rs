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
//! Between events nothing is stored and nothing runs: a worker on line grows and earns, a worker
//! off line shrinks. Order inside a block is that of the published algorithm: the first block
//! grows, the block of a heartbeat does not, the block in which a worker is found off line already
//! shrinks. A block divides its budget among who was on line at its start.
//!
//! What a worker has earned since its last heartbeat is lost to it when it goes off line or stops.
//! What is lost is not spent on others.
//!
//! An event needs the [`RewardIndex`] at its block. When a vote changes the parameters, a worker's
//! blocks since its last event are settled with the new ones.

use crate::challenge::challenge_interval;
use crate::formulas::{self, share_slope};
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
            // Who computed nothing in all that time has not grown, and is not paid.
            let idle = silent > 0 && next.performance.counted() == Fixed::ZERO;
            next.performance.measure(heartbeat);
            let outcome = match next.entry.take() {
                None => Outcome::Recovered,
                Some(entry) => {
                    let earned = index.remove(&entry)?;
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
    /// [`Error::Unresponsive`] when it is off line already; those of
    /// [`heartbeat`](Self::heartbeat).
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

    /// A fault was proven. Value, initial value and stake shrink alike, so that the stop does not
    /// count it again; what the worker has earned since its last heartbeat is lost. Returns what to
    /// take from the pool's stake.
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

    /// Its part of the rewards; none while it is off line.
    pub const fn entry(&self) -> Option<&IndexEntry> {
        self.entry.as_ref()
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
        let interval = challenge_interval(parameters, index.workers().saturating_add(1));
        let slope = share_slope(parameters, &self.performance, self.v, share, interval);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds;
    use codec::MaxEncodedLen;
    use primitives::units::PHA;
    use proptest::prelude::*;

    const BLOCK_MILLIS: u64 = 12_000;
    const PARAMETERS: Parameters = Parameters::GENESIS;
    const BUDGET: Fixed = Fixed::from_int(100);

    fn start(stake: u64, score: u32) -> Start {
        Start {
            stake: u128::from(stake) * PHA,
            score,
            confidence: Confidence::One,
            now: 0,
        }
    }

    fn beat(block: u32, iterations: u64) -> Heartbeat {
        let now = u64::from(block) * BLOCK_MILLIS;
        Heartbeat {
            now,
            challenged: now - BLOCK_MILLIS,
            iterations,
            contract_running: false,
        }
    }

    fn begun() -> (RewardIndex, Session) {
        let mut index = RewardIndex::new(10);
        let session = Session::start(&mut index, &PARAMETERS, 10, start(5_000, 100)).unwrap();
        (index, session)
    }

    #[test]
    fn an_event_at_the_wrong_block_changes_nothing() {
        let (mut index, mut session) = begun();
        index.advance(20, BUDGET).unwrap();
        let before = (index, session);
        for (block, error) in [(19, Error::InThePast), (21, Error::IndexBehind)] {
            let heartbeat = beat(block, 1);
            assert_eq!(
                session.heartbeat(&mut index, &PARAMETERS, block, &heartbeat),
                Err(error)
            );
            assert_eq!(
                session.go_offline(&mut index, &PARAMETERS, block),
                Err(error)
            );
            assert_eq!(session.stop(&mut index, &PARAMETERS, block), Err(error));
        }
        assert_eq!((index, session), before);
        session
            .heartbeat(&mut index, &PARAMETERS, 20, &beat(20, 1))
            .unwrap();
        let again = session.heartbeat(&mut index, &PARAMETERS, 20, &beat(20, 1));
        assert_eq!(again, Err(Error::InThePast), "one heartbeat in a block");
    }

    #[test]
    fn off_line_nothing_is_earned_and_value_is_lost() {
        let (mut index, mut session) = begun();
        index.advance(20, BUDGET).unwrap();
        session.go_offline(&mut index, &PARAMETERS, 20).unwrap();
        assert_eq!(index.workers(), 0);
        assert_eq!(index.total_share(), Fixed::ZERO);
        assert_eq!(session.unpaid(&index, &PARAMETERS), Ok(Payment::default()));
        index.advance(3_000, BUDGET).unwrap();
        let again = session.go_offline(&mut index, &PARAMETERS, 3_000);
        assert_eq!(again, Err(Error::Unresponsive));
        let low = session.value_after(&PARAMETERS, 2_999);
        assert!(low < session.value_after(&PARAMETERS, 30));
        let back = session.heartbeat(&mut index, &PARAMETERS, 3_000, &beat(3_000, 9));
        assert_eq!(back, Ok(Outcome::Recovered));
        assert_eq!(session.value_after(&PARAMETERS, 3_000), low);
        assert!(session.is_online());
    }

    #[test]
    fn who_computes_nothing_is_not_paid() {
        let (mut index, mut session) = begun();
        for block in [100, 200] {
            index.advance(block, BUDGET).unwrap();
            let outcome = session
                .heartbeat(&mut index, &PARAMETERS, block, &beat(block, 0))
                .unwrap();
            let Outcome::Paid(payment) = outcome else {
                panic!("{outcome:?}")
            };
            // The first payment is for the score of the benchmark, the second for none.
            assert_eq!(payment == Payment::default(), block == 200);
        }
    }

    #[test]
    fn faults_cost_stake_at_once_and_only_once() {
        for (fault, kept) in [
            (Fault::Slight, 4_950),
            (Fault::Grave, 4_500),
            (Fault::Malicious, 0),
        ] {
            let (mut index, mut session) = begun();
            index.advance(20, BUDGET).unwrap();
            let taken = session.punish(&mut index, &PARAMETERS, 20, fault).unwrap();
            assert_eq!(taken, (5_000 - kept) * PHA);
            assert_eq!(session.stake(), kept * PHA);
            index.advance(21, BUDGET).unwrap();
            let end = session.stop(&mut index, &PARAMETERS, 21).unwrap();
            assert_eq!(
                end,
                StakeReturn {
                    returned: kept * PHA,
                    slashed: 0
                }
            );
        }
    }

    #[test]
    fn states_fit_into_a_quarter_of_a_kilobyte() {
        assert_eq!(RewardIndex::max_encoded_len(), 72);
        assert_eq!(Session::max_encoded_len(), 191);
    }

    #[test]
    fn bounds_hold() {
        let growth = Fixed::from_bits(Fixed::ONE.to_bits() / u128::from(bounds::GROWTH_PARTS));
        let parameters = Parameters {
            rho: Fixed::ONE.saturating_add(growth),
            v_max: Fixed::from_int(bounds::VALUE_MAX),
            cost_k: Fixed::ZERO,
            cost_b: Fixed::from_int(bounds::COST_MAX),
            rig_k: Fixed::ZERO,
            k: Fixed::ZERO,
            ..PARAMETERS
        };
        parameters.validate().unwrap();
        for stake in [1, 1_000_000, 12_000_000] {
            let mut index = RewardIndex::new(1);
            let all = start(stake, bounds::SCORE_MAX);
            let mut session = Session::start(&mut index, &parameters, 1, all).unwrap();
            let mut given = Fixed::ZERO;
            for (block, iterations) in [(bounds::BLOCKS_MAX, u64::MAX), (u32::MAX - 1, u64::MAX)] {
                let blocks = u64::from(block - index.block());
                let budget = Fixed::from_int(bounds::BUDGET_MAX * blocks);
                given = given.saturating_add(budget);
                index.advance(block, budget).unwrap();
                let heartbeat = beat(block, iterations);
                session
                    .heartbeat(&mut index, &parameters, block, &heartbeat)
                    .unwrap();
                assert!(session.value_after(&parameters, u32::MAX) <= parameters.v_max);
            }
            let mut other = session;
            assert!(
                other
                    .punish(&mut index, &parameters, u32::MAX - 1, Fault::Grave)
                    .is_err()
            );
        }
        let over = start(1_000_000, bounds::SCORE_MAX + 1);
        let mut index = RewardIndex::new(1);
        assert_eq!(
            Session::start(&mut index, &parameters, 1, over),
            Err(Error::Overflow)
        );
    }

    proptest! {
        /// Whatever happens to a few workers: the chain never pays more than the budget, a stake is
        /// never more than what was put in, a value never above the largest.
        #[test]
        fn nothing_is_minted(
            events in proptest::collection::vec(
                (0usize..5, 0u8..8, 1u32..30_000, 0u64..300_000_000, 0u64..14_000), 1..60,
            ),
        ) {
            let mut index = RewardIndex::new(1);
            let mut sessions = [None; 5];
            let (mut given, mut paid, mut staked, mut back) = (0, 0, 0, 0);
            for (who, what, blocks, iterations, stake) in events {
                let budget = BUDGET.saturating_mul_int(blocks.into());
                let block = index.block() + blocks;
                index.advance(block, budget).unwrap();
                given += budget.to_balance();
                let Some(mut session) = sessions[who].take() else {
                    if let Ok(begun) = Session::start(&mut index, &PARAMETERS, block, start(stake, 400)) {
                        staked += begun.stake();
                        sessions[who] = Some(begun);
                    }
                    continue;
                };
                match what {
                    0 => {
                        let end = Session::stop(session, &mut index, &PARAMETERS, block).unwrap();
                        back += end.returned + end.slashed;
                        continue;
                    }
                    1 => {
                        let taken = session.punish(&mut index, &PARAMETERS, block, Fault::Grave);
                        back += taken.unwrap();
                    }
                    2 => drop(session.go_offline(&mut index, &PARAMETERS, block)),
                    _ => {
                        let heartbeat = beat(block, iterations);
                        let foreseen = session.unpaid(&index, &PARAMETERS).unwrap();
                        let outcome = session.heartbeat(&mut index, &PARAMETERS, block, &heartbeat);
                        if let Outcome::Paid(payment) = outcome.unwrap() {
                            paid += payment.worker + payment.treasury;
                            prop_assert!(payment == foreseen || payment == Payment::default());
                        }
                    }
                }
                prop_assert!(session.value_after(&PARAMETERS, block) <= PARAMETERS.v_max);
                sessions[who] = Some(session);
            }
            prop_assert!(paid <= given);
            let block = index.block() + 1;
            index.advance(block, BUDGET).unwrap();
            for session in sessions.into_iter().flatten() {
                let end = Session::stop(session, &mut index, &PARAMETERS, block).unwrap();
                back += end.returned + end.slashed;
            }
            prop_assert_eq!(back, staked);
            prop_assert_eq!((index.total_share(), index.workers()), (Fixed::ZERO, 0));
        }
    }
}
