//! A state that is fetched from peers, over a wire that loses and with peers that lie.

use crate::{
    Broken, Sabotage,
    disk::{Disk, scratch_folder},
    random::Chance,
    world::World,
};
use chain_facts::view::Peer;
use contract_state::{Import, ImportTarget, Position, StateDb, StoreIdentity};
use primitives::{BlockHash, BlockNumber};
use secrets::StateKey;
use std::sync::Arc;
use wire::snapshot::{SnapshotChunk, SnapshotRequest};
use worker_core::{Input, read_snapshot_chunk, snapshot_request};

/// How often a peer is asked again in a row, as the worker's shell does.
const TRIES_MAX: u32 = 4;

/// A state on its way.
pub struct Fetch {
    pub store: StoreIdentity,
    /// Those by which others may have it encrypted; the first is tried.
    keys: Vec<(u32, Arc<StateKey>)>,
    keys_left: usize,
    pub target: ImportTarget,
    pub block: (BlockNumber, BlockHash),
    peers: Vec<Peer>,
    folder: tempfile::TempDir,
    import: Option<Import>,
    tries: u32,
    failures: Vec<String>,
}

impl Fetch {
    /// Nothing has come yet.
    pub fn new(
        store: StoreIdentity,
        keys: Vec<(u32, StateKey)>,
        target: ImportTarget,
        block: (BlockNumber, BlockHash),
        peers: Vec<Peer>,
    ) -> Result<Self, Broken> {
        Ok(Self {
            store,
            keys_left: keys.len(),
            keys: keys.into_iter().map(|(rotation, key)| (rotation, Arc::new(key))).collect(),
            target,
            block,
            peers,
            folder: scratch_folder()?,
            import: None,
            tries: 0,
            failures: Vec::new(),
        })
    }

    /// The key that is tried now.
    fn key(&self) -> Result<(u32, Arc<StateKey>), Broken> {
        self.keys.first().cloned().ok_or(Broken::new("a state is fetched without a key"))
    }

    /// The next key, and after all of them the next peer; what came before is kept for it.
    fn give_up(&mut self, why: String) {
        self.failures.push(why);
        self.import = None;
        self.tries = 0;
        self.keys.rotate_left(1);
        self.keys_left -= 1;
        if self.keys_left == 0 && !self.peers.is_empty() {
            self.keys_left = self.keys.len();
            self.peers.remove(0);
        }
    }
}

/// What a host does to a chunk that passes through it.
fn alter(chunk: &mut SnapshotChunk, chance: &mut Chance) -> &'static str {
    match chance.below(5) {
        0 => {
            chunk.records.clear();
            chunk.is_last = true;
            "an empty one"
        }
        1 => {
            chunk.records.pop();
            "without the last record"
        }
        2 => {
            if let Some(place) = chance.place(chunk.records.len()) {
                let byte = chance.below(64) as usize;
                if let Some((_, record)) = chunk.records.get_mut(place)
                    && let Some(byte) = record.get_mut(byte)
                {
                    *byte ^= 1;
                }
            }
            "with a byte flipped"
        }
        3 => {
            if let Some(place) = chance.place(chunk.records.len()) {
                chunk.records.remove(place);
            }
            "without a record"
        }
        _ => {
            let contents: Vec<_> = chunk.records.iter().map(|(_, record)| record.clone()).collect();
            for ((_, record), other) in chunk.records.iter_mut().zip(contents.into_iter().rev()) {
                *record = other;
            }
            "with records exchanged"
        }
    }
}

impl World {
    /// One exchange with a peer of each that fetches.
    pub(crate) fn fetch_on(&mut self, place: usize) -> Result<(), Broken> {
        let Some(mut fetch) = self.machines[place].process.as_mut().and_then(|p| p.fetch.take())
        else {
            return Ok(());
        };
        let name = self.machines[place].name.clone();
        let Some(peer) = fetch.peers.first().cloned() else {
            let cluster = fetch.store.cluster;
            let reason = fetch.failures.join("; ");
            self.events.note(self.round, "snapshot failed", format!("{name}: {reason}"));
            return self.step(place, Input::SnapshotFailed { cluster, reason }, None);
        };
        let result = match self.exchange(place, &mut fetch, &peer)? {
            Exchanged::Lost(why) => {
                fetch.tries += 1;
                if fetch.tries >= TRIES_MAX {
                    fetch.give_up(why);
                }
                None
            }
            Exchanged::Chunk(chunk) => self.take(&mut fetch, chunk)?,
        };
        match result {
            None => {
                if let Some(process) = &mut self.machines[place].process {
                    process.fetch = Some(fetch);
                }
                Ok(())
            }
            Some(file) => {
                let machine = &mut self.machines[place];
                let at = machine.place_of(fetch.store, fetch.key()?, &self.tap);
                let disk = Disk::fetched(at, &file)?;
                let cluster = fetch.store.cluster;
                machine.disks.insert(cluster, disk.clone());
                let number = fetch.target.next_number;
                self.events.note(self.round, "snapshot taken", format!("{name}: {number} entries"));
                self.step(place, Input::StoreOpened { cluster, store: disk }, None)
            }
        }
    }

