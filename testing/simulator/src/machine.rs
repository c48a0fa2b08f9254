//! A machine: its host, its disks, what is sealed on them, and the process that runs there, if one does.

use crate::{
    Broken,
    chain::SLOT_MS,
    disk::{Disk, Place, Tap},
    executor::TinyEngine,
    random::Chance,
    snapshots::Fetch,
};
use contract_state::StoreIdentity;
use primitives::{AccountId, BlockNumber, ClusterId, GenesisHash, WorkerId};
use rand_core::RngCore;
use secrets::StateKey;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use worker_core::{
    Core, KeptSecrets, Settings, Sharing,
    running::{HostFacts, Offers},
};

/// Age of the last final block from which on nothing is answered, milliseconds.
pub const STALE_MS: u64 = 30 * SLOT_MS;

/// What the host gives the process: its clock, and numbers.
pub struct HostClock {
    now_ms: AtomicU64,
    numbers: Mutex<Chance>,
}

impl HostFacts for HostClock {
    fn fill_random(&self, buffer: &mut [u8]) {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(buffer);
    }

    fn untrusted_now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }
}

/// A process.
pub struct Process {
    /// Its number among all processes of the run.
    pub id: u64,
    pub core: Core,
    pub chance: Chance,
    /// The numbers that it told the chain, by which the chain knows it.
    pub instances: BTreeSet<[u8; 32]>,
    /// The newest final block that it was shown.
    pub shown: BlockNumber,
    /// The newest final block that it answered from.
    pub answered: BlockNumber,
    /// The state that it fetches.
    pub fetch: Option<Fetch>,
}

/// What is wrong with a host, and until which round.
#[derive(Clone, Debug, Default)]
pub struct Troubles {
    /// It sees no new blocks.
    pub deaf_until: u64,
    /// What it sends is lost.
    pub mute_until: u64,
    /// It shows old final blocks, one after the other, from this one on.
    pub past: Option<BlockNumber>,
    /// Until when it does.
    pub past_until: u64,
    /// It alters what it hands to its peers.
    pub lies_until: u64,
    /// Its clock is wrong by so much, milliseconds.
    pub skew_ms: i64,
    /// Until when it is.
    pub skewed_until: u64,
    /// It gets no quotes.
    pub unquoted_until: u64,
    /// It computes wrongly.
    pub errs_until: u64,
    /// The process dies after so many more effects.
    pub dies_after: Option<u64>,
}

/// A machine.
pub struct Machine {
    pub name: String,
    pub place: usize,
    /// What clones of it are called.
    pub is_clone: bool,
    pub worker: WorkerId,
    /// The secrets on disk, with all that they were before.
    pub sealed: Vec<Vec<u8>>,
    pub disks: BTreeMap<ClusterId, Arc<Disk>>,
    pub process: Option<Process>,
    /// When the supervisor starts it again.
    pub restart_at: Option<u64>,
    pub troubles: Troubles,
    pub engine: Arc<TinyEngine>,
    pub clock: Arc<HostClock>,
    /// Whether its disk is older than it was, and it has not served since.
    pub is_damaged: bool,
    pub forgets: Arc<AtomicBool>,
}

impl Machine {
    /// A machine with nothing on it but fresh keys.
    pub fn new(place: usize, chance: &mut Chance) -> Self {
        let kept = KeptSecrets::generate(chance);
        let sealed = kept.to_bytes().to_vec();
        let identity =
            worker_core::Identity::new(GenesisHash::default(), &kept.signing_seed, &kept.hpke_seed);
        Self {
            name: format!("w{place}"),
            place,
            is_clone: false,
            worker: identity.worker(),
            sealed: vec![sealed],
            disks: BTreeMap::new(),
            process: None,
            restart_at: None,
            troubles: Troubles::default(),
            engine: Arc::default(),
            clock: Arc::new(HostClock {
                now_ms: AtomicU64::new(0),
                numbers: Mutex::new(chance.fork()),
            }),
            is_damaged: false,
            forgets: Arc::default(),
        }
    }

    /// Starts the process from what is on disk.
    pub fn start(
        &mut self,
        id: u64,
        genesis: GenesisHash,
        chance: Chance,
    ) -> Result<(), Broken> {
        let kept = self.sealed.last().and_then(|sealed| KeptSecrets::from_bytes(sealed));
        let kept = kept.ok_or(Broken::new("kept secrets do not read back"))?;
        let settings = Settings {
            version: 1,
            operator: Some(operator()),
            endpoints: vec![format!("http://{}", self.name)],
            snapshot_above: 2000,
            sharing: Sharing {
                processors: 4,
                flow_present_max: 8,
                present_max: 12,
                wait_max: Duration::from_secs(1),
            },
            measurement: None,
            succeeds: false,
        };
        let core = Core::new(
            genesis,
            settings,
            kept,
            self.engine.clone(),
            self.clock.clone(),
            Offers::default(),
            STALE_MS,
        );
        self.process = Some(Process {
            id,
            core,
            chance,
            instances: BTreeSet::new(),
            shown: 0,
            answered: 0,
            fetch: None,
        });
        self.restart_at = None;
        self.troubles.dies_after = None;
        Ok(())
    }

    /// Where a disk of this machine is.
    pub fn place_of(
        &self,
        identity: StoreIdentity,
        key: (u32, Arc<StateKey>),
        tap: &Tap,
    ) -> Place {
        Place {
            machine: self.place,
            engine: self.engine.clone(),
            tap: tap.clone(),
            identity,
            key,
            forgets: self.forgets.clone(),
        }
    }

    /// The true time came to `now_ms`; sets the host's clock, and ends troubles whose time is over.
    pub fn tick(&mut self, round: u64, now_ms: u64) {
        let troubles = &mut self.troubles;
        if round >= troubles.skewed_until {
            troubles.skew_ms = 0;
        }
        if round >= troubles.past_until {
            troubles.past = None;
        }
        self.engine.errs.store(round < troubles.errs_until, Ordering::Relaxed);
        let shown = now_ms.saturating_add_signed(troubles.skew_ms);
        self.clock.now_ms.store(shown, Ordering::Relaxed);
    }

    /// What the host's clock shows.
    pub fn now_ms(&self) -> u64 {
        self.clock.untrusted_now_ms()
    }

    /// Whether its state is wrong because it computed wrongly, from which number on.
    pub fn tainted_from(&self, cluster: &ClusterId) -> Option<u64> {
        self.disks.get(cluster).and_then(|disk| disk.tainted_from())
    }
}

/// Whose machines these are.
pub fn operator() -> AccountId {
    AccountId(polkadot_sdk::sp_keyring::Sr25519Keyring::Bob.to_account_id().into())
}
