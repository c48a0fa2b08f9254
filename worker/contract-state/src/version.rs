//! One committed version of the state: a root and the nodes below it.

use crate::{
    Change, StateUnavailable,
    cache::{NodeCache, ValueCache},
    cipher::Cipher,
    error::StoreFailure,
    store::{NodeTable, chunk, guarded, read_node},
    trie_key,
};
use hash_db::{AsHashDB, HashDB, HashDBRef, Prefix};
use polkadot_sdk::{
    sp_core::{Blake2Hasher, H256},
    sp_trie::{
        self, DBValue, LayoutV1, PrefixedMemoryDB, delta_trie_root, prefixed_key, read_trie_value,
        recorder::Recorder,
    },
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

pub(crate) type Layout = LayoutV1<Blake2Hasher>;

/// The encoding of the empty trie, which is never stored.
pub(crate) const EMPTY_NODE: [u8; 1] = [0];

/// The root of a state without keys.
pub(crate) fn empty_root() -> H256 {
    sp_trie::empty_trie_root::<Layout>()
}

/// What all versions of one store share.
pub(crate) struct Shared {
    pub(crate) cipher: Arc<Cipher>,
    pub(crate) nodes: NodeCache,
}

/// A version. Immutable; lives as long as a snapshot of it.
pub(crate) struct Version {
    shared: Arc<Shared>,
    table: NodeTable,
    root: H256,
    values: ValueCache,
}

/// The result of applying changes: the new root and the nodes that come and go.
pub(crate) struct Applied {
    pub(crate) root: H256,
    pub(crate) nodes: HashMap<Vec<u8>, (Vec<u8>, i32)>,
}

impl Version {
    pub(crate) fn new(shared: Arc<Shared>, table: NodeTable, root: H256) -> Self {
        Self {
            shared,
            table,
            root,
            values: ValueCache::default(),
        }
    }

    /// The version after this one. `changes` are what differs.
    pub(crate) fn successor(&self, table: NodeTable, root: H256, changes: &[Change]) -> Self {
        let values = self.values.successor(changes);
        Self {
            shared: Arc::clone(&self.shared),
            table,
            root,
            values,
        }
    }

    pub(crate) fn table(&self) -> &NodeTable {
        &self.table
    }

    pub(crate) fn cipher(&self) -> &Cipher {
        &self.shared.cipher
    }

    pub(crate) fn table_chunk(
        &self,
        after: Option<&[u8; 32]>,
        bytes_max: usize,
    ) -> Result<crate::Chunk, StoreFailure> {
        chunk(&self.table, after, bytes_max)
    }

    pub(crate) fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateUnavailable> {
        if let Some(known) = self.values.get(key) {
            return Ok(known.map(|value| value.to_vec()));
        }
        let nodes = Nodes::new(self);
        let value = read_trie_value::<Layout, _>(&nodes, &self.root, &trie_key(key), None, None)
            .map_err(|error| StateUnavailable(nodes.explain(&*error)))?;
        self.values.put(key, value.as_deref());
        Ok(value)
    }

    pub(crate) fn prove(&self, keys: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, StateUnavailable> {
        let nodes = Nodes::new(self);
        let recorder = Recorder::<Blake2Hasher>::default();
        {
            let mut recorder = recorder.as_trie_recorder(self.root);
            for key in keys {
                read_trie_value::<Layout, _>(
                    &nodes,
                    &self.root,
                    &trie_key(key),
                    Some(&mut recorder),
                    None,
                )
                .map_err(|error| StateUnavailable(nodes.explain(&*error)))?;
            }
        }
        Ok(recorder.drain_storage_proof().into_iter_nodes().collect())
    }

    pub(crate) fn apply(&self, changes: &[Change]) -> Result<Applied, StoreFailure> {
        guarded(|| self.apply_unguarded(changes))
    }

    fn apply_unguarded(&self, changes: &[Change]) -> Result<Applied, StoreFailure> {
        let mut nodes = Nodes::new(self);
        let delta = changes
            .iter()
            .map(|(key, value)| (trie_key(key), value.as_deref()));
        let root = delta_trie_root::<Layout, _, _, _, _, _>(
            &mut nodes,
            self.root,
            delta.collect::<Vec<_>>(),
            None,
            None,
        )
        .map_err(|error| nodes.failure(&*error))?;
        Ok(Applied {
            root,
            nodes: nodes.pending.drain().into_iter().collect(),
        })
    }

    /// Keeps the nodes that a commit wrote at hand.
    pub(crate) fn remember(&self, nodes: HashMap<Vec<u8>, (Vec<u8>, i32)>) {
        for (name, (node, count)) in nodes {
            if count > 0 {
                self.shared.nodes.put(name, node);
            }
        }
    }
}

/// The nodes of a version as the trie code wants them, with changes that are not committed.
struct Nodes<'a> {
    version: &'a Version,
    pending: PrefixedMemoryDB<Blake2Hasher>,
    /// Why a node could not be read: the interface has no room for it.
    failure: Mutex<Option<StoreFailure>>,
}

impl<'a> Nodes<'a> {
    fn new(version: &'a Version) -> Self {
        Self {
            version,
            pending: PrefixedMemoryDB::default(),
            failure: Mutex::new(None),
        }
    }

    fn failure(&self, error: &dyn std::fmt::Display) -> StoreFailure {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .unwrap_or_else(|| StoreFailure::damaged(error))
    }

    fn explain(&self, error: &dyn std::fmt::Display) -> String {
        match self.failure(error) {
            StoreFailure::Full => "the disk is full".into(),
            StoreFailure::Io(error) => error.to_string(),
            StoreFailure::Damaged(reason) => format!("the state is damaged: {reason}"),
        }
    }

    fn load(&self, key: &H256, prefix: Prefix<'_>) -> Option<DBValue> {
        if *key == empty_root() {
            return Some(EMPTY_NODE.to_vec());
        }
        let name = prefixed_key::<Blake2Hasher>(key, prefix);
        if let Some(node) = self.version.shared.nodes.get(&name) {
            return Some(node);
        }
        match read_node(&self.version.table, &self.version.shared.cipher, &name) {
            Ok(Some(node)) => {
                self.version.shared.nodes.put(name, node.clone());
                Some(node)
            }
            Ok(None) => None,
            Err(failure) => {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                None
            }
        }
    }
}

impl HashDBRef<Blake2Hasher, DBValue> for Nodes<'_> {
    fn get(&self, key: &H256, prefix: Prefix<'_>) -> Option<DBValue> {
        HashDB::get(self, key, prefix)
    }

    fn contains(&self, key: &H256, prefix: Prefix<'_>) -> bool {
        HashDB::get(self, key, prefix).is_some()
    }
}