    /// Asks a peer for what comes next.
    fn exchange(
        &mut self,
        place: usize,
        fetch: &mut Fetch,
        peer: &Peer,
    ) -> Result<Exchanged, Broken> {
        if self.machines[place].troubles.mute_until > self.round || self.chance.happens(150) {
            return Ok(Exchanged::Lost("no answer".to_owned()));
        }
        let file = fetch.folder.path().join("import");
        let (rotation, key) = fetch.key()?;
        let import = match fetch.import.take() {
            Some(import) => import,
            None => Import::begin(&file, &key, &fetch.store, &fetch.target)
                .or_else(|_| {
                    let _ = std::fs::remove_file(&file);
                    Import::begin(&file, &key, &fetch.store, &fetch.target)
                })
                .map_err(Broken::of)?,
        };
        let request = SnapshotRequest {
            cluster: fetch.store.cluster,
            asker: self.machines[place].worker,
            peer: peer.worker,
            next_number: fetch.target.next_number,
            state_root: fetch.target.state_root,
            rotation,
            after: import.after(),
            block_number: fetch.block.0,
        };
        fetch.import = Some(import);
        let Some(process) = &self.machines[place].process else {
            return Err(Broken::new("a machine without a process fetches"));
        };
        let request = snapshot_request(process.core.identity(), request);
        // An endpoint leads to one machine.
        let asked = self.machines.iter().find(|machine| {
            peer.endpoints.contains(&format!("http://{}", machine.name)) && machine.process.is_some()
        });
        let Some((asked, answering)) = asked.and_then(|m| Some((m, m.process.as_ref()?))) else {
            return Ok(Exchanged::Lost(format!("{:?} is not there", peer.endpoints)));
        };
        let answer = match answering.core.snapshots().answer(&request) {
            Ok(answer) => answer,
            Err(refusal) => return Ok(Exchanged::Lost(refusal.to_string())),
        };
        let lies = asked.troubles.lies_until > self.round;
        let name = asked.name.clone();
        let Some(mut chunk) = read_snapshot_chunk(&answer) else {
            return Err(Broken::new("an honest peer's chunk cannot be read"));
        };
        if lies {
            let how = alter(&mut chunk, &mut self.chance);
            self.events.note(self.round, "chunk altered", format!("{name}: {how}"));
        } else if chunk.records.len() > 1 && self.chance.happens(300) {
            // A peer may end a chunk where it likes.
            let keep = 1 + self.chance.below(chunk.records.len() as u64 - 1) as usize;
            chunk.records.truncate(keep);
            chunk.is_last = false;
        }
        Ok(Exchanged::Chunk(chunk))
    }

    /// Adds a chunk; gives the file once the state is whole.
    fn take(
        &mut self,
        fetch: &mut Fetch,
        chunk: SnapshotChunk,
    ) -> Result<Option<std::path::PathBuf>, Broken> {
        fetch.tries = 0;
        let Some(mut import) = fetch.import.take() else {
            return Err(Broken::new("nothing was begun"));
        };
        if chunk.records.is_empty() && !chunk.is_last {
            fetch.give_up("chunks with nothing in them".to_owned());
            return Ok(None);
        }
        if let Err(error) = import.add(&chunk.records) {
            drop(import);
            fetch.give_up(error.to_string());
            return Ok(None);
        }
        if !chunk.is_last {
            fetch.import = Some(import);
            return Ok(None);
        }
        let position = Position {
            next_number: fetch.target.next_number,
            block_number: fetch.block.0,
            block_hash: fetch.block.1,
            block_timestamp_ms: 0,
        };
        let file = fetch.folder.path().join("import");
        match import.finish(&position) {
            Ok(()) => {
                if self.options.sabotage == Some(Sabotage::UncheckedSnapshot) {
                    let db = StateDb::open(&file, &fetch.key()?.1, &fetch.store).map_err(Broken::of)?;
                    let change = (b"owner".to_vec(), Some(b"somebody else".to_vec()));
                    db.commit(&position, &[change]).map_err(Broken::of)?;
                }
                Ok(Some(file))
            }
            Err(error) => {
                let _ = std::fs::remove_file(&file);
                fetch.give_up(error.to_string());
                Ok(None)
            }
        }
    }
}

enum Exchanged {
    Lost(String),
    Chunk(SnapshotChunk),
}
