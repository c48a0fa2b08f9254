//! A season of governance on the real runtime: proposals, delegations, votes, spends, bans, a hostile upgrade that is
//! stopped within its notice, and what a captured vote cannot do.

use super::*;
use frame_support::traits::{Bounded, schedule::DispatchTime};
use pallet_conviction_voting::{AccountVote, Conviction, Vote};
use pallet_governance::Origin;
use pallet_referenda::{ReferendumIndex, ReferendumInfo, ReferendumInfoFor};
use primitives::Measurement;
use sp_runtime::{traits::Hash as _, transaction_validity::TransactionValidityError};

/// Those who vote: everybody with money at genesis.
fn voters() -> Vec<Sr25519Keyring> {
    Sr25519Keyring::well_known().collect()
}

/// Notice of trust in these tests, blocks.
const NOTICE: u32 = 50;

/// A chain whose hours are single blocks and on which trust is given with notice.
fn season() -> Chain {
    let mut chain = Chain::new();
    chain.storage.execute_with(|| {
        pallet_governance::HourBlocks::<Runtime>::put(1);
        pallet_worker_registry::NoticeBlocks::<Runtime>::put(NOTICE);
        pallet_sudo::Key::<Runtime>::kill();
    });
    chain
}

fn origin(of: Origin) -> Box<OriginCaller> {
    Box::new(OriginCaller::GovernanceOrigins(of))
}

fn root_origin() -> Box<OriginCaller> {
    Box::new(OriginCaller::system(frame_system::RawOrigin::Root))
}

fn aye(balance: Balance) -> AccountVote<Balance> {
    AccountVote::Standard { vote: Vote { aye: true, conviction: Conviction::Locked1x }, balance }
}

fn nay(balance: Balance, conviction: Conviction) -> AccountVote<Balance> {
    AccountVote::Standard { vote: Vote { aye: false, conviction }, balance }
}

impl Chain {
    /// One call in a block of its own, which must go through.
    fn does(&mut self, who: Sr25519Keyring, call: impl Into<RuntimeCall>) {
        assert_eq!(self.tries(who, call), Ok(()));
    }

