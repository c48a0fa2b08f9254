//! The set of validators changes, by root, by leaving and by new keys, and GRANDPA's log in the headers says
//! so to light clients.

use super::*;
use sp_consensus_grandpa::{ConsensusLog, GRANDPA_ENGINE_ID, ScheduledChange};
use sp_keyring::Ed25519Keyring;
use sp_runtime::DispatchError;

/// Blocks of a session in these tests.
const SESSION: u32 = 4;

/// Keys that a node would make for `owner`, here from a seed, with its proof that it has them.
fn keys_of(owner: Sr25519Keyring, seed: u8) -> (SessionKeys, Vec<u8>) {
    let aura = sr25519::Pair::from_seed(&[seed; 32]);
    let grandpa = sp_core::ed25519::Pair::from_seed(&[seed; 32]);
    let account = owner.to_account_id().encode();
    let statement = [&b"POP_"[..], &account].concat();
    let proof = (aura.sign(&statement), grandpa.sign(&statement)).encode();
    let keys = SessionKeys { aura: aura.public().into(), grandpa: grandpa.public().into() };
    (keys, proof)
}

impl Chain {
    fn with_short_sessions() -> Self {
        let mut chain = Self::new();
        chain.storage.execute_with(|| {
            pallet_validator_set::SessionBlocks::<Runtime>::put(SESSION);
        });
        chain
    }

    fn set_keys(&mut self, who: Sr25519Keyring, (keys, proof): (SessionKeys, Vec<u8>)) {
        let call = pallet_session::Call::set_keys { keys, proof };
        let extrinsic = self.signed(who, call);
        all_ok(self.block(vec![extrinsic]));
    }

    /// Root names the validators; what came of it is what the superuser's event says.
    fn name(&mut self, validators: &[Sr25519Keyring]) -> Result<(), DispatchError> {
        let accounts: Vec<AccountId> =
            validators.iter().map(|validator| validator.to_account_id()).collect();
        let validators = accounts.try_into().unwrap();
        let extrinsic = self.sudo(pallet_validator_set::Call::<Runtime>::set { validators });
        all_ok(self.block(vec![extrinsic]));
        let events = self.storage.execute_with(System::events);
        events
            .into_iter()
            .find_map(|record| match record.event {
                RuntimeEvent::Sudo(pallet_sudo::Event::Sudid { sudo_result }) => Some(sudo_result),
                _ => None,
            })
            .unwrap()
    }

    /// Goes on to the block after the end of the session that runs; gives the sets that the headers
    /// announced on the way.
    fn end_session(&mut self) -> Vec<ScheduledChange<BlockNumber>> {
        let mut announced = Vec::new();
        loop {
            all_ok(self.block(vec![]));
            for item in self.parent.digest().logs() {
                if let DigestItem::Consensus(GRANDPA_ENGINE_ID, bytes) = item
                    && let Ok(ConsensusLog::ScheduledChange(change)) =
                        ConsensusLog::decode(&mut &bytes[..])
                {
                    announced.push(change);
                }
            }
            if self.block % SESSION == 0 {
                return announced;
            }
        }
    }

    fn validators(&mut self) -> Vec<AccountId> {
        self.storage.execute_with(Session::validators)
    }

    fn set_id(&mut self) -> u64 {
        self.storage.execute_with(Grandpa::current_set_id)
    }
}

fn accounts(of: &[Sr25519Keyring]) -> Vec<AccountId> {
    of.iter().map(|account| account.to_account_id()).collect()
}

fn error(of: pallet_validator_set::Error<Runtime>) -> Result<(), DispatchError> {
    Err(of.into())
}

