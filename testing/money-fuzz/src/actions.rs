//! What a step does. Most arguments make sense, some do not.

use crate::chance::Chance;
use crate::world::{PEOPLE, WORKERS, World, operator, pair, worker};
use economics::{Fault, Fixed, Parameters, Permill, Schedule};
use pallet_gatekeepers::{Misbehaviour, OffenceKind, OnMisbehaviour as _};
use polkadot_sdk::{
    pallet_balances,
    sp_core::{H256, Pair as _},
    sp_runtime::MultiAddress,
};
use primitives::{Balance, WorkerId, units::PHA};
use runtime::{AccountId, PhalaComputation, PhalaStakePoolv2, Runtime, RuntimeCall};
use wire::message::MessagePayload;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $weight:literal,)*) => {
        /// What a step does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        /// All kinds of steps.
        pub const KINDS: &[Kind] = &[$(Kind::$kind,)*];
        const WEIGHTS: &[u64] = &[$($weight,)*];
    };
}

kinds! {
    /// One to ten blocks.
    Blocks = 30,
    /// Time passes: seconds to a minute in one block.
    Time = 6,
    /// A worker tells a benchmark.
    Benchmark = 20,
    /// A worker answers its challenge.
    Answer = 40,
    /// Root challenges a session.
    ForceChallenge = 10,
    /// Somebody makes a pool or a vault.
    Create = 4,
    /// A worker is given to a pool, or taken out.
    Assign = 16,
    /// Somebody contributes, some as a vault.
    Contribute = 24,
    /// Somebody asks for money, or takes the request back.
    Withdraw = 20,
    /// A worker is started.
    Start = 24,
    /// A worker gets more stake.
    Restart = 8,
    /// A worker is stopped.
    Stop = 8,
    /// A stake is reclaimed.
    Reclaim = 16,
    /// A pool or vault is looked after.
    Check = 12,
    /// An owner sets commission, cap, or list.
    Settings = 8,
    /// An owner takes commission.
    Claim = 6,
    /// Shares change hands.
    Transfer = 6,
    /// An operator takes a worker, or root bans it.
    Unbind = 4,
    /// A fault is proven.
    Fault = 6,
    /// An appeal is heard.
    Appeal = 2,
    /// A vote sets parameters of mining, budget, pools or bonds.
    Vote = 10,
    /// Somebody sends money: to people, to pools' accounts, to the subsidy pool or out of what is rich.
    Send = 10,
    /// What is owed is claimed.
    ClaimOwed = 3,
    /// Somebody stakes to a contract.
    ContractStake = 8,
    /// A bond is put up or added to.
    Bond = 8,
    /// A bond leaves, stays, is withdrawn.
    Unbond = 8,
    /// A gatekeeper stays away, or is proven guilty.
    Misbehave = 6,
}

fn person(chance: &mut Chance) -> AccountId {
    PEOPLE[chance.below(PEOPLE.len() as u64) as usize].to_account_id()
}

fn any_worker(chance: &mut Chance) -> u8 {
    chance.between(1, WORKERS.into()) as u8
}

/// Amounts of all sizes: dust, usual ones, too much.
fn amount(chance: &mut Chance) -> Balance {
    match chance.below(10) {
        0 => chance.below(2_000).into(),
        1 => Balance::from(chance.below(1_000)) * PHA / 1_000,
        2 => Balance::from(chance.below(20)) * 1_000_000 * PHA,
        _ => Balance::from(chance.below(20_000)) * PHA + Balance::from(chance.next() % 1_000_000),
    }
}

/// A pool that there may be, its owner if there is one, and whether it is a vault.
fn any_pool(world: &mut World) -> (u64, AccountId, bool) {
    let count = world.read(pallet_stake_pools::PoolCount::<Runtime>::get);
    let pid = world.chance.below(count + 1);
    let pool = world.read(|| pallet_stake_pools::Pools::<Runtime>::get(pid));
    match pool {
        Some(pool) => (pid, pool.owner.clone(), pool.as_vault().is_some()),
        None => (pid, person(&mut world.chance), false),
    }
}

/// The owner mostly, somebody else sometimes.
fn mostly(world: &mut World, owner: AccountId) -> AccountId {
    if world.chance.once_in(12) {
        person(&mut world.chance)
    } else {
        owner
    }
}

