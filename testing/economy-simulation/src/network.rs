//! The network: who joins, answers, falls silent and leaves, block by block.

use crate::chance::Chance;
use crate::ledger::{Ledger, Pool};
use crate::{BLOCK_MILLIS, BLOCKS_PER_DAY, Run};
use economics::{
    Confidence, Fixed, Heartbeat, Outcome, Parameters, Permill, RewardIndex, Schedule, Session,
    Start, challenges_per_block,
};
use primitives::{Balance, units::PHA};
use std::collections::VecDeque;

/// Workers of a pool, on average.
const WORKERS_PER_POOL: u32 = 30;
/// Who delegates to a pool.
const DELEGATORS: usize = 8;
/// A worker leaves after so many days on average, and another one joins.
const STAY_DAYS: u64 = 120;
/// A worker falls silent once in so many days.
const SILENT_EVERY_DAYS: u64 = 30;
/// For up to so many blocks: 12 hours.
const SILENT_BLOCKS_MAX: u64 = BLOCKS_PER_DAY as u64 / 2;
/// An answer is in a block so many blocks after its challenge.
const ANSWER_BLOCKS: (u64, u64) = (1, 3);
/// A stake cools down for so many days.
const COOL_DOWN_DAYS: u32 = 7;
/// What stakers have who may delegate: 300 million PHA.
const WALLETS: Balance = 300_000_000 * PHA;

/// Scores and how many of a hundred workers have at most that one: small machines, usual ones, servers.
const SCORES: [(u64, u64, u64); 4] = [
    (25, 100, 800),
    (65, 800, 1_500),
    (90, 1_500, 2_500),
    (100, 2_500, 4_000),
];
/// Levels of evidence, likewise.
const LEVELS: [(u64, Confidence); 5] = [
    (20, Confidence::One),
    (30, Confidence::Two),
    (40, Confidence::Three),
    (80, Confidence::Four),
    (100, Confidence::Five),
];

/// A worker's challenge that waits for its answer.
#[derive(Clone, Copy)]
struct Waiting {
    since: u32,
}

/// A worker, and what it did so far.
pub struct Worker {
    /// Its pool.
    pub pool: usize,
    /// Its score.
    pub score: u32,
    /// Its evidence.
    pub level: Confidence,
    /// Its stake.
    pub stake: Balance,
    /// The block in which it joined.
    pub joined: u32,
    /// Blocks for which it was in the network; set when it leaves, or at the end.
    pub blocks: u32,
    /// What it earned for its pool.
    pub earned: Balance,
    /// How often it was paid.
    pub payments: u32,
    /// How often it was found off line.
    pub silences: u32,
    session: Option<Session>,
    place: Option<usize>,
    waiting: Option<Waiting>,
    silent_until: u32,
    iterations: u64,
    counted_until: u64,
}

/// What a day came to.
pub struct Day {
    /// Workers on line at its end.
    pub online: u32,
    /// The budget, PHA.
    pub budget: Fixed,
    /// Paid to pools.
    pub to_workers: Balance,
    /// Paid to the treasury.
    pub to_treasury: Balance,
    /// What all pools are worth at its end.
    pub pools: Balance,
    /// Sum of all shares at its end.
    pub share: Fixed,
    /// Challenges made.
    pub challenges: u64,
    /// Of which were not answered in time.
    pub missed: u64,
}

/// Everything.
pub struct Network {
    /// The parameters.
    pub parameters: Parameters,
    /// The budget.
    pub schedule: Schedule,
    /// All money.
    pub ledger: Ledger,
    /// All workers that there ever were.
    pub workers: Vec<Worker>,
    /// Its days.
    pub days: Vec<Day>,
    /// Events that the mathematics computed.
    pub events: u64,
    chance: Chance,
    index: RewardIndex,
    online: Vec<usize>,
    answers: Vec<Vec<usize>>,
    deadlines: VecDeque<(u32, Vec<usize>)>,
    cooling: VecDeque<(u32, usize, Balance, Balance)>,
    block: u32,
}

fn pools(chance: &mut Chance, count: u32) -> Vec<Pool> {
    (0..count)
        .map(|_| {
            let percent = chance.between(0, 20) as u32;
            Pool::new(Permill::from_parts(percent * 10_000), DELEGATORS)
        })
        .collect()
}