impl HashDB<Blake2Hasher, DBValue> for Nodes<'_> {
    fn get(&self, key: &H256, prefix: Prefix<'_>) -> Option<DBValue> {
        HashDB::get(&self.pending, key, prefix).or_else(|| self.load(key, prefix))
    }

    fn contains(&self, key: &H256, prefix: Prefix<'_>) -> bool {
        HashDB::get(self, key, prefix).is_some()
    }

    fn insert(&mut self, prefix: Prefix<'_>, value: &[u8]) -> H256 {
        HashDB::insert(&mut self.pending, prefix, value)
    }

    fn emplace(&mut self, key: H256, prefix: Prefix<'_>, value: DBValue) {
        HashDB::emplace(&mut self.pending, key, prefix, value);
    }

    fn remove(&mut self, key: &H256, prefix: Prefix<'_>) {
        HashDB::remove(&mut self.pending, key, prefix);
    }
}

impl AsHashDB<Blake2Hasher, DBValue> for Nodes<'_> {
    fn as_hash_db(&self) -> &dyn HashDB<Blake2Hasher, DBValue> {
        self
    }

    fn as_hash_db_mut<'a>(&'a mut self) -> &'a mut (dyn HashDB<Blake2Hasher, DBValue> + 'a) {
        self
    }
}
