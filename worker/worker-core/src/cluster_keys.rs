//! Which keys a cluster uses: what its state says of them, and what its mailbox changes.
//!
//! The mailbox says when other keys come ([`ClusterKeys::rotated`]) and when those before go
//! ([`ClusterKeys::retired`]), so that every worker opens the same commands with the same keys. What it
//! takes to open them lies in the state: a worker that takes the state over in between opens commands
//! that are sealed to the keys before, though gatekeepers never gave it that seed. It goes with the
//! entry that retires the keys. The state is encrypted with a key of the seed in use.
//!
//! Keys that contracts derive for themselves do not change: they own things elsewhere. Their root is
//! that of the first seed, and goes on with the state.

use crate::kept::{KeptSecrets, take_secret};
use codec::{Decode, Encode};
use executor_api::{Change, StateUnavailable, StateView};
use primitives::{AccountId, BlockNumber, ClusterId, ContractId, GenesisHash};
use secrets::{
    ClusterSeed, ContractUserRoot,
    command::{CommandKeys, CommandRoute, OpenCommandError},
};
use std::sync::Arc;
use wire::command::{CommandPayload, InkCommand, NOT_OPENED};
use zeroize::Zeroizing;

/// Where the state says which keys are in use; nothing is there before they were rotated. The engine's
/// keys never begin with this byte.
const KEYS_KEY: &[u8] = b"\xffkeys";
/// Version of what lies there.
const VERSION: u8 = 1;
/// Its longest layout, bytes.
const RECORD_BYTES_MAX: usize = 1 + 4 + 4 + 5 + 32 + 1 + 32;

/// The keys that a cluster uses at some number of its mailbox.
pub(crate) struct ClusterKeys {
    rotation: u32,
    seed: ClusterSeed,
    user_root: Arc<ContractUserRoot>,
    /// The seed before, while commands to its keys open.
    previous: Option<ClusterSeed>,
    /// Since when the keys are in use; 0 for those that it began with.
    since_block: BlockNumber,
    /// When those before them went.
    retired_block: Option<BlockNumber>,
}

/// The state needs a seed that the worker does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeedMissing(pub(crate) u32);

impl ClusterKeys {
    /// What the state says, with the seeds that are kept.
    pub(crate) fn read(
        state: &dyn StateView,
        kept: &KeptSecrets,
        cluster: &ClusterId,
    ) -> Result<Result<Self, SeedMissing>, StateUnavailable> {
        let seed_of = |rotation| {
            kept.seed(cluster, rotation)
                .map(|(seed, _)| seed)
                .ok_or(SeedMissing(rotation))
        };
        let Some(record) = state.read(KEYS_KEY)?.map(Zeroizing::new) else {
            return Ok(seed_of(0).map(|seed| Self {
                rotation: 0,
                user_root: Arc::new(seed.contract_user_root()),
                seed,
                previous: None,
                since_block: 0,
                retired_block: None,
            }));
        };
        let unreadable = || StateUnavailable("what the state says of keys cannot be read".into());
        let read = Record::take(&record).ok_or_else(unreadable)?;
        Ok(seed_of(read.rotation).map(|seed| Self {
            rotation: read.rotation,
            seed,
            user_root: Arc::new(ContractUserRoot::from_bytes(&read.user_root)),
            previous: read.previous.map(|seed| ClusterSeed::from_bytes(&seed)),
            since_block: read.since_block,
            retired_block: read.retired_block,
        }))
    }

    /// Which of the cluster's seeds is in use.
    pub(crate) fn rotation(&self) -> u32 {
        self.rotation
    }

    /// The seed in use.
    pub(crate) fn seed(&self) -> &ClusterSeed {
        &self.seed
    }

    /// What contracts' own keys derive from.
    pub(crate) fn user_root(&self) -> &Arc<ContractUserRoot> {
        &self.user_root
    }