impl Network {
    /// Runs it to the end; money is counted at the end of each day.
    ///
    /// # Errors
    /// When money was made or lost, or the mathematics refuse an event.
    pub fn run(options: &Run, parameters: Parameters) -> anyhow::Result<Self> {
        let mut chance = Chance::of(options.seed);
        let pools = pools(&mut chance, (options.workers / WORKERS_PER_POOL).max(1));
        let horizon = 64;
        let mut network = Self {
            parameters,
            schedule: Schedule::MAIN,
            ledger: Ledger::new(WALLETS, pools),
            workers: Vec::new(),
            days: Vec::new(),
            events: 0,
            chance,
            index: RewardIndex::new(0),
            online: Vec::new(),
            answers: vec![Vec::new(); horizon],
            deadlines: VecDeque::new(),
            cooling: VecDeque::new(),
            block: 0,
        };
        let joining = options.joining_days.max(1);
        for day in 0..options.days {
            let target = options
                .workers
                .min(options.workers / joining * (day + 1) + options.workers % joining);
            network.day(target)?;
            network.ledger.check()?;
        }
        let end = network.block;
        for worker in &mut network.workers {
            if worker.session.is_some() {
                worker.blocks = end - worker.joined;
            }
        }
        Ok(network)
    }

    fn day(&mut self, target: u32) -> anyhow::Result<()> {
        let first = self.block;
        let before = (self.ledger.subsidy, self.ledger.treasury);
        let mut counts = (0u64, 0u64);
        for block in 0..BLOCKS_PER_DAY {
            self.block += 1;
            let budget = self.schedule.between(self.index.block(), self.block);
            self.index.advance(self.block, budget)?;
            if block == 0 {
                self.come_and_go(target)?;
            }
            counts.1 += self.find_silent()?;
            self.take_answers()?;
            counts.0 += self.draw();
        }
        let paid = before.0 - self.ledger.subsidy;
        let to_treasury = self.ledger.treasury - before.1;
        self.days.push(Day {
            online: self.online.len() as u32,
            budget: self.schedule.between(first, self.block),
            to_workers: paid.saturating_sub(to_treasury),
            to_treasury,
            pools: self.ledger.pools.iter().map(|pool| pool.shares.value()).sum(),
            share: self.index.total_share(),
            challenges: counts.0,
            missed: counts.1,
        });
        Ok(())
    }

    /// Who has left a challenge unanswered for longer than the window.
    fn find_silent(&mut self) -> anyhow::Result<u64> {
        let mut found = 0;
        while let Some((challenged, _)) = self.deadlines.front() {
            if challenged + self.parameters.heartbeat_window >= self.block {
                break;
            }
            let Some((challenged, asked)) = self.deadlines.pop_front() else {
                break;
            };
            for number in asked {
                let worker = &mut self.workers[number];
                let missed = worker.waiting.is_some_and(|waiting| waiting.since == challenged);
                let Some(session) = worker.session.as_mut().filter(|_| missed) else {
                    continue;
                };
                session.go_offline(&mut self.index, &self.parameters, self.block)?;
                worker.silences += 1;
                self.events += 1;
                found += 1;
                self.unlist(number);
            }
        }
        Ok(found)
    }

    fn take_answers(&mut self) -> anyhow::Result<()> {
        let slot = self.block as usize % self.answers.len();
        let due = std::mem::take(&mut self.answers[slot]);
        for number in due {
            let worker = &self.workers[number];
            if worker.waiting.is_none() || worker.session.is_none() {
                continue;
            }
            if worker.silent_until > self.block {
                // It looks again later, as far as the ring reaches.
                let later = (worker.silent_until - self.block).min(self.answers.len() as u32 - 1);
                self.answer_in(number, later.max(1));
                continue;
            }
            self.answer(number)?;
        }
        Ok(())
    }

    fn answer_in(&mut self, number: usize, blocks: u32) {
        let slot = (self.block + blocks) as usize % self.answers.len();
        self.answers[slot].push(number);
    }

    fn answer(&mut self, number: usize) -> anyhow::Result<()> {
        let noise = self.chance.between(980, 1_020);
        let now = u64::from(self.block) * BLOCK_MILLIS;
        let worker = &mut self.workers[number];
        let (Some(waiting), Some(session)) = (worker.waiting.take(), &mut worker.session) else {
            return Ok(());
        };
        worker.iterations +=
            u64::from(worker.score) * (now - worker.counted_until) * noise / 6_000_000;
        worker.counted_until = now;
        let heartbeat = Heartbeat {
            now,
            challenged: u64::from(waiting.since) * BLOCK_MILLIS,
            iterations: worker.iterations,
            contract_running: false,
        };
        let outcome = session.heartbeat(&mut self.index, &self.parameters, self.block, &heartbeat)?;
        self.events += 1;
        match outcome {
            Outcome::Paid(payment) => {
                worker.earned += payment.worker;
                worker.payments += 1;
                let pool = worker.pool;
                self.ledger.pay(pool, payment)
            }
            Outcome::Recovered => {
                self.list(number);
                Ok(())
            }
        }
    }