    /// One call in a block of its own, and what became of it.
    fn tries(
        &mut self,
        who: Sr25519Keyring,
        call: impl Into<RuntimeCall>,
    ) -> Result<(), DispatchError> {
        let extrinsic = self.signed(who, call);
        loop {
            match self.block(vec![extrinsic.clone()]).remove(0) {
                // The block that ends a session takes no transactions.
                Err(TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources)) => {}
                outcome => return outcome.unwrap(),
            }
        }
    }

    /// Submits `call`, to be made by `speaker`, with its deposits. Gives the referendum's number.
    fn proposes(
        &mut self,
        who: Sr25519Keyring,
        speaker: Box<OriginCaller>,
        call: impl Into<RuntimeCall>,
    ) -> ReferendumIndex {
        let proposal = self.noted(who, call.into());
        let index = self.storage.execute_with(pallet_referenda::ReferendumCount::<Runtime>::get);
        self.does(
            who,
            pallet_referenda::Call::submit {
                proposal_origin: speaker,
                proposal,
                enactment_moment: DispatchTime::After(0),
            },
        );
        self.does(who, pallet_referenda::Call::place_decision_deposit { index });
        index
    }

    /// `call` as referenda take it: in place, or as a preimage that `who` has noted.
    fn noted(
        &mut self,
        who: Sr25519Keyring,
        call: RuntimeCall,
    ) -> Bounded<RuntimeCall, BlakeTwo256> {
        let bytes = call.encode();
        match bytes.clone().try_into() {
            Ok(short) => Bounded::Inline(short),
            Err(_) => {
                let hash = sp_io::hashing::blake2_256(&bytes).into();
                let len = bytes.len() as u32;
                self.does(who, pallet_preimage::Call::note_preimage { bytes });
                Bounded::Lookup { hash, len }
            }
        }
    }

    fn votes(&mut self, who: Sr25519Keyring, poll_index: ReferendumIndex, vote: AccountVote<Balance>) {
        self.does(who, pallet_conviction_voting::Call::vote { poll_index, vote });
    }

    /// Everybody votes in one block, so that no vote is decided before the last one has voted.
    fn all_vote(&mut self, poll_index: ReferendumIndex, vote: AccountVote<Balance>) {
        let call = |vote| pallet_conviction_voting::Call::vote { poll_index, vote };
        let mut votes: Vec<_> =
            voters().into_iter().map(|who| self.signed(who, call(vote))).collect();
        while !votes.is_empty() {
            let outcomes = self.block(votes.clone());
            let mut outcomes = outcomes.into_iter();
            votes.retain(|_| match outcomes.next().unwrap() {
                Err(TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources)) => {
                    true
                }
                outcome => {
                    outcome.unwrap().unwrap();
                    false
                }
            });
        }
    }

    fn waits(&mut self, blocks: u32) {
        for _ in 0..blocks {
            self.block(Vec::new());
        }
    }

    fn outcome(&mut self, index: ReferendumIndex) -> &'static str {
        let info = self.storage.execute_with(|| ReferendumInfoFor::<Runtime>::get(index));
        match info.unwrap() {
            ReferendumInfo::Ongoing(_) => "ongoing",
            ReferendumInfo::Approved(..) => "approved",
            ReferendumInfo::Rejected(..) => "rejected",
            ReferendumInfo::Cancelled(..) => "cancelled",
            ReferendumInfo::TimedOut(..) => "timed out",
            ReferendumInfo::Killed(_) => "killed",
        }
    }

    /// Waits until a referendum is decided.
    fn decides(&mut self, index: ReferendumIndex) -> &'static str {
        for _ in 0..1000 {
            if self.outcome(index) != "ongoing" {
                break;
            }
            self.block(Vec::new());
        }
        self.outcome(index)
    }

    fn free(&mut self, who: Sr25519Keyring) -> Balance {
        self.storage.execute_with(|| Balances::free_balance(&who.to_account_id()))
    }

    fn frozen(&mut self, who: Sr25519Keyring) -> Balance {
        self.storage.execute_with(|| {
            let locks = Balances::locks(&who.to_account_id());
            locks.iter().map(|lock| lock.amount).max().unwrap_or(0)
        })
    }
}

/// What each account has at genesis.
const ENDOWMENT: Balance = 10_000_000 * PHA;

#[test]
fn a_vote_changes_what_its_track_may_and_nothing_else() {
    let mut chain = season();
    let [alice, bob] = [Sr25519Keyring::Alice, Sr25519Keyring::Bob];
    let tier = || pallet_worker_registry::Call::set_tier_max { tier_max: 2 };
    let right = chain.proposes(alice, origin(Origin::Attestation), tier());
    let wrong = chain.proposes(bob, origin(Origin::Economy), tier());
    chain.all_vote(right, aye(9_000_000 * PHA));
    chain.all_vote(wrong, aye(9_000_000 * PHA));
    assert_eq!(chain.decides(right), "approved");
    assert_eq!(chain.decides(wrong), "approved");
    // Passed, and not in force before the notice of its track.
    let tier_max = |chain: &mut Chain| {
        chain.storage.execute_with(pallet_worker_registry::TierMax::<Runtime>::get)
    };
    assert_eq!(tier_max(&mut chain), attestation::TIER_WORST);
    chain.waits(2 * 24 + 2);
    assert_eq!(tier_max(&mut chain), 2);
    // The economy's vote was made too, and refused by the registry: only one change.
    chain.storage.execute_with(|| pallet_worker_registry::TierMax::<Runtime>::put(5));
    chain.waits(50);
    assert_eq!(tier_max(&mut chain), 5);
}