    /// From an entry of this block on another seed is in use. Gives what the state says of it.
    pub(crate) fn rotate(&mut self, to: u32, seed: ClusterSeed, block: BlockNumber) -> Change {
        self.previous = Some(std::mem::replace(&mut self.seed, seed));
        self.rotation = to;
        self.since_block = block;
        self.retired_block = None;
        self.change()
    }

    /// From an entry of this block on the keys before open nothing. Gives what the state says of it.
    pub(crate) fn retire(&mut self, block: BlockNumber) -> Option<Change> {
        self.previous.take()?;
        self.retired_block = Some(block);
        Some(self.change())
    }

    fn change(&self) -> Change {
        let mut record = Vec::with_capacity(RECORD_BYTES_MAX);
        record.push(VERSION);
        (self.rotation, self.since_block, self.retired_block).encode_to(&mut record);
        record.extend_from_slice(self.user_root.expose());
        record.push(self.previous.is_some().into());
        if let Some(previous) = &self.previous {
            record.extend_from_slice(previous.expose());
        }
        (KEYS_KEY.to_vec(), Some(record))
    }

    /// Opens a command, or says why not: the same on each worker, whatever seeds it has.
    pub(crate) fn open_command(
        &self,
        genesis: GenesisHash,
        contract: &ContractId,
        sender: &AccountId,
        payload: &[u8],
    ) -> Result<InkCommand, String> {
        let payload: CommandPayload =
            wire::decode_all(payload, primitives::bounds::COMMAND_BYTES_MAX)
                .map_err(|error| format!("the command cannot be read: {error}"))?;
        let route = CommandRoute {
            genesis,
            contract: *contract,
            sender: *sender,
        };
        let mut opened = open_with(&self.seed, &route, &payload);
        if let (Err(OpenCommandError::DoesNotOpen), Some(previous)) = (&opened, &self.previous) {
            opened = open_with(previous, &route, &payload);
        }
        opened.map_err(|error| match (error, self.retired_block) {
            (OpenCommandError::DoesNotOpen, Some(retired)) => format!(
                "{NOT_OPENED}: {error}; or it is sealed to a key from before block \
                 {}, in which the cluster's keys were rotated, and those before open nothing since \
                 block {retired}: read the contract's key from the chain again, and send the \
                 command anew",
                self.since_block
            ),
            _ => format!("{NOT_OPENED}: {error}"),
        })
    }
}

fn open_with(
    seed: &ClusterSeed,
    route: &CommandRoute,
    payload: &CommandPayload,
) -> Result<InkCommand, OpenCommandError> {
    let (hpke, sr25519) = (
        seed.contract_hpke_key(&route.contract),
        seed.contract_key(&route.contract),
    );
    let keys = CommandKeys {
        hpke: &hpke,
        sr25519: &sr25519,
    };
    secrets::command::open_command(&keys, route, payload)
}

/// Version ‖ rotation ‖ since block ‖ SCALE option of the block of retirement ‖ root of contracts' own
/// keys ‖ whether there is a seed before (1 byte) ‖ that seed.
struct Record {
    rotation: u32,
    since_block: BlockNumber,
    retired_block: Option<BlockNumber>,
    user_root: Zeroizing<[u8; 32]>,
    previous: Option<Zeroizing<[u8; 32]>>,
}

impl Record {
    fn take(bytes: &[u8]) -> Option<Self> {
        let (version, mut rest) = bytes.split_first()?;
        let rest = &mut rest;
        if *version != VERSION {
            return None;
        }
        let (rotation, since_block, retired_block) = Decode::decode(rest).ok()?;
        let user_root = take_secret(rest)?;
        let previous = match bool::decode(rest).ok()? {
            true => Some(take_secret(rest)?),
            false => None,
        };
        let read = Self {
            rotation,
            since_block,
            retired_block,
            user_root,
            previous,
        };
        rest.is_empty().then_some(read)
    }
}
