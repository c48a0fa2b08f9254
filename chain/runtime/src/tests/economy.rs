//! Mining and pools in the whole runtime: registered workers, signed messages and calls, real money.

use super::*;
use Sr25519Keyring::{Alice, Bob, Charlie, Dave};
use frame_support::traits::Currency as _;
use mining_api::Sessions as _;
use pallet_computation::{PendingChallenge, PendingChallenges, PendingSlashes, SessionState};
use pallet_stake_pools::{Delegations, Pools};
use primitives::units::EXISTENTIAL_DEPOSIT;
use sp_runtime::DispatchError;

/// A stake between the least and the most for a score of 1000.
const STAKE: Balance = 5_000 * PHA;
/// Blocks in which some worker is challenged in any case.
const CHALLENGED_WITHIN: u32 = 400;

/// A chain with workers 1 to 3, of which all have told benchmarks; the next message of each is number 1.
struct Mine {
    chain: Chain,
    /// Numbers of each worker's next message.
    next: [u64; 16],
    /// What each worker has counted.
    counted: [u64; 16],
}

impl Mine {
    fn new(workers: u8) -> Self {
        let mut chain = Chain::new();
        chain.register_workers(workers);
        chain.blocks(3);
        let mut mine = Self {
            chain,
            next: [0; 16],
            counted: [0; 16],
        };
        let benchmarks = (1..=workers).map(|seed| mine.benchmark(seed)).collect();
        all_ok(mine.chain.block(benchmarks));
        mine
    }

    fn say(&mut self, seed: u8, payload: MessagePayload) -> UncheckedExtrinsic {
        let sequence = self.next[usize::from(seed)];
        self.next[usize::from(seed)] += 1;
        self.chain.message(seed, sequence, payload)
    }

    /// A score of 1000, measured over the last two seconds.
    fn benchmark(&mut self, seed: u8) -> UncheckedExtrinsic {
        let ended_at_ms = self.chain.now_ms();
        self.say(
            seed,
            MessagePayload::Benchmark {
                started_at_ms: ended_at_ms - 2_000,
                ended_at_ms,
                iterations: 334,
            },
        )
    }

    fn session(&mut self, pid: u64, seed: u8) -> AccountId {
        self.read(|| PhalaStakePoolv2::session_account(pid, &worker(seed)))
    }

    fn read<R>(&mut self, what: impl FnOnce() -> R) -> R {
        self.chain.storage.execute_with(what)
    }

    fn call(&mut self, who: Sr25519Keyring, call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
        self.chain.signed(who, call)
    }

    /// A pool of Bob's in which Charlie has put money, all of it behind these workers.
    fn pool(&mut self, workers: &[u8]) -> u64 {
        let pid = self.read(pallet_stake_pools::PoolCount::<Runtime>::get);
        let create = self.call(Bob, pallet_stake_pools::Call::create {});
        all_ok(self.chain.block(vec![create]));
        let amount = STAKE * workers.len() as u128;
        let mut calls = vec![self.call(Charlie, contribute(pid, amount))];
        for seed in workers {
            let pubkey = worker(*seed);
            calls.push(self.call(Bob, pallet_stake_pools::Call::add_worker { pid, pubkey }));
            calls.push(self.call(Bob, start(pid, *seed)));
        }
        all_ok(self.chain.block(calls));
        pid
    }

    fn pending(&mut self, session: &AccountId) -> Option<PendingChallenge> {
        self.read(|| PendingChallenges::<Runtime>::get(session))
    }

    /// Waits until a worker is challenged.
    fn challenge(&mut self, session: &AccountId) -> PendingChallenge {
        for _ in 0..CHALLENGED_WITHIN {
            if let Some(pending) = self.pending(session) {
                return pending;
            }
            self.chain.blocks(1);
        }
        panic!("a worker was not challenged");
    }

    /// Waits for a challenge and answers it, in the next block.
    fn heartbeat(&mut self, pid: u64, seed: u8) {
        let session = self.session(pid, seed);
        let pending = self.challenge(&session);
        self.counted[usize::from(seed)] += 5_000;
        let answer = MessagePayload::Heartbeat {
            session: primitives::AccountId(session.into()),
            challenge_block: pending.block,
            nonce: pending.nonce,
            iterations: self.counted[usize::from(seed)],
            contract_running: false,
        };
        let message = self.say(seed, answer);
        all_ok(self.chain.block(vec![message]));
    }

    fn balance(&mut self, account: &AccountId) -> Balance {
        self.read(|| Balances::total_balance(account))
    }