/// A worker, the pool that it belongs to or some other, and that pool's owner.
fn placed(world: &mut World) -> (u64, AccountId, WorkerId) {
    let id = worker(any_worker(&mut world.chance));
    let assigned =
        world.read(|| pallet_stake_pools::WorkerAssignments::<Runtime>::get(id));
    let (mut pid, mut owner, _) = any_pool(world);
    if let Some(own) = assigned.filter(|_| !world.chance.once_in(12)) {
        let pool = world.read(|| pallet_stake_pools::Pools::<Runtime>::get(own));
        pid = own;
        owner = pool.map_or(owner, |pool| pool.owner);
    }
    (pid, mostly(world, owner), id)
}

fn session(world: &mut World, id: &WorkerId) -> Option<AccountId> {
    world.read(|| pallet_computation::WorkerBindings::<Runtime>::get(id))
}

impl Kind {
    /// One, by its weight.
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        let mut place = chance.below(WEIGHTS.iter().sum());
        for (kind, weight) in KINDS.iter().zip(WEIGHTS) {
            if place < *weight {
                return *kind;
            }
            place -= weight;
        }
        Self::Blocks
    }

    /// Does it; whether it was done, not refused.
    pub(crate) fn act(self, world: &mut World) -> anyhow::Result<bool> {
        Ok(match self {
            Self::Blocks => {
                for _ in 0..world.chance.between(1, 10) {
                    world.next_block(1_000)?;
                }
                true
            }
            Self::Time => {
                let seconds = world.chance.between(5, 60);
                world.next_block(seconds * 1_000)?;
                true
            }
            Self::Benchmark => benchmark(world),
            Self::Answer => answer(world),
            Self::ForceChallenge => {
                let id = worker(any_worker(&mut world.chance));
                let Some(session) = session(world, &id) else {
                    return Ok(false);
                };
                world.call(None, pallet_computation::Call::force_challenge { session }.into())
            }
            Self::Create | Self::Assign | Self::Contribute | Self::Withdraw => {
                let (who, call) = self.delegating(world);
                world.call(Some(who), call.into())
            }
            Self::Start | Self::Restart | Self::Stop | Self::Reclaim => {
                let (who, call) = self.working(world);
                world.call(Some(who), call.into())
            }
            Self::Check | Self::Settings | Self::Claim | Self::Transfer => {
                let (who, call) = self.owning(world);
                world.call(Some(who), call.into())
            }
            Self::Unbind => unbind(world),
            Self::Fault => fault(world),
            Self::Appeal => appeal(world),
            Self::Vote => vote(world),
            Self::Send => send(world),
            Self::ClaimOwed => {
                let owed = world.read(|| {
                    pallet_computation::Owed::<Runtime>::iter_keys().next()
                });
                let Some(session) = owed else {
                    return Ok(drain_and_refill(world));
                };
                let who = person(&mut world.chance);
                world.call(Some(who), pallet_computation::Call::claim_owed { session }.into())
            }
            Self::ContractStake => {
                let (who, amount) = (person(&mut world.chance), amount(&mut world.chance));
                let contract = H256(world.contract.0);
                let amount = if world.chance.once_in(3) { 0 } else { amount };
                let call = pallet_contract_stakes::Call::adjust_stake { contract, amount };
                world.call(Some(who), call.into())
            }
            Self::Bond | Self::Unbond => {
                let (who, call) = self.bonding(world);
                world.call(who, call.into())
            }
            Self::Misbehave => misbehave(world),
        })
    }

    fn delegating(self, world: &mut World) -> (AccountId, pallet_stake_pools::Call<Runtime>) {
        use pallet_stake_pools::Call;
        let (pid, owner, is_vault) = any_pool(world);
        let who = person(&mut world.chance);
        match self {
            Self::Create if world.chance.once_in(3) => (who, Call::create_vault {}),
            Self::Create => (who, Call::create {}),
            Self::Assign => {
                let seed = any_worker(&mut world.chance);
                let operator = operator(seed);
                // A pool of the operator's, if there is one.
                let own = world.read(|| {
                    pallet_stake_pools::Pools::<Runtime>::iter()
                        .filter(|(_, pool)| pool.owner == operator && pool.as_vault().is_none())
                        .map(|(pid, _)| pid)
                        .min()
                });
                if world.chance.once_in(8) {
                    let (pid, who, worker) = placed(world);
                    return (who, Call::remove_worker { pid, worker });
                }
                let (pid, pubkey) = (own.unwrap_or(pid), worker(seed));
                (operator, Call::add_worker { pid, pubkey })
            }
            Self::Contribute => {
                let amount = amount(&mut world.chance);
                // A vault's owner puts its money into some other pool.
                if is_vault && world.chance.once_in(2) {
                    let (into, ..) = any_pool(world);
                    let as_vault = Some(pid);
                    return (mostly(world, owner), Call::contribute { pid: into, amount, as_vault });
                }
                (who, Call::contribute { pid, amount, as_vault: None })
            }
            _ => {
                let (who, pid, as_vault) = if is_vault && world.chance.once_in(3) {
                    let (from, ..) = any_pool(world);
                    (mostly(world, owner), from, Some(pid))
                } else {
                    (who, pid, None)
                };
                if world.chance.once_in(6) {
                    return (who, Call::cancel_withdraw { pid, as_vault });
                }
                let holder = as_vault.map_or_else(
                    || who.clone(),
                    |vault| world.read(|| PhalaStakePoolv2::pool_account(vault)),
                );
                let held = world.read(|| {
                    pallet_stake_pools::Delegations::<Runtime>::get(pid, &holder)
                        .map_or(0, |delegation| delegation.shares)
                });
                let shares = match world.chance.below(4) {
                    0 => held,
                    1 => held / 2,
                    2 => held / 10,
                    _ => amount(&mut world.chance),
                };
                (who, Call::withdraw { pid, shares, as_vault })
            }
        }
    }

    fn working(self, world: &mut World) -> (AccountId, pallet_stake_pools::Call<Runtime>) {
        use pallet_stake_pools::Call;
        let (pid, owner, worker) = placed(world);
        let stake = Balance::from(world.chance.between(1_500, 15_000)) * PHA;
        match self {
            Self::Start => (owner, Call::start_computing { pid, worker, stake }),
            Self::Restart => (owner, Call::restart_computing { pid, worker, stake }),
            Self::Stop => (owner, Call::stop_computing { pid, worker }),
            _ => {
                // A session that its worker has left is reclaimed as well.
                let sessions: Vec<(u64, WorkerId)> = world.read(|| {
                    pallet_stake_pools::Sessions::<Runtime>::iter_values()
                        .filter(|session| session.phase == pallet_stake_pools::Phase::CoolingDown)
                        .map(|session| (session.pid, session.worker))
                        .collect()
                });
                let place = world.chance.below(sessions.len() as u64) as usize;
                let (pid, worker) = sessions.get(place).copied().unwrap_or((pid, worker));
                (person(&mut world.chance), Call::reclaim_pool_worker { pid, worker })
            }
        }
    }

    fn owning(self, world: &mut World) -> (AccountId, pallet_stake_pools::Call<Runtime>) {
        use pallet_stake_pools::Call;
        let (pid, owner, is_vault) = any_pool(world);
        let other = person(&mut world.chance);
        match self {
            Self::Check if is_vault && world.chance.once_in(2) => {
                (other, Call::maybe_gain_owner_shares { pid })
            }
            Self::Check => (other, Call::check_and_maybe_force_withdraw { pid }),
            Self::Settings => {
                let who = mostly(world, owner);
                let call = match world.chance.below(4) {
                    0 => Call::set_cap { pid, cap: amount(&mut world.chance) * 100 },
                    1 => Call::add_staker_to_whitelist { pid, staker: other },
                    2 => Call::remove_staker_from_whitelist { pid, staker: other },
                    _ => Call::set_payout_pref {
                        pid,
                        payout_commission: Some(Permill::from_parts(
                            world.chance.below(300_000) as u32,
                        )),
                    },
                };
                (who, call)
            }
            Self::Claim if is_vault => {
                let gained = world.read(|| {
                    let pool = pallet_stake_pools::Pools::<Runtime>::get(pid)?;
                    Some(pool.as_vault()?.owner_shares)
                });
                let shares = gained.unwrap_or(1);
                (mostly(world, owner), Call::claim_owner_shares { pid, target: other, shares })
            }
            Self::Claim => (mostly(world, owner), Call::claim_owner_rewards { pid, target: other }),
            _ => {
                let from = person(&mut world.chance);
                let held = world.read(|| {
                    pallet_stake_pools::Delegations::<Runtime>::get(pid, &from)
                        .map_or(0, |delegation| delegation.shares)
                });
                let shares = held / Balance::from(world.chance.between(1, 4));
                (from, Call::transfer_shares { pid, to: other, shares })
            }
        }
    }

    fn bonding(self, world: &mut World) -> (Option<AccountId>, pallet_gatekeeper_bonds::Call<Runtime>) {
        use pallet_gatekeeper_bonds::Call;
        let seed = any_worker(&mut world.chance);
        let (gatekeeper, owner) = (worker(seed), operator(seed));
        let amount = amount(&mut world.chance);
        let call = match (self, world.chance.below(5)) {
            (Self::Bond, 0 | 1) => Call::bond_extra { gatekeeper, amount },
            (Self::Bond, _) => Call::bond { gatekeeper, amount },
            (_, 0 | 1) => Call::leave { gatekeeper },
            (_, 2) => Call::stay { gatekeeper },
            (_, 3) => Call::withdraw_bond { gatekeeper },
            _ => return (None, Call::force_election {}),
        };
        (Some(mostly(world, owner)), call)
    }
}