#[test]
fn proposing_takes_a_threshold_that_small_holders_reach_together() {
    let mut chain = season();
    let small: Vec<_> = [Sr25519Keyring::Ferdie, Sr25519Keyring::Eve, Sr25519Keyring::Dave].into();
    for who in &small {
        // All but 600 PHA goes elsewhere.
        let value = ENDOWMENT - 600 * PHA;
        chain.does(
            *who,
            pallet_balances::Call::transfer_allow_death {
                dest: Sr25519Keyring::Alice.to_account_id().into(),
                value,
            },
        );
    }
    let call: RuntimeCall = pallet_worker_registry::Call::set_tier_max { tier_max: 1 }.into();
    let submit = |chain: &mut Chain| {
        let proposal = chain.noted(small[0], call.clone());
        chain.tries(
            small[0],
            pallet_referenda::Call::submit {
                proposal_origin: origin(Origin::Attestation),
                proposal,
                enactment_moment: DispatchTime::After(0),
            },
        )
    };
    assert_eq!(submit(&mut chain), Err(DispatchError::BadOrigin));
    let delegate = |to: Sr25519Keyring| pallet_conviction_voting::Call::delegate {
        class: 10,
        to: to.to_account_id().into(),
        conviction: Conviction::None,
        balance: 300 * PHA,
    };
    chain.does(small[1], delegate(small[0]));
    assert_eq!(submit(&mut chain), Err(DispatchError::BadOrigin));
    chain.does(small[2], delegate(small[0]));
    assert_eq!(submit(&mut chain), Ok(()));
    // Taken back, it counts no more.
    chain.does(small[1], pallet_conviction_voting::Call::undelegate { class: 10 });
    assert_eq!(submit(&mut chain), Err(DispatchError::BadOrigin));
}

#[test]
fn the_treasury_pays_what_a_vote_of_its_size_decides() {
    let mut chain = season();
    let alice = Sr25519Keyring::Alice;
    let payee = Sr25519Keyring::One;
    let treasury = chain.storage.execute_with(Treasury::account_id);
    chain.does(
        alice,
        pallet_balances::Call::transfer_allow_death {
            dest: treasury.clone().into(),
            value: 50_000 * PHA,
        },
    );
    let spend = |amount| pallet_treasury::Call::spend {
        asset_kind: Box::new(()),
        amount,
        beneficiary: Box::new(payee.to_account_id()),
        valid_from: None,
    };
    let small = chain.proposes(alice, origin(Origin::SmallSpender), spend(9_000 * PHA));
    let greedy = chain.proposes(alice, origin(Origin::SmallSpender), spend(11_000 * PHA));
    chain.all_vote(small, aye(9_000_000 * PHA));
    chain.all_vote(greedy, aye(9_000_000 * PHA));
    assert_eq!(chain.decides(small), "approved");
    assert_eq!(chain.decides(greedy), "approved");
    chain.waits(5);
    let before = chain.free(payee);
    chain.does(alice, pallet_treasury::Call::payout { index: 0 });
    assert_eq!(chain.free(payee), before + 9_000 * PHA);
    // The one above its bound became no spend.
    assert!(chain.tries(alice, pallet_treasury::Call::payout { index: 1 }).is_err());
}