    fn value(&mut self, pid: u64) -> Balance {
        self.read(|| Pools::<Runtime>::get(pid).unwrap().base.value())
    }
}

fn contribute(pid: u64, amount: Balance) -> pallet_stake_pools::Call<Runtime> {
    let as_vault = None;
    pallet_stake_pools::Call::contribute { pid, amount, as_vault }
}

fn start(pid: u64, seed: u8) -> pallet_stake_pools::Call<Runtime> {
    let (worker, stake) = (worker(seed), STAKE);
    pallet_stake_pools::Call::start_computing { pid, worker, stake }
}

fn stop(pid: u64, seed: u8) -> pallet_stake_pools::Call<Runtime> {
    let worker = worker(seed);
    pallet_stake_pools::Call::stop_computing { pid, worker }
}

#[test]
fn a_worker_earns_and_a_delegator_leaves_with_it() {
    let mut mine = Mine::new(1);
    let pid = mine.pool(&[1]);
    let (subsidy, treasury) = (PhalaComputation::account_id(), TreasuryAccount::get());
    let before = [mine.balance(&subsidy), mine.balance(&treasury)];
    let session = mine.session(pid, 1);
    // A message that answers no challenge takes no block's room, nor does one with another's nonce.
    let stray = MessagePayload::Heartbeat {
        session: primitives::AccountId(session.clone().into()),
        challenge_block: 1,
        nonce: [0; 32],
        iterations: 1,
        contract_running: false,
    };
    let stray = mine.chain.message(1, mine.next[1], stray);
    let refused = InvalidTransaction::Custom(pallet_mailbox::INVALID_CONTENT);
    assert_eq!(mine.chain.block(vec![stray]), [Err(refused.into())]);
    for _ in 0..3 {
        mine.heartbeat(pid, 1);
    }
    let earned = mine.value(pid) - STAKE;
    let spent = before[0] - mine.balance(&subsidy);
    let taxed = mine.balance(&treasury) - before[1];
    assert!(earned > 10 * PHA, "{earned}");
    assert_eq!(spent, earned + taxed);
    // One PHA a block at most, a fifth of it to the treasury.
    assert!(spent <= u128::from(mine.chain.block) * PHA);
    assert!(taxed.abs_diff(spent / 5) < 10, "{taxed} of {spent}");

    // Who asks for the money waits for the stake to cool down, and gets it with what it earned.
    let charlie = Charlie.to_account_id();
    let shares = mine.read(|| Delegations::<Runtime>::get(pid, &charlie).unwrap().shares);
    let as_vault = None;
    let leave = pallet_stake_pools::Call::withdraw { pid, shares, as_vault };
    let leave = mine.call(Charlie, leave);
    let before = mine.balance(&charlie);
    all_ok(mine.chain.block(vec![leave]));
    let waiting = mine.balance(&charlie);
    assert!(waiting < before + earned, "what is at stake does not leave at once");
    let stopped = mine.call(Bob, stop(pid, 1));
    all_ok(mine.chain.block(vec![stopped]));
    let reclaim = |mine: &mut Mine| {
        let worker = worker(1);
        mine.call(Dave, pallet_stake_pools::Call::reclaim_pool_worker { pid, worker })
    };
    let early = reclaim(&mut mine);
    assert!(mine.chain.block(vec![early])[0].unwrap().is_err());
    mine.chain.blocks(30);
    let late = reclaim(&mut mine);
    all_ok(mine.chain.block(vec![late]));
    let fees = 3 * PHA;
    assert!(mine.balance(&charlie) > before + STAKE + earned - fees);
    assert_eq!(mine.value(pid), 0);
    let again = mine.call(Bob, pallet_stake_pools::Call::remove_worker { pid, worker: worker(1) });
    all_ok(mine.chain.block(vec![again]));
}

#[test]
fn challenges_are_drawn_with_the_beacon_when_there_is_one() {
    let mut mine = Mine::new(2);
    let gatekeeper = pair(2).public();
    let appoint =
        mine.chain.sudo(pallet_worker_registry::Call::register_gatekeeper { gatekeeper });
    let pid = mine.pool(&[1]);
    all_ok(mine.chain.block(vec![appoint]));
    // Worker 2 has told its benchmark; the ceremony's messages are its next ones.
    let mut rng = ChaCha20Rng::from_seed([8; 32]);
    let share = key_ceremony(&mut mine.chain, 2, mine.next[2], &mut rng);
    mine.next[2] += 3;
    beacon_round(&mut mine.chain, 2, mine.next[2], &share, &mut rng);
    mine.next[2] += 2;
    let value: BeaconOutput = mine.chain.read(keys::latest_beacon());
    let session = mine.session(pid, 1);
    mine.heartbeat(pid, 1);
    let pending = mine.challenge(&session);
    assert!(pending.block > value.known_at);
    assert!(pending.block - value.known_at <= BeaconAgeMax::get());
    // Anybody can compute the draw: one session is on line, so the first draw hits it.
    let subject: &[u8] = b"phat/heartbeat-challenge";
    let seed = sp_io::hashing::blake2_256(&(value.value.0, subject).encode());
    let nonce = sp_io::hashing::blake2_256(&(subject, seed, pending.block, 0u32).encode());
    assert_eq!(pending.nonce, nonce);
}