    /// Challenges by place, as the chain does.
    fn draw(&mut self) -> u64 {
        let online = self.online.len() as u64;
        if online == 0 {
            return 0;
        }
        let wanted = challenges_per_block(&self.parameters, online as u32);
        let more = self.chance.next() < wanted.to_bits() as u64;
        let mut asked = Vec::new();
        for _ in 0..wanted.whole() + u64::from(more) {
            let number = self.online[self.chance.below(online) as usize];
            let worker = &mut self.workers[number];
            if worker.waiting.is_some() {
                continue;
            }
            worker.waiting = Some(Waiting { since: self.block });
            asked.push(number);
        }
        for number in &asked {
            let delay = self.chance.between(ANSWER_BLOCKS.0, ANSWER_BLOCKS.1) as u32;
            self.answer_in(*number, delay);
        }
        let count = asked.len() as u64;
        if count > 0 {
            self.deadlines.push_back((self.block, asked));
        }
        count
    }

    /// Who leaves, falls silent, is reclaimed and joins as a day begins.
    fn come_and_go(&mut self, target: u32) -> anyhow::Result<()> {
        let mut active = 0;
        for number in 0..self.workers.len() {
            if self.workers[number].session.is_none() {
                continue;
            }
            if self.chance.once_in(STAY_DAYS) {
                self.leave(number)?;
                continue;
            }
            active += 1;
            if self.chance.once_in(SILENT_EVERY_DAYS) {
                let blocks = self.chance.between(1, SILENT_BLOCKS_MAX) as u32;
                self.workers[number].silent_until = self.block + blocks;
            }
        }
        while let Some((free_at, ..)) = self.cooling.front() {
            if *free_at > self.block {
                break;
            }
            if let Some((_, pool, stake, slashed)) = self.cooling.pop_front() {
                self.ledger.reclaim(pool, stake, slashed);
            }
        }
        for _ in active..target {
            self.join()?;
        }
        Ok(())
    }

    fn leave(&mut self, number: usize) -> anyhow::Result<()> {
        let worker = &mut self.workers[number];
        let Some(session) = worker.session.take() else {
            return Ok(());
        };
        worker.blocks = self.block - worker.joined;
        worker.waiting = None;
        let (pool, stake) = (worker.pool, worker.stake);
        let end = session.stop(&mut self.index, &self.parameters, self.block)?;
        self.events += 1;
        let free_at = self.block + COOL_DOWN_DAYS * BLOCKS_PER_DAY;
        self.cooling.push_back((free_at, pool, stake, end.slashed));
        self.unlist(number);
        Ok(())
    }

    fn join(&mut self) -> anyhow::Result<()> {
        let (class, level) = (self.chance.below(100), self.chance.below(100));
        let (low, high) = SCORES
            .iter()
            .find(|(until, ..)| class < *until)
            .map_or((100, 800), |(_, low, high)| (*low, *high));
        let score = self.chance.between(low, high) as u32;
        let level = LEVELS
            .iter()
            .find(|(until, _)| level < *until)
            .map_or(Confidence::Five, |(_, level)| *level);
        // Most put up what is asked for and somewhat more; few the most.
        let least = self.parameters.stake_min(score).whole() + 1;
        let most = self.parameters.stake_max(score, level).whole().max(least);
        let spread = self.chance.below(1_000).pow(2) / 1_000;
        let stake = Balance::from(least + (most - least) * spread / 1_000) * PHA;
        let pool = self.chance.below(self.ledger.pools.len() as u64) as usize;
        let again = self.ledger.restake(pool, stake);
        if again < stake {
            let delegator = self.chance.below(DELEGATORS as u64) as usize;
            // Less than dust cannot be delegated; a whole PHA more is no harm.
            let more = (stake - again).max(PHA);
            self.ledger.stake(pool, delegator, more)?;
            let too_much = again + more - stake;
            let pool = &mut self.ledger.pools[pool];
            pool.at_stake -= too_much;
            pool.free += too_much;
        }
        let now = u64::from(self.block) * BLOCK_MILLIS;
        let start = Start {
            stake,
            score,
            confidence: level,
            now,
        };
        let session = Session::start(&mut self.index, &self.parameters, self.block, start)?;
        self.events += 1;
        self.workers.push(Worker {
            pool,
            score,
            level,
            stake,
            joined: self.block,
            blocks: 0,
            earned: 0,
            payments: 0,
            silences: 0,
            session: Some(session),
            place: None,
            waiting: None,
            silent_until: 0,
            iterations: 0,
            counted_until: now,
        });
        self.list(self.workers.len() - 1);
        Ok(())
    }

    fn list(&mut self, number: usize) {
        self.workers[number].place = Some(self.online.len());
        self.online.push(number);
    }

    fn unlist(&mut self, number: usize) {
        let Some(place) = self.workers[number].place.take() else {
            return;
        };
        self.online.swap_remove(place);
        if let Some(moved) = self.online.get(place) {
            self.workers[*moved].place = Some(place);
        }
    }
}