#[test]
fn an_emergency_takes_rights_away_and_gives_none() {
    let mut chain = season();
    let [alice, bob] = [Sr25519Keyring::Alice, Sr25519Keyring::Bob];
    let build = Measurement([77; 32]);
    chain.storage.execute_with(|| {
        pallet_worker_registry::AllowedMeasurements::<Runtime>::insert(build, 0);
    });
    let motion = |chain: &mut Chain, threshold, call: RuntimeCall| {
        let length_bound = call.encoded_size() as u32;
        let weight = call.get_dispatch_info().call_weight;
        let hash = BlakeTwo256::hash_of(&call);
        let index = chain.storage.execute_with(|| {
            pallet_collective::ProposalCount::<Runtime, TechnicalCollective>::get()
        });
        chain.does(
            alice,
            pallet_collective::Call::<Runtime, TechnicalCollective>::propose {
                threshold,
                proposal: Box::new(call),
                length_bound,
            },
        );
        for who in [alice, bob] {
            chain.does(
                who,
                pallet_collective::Call::<Runtime, TechnicalCollective>::vote {
                    proposal: hash,
                    index,
                    approve: true,
                },
            );
        }
        chain.does(
            bob,
            pallet_collective::Call::<Runtime, TechnicalCollective>::close {
                proposal_hash: hash,
                index,
                proposal_weight_bound: weight,
                length_bound,
            },
        );
    };
    let allowed = |chain: &mut Chain| {
        chain.storage.execute_with(|| {
            pallet_worker_registry::AllowedMeasurements::<Runtime>::contains_key(build)
        })
    };
    motion(
        &mut chain,
        2,
        pallet_worker_registry::Call::disallow_measurement { measurement: build }.into(),
    );
    assert!(!allowed(&mut chain), "two of three ban a build at once");
    motion(
        &mut chain,
        2,
        pallet_worker_registry::Call::allow_measurement { measurement: build }.into(),
    );
    chain.waits(NOTICE + 1);
    assert!(!allowed(&mut chain), "the committee allows nothing");

    // It pauses, but neither votes nor the ways out.
    let pause = |pallet: &str, call: &str| -> RuntimeCall {
        let name = |text: &str| text.as_bytes().to_vec().try_into().unwrap();
        pallet_tx_pause::Call::pause { full_name: (name(pallet), name(call)) }.into()
    };
    let transfer = || pallet_balances::Call::transfer_allow_death {
        dest: alice.to_account_id().into(),
        value: PHA,
    };
    motion(&mut chain, 2, pause("Balances", "transfer_allow_death"));
    let filtered = frame_system::Error::<Runtime>::CallFiltered.into();
    assert_eq!(chain.tries(bob, transfer()), Err(filtered));
    for (pallet, call) in [("ConvictionVoting", "vote"), ("PhalaPhatTokenomic", "adjust_stake")] {
        motion(&mut chain, 2, pause(pallet, call));
        let paused = chain.storage.execute_with(|| {
            let name = |text: &str| text.as_bytes().to_vec().try_into().unwrap();
            let call: pallet_tx_pause::RuntimeCallNameOf<Runtime> = (name(pallet), name(call));
            pallet_tx_pause::PausedCalls::<Runtime>::contains_key(call)
        });
        assert!(!paused, "{pallet}.{call} cannot be paused");
    }
}

#[test]
fn a_hostile_upgrade_that_has_passed_is_stopped_within_its_notice() {
    let mut chain = season();
    let [alice, bob, charlie] =
        [Sr25519Keyring::Alice, Sr25519Keyring::Bob, Sr25519Keyring::Charlie];
    let code = sp_io::hashing::blake2_256(b"hostile");
    let hostile = chain.proposes(
        charlie,
        root_origin(),
        frame_system::Call::authorize_upgrade { code_hash: code.into() },
    );
    chain.all_vote(hostile, aye(9_000_000 * PHA));
    assert_eq!(chain.decides(hostile), "approved");
    chain.waits(10);
    let authorized =
        |chain: &mut Chain| chain.storage.execute_with(System::authorized_upgrade).is_some();
    assert!(!authorized(&mut chain), "a week lies between the vote and the upgrade");

    // Whoever sees it finds its place in the schedule, and two of three of the committee call it urgent.
    let id = (*b"assembly", "enactment", hostile).using_encoded(sp_io::hashing::blake2_256);
    let stop: RuntimeCall = pallet_scheduler::Call::cancel_named { id }.into();
    let call_hash = BlakeTwo256::hash_of(&stop);
    let whitelist: RuntimeCall = pallet_whitelist::Call::whitelist_call { call_hash }.into();
    let length_bound = whitelist.encoded_size() as u32;
    let weight = whitelist.get_dispatch_info().call_weight;
    let proposal = BlakeTwo256::hash_of(&whitelist);
    chain.does(
        alice,
        pallet_collective::Call::<Runtime, TechnicalCollective>::propose {
            threshold: 2,
            proposal: Box::new(whitelist),
            length_bound,
        },
    );
    for who in [alice, bob] {
        chain.does(
            who,
            pallet_collective::Call::<Runtime, TechnicalCollective>::vote {
                proposal,
                index: 0,
                approve: true,
            },
        );
    }
    chain.does(
        alice,
        pallet_collective::Call::<Runtime, TechnicalCollective>::close {
            proposal_hash: proposal,
            index: 0,
            proposal_weight_bound: weight,
            length_bound,
        },
    );
    let urgent = chain.proposes(
        alice,
        origin(Origin::WhitelistedCaller),
        pallet_whitelist::Call::dispatch_whitelisted_call_with_preimage { call: Box::new(stop) },
    );
    // Who voted for the upgrade by mistake takes part again.
    chain.all_vote(urgent, aye(9_000_000 * PHA));
    assert_eq!(chain.decides(urgent), "approved");
    chain.waits(8 * 24);
    assert!(!authorized(&mut chain), "the upgrade was taken out of the schedule");
}