#[test]
fn who_falls_silent_earns_nothing_and_loses_value() {
    let mut mine = Mine::new(1);
    let pid = mine.pool(&[1]);
    mine.heartbeat(pid, 1);
    let session = mine.session(pid, 1);
    let value = |mine: &mut Mine| {
        mine.read(|| {
            let info = pallet_computation::Sessions::<Runtime>::get(&session).unwrap();
            let SessionState::Computing(computing) = info.state else {
                panic!("it computes");
            };
            let parameters = pallet_computation::TokenomicParameters::<Runtime>::get();
            (computing.is_online(), computing.value_after(&parameters, System::block_number()))
        })
    };
    let before = value(&mut mine);
    assert!(before.0);
    mine.challenge(&session);
    mine.chain.blocks(32);
    let silent = value(&mut mine);
    assert!(!silent.0, "a challenge was left unanswered for the whole window");
    let earned = mine.value(pid);
    mine.chain.blocks(20);
    let later = value(&mut mine);
    assert!(later.1 < silent.1);
    assert_eq!(mine.value(pid), earned);
    // The late answer counts, and is not paid.
    mine.heartbeat(pid, 1);
    assert!(value(&mut mine).0);
    assert_eq!(mine.value(pid), earned);
    mine.heartbeat(pid, 1);
    assert!(mine.value(pid) > earned);
}

#[test]
fn who_reports_a_wrong_root_loses_stake_unless_a_vote_hears_him() {
    let mut mine = Mine::new(5);
    let pid = mine.pool(&[3, 4]);
    mine.chain.add_cluster(&[1, 2, 3, 4, 5]);
    let cluster = keys::cluster_id(1);
    let roots = [(1, 8), (2, 8), (5, 8), (3, 9), (4, 7)];
    let reports = roots
        .map(|(seed, root)| {
            mine.say(
                seed,
                MessagePayload::Checkpoint {
                    cluster,
                    next_number: 2,
                    state_root: StateRoot([root; 32]),
                    block_number: 3,
                },
            )
        })
        .to_vec();
    all_ok(mine.chain.block(reports));
    let slashes = |mine: &mut Mine| -> Vec<_> {
        mine.read(|| {
            let mut all: Vec<_> = PendingSlashes::<Runtime>::iter().collect();
            all.sort_by_key(|(slash, _)| *slash);
            all
        })
    };
    let waiting = slashes(&mut mine);
    assert_eq!(waiting.len(), 2);
    for (slash, seed) in waiting.iter().zip([3, 4]) {
        assert_eq!(slash.1.worker, worker(seed));
        assert_eq!(slash.1.amount, STAKE / 10);
    }
    // The first is heard; the second is executed when its time for appeal is over.
    let cancel = pallet_computation::Call::cancel_slash { slash: waiting[0].0 };
    let cancel = mine.chain.sudo(cancel);
    let treasury = mine.balance(&TreasuryAccount::get());
    all_ok(mine.chain.block(vec![cancel]));
    assert_eq!(mine.value(pid), 2 * STAKE);
    mine.chain.blocks(20);
    assert_eq!(slashes(&mut mine), []);
    assert_eq!(mine.value(pid), 2 * STAKE - STAKE / 10);
    assert_eq!(mine.balance(&TreasuryAccount::get()), treasury + STAKE / 10);
}

