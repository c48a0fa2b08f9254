//! Both ends of queries and sessions, and workers that open commands, against bytes that the other end
//! chose.

use codec::{DecodeAll, Encode};
use primitives::{AccountId, ContractId, GenesisHash, WorkerId};
use rand_core::{CryptoRng, Error, RngCore};
use secrets::client::{SessionOpener, WorkerAddress, seal_query};
use secrets::command::{CommandKeys, CommandRoute, open_command};
use secrets::hpke::{open_base, seal_auth, seal_base};
use secrets::server::{Endpoint, OPENING_BYTES_MAX, accept_session, open_query};
use secrets::{HpkeSecret, Sr25519Secret};
use wire::command::{
    CommandPayload, InkCommand, NONCE_BYTES_MAX, SealedCommand, sealed_command_aad,
};
use wire::domain::{
    Label, ONE_SHOT_QUERY, SEALED_COMMAND, SEALED_EVALUATION_SHARE, SESSION_OPEN,
};
use wire::query::{HpkeSealed, HpkeSender, QueryRequest, QueryTarget, sealed_to_worker_aad};

const GENESIS: GenesisHash = GenesisHash([1; 32]);
const WORKER: WorkerId = WorkerId([2; 32]);
/// Milliseconds since the Unix epoch.
const NOW: u64 = 1_700_000_000_000;

/// The same bytes each time.
struct Counting(u64);

