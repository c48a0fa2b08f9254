//! The published algorithm, which visits every worker in every block.
//!
//! It is what payments are measured against; no chain runs it. Names and order are those of the
//! network's description: a snapshot of all shares, the block's messages, then a step for each
//! worker. Where that stops on an unexpected heartbeat, this ignores it.

extern crate alloc;

use crate::{Confidence, Fixed, Heartbeat, Parameters, Performance, share};
use alloc::{collections::VecDeque, vec::Vec};
use primitives::BlockNumber;

/// A worker in a session.
#[derive(Clone, Debug)]
pub struct Worker {
    /// V.
    pub v: Fixed,
    /// Growth since the last payment, without the cap.
    pub deductible: Fixed,
    /// Measured performance.
    pub performance: Performance,
    /// Level of its evidence.
    pub confidence: Confidence,
    /// Whether it is off line.
    pub unresponsive: bool,
    updated: BlockNumber,
    challenges: VecDeque<BlockNumber>,
    answered: bool,
}

/// A payment, PHA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payment {
    /// To the worker.
    pub payout: Fixed,
    /// To the treasury.
    pub treasury: Fixed,
}

/// All workers, by number; `None` where one stopped.
#[derive(Clone, Debug)]
pub struct Network {
    /// The parameters.
    pub parameters: Parameters,
    /// The budget of a block.
    pub budget: Fixed,
    /// The workers.
    pub workers: Vec<Option<Worker>>,
    /// The block being worked on.
    pub block: BlockNumber,
    sum_share: Fixed,
}

impl Worker {
    /// Its share at present.
    pub fn share(&self) -> Fixed {
        share(self.v, &self.performance, self.confidence)
    }

    fn step(&mut self, parameters: &Parameters) {
        if self.unresponsive {
            self.v = self
                .v
                .saturating_sub(self.v.saturating_mul(parameters.slash_rate));
            self.deductible = Fixed::ZERO;
        } else if !self.answered {
            let growth = growth_step_of(parameters, &self.performance, self.v);
            self.v = self.v.saturating_add(growth).min(parameters.v_max);
            self.deductible = self.deductible.saturating_add(growth);
        }
    }
}

/// `(p / P) · ((ρ − 1) · V + cost_k · P + cost_b)`, in the order of the original's operations.
fn growth_step_of(parameters: &Parameters, performance: &Performance, v: Fixed) -> Fixed {
    let bench = Fixed::from_int(performance.bench.into());
    let pace = performance
        .counted()
        .checked_div(bench)
        .unwrap_or(Fixed::ONE);
    let growth = parameters
        .growth()
        .saturating_mul(v)
        .saturating_add(parameters.cost_k.saturating_mul(bench))
        .saturating_add(parameters.cost_b);
    pace.saturating_mul(growth)
}

impl Network {
    /// Without workers.
    pub const fn new(parameters: Parameters, budget: Fixed) -> Self {
        Self {
            parameters,
            budget,
            workers: Vec::new(),
            block: 0,
            sum_share: Fixed::ZERO,
        }
    }

    /// A block begins: the snapshot of all shares.
    pub fn begin_block(&mut self, block: BlockNumber) {
        self.block = block;
        self.sum_share = Fixed::ZERO;
        for worker in self.workers.iter_mut().flatten() {
            worker.answered = false;
            if !worker.unresponsive {
                self.sum_share = self.sum_share.saturating_add(worker.share());
            }
        }
    }

    /// A worker starts with a value and a score; returns its number.
    pub fn start(&mut self, v: Fixed, score: u32, confidence: Confidence, now: u64) -> usize {
        self.workers.push(Some(Worker {
            v,
            deductible: Fixed::ZERO,
            performance: Performance::new(score, now),
            confidence,
            unresponsive: false,
            updated: self.block,
            challenges: VecDeque::new(),
            answered: false,
        }));
        self.workers.len() - 1
    }

    /// A worker stops; returns its value.
    pub fn stop(&mut self, number: usize) -> Option<Fixed> {
        Some(self.workers.get_mut(number)?.take()?.v)
    }

    /// A worker is challenged.
    pub fn challenge(&mut self, number: usize) {
        if let Some(Some(worker)) = self.workers.get_mut(number) {
            worker.challenges.push_back(self.block);
        }
    }

    /// A worker answers its oldest challenge.
    pub fn heartbeat(&mut self, number: usize, heartbeat: &Heartbeat) -> Payment {
        let Some(Some(worker)) = self.workers.get_mut(number) else {
            return Payment::default();
        };
        if worker.challenges.pop_front().is_none() {
            return Payment::default();
        }
        worker.answered = true;
        worker.performance.measure(heartbeat);
        if worker.unresponsive {
            worker.deductible = Fixed::ZERO;
            worker.updated = self.block;
            return Payment::default();
        }
        let share = worker.share();
        let unpaid = self.sum_share == Fixed::ZERO
            || worker.deductible == Fixed::ZERO
            || self.block <= worker.updated
            || share == Fixed::ZERO;
        if unpaid {
            return Payment::default();
        }
        let blocks = u64::from(self.block - worker.updated);
        let earned = share
            .checked_div(self.sum_share)
            .unwrap_or(Fixed::ZERO)
            .saturating_mul(self.budget)
            .saturating_mul_int(blocks);
        let treasury = earned.saturating_mul(self.parameters.treasury_ratio);
        let payout =
            earned.saturating_mul(Fixed::ONE.saturating_sub(self.parameters.treasury_ratio));
        worker.v = worker.v.saturating_sub(worker.deductible.min(payout));
        worker.deductible = Fixed::ZERO;
        worker.updated = self.block;
        Payment { payout, treasury }
    }

    /// A block ends: a step for each worker. Returns who was found off line.
    pub fn end_block(&mut self) -> Vec<usize> {
        let mut offline = Vec::new();
        for (number, worker) in self.workers.iter_mut().enumerate() {
            let Some(worker) = worker else { continue };
            let overdue = worker
                .challenges
                .front()
                .is_some_and(|front| self.block - front > self.parameters.heartbeat_window);
            if worker.unresponsive && worker.answered {
                worker.unresponsive = false;
            } else if !worker.unresponsive && overdue {
                worker.unresponsive = true;
                offline.push(number);
            }
            worker.step(&self.parameters);
        }
        offline
    }
}