#[test]
fn who_proves_a_gatekeepers_fault_gets_a_part_of_its_stake() {
    let mut mine = Mine::new(1);
    let pid = mine.pool(&[1]);
    let gatekeeper = pair(1).public();
    let appoint =
        mine.chain.sudo(pallet_worker_registry::Call::register_gatekeeper { gatekeeper });
    all_ok(mine.chain.block(vec![appoint]));
    let mut rng = ChaCha20Rng::from_seed([8; 32]);
    let share = key_ceremony(&mut mine.chain, 1, mine.next[1], &mut rng);
    // It signs two things in one place.
    let network = mine.chain.genesis();
    let signed = |payload: u8| {
        let statement = Statement {
            network,
            sharing: share.sharing().id(),
            holder: share.index(),
            slot: Slot::Share {
                context: EvaluationContext::Beacon { round: 77 }.digest(),
                requester: worker(7),
            },
            payload: Statement::payload_digest(&[payload]),
        };
        SignedStatement {
            statement,
            signature: pair(1).sign(&statement.signing_bytes()).0,
        }
    };
    // It has a bond besides, though it was appointed.
    let (gatekeeper, amount) = (worker(1), 1_000 * PHA);
    let bond = mine.call(Bob, pallet_gatekeeper_bonds::Call::bond { gatekeeper, amount });
    all_ok(mine.chain.block(vec![bond]));
    let (first, second) = (signed(1), signed(2));
    let evidence =
        pallet_gatekeepers::Evidence::Equivocation(Equivocation { first, second });
    let report = mine.call(Dave, pallet_gatekeepers::Call::report_misbehaviour { evidence });
    all_ok(mine.chain.block(vec![report]));
    let dave = mine.balance(&Dave.to_account_id());
    mine.chain.blocks(20);
    // A tenth of both: of what the pool had behind it as a worker, and of its bond as a gatekeeper.
    assert_eq!(mine.balance(&Dave.to_account_id()), dave + STAKE / 10 + amount / 10);
    assert_eq!(mine.value(pid), 0);
    assert!(mine.read(|| !pallet_gatekeeper_bonds::Bonds::<Runtime>::contains_key(worker(1))));
    let session = mine.session(pid, 1);
    mine.read(|| {
        // It is out: it does not go on to earn with nothing at stake.
        assert_eq!(pallet_computation::WorkerBindings::<Runtime>::get(worker(1)), None);
        assert!(!PhalaComputation::is_computing(&session));
    });
}

#[test]
fn votes_set_what_the_economy_costs() {
    let mut mine = Mine::new(1);
    let periods = pallet_stake_pools::Periods::default();
    let share = economics::Permill::from_parts(300_000);
    let (schedule, parameters) = mine.read(|| (MiningBudget::get(), MiningParameters::get()));
    let levers: [RuntimeCall; 4] = [
        pallet_stake_pools::Call::set_waiting_periods { periods }.into(),
        pallet_computation::Call::set_network_share { share }.into(),
        pallet_computation::Call::set_schedule { schedule }.into(),
        pallet_computation::Call::update_tokenomic { parameters }.into(),
    ];
    for call in levers {
        let alone = mine.call(Bob, call.clone());
        assert_eq!(mine.chain.block(vec![alone]), [Ok(Err(DispatchError::BadOrigin))]);
        let by_vote = mine.chain.sudo(call);
        all_ok(mine.chain.block(vec![by_vote]));
    }
    mine.chain.blocks(1);
    mine.read(|| {
        use pallet_computation::{BudgetSchedule, NetworkShare, TokenomicParameters};
        assert_eq!(pallet_stake_pools::WaitingPeriods::<Runtime>::get(), periods);
        assert_eq!(NetworkShare::<Runtime>::get(), share);
        assert_eq!(BudgetSchedule::<Runtime>::get(), schedule);
        assert_eq!(TokenomicParameters::<Runtime>::get(), parameters);
    });
}

#[test]
fn presets_can_pay() {
    for name in genesis::NAMES {
        let config = whole(genesis::preset(name).unwrap());
        let mut storage = sp_io::TestExternalities::new(config.build_storage().unwrap());
        storage.execute_with(|| {
            try_state();
            assert!(!pallet_computation::HeartbeatPaused::<Runtime>::get());
            assert!(Balances::total_balance(&PhalaComputation::account_id()) > 1_000_000 * PHA);
            // What is too little to open an account gets to the treasury all the same.
            assert!(Balances::total_balance(&TreasuryAccount::get()) > EXISTENTIAL_DEPOSIT);
        });
    }
    // A network that nobody configured mines only when a vote says so.
    let config = RuntimeGenesisConfig::default().build_storage().unwrap();
    sp_io::TestExternalities::new(config).execute_with(|| {
        assert!(pallet_computation::HeartbeatPaused::<Runtime>::get());
        let parameters = pallet_computation::TokenomicParameters::<Runtime>::get();
        assert_eq!(parameters, economics::Parameters::MAIN.at_block_time(1000));
        let budget = pallet_computation::BudgetSchedule::<Runtime>::get();
        // 100 PHA in 12 s, times 0.75 after each 180 days.
        assert_eq!(budget.period, 180 * 24 * 60 * 60);
        let day = budget.between(0, 24 * 60 * 60).to_balance();
        assert!(day.abs_diff(720_000 * PHA) < PHA, "{day}");
        let next = budget.between(budget.period, budget.period + 24 * 60 * 60).to_balance();
        assert!(next.abs_diff(540_000 * PHA) < PHA, "{next}");
    });
}