impl RngCore for Counting {
    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            self.0 += 1;
            let block = wire::domain::blake2_256(&self.0.to_le_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Counting {}

fn address(key: &HpkeSecret) -> WorkerAddress {
    WorkerAddress {
        genesis: GENESIS,
        worker: WORKER,
        hpke_public_key: key.public(),
    }
}

/// A sealed message whose plaintext is `plaintext`: it opens, so that what is inside is looked at.
fn seal(key: &HpkeSecret, label: Label, by: Option<&HpkeSecret>, plaintext: &[u8]) -> HpkeSealed {
    let aad = sealed_to_worker_aad(label, &GENESIS, &WORKER);
    let rng = &mut Counting(0);
    let (sender, sealed) = match by {
        None => (
            HpkeSender::Anonymous,
            seal_base(&key.public(), label, &aad, plaintext, rng),
        ),
        Some(by) => (
            HpkeSender::SessionKey(by.public().0),
            seal_auth(by, &key.public(), label, &aad, plaintext, rng),
        ),
    };
    let sealed = sealed.expect("sealing to a whole key works").0;
    HpkeSealed {
        sender,
        encapsulated_key: sealed.encapsulated_key,
        ciphertext: sealed.ciphertext,
    }
}

fn request(input: &[u8]) -> QueryRequest {
    QueryRequest {
        target: QueryTarget::Outcome { number: 1 },
        input: input.to_vec(),
        value: 0,
        gas_limit: 0,
        estimate: false,
        minimum_block: 0,
        expires_at_ms: NOW + 1_000,
        nonce: [9; 16],
        receipt: false,
    }
}

/// The first byte chooses who gets the rest, and whether sealed.
pub fn queries(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let key = HpkeSecret::from_seed(&[3; 32]);
    let session_key = HpkeSecret::from_seed(&[5; 32]);
    let by = (choice & 0x80 != 0).then_some(&session_key);
    let endpoint = Endpoint {
        genesis: GENESIS,
        worker: WORKER,
        key: &key,
    };
    match choice % 6 {
        // The worker: a one-shot query, raw and opened.
        0 => {
            if let Ok(sealed) = HpkeSealed::decode_all(&mut &*bytes) {
                assert!(open_query(&endpoint, &sealed).is_err(), "a forgery opens");
            }
        }
        1 => {
            if let Ok(opened) = open_query(&endpoint, &seal(&key, ONE_SHOT_QUERY, by, bytes)) {
                if let Ok(origin) = opened.origin(&GENESIS, NOW) {
                    assert!(origin.is_none(), "a signature was forged");
                }
                assert_eq!(opened.query.encode(), bytes, "two encodings of one query");
            }
        }
        // The worker: an opening, raw and opened.
        2 => {
            let accepted = accept_session(&endpoint, bytes, NOW, 1_000, &mut Counting(7));
            assert!(accepted.is_err(), "a forgery opens");
        }
        3 => {
            let opening = seal(&key, SESSION_OPEN, by, bytes).encode();
            let accepted = accept_session(&endpoint, &opening, NOW, 1_000, &mut Counting(7));
            if opening.len() > OPENING_BYTES_MAX as usize {
                assert!(accepted.is_err(), "a bound is not observed");
            }
            if let Ok(accepted) = accepted {
                let opened = accepted.session.open(0, bytes);
                assert!(opened.is_err(), "a forged record opens");
            }
        }
        // The client: the answer to its opening, and to a query.
        4 => {
            let (_, opener) = open(&key);
            assert!(opener.finish(bytes).is_err(), "an impostor is believed");
        }
        _ => {
            let (opening, opener) = open(&key);
            let accepted = accept_session(&endpoint, &opening, NOW, 1_000, &mut Counting(7))
                .expect("an honest opening is accepted");
            let client = opener.finish(&accepted.answer).expect("an honest answer");
            let (sealed, pending) = client.seal(&request(bytes)).expect("a query is sealed");
            assert!(pending.open(bytes).is_err(), "a forged reply opens");
            assert!(pending.open(&sealed).is_err(), "a query is taken for its reply");
            let one_shot = seal_query(
                &address(&key),
                None,
                request(bytes),
                &mut Counting(1),
            );
            let (_, pending) = one_shot.expect("a query is sealed");
            assert!(pending.open(bytes).is_err(), "a forged reply opens");
        }
    }
}

/// An honest opening of a session, and who waits for its answer.
fn open(key: &HpkeSecret) -> (Vec<u8>, SessionOpener) {
    SessionOpener::start(&address(key), None, NOW, &mut Counting(1)).expect("an opening is sealed")
}

/// Commands and seeds, as they stand on chain: raw, and sealed so that they open.
pub fn commands(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let hpke = HpkeSecret::from_seed(&[3; 32]);
    let sr25519 = Sr25519Secret::from_seed(&[4; 32]);
    let keys = CommandKeys {
        hpke: &hpke,
        sr25519: &sr25519,
    };
    let route = CommandRoute {
        genesis: GENESIS,
        contract: ContractId([5; 32]),
        sender: AccountId([6; 32]),
    };
    let check = |payload: &CommandPayload| {
        if let Ok(InkCommand::InkMessage { nonce, .. }) = open_command(&keys, &route, payload) {
            assert!(nonce.len() <= NONCE_BYTES_MAX, "a bound is not observed");
        }
    };
    match choice % 3 {
        0 => {
            if let Ok(payload) = CommandPayload::decode_all(&mut &*bytes) {
                check(&payload);
            }
        }
        1 => {
            let aad = sealed_command_aad(&route.genesis, &route.contract, &route.sender);
            let rng = &mut Counting(0);
            let (sealed, _) = seal_base(&hpke.public(), SEALED_COMMAND, &aad, bytes, rng)
                .expect("sealing to a whole key works");
            check(&CommandPayload::Sealed(SealedCommand {
                encapsulated_key: sealed.encapsulated_key,
                ciphertext: sealed.ciphertext,
            }));
        }
        _ => {
            let Some((encapsulated_key, ciphertext)) = bytes.split_first_chunk() else {
                return;
            };
            let label = SEALED_EVALUATION_SHARE;
            let share = open_base(&hpke, label, &[0; 32], encapsulated_key, ciphertext);
            assert!(share.is_err(), "a forged share of a seed opens");
        }
    }
}
