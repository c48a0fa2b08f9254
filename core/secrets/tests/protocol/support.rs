//! A deterministic generator and the parties of the tests.

use primitives::{AccountId, BlockHash, CodeHash, ContractId, GenesisHash, StateRoot, WorkerId};
use secrets::{
    HpkeSecret, Sr25519Secret,
    certificate::issue_certificate,
    client::{Identity, WorkerAddress},
    rand_core::{CryptoRng, Error, RngCore},
    server::Endpoint,
};
use wire::{
    certificate::Certificate,
    query::{QueryOutput, QueryReply, QueryRequest, QueryTarget},
};

pub const GENESIS: GenesisHash = GenesisHash([1; 32]);
pub const WORKER: WorkerId = WorkerId([2; 32]);
pub const NOW: u64 = 1_700_000_000_000;

/// Blake2 of a counter: the same bytes for the same seed, for ever.
pub struct Seeded(pub u64);

impl RngCore for Seeded {
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

impl CryptoRng for Seeded {}

pub fn worker_key() -> HpkeSecret {
    HpkeSecret::from_seed(&[3; 32])
}

pub fn address() -> WorkerAddress {
    WorkerAddress {
        genesis: GENESIS,
        worker: WORKER,
        hpke_public_key: worker_key().public(),
    }
}

pub fn endpoint(key: &HpkeSecret) -> Endpoint<'_> {
    Endpoint {
        genesis: GENESIS,
        worker: WORKER,
        key,
    }
}

pub fn account() -> Sr25519Secret {
    Sr25519Secret::from_seed(&[4; 32])
}

pub fn account_id() -> AccountId {
    AccountId(account().public())
}

pub fn session_key() -> HpkeSecret {
    HpkeSecret::from_seed(&[5; 32])
}

pub fn certificate() -> Certificate {
    issue_certificate(
        &account(),
        &GENESIS,
        session_key().public(),
        NOW + 1_000_000,
    )
}

pub fn identity(key: &HpkeSecret) -> Option<Identity<'_>> {
    Some(Identity {
        session_key: key,
        certificate: certificate(),
    })
}

pub fn request() -> QueryRequest {
    QueryRequest {
        target: QueryTarget::Call {
            contract: ContractId([6; 32]),
        },
        input: vec![0xde, 0xad, 0xbe, 0xef],
        value: 7,
        gas_limit: 8,
        estimate: false,
        minimum_block: 9,
        expires_at_ms: NOW + 10_000,
        nonce: [10; 16],
        receipt: false,
    }
}

pub fn reply() -> QueryReply {
    QueryReply {
        block_number: 11,
        block_hash: BlockHash([12; 32]),
        state_root: StateRoot([13; 32]),
        result: Ok(QueryOutput {
            flags: 0,
            data: vec![14; 100],
            gas_consumed: 15,
            gas_required: 16,
            storage_deposit: -17,
        }),
        receipt: None,
    }
}

pub fn receipt_body(worker: WorkerId, number: u32) -> wire::receipt::ReceiptBody {
    wire::receipt::ReceiptBody {
        genesis: GENESIS,
        cluster: primitives::ClusterId([20; 32]),
        contract: ContractId([21; 32]),
        code_hash: CodeHash([22; 32]),
        request_commitment: [23; 32],
        answer_commitment: [24; 32],
        block_number: number,
        block_hash: BlockHash([25; 32]),
        state_root: StateRoot([26; 32]),
        next_number: 27,
        worker,
    }
}

/// Every way to flip one bit of each byte, cut the end off, or add to it.
pub fn damaged(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let flips = (0..bytes.len()).map(|place| {
        let mut copy = bytes.to_vec();
        copy[place] ^= 1 << (place % 8);
        copy
    });
    let cuts = (0..bytes.len()).step_by(7).map(|end| bytes[..end].to_vec());
    flips
        .chain(cuts)
        .chain(std::iter::once([bytes, &[0]].concat()))
}
