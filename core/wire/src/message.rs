//! Messages from workers to the chain: signed, in strict sequence, bound to the network.

use crate::domain::{WORKER_MESSAGE, tagged_hash};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitives::{
    AccountId, BlockNumber, ClusterId, ContractId, GenesisHash, HpkePublicKey, StateRoot,
    UnixMillis, WorkerId,
};
use scale_info::TypeInfo;

/// At which blocks a worker reports its state: after all mailbox entries of blocks up to B, where B is a
/// multiple of this, so that reports of different workers are about the same numbers.
pub const CHECKPOINT_BLOCKS: BlockNumber = 8;

/// Who signs a message. Each sender counts its own messages from 0.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub enum MessageSender {
    /// A registered worker, by its identity key.
    #[codec(index = 2)]
    Worker(WorkerId),
}

/// What a worker tells the chain. Indexes are part of the format; 0 and 2 belonged to a gatekeeper
/// that held the network's key alone, and are not used again.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum MessagePayload {
    /// From a worker of a cluster that has put its seed together: the cluster's public key.
    #[codec(index = 1)]
    ClusterKey {
        /// Which cluster.
        cluster: ClusterId,
        /// Its sr25519 public key.
        public_key: [u8; 32],
    },
    /// From a worker of the cluster: the keys of a contract it made. Signed by the cluster's key, so
    /// that only a holder of the seed can say it.
    #[codec(index = 3)]
    ContractKeys {
        /// Where.
        cluster: ClusterId,
        /// Which contract.
        contract: ContractId,
        /// Who deployed it; tells the chain of contracts that contracts made.
        deployer: AccountId,
        /// Its sr25519 key.
        public_key: [u8; 32],
        /// The key that commands are sealed to.
        hpke_public_key: HpkePublicKey,
        /// Signature of the cluster's key over [`contract_keys_signed_bytes`].
        cluster_signature: [u8; 64],
    },
    /// From a worker of the cluster: its state after all mailbox entries below `next_number`.
    #[codec(index = 4)]
    Checkpoint {
        /// Which cluster.
        cluster: ClusterId,
        /// Entries run so far.
        next_number: u64,
        /// Root after them.
        state_root: StateRoot,
        /// The final block up to which the mailbox was read.
        block_number: BlockNumber,
    },
    /// From a worker: what it computes when it does nothing else. Times are those of the newest final
    /// block that it knew, so that who sets its clock cannot make it faster.
    #[codec(index = 5)]
    Benchmark {
        /// When it began, milliseconds since 1970.
        started_at_ms: UnixMillis,
        /// When it ended.
        ended_at_ms: UnixMillis,
        /// What was computed in between, in units of the benchmark.
        iterations: u64,
    },
    /// From a worker that mines: the answer to a challenge.
    #[codec(index = 6)]
    Heartbeat {
        /// The session that it mines for.
        session: AccountId,
        /// The block of the challenge.
        challenge_block: BlockNumber,
        /// What the challenge said. It comes from the chain's randomness, so that nobody answers early.
        nonce: [u8; 32],
        /// What the worker has computed since it started, in units of the benchmark.
        iterations: u64,
        /// Whether it runs a cluster's contracts, for which the benchmark pauses.
        contract_running: bool,
    },
    /// From a worker of a cluster: it has put the cluster's seed together and keeps it; the chain may
    /// forget the shares that were sealed to it.
    #[codec(index = 7)]
    SeedReceived {
        /// Which cluster.
        cluster: ClusterId,
        /// Which of its seeds.
        rotation: u32,
    },
    /// From a gatekeeper, or from who is to become one.
    #[codec(index = 8)]
    Gatekeeper {
        /// SCALE of `threshold_keys::GatekeeperMessage`. That crate builds on this one, so it is
        /// bytes here.
        message: Vec<u8>,
    },
    /// From a worker of a cluster: the Merkle root over the batches of receipts that it signed in an
    /// interval. See [`crate::receipt::LogInclusion`].
    #[codec(index = 20)]
    ReceiptLog {
        /// Which cluster it serves.
        cluster: ClusterId,
        /// Counts the worker's intervals from 0; the chain takes exactly the next one.
        index: u64,
        /// Root over [`crate::receipt::batch_signed_bytes`] of the batches, in the order of signing.
        root: [u8; 32],
        /// How many receipts those batches have together.
        receipts: u32,
    },
    /// From a worker's process that starts: a fresh number of its own. It serves nothing before a final
    /// block has the number, so it never serves from a chain or a disk of the past. Who sees its number
    /// replaced stops: a copy of it has started.
    #[codec(index = 21)]
    Instance {
        /// From the process's own entropy; never used again.
        nonce: [u8; 32],
    },
    /// From a worker of a cluster that told that it has a seed and has it no more, because its host
    /// put older secrets in place: the chain takes its word back, and gatekeepers seal the seed to the
    /// same attested key again, which tells nobody anything new.
    #[codec(index = 22)]
    SeedLost {
        /// Which cluster.
        cluster: ClusterId,
        /// Which of its seeds.
        rotation: u32,
    },
    /// From a worker of a cluster that has lost its state and finds nobody who holds the agreed one: it
    /// gives its vote up until it reports an agreed root again, so that the others agree without it.
    #[codec(index = 23)]
    StateLost {
        /// Which cluster.
        cluster: ClusterId,
    },
    /// From a worker of a cluster that has put together the seed that the cluster is to use next: the
    /// public key that belongs to it.
    #[codec(index = 24)]
    NextClusterKey {
        /// Which cluster.
        cluster: ClusterId,
        /// Which of its seeds.
        rotation: u32,
        /// The cluster's sr25519 public key by that seed.
        public_key: [u8; 32],
    },
}