fn benchmark(world: &mut World) -> bool {
    let seed = any_worker(&mut world.chance);
    let ended_at_ms = world.now_ms;
    let took_ms = world.chance.between(500, 5_000);
    let score = world.chance.between(40, 4_000);
    world.say(
        seed,
        MessagePayload::Benchmark {
            started_at_ms: ended_at_ms - took_ms,
            ended_at_ms,
            iterations: score * took_ms / 6_000,
        },
    )
}

fn answer(world: &mut World) -> bool {
    let waiting: Vec<(AccountId, pallet_computation::PendingChallenge)> =
        world.read(|| pallet_computation::PendingChallenges::<Runtime>::iter().collect());
    let place = world.chance.below(waiting.len() as u64) as usize;
    let Some((session, pending)) = waiting.get(place).cloned() else {
        return false;
    };
    let bound =
        world.read(|| pallet_computation::SessionBindings::<Runtime>::get(&session));
    let seed = (1..=WORKERS).find(|seed| Some(worker(*seed)) == bound);
    let Some(seed) = seed else {
        return false;
    };
    let mut nonce = pending.nonce;
    if world.chance.once_in(12) {
        nonce[0] ^= 1;
    }
    let counted = &mut world.counted[usize::from(seed)];
    *counted = counted.saturating_add(world.chance.below(10_000));
    let iterations = *counted;
    let contract_running = world.chance.once_in(2);
    world.say(
        seed,
        MessagePayload::Heartbeat {
            session: primitives::AccountId(session.into()),
            challenge_block: pending.block,
            nonce,
            iterations,
            contract_running,
        },
    )
}