#[test]
fn a_captured_vote_gives_no_trust_before_the_notice() {
    let mut chain = season();
    let build = Measurement([66; 32]);
    // Root itself, by any way.
    chain.storage.execute_with(|| {
        assert_ok!(PhalaRegistry::allow_measurement(RuntimeOrigin::root(), build));
    });
    let allowed = |chain: &mut Chain| {
        chain.storage.execute_with(|| {
            pallet_worker_registry::AllowedMeasurements::<Runtime>::contains_key(build)
        })
    };
    chain.waits(NOTICE - 1);
    assert!(!allowed(&mut chain));
    chain.waits(2);
    assert!(allowed(&mut chain));
}

#[test]
fn after_a_season_every_lock_and_deposit_is_back() {
    let mut chain = season();
    let [alice, bob] = [Sr25519Keyring::Alice, Sr25519Keyring::Bob];
    let issuance = chain.storage.execute_with(Balances::total_issuance);
    let call = || pallet_worker_registry::Call::set_tier_max { tier_max: 3 };
    let passes = chain.proposes(alice, origin(Origin::Attestation), call());
    let fails = chain.proposes(bob, origin(Origin::Attestation), call());
    let (delegators, others) = (voters()[8..].to_vec(), voters()[..8].to_vec());
    for who in &delegators {
        chain.does(
            *who,
            pallet_conviction_voting::Call::delegate {
                class: 10,
                to: alice.to_account_id().into(),
                conviction: Conviction::Locked2x,
                balance: 5_000_000 * PHA,
            },
        );
    }
    for who in &others {
        chain.votes(*who, passes, aye(9_000_000 * PHA));
        chain.votes(*who, fails, nay(1_000_000 * PHA, Conviction::Locked1x));
    }
    assert_eq!(chain.frozen(alice), 9_000_000 * PHA);
    assert_eq!(chain.decides(passes), "approved");
    assert_eq!(chain.decides(fails), "rejected");
    for index in [passes, fails] {
        chain.does(alice, pallet_referenda::Call::refund_decision_deposit { index });
    }
    chain.does(alice, pallet_referenda::Call::refund_submission_deposit { index: passes });
    for who in &others {
        for index in [passes, fails] {
            let class = Some(10);
            chain.does(*who, pallet_conviction_voting::Call::remove_vote { class, index });
        }
    }
    for who in &delegators {
        chain.does(*who, pallet_conviction_voting::Call::undelegate { class: 10 });
    }
    // Conviction keeps what won for its time: a week, two for the delegators.
    let unlock = |who: Sr25519Keyring| pallet_conviction_voting::Call::unlock {
        class: 10,
        target: who.to_account_id().into(),
    };
    chain.does(alice, unlock(alice));
    assert!(chain.frozen(alice) > 0, "who carried a vote lives with it");
    chain.waits(4 * 7 * 24);
    for who in voters() {
        chain.does(who, unlock(who));
        assert_eq!(chain.frozen(who), 0, "{who:?}");
    }
    // All that is missing anywhere is fees, and those are the treasury's.
    let (now, treasury) = chain.storage.execute_with(|| {
        (Balances::total_issuance(), Balances::free_balance(&Treasury::account_id()))
    });
    assert_eq!(now, issuance);
    let reserved: Balance = chain.storage.execute_with(|| {
        voters().iter().map(|who| Balances::reserved_balance(&who.to_account_id())).sum()
    });
    // The submission deposit of what was rejected is not given back by the pallet.
    assert_eq!(reserved, 100 * PHA);
    assert!(treasury > 0);
}