#[test]
fn validators_join_and_leave_two_ends_of_a_session_later() {
    use Sr25519Keyring::{Alice, Bob};
    let mut chain = Chain::with_short_sessions();
    assert_eq!(
        chain.name(&[Alice, Bob]),
        error(pallet_validator_set::Error::NoKeys),
        "Bob has no keys on chain"
    );
    let bob = keys_of(Bob, 20);
    chain.set_keys(Bob, bob.clone());
    assert_eq!(chain.name(&[]), error(pallet_validator_set::Error::NoValidator));
    // The block that ends a session takes no transactions.
    chain.end_session();
    assert_eq!(
        chain.name(&[Alice, Alice]),
        error(pallet_validator_set::Error::NamedTwice)
    );
    assert_eq!(chain.name(&[Alice, Bob]), Ok(()));
    let first = chain.set_id();

    assert!(chain.end_session().is_empty());
    assert_eq!(chain.validators(), accounts(&[Alice]), "queued, not there yet");
    let announced = chain.end_session();
    assert_eq!(chain.validators(), accounts(&[Alice, Bob]));
    let [change] = announced.as_slice() else { panic!("{announced:?}") };
    let named: Vec<_> = change.next_authorities.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(named, [Ed25519Keyring::Alice.public().into(), bob.0.grandpa.clone()]);
    assert_eq!(change.delay, 0);
    assert_eq!(chain.set_id(), first + 1);
    let makers = chain.storage.execute_with(pallet_aura::Authorities::<Runtime>::get);
    assert_eq!(makers.into_inner(), [Alice.public().into(), bob.0.aura.clone()]);

    // The same set again is no change.
    assert_eq!(chain.name(&[Alice, Bob]), Ok(()));
    for _ in 0..3 {
        assert!(chain.end_session().is_empty());
    }
    let leave = chain.signed(Alice, pallet_validator_set::Call::<Runtime>::leave {});
    all_ok(chain.block(vec![leave]));
    let last = chain.signed(Bob, pallet_validator_set::Call::<Runtime>::leave {});
    let stranger = chain.signed(Sr25519Keyring::Ferdie, pallet_validator_set::Call::<Runtime>::leave {});
    let refused = chain.block(vec![last, stranger]);
    let expected = [
        pallet_validator_set::Error::<Runtime>::NoValidator,
        pallet_validator_set::Error::<Runtime>::NotValidator,
    ];
    for (result, expected) in refused.into_iter().zip(expected) {
        assert_eq!(result.unwrap().unwrap_err(), expected.into());
    }
    chain.end_session();
    assert_eq!(chain.end_session().len(), 1);
    assert_eq!(chain.validators(), accounts(&[Bob]));
    assert_eq!(chain.set_id(), first + 2);
}

#[test]
fn new_keys_of_a_validator_are_a_change_and_need_the_proof_of_their_node() {
    use Sr25519Keyring::{Alice, Bob};
    let mut chain = Chain::with_short_sessions();
    let (keys, _) = keys_of(Alice, 30);
    // The proof of somebody else's node.
    let (_, proof) = keys_of(Bob, 30);
    let extrinsic = chain.signed(Alice, pallet_session::Call::set_keys { keys: keys.clone(), proof });
    let refused = chain.block(vec![extrinsic]).remove(0).unwrap();
    assert_eq!(
        refused.unwrap_err(),
        pallet_session::Error::<Runtime>::InvalidProof.into()
    );

    chain.set_keys(Alice, keys_of(Alice, 30));
    chain.end_session();
    assert_eq!(chain.end_session().len(), 1);
    let authorities = chain.storage.execute_with(Grandpa::grandpa_authorities);
    assert_eq!(authorities, [(keys.grandpa, 1)]);
    assert_eq!(chain.validators(), accounts(&[Alice]));
}

#[test]
fn who_has_given_up_keys_is_left_out_and_an_empty_set_is_dropped() {
    use Sr25519Keyring::{Bob, Charlie};
    let mut chain = Chain::with_short_sessions();
    chain.set_keys(Bob, keys_of(Bob, 40));
    chain.set_keys(Charlie, keys_of(Charlie, 41));
    chain.end_session();
    assert_eq!(chain.name(&[Bob, Charlie]), Ok(()));
    let purge = chain.signed(Charlie, pallet_session::Call::purge_keys {});
    all_ok(chain.block(vec![purge]));
    chain.end_session();
    chain.end_session();
    assert_eq!(chain.validators(), accounts(&[Bob]));

    chain.set_keys(Charlie, keys_of(Charlie, 42));
    assert_eq!(chain.name(&[Charlie]), Ok(()));
    let purge = chain.signed(Charlie, pallet_session::Call::purge_keys {});
    all_ok(chain.block(vec![purge]));
    for _ in 0..3 {
        chain.end_session();
    }
    assert_eq!(chain.validators(), accounts(&[Bob]), "nobody was left to take over");
}