fn unbind(world: &mut World) -> bool {
    let seed = any_worker(&mut world.chance);
    let Some(session) = session(world, &worker(seed)) else {
        return false;
    };
    if world.chance.once_in(3) {
        return world.call(None, pallet_computation::Call::force_stop_computing { session }.into());
    }
    let who = mostly(world, operator(seed));
    world.call(Some(who), pallet_computation::Call::unbind { session }.into())
}

fn fault(world: &mut World) -> bool {
    let worker = worker(any_worker(&mut world.chance));
    let faults = [Fault::Slight, Fault::Grave, Fault::Malicious];
    let fault = faults[world.chance.below(3) as usize];
    let reporter = world.chance.once_in(2).then(|| person(&mut world.chance));
    let call = pallet_computation::Call::report_slash {
        worker,
        fault,
        reporter,
    };
    world.call(None, call.into())
}

fn appeal(world: &mut World) -> bool {
    let of_sessions =
        world.read(|| pallet_computation::PendingSlashes::<Runtime>::iter_keys().next());
    if let Some(slash) = of_sessions.filter(|_| world.chance.once_in(2)) {
        return world.call(None, pallet_computation::Call::cancel_slash { slash }.into());
    }
    let of_bonds =
        world.read(|| pallet_gatekeeper_bonds::PendingSlashes::<Runtime>::iter_keys().next());
    let Some(slash) = of_bonds else {
        return false;
    };
    world.call(None, pallet_gatekeeper_bonds::Call::cancel_slash { slash }.into())
}

fn parameters(world: &mut World) -> Parameters {
    let sets = [Parameters::MAIN, Parameters::CANARY, Parameters::GENESIS];
    let base = sets[world.chance.below(3) as usize];
    let part = |chance: &mut Chance| Fixed::from_bits(u128::from(chance.next()));
    Parameters {
        blocks_per_hour: world.chance.between(4, 100) as u32,
        heartbeat_window: world.chance.between(1, 40) as u32,
        challenges: world.chance.between(1, 70) as u32,
        slash_rate: Fixed::from_bits(part(&mut world.chance).to_bits() >> world.chance.below(20)),
        treasury_ratio: part(&mut world.chance),
        kappa: if world.chance.once_in(4) {
            part(&mut world.chance)
        } else {
            Fixed::ONE
        },
        ..base
    }
}