#[test]
fn an_operators_server_moves_no_money() {
    use frame_support::traits::InstanceFilter as _;
    let allowed = |kind: ProxyType, call: RuntimeCall| kind.filter(&call);
    let (pid, to) = (0, Alice.to_account_id());
    for kind in [ProxyType::WorkerOperation, ProxyType::NonTransfer] {
        assert!(allowed(kind, start(pid, 1).into()));
        assert!(allowed(kind, stop(pid, 1).into()));
        assert!(!allowed(kind, contribute(pid, 1).into()));
        let take = pallet_stake_pools::Call::claim_owner_rewards { pid, target: to.clone() };
        assert!(!allowed(kind, take.into()));
        let give = pallet_stake_pools::Call::transfer_shares { pid, to: to.clone(), shares: 1 };
        assert!(!allowed(kind, give.into()));
    }
    assert!(ProxyType::NonTransfer.is_superset(&ProxyType::WorkerOperation));
}

#[test]
fn gatekeepers_are_elected_by_their_bonds_and_lose_them_by_a_proof() {
    let mut mine = Mine::new(2);
    let bonds: Vec<_> = [(1, 2_000), (2, 3_000)]
        .map(|(seed, amount)| {
            let (gatekeeper, amount) = (worker(seed), amount * PHA);
            mine.call(Bob, pallet_gatekeeper_bonds::Call::bond { gatekeeper, amount })
        })
        .to_vec();
    all_ok(mine.chain.block(bonds));
    let force = mine.chain.sudo(pallet_gatekeeper_bonds::Call::force_election {});
    all_ok(mine.chain.block(vec![force]));
    mine.chain.blocks(1);
    let gatekeepers: Vec<WorkerId> = mine.chain.read(keys::gatekeepers());
    assert_eq!(gatekeepers, [worker(2), worker(1)]);
    mine.chain.blocks(1);
    // The ceremony among them begins by itself, as among appointed ones.
    let state: CeremonyState = mine.chain.read(keys::ceremony());
    assert_eq!(state.candidates.len(), 2);
    // Neither says anything: both stay away, which is free this often.
    mine.chain.blocks(25);
    let absences = |mine: &mut Mine| {
        mine.read(|| {
            pallet_gatekeeper_bonds::Bonds::<Runtime>::get(worker(1)).map(|bond| bond.absences)
        })
    };
    assert_eq!(absences(&mut mine), Some(1));
    mine.read(|| {
        pallet_gatekeepers::Pallet::<Runtime>::do_try_state().unwrap();
        let held = Balances::reserved_balance(&Bob.to_account_id());
        assert!(held >= 5_000 * PHA);
    });
}

/// Challenges and answers of a network as large as is planned for, in blocks of a second.
#[test]
fn what_a_hundred_thousand_workers_take_of_a_block() {
    use pallet_computation::WeightInfo as _;
    let config = RuntimeGenesisConfig::default().build_storage().unwrap();
    let parameters = sp_io::TestExternalities::new(config).execute_with(MiningParameters::get);
    let challenges = economics::challenges_per_block(&parameters, 100_000).whole();
    let count = u32::try_from(challenges).unwrap();
    let answer = MessagePayload::Heartbeat {
        session: primitives::AccountId([0; 32]),
        challenge_block: 0,
        nonce: [0; 32],
        iterations: 0,
        contract_running: false,
    };
    let answer = pallet_mailbox::weights::sync_offchain_message::<Runtime>(&answer);
    let start = SessionWeights::on_initialize(count, 0, 0);
    // Should all that were challenged in a block fall silent together.
    let silent = SessionWeights::on_initialize(count, count, 0);
    let block = RuntimeBlockWeights::get().max_block.ref_time();
    let all = start.ref_time() + answer.ref_time() * challenges;
    println!(
        "{challenges} challenges a block: {} µs to draw them, {} µs for an answer, {:.1} % of a block with all \
         answers, {:.1} % when nobody answers",
        start.ref_time() / 1_000_000,
        answer.ref_time() / 1_000_000,
        100.0 * all as f64 / block as f64,
        100.0 * silent.ref_time() as f64 / block as f64,
    );
    assert!(all < block / 4, "{all} of {block}");
    assert!(silent.ref_time() < block / 10);
}
