//! Bounded caches of what was read and decrypted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

/// Most bytes of decrypted trie nodes that are kept.
const NODE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Most bytes of values that are kept for one version.
const VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most values that are kept for one version; also what a commit copies at most.
const VALUES_MAX: usize = 4096;
const SHARDS: usize = 16;

/// Decrypted trie nodes by place and hash. As a node's content follows from its hash, entries never go
/// stale and all versions share them.
#[derive(Default)]
pub(crate) struct NodeCache {
    shards: [Mutex<NodeShard>; SHARDS],
}

#[derive(Default)]
struct NodeShard {
    nodes: HashMap<Vec<u8>, Vec<u8>>,
    bytes: usize,
}

impl NodeCache {
    fn shard(&self, name: &[u8]) -> std::sync::MutexGuard<'_, NodeShard> {
        // The end of the name is a hash, so its bytes are spread evenly.
        let shard = name.last().map_or(0, |byte| *byte as usize % SHARDS);
        self.shards[shard]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.shard(name).nodes.get(name).cloned()
    }

    pub(crate) fn put(&self, name: Vec<u8>, node: Vec<u8>) {
        let mut shard = self.shard(&name);
        let size = name.len() + node.len();
        if shard.bytes + size > NODE_BYTES_MAX / SHARDS {
            // Forgetting all is as good as choosing, at the sizes that contracts have.
            shard.nodes.clear();
            shard.bytes = 0;
        }
        if size <= NODE_BYTES_MAX / SHARDS && shard.nodes.insert(name, node).is_none() {
            shard.bytes += size;
        }
    }
}

/// Values of one version, by key.
#[derive(Default)]
pub(crate) struct ValueCache(RwLock<Values>);

#[derive(Default, Clone)]
struct Values {
    values: HashMap<Vec<u8>, Option<Arc<[u8]>>>,
    bytes: usize,
}

impl ValueCache {
    pub(crate) fn get(&self, key: &[u8]) -> Option<Option<Arc<[u8]>>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values
            .get(key)
            .cloned()
    }

    pub(crate) fn put(&self, key: &[u8], value: Option<&[u8]>) {
        let size = key.len() + value.map_or(0, <[u8]>::len);
        if size > VALUE_BYTES_MAX {
            return;
        }
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if inner.bytes + size > VALUE_BYTES_MAX || inner.values.len() >= VALUES_MAX {
            *inner = Values::default();
        }
        if inner
            .values
            .insert(key.to_vec(), value.map(Arc::from))
            .is_none()
        {
            inner.bytes += size;
        }
    }

    /// The cache of the version after this one, in which `changes` were made.
    pub(crate) fn successor(&self, changes: &[(Vec<u8>, Option<Vec<u8>>)]) -> Self {
        let next = Self(RwLock::new(
            self.0
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        ));
        {
            let mut inner = next.0.write().unwrap_or_else(PoisonError::into_inner);
            for (key, _) in changes {
                if let Some(old) = inner.values.remove(key) {
                    inner.bytes -= key.len() + old.map_or(0, |value| value.len());
                }
            }
        }
        for (key, value) in changes {
            next.put(key, value.as_deref());
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_has_the_changes_and_the_rest() {
        let cache = ValueCache::default();
        cache.put(b"a", Some(b"1"));
        cache.put(b"b", Some(b"2"));
        cache.put(b"c", None);
        let next = cache.successor(&[(b"a".to_vec(), None), (b"d".to_vec(), Some(b"4".to_vec()))]);
        let read = |cache: &ValueCache, key: &[u8]| {
            cache
                .get(key)
                .map(|value| value.map(|value| value.to_vec()))
        };
        assert_eq!(read(&next, b"a"), Some(None));
        assert_eq!(read(&next, b"b"), Some(Some(b"2".to_vec())));
        assert_eq!(read(&next, b"c"), Some(None));
        assert_eq!(read(&next, b"d"), Some(Some(b"4".to_vec())));
        assert_eq!(
            read(&cache, b"a"),
            Some(Some(b"1".to_vec())),
            "the old one is untouched"
        );
    }

    #[test]
    fn caches_stay_within_their_bounds() {
        let values = ValueCache::default();
        for number in 0..3 * VALUES_MAX {
            values.put(&number.to_le_bytes(), Some(&[0; 10]));
        }
        assert!(values.0.read().unwrap().values.len() <= VALUES_MAX);
        let nodes = NodeCache::default();
        for number in 0..40u8 {
            nodes.put(vec![number, 0], vec![0; 1024 * 1024]);
        }
        let bytes: usize = nodes
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap().bytes)
            .sum();
        assert!(bytes <= NODE_BYTES_MAX);
        assert!(nodes.get(&[39, 0]).is_some());
    }
}