fn vote(world: &mut World) -> bool {
    let part = |world: &mut World| Permill::from_parts(world.chance.below(1_000_001) as u32);
    let call: RuntimeCall = match world.chance.below(8) {
        0 => {
            let parameters = parameters(world);
            pallet_computation::Call::update_tokenomic { parameters }.into()
        }
        1 => {
            let schedule = Schedule {
                start: world.chance.below(200) as u32,
                per_block: Fixed::from_int(world.chance.below(500)),
                period: world.chance.between(1, 2_000) as u32,
                decay: Fixed::from_bits(u128::from(world.chance.next())),
            };
            pallet_computation::Call::set_schedule { schedule }.into()
        }
        2 => {
            let share = part(world);
            pallet_computation::Call::set_network_share { share }.into()
        }
        3 => {
            let paused = world.chance.once_in(4);
            pallet_computation::Call::set_heartbeat_paused { paused }.into()
        }
        4 => {
            let period = world.chance.below(120);
            pallet_computation::Call::set_cool_down_expiration { period }.into()
        }
        5 => {
            let rules = pallet_computation::SlashPolicy {
                enabled: !world.chance.once_in(5),
                appeal_blocks: world.chance.below(40) as u32,
                reporter_part: part(world),
            };
            pallet_computation::Call::set_slash_rules { rules }.into()
        }
        6 => {
            let grace = world.chance.below(60);
            let vault_queue = grace + world.chance.below(60);
            let periods = pallet_stake_pools::Periods {
                grace,
                vault_queue,
                commission_notice: vault_queue + world.chance.below(60),
            };
            pallet_stake_pools::Call::set_waiting_periods { periods }.into()
        }
        _ => {
            let settings = pallet_gatekeeper_bonds::BondSettings {
                bond_min: Balance::from(world.chance.between(1, 5_000)) * PHA,
                seats_max: world.chance.between(1, 6) as u8,
                seats_min: world.chance.below(3) as u8,
                tier_max: 5,
                term_blocks: world.chance.between(5, 80) as u32,
                unbonding_blocks: world.chance.between(60, 200) as u32,
                appeal_blocks: world.chance.between(1, 40) as u32,
                reward: Balance::from(world.chance.below(100)) * PHA,
                absences_free: world.chance.below(3) as u32,
                absence_part: part(world),
                fault_part: part(world),
                reporter_part: part(world),
            };
            pallet_gatekeeper_bonds::Call::set_settings { settings }.into()
        }
    };
    world.call(None, call)
}

/// Money that pools did not ask for must not change a price.
fn send(world: &mut World) -> bool {
    let who = person(&mut world.chance);
    let (pid, ..) = any_pool(world);
    let to = match world.chance.below(5) {
        0 => world.read(|| PhalaStakePoolv2::pool_account(pid)),
        1 => PhalaComputation::account_id(),
        2 => AccountId::new([world.chance.below(4) as u8; 32]),
        _ => person(&mut world.chance),
    };
    let value = amount(&mut world.chance);
    let dest = MultiAddress::Id(to);
    let call = pallet_balances::Call::transfer_allow_death { dest, value };
    world.call(Some(who), call.into())
}

/// Root moves nearly all of the subsidy away, or back, so that payments are owed and paid later.
fn drain_and_refill(world: &mut World) -> bool {
    let pool = PhalaComputation::account_id();
    let has = world.read(|| runtime::Balances::free_balance(&pool));
    let far = AccountId::new([250; 32]);
    let (source, dest, value) = if has > 1_000 * PHA {
        (pool, far, has - 50 * PHA)
    } else {
        let there = world.read(|| runtime::Balances::free_balance(&far));
        (far, pool, there.saturating_sub(PHA))
    };
    let (source, dest) = (MultiAddress::Id(source), MultiAddress::Id(dest));
    let call = pallet_balances::Call::force_transfer {
        source,
        dest,
        value,
    };
    world.call(None, call.into())
}

fn misbehave(world: &mut World) -> bool {
    let seed = any_worker(&mut world.chance);
    let reporter = world.chance.once_in(2).then(|| person(&mut world.chance));
    let kind = match world.chance.below(6) {
        0 => OffenceKind::Equivocation,
        1 => OffenceKind::WrongShare,
        2 => OffenceKind::NoDealing,
        _ => OffenceKind::NoBeacon,
    };
    world.read(|| {
        // As `pallet-gatekeepers` tells whom the runtime names.
        <Runtime as pallet_gatekeepers::Config>::OnMisbehaviour::on_misbehaviour(&Misbehaviour {
            holder: &pair(seed).public().0,
            kind,
            evidence: [0; 32],
            reporter: reporter.as_ref(),
        });
    });
    true
}