/// A message with its place in the sender's sequence.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct SignedMessage {
    /// Who says it.
    pub sender: MessageSender,
    /// Its number; the chain takes exactly the next one.
    pub sequence: u64,
    /// What it says.
    pub payload: MessagePayload,
    /// sr25519 signature of the sender over [`signed_bytes`].
    pub signature: [u8; 64],
}

/// What a message's signature is over: a hash bound to the network.
pub fn signed_bytes(
    genesis: &GenesisHash,
    sender: &MessageSender,
    sequence: u64,
    payload: &MessagePayload,
) -> [u8; 32] {
    tagged_hash(
        WORKER_MESSAGE,
        &[
            genesis.as_bytes(),
            &sender.encode(),
            &sequence.to_le_bytes(),
            &payload.encode(),
        ],
    )
}

/// What the cluster's key signs for [`MessagePayload::ContractKeys`].
pub fn contract_keys_signed_bytes(
    genesis: &GenesisHash,
    cluster: &ClusterId,
    contract: &ContractId,
    deployer: &AccountId,
    public_key: &[u8; 32],
    hpke_public_key: &HpkePublicKey,
) -> [u8; 32] {
    tagged_hash(
        crate::domain::CONTRACT_KEY,
        &[
            genesis.as_bytes(),
            cluster.as_bytes(),
            contract.as_bytes(),
            deployer.as_bytes(),
            public_key,
            hpke_public_key.as_bytes(),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_mining_worker_says_has_a_fixed_layout() {
        let benchmark = MessagePayload::Benchmark {
            started_at_ms: 1,
            ended_at_ms: 2,
            iterations: 3,
        };
        let numbers = [1u64, 2, 3].map(u64::to_le_bytes).concat();
        assert_eq!(benchmark.encode(), [&[5][..], &numbers].concat());
        let heartbeat = MessagePayload::Heartbeat {
            session: AccountId([1; 32]),
            challenge_block: 2,
            nonce: [3; 32],
            iterations: 4,
            contract_running: true,
        };
        let expected = [
            &[6][..],
            &[1; 32],
            &2u32.to_le_bytes(),
            &[3; 32],
            &4u64.to_le_bytes(),
            &[1],
        ];
        assert_eq!(heartbeat.encode(), expected.concat());
    }

    #[test]
    fn what_is_said_of_keys_has_a_fixed_layout() {
        let cluster = ClusterId([1; 32]);
        let public_key = [2; 32];
        let key = MessagePayload::ClusterKey {
            cluster,
            public_key,
        };
        assert_eq!(key.encode(), [&[1][..], &[1; 32], &[2; 32]].concat());
        let received = MessagePayload::SeedReceived {
            cluster,
            rotation: 3,
        };
        assert_eq!(
            received.encode(),
            [&[7][..], &[1; 32], &[3, 0, 0, 0]].concat()
        );
        let message = MessagePayload::Gatekeeper {
            message: [4, 5].to_vec(),
        };
        assert_eq!(message.encode(), [8, 8, 4, 5]);
        // Nobody says any more what these indexes meant.
        for gone in [0u8, 2] {
            let bytes = [&[gone][..], &[0; 200]].concat();
            assert!(MessagePayload::decode(&mut &bytes[..]).is_err());
        }
    }

    #[test]
    fn what_is_said_of_lost_and_new_keys_has_a_fixed_layout() {
        let cluster = ClusterId([1; 32]);
        let lost = MessagePayload::SeedLost { cluster, rotation: 2 };
        assert_eq!(lost.encode(), [&[22][..], &[1; 32], &[2, 0, 0, 0]].concat());
        let state = MessagePayload::StateLost { cluster };
        assert_eq!(state.encode(), [&[23][..], &[1; 32]].concat());
        let next = MessagePayload::NextClusterKey {
            cluster,
            rotation: 2,
            public_key: [3; 32],
        };
        let expected = [&[24][..], &[1; 32], &[2, 0, 0, 0], &[3; 32]];
        assert_eq!(next.encode(), expected.concat());
    }

    #[test]
    fn an_instance_has_a_fixed_layout() {
        let instance = MessagePayload::Instance { nonce: [9; 32] };
        assert_eq!(instance.encode(), [&[21][..], &[9; 32]].concat());
    }
}
