//! Fits `contract-state` to what `worker-core` asks of a store.

use contract_state::{Chunk, CommitError, Position, Snapshot, StateDb};
use executor_api::{Change, StateUnavailable, StateView};
use primitives::{BlockHash, BlockNumber, StateRoot};
use std::sync::Arc;
use worker_core::{ClusterStore, Head, RecordChunk, Records, StoreError};

/// A cluster's state in a file.
pub struct FileStore(pub StateDb);

/// A state as it lies in the file.
struct FileRecords(Snapshot);

impl Records for FileRecords {
    fn chunk(
        &self,
        after: Option<&[u8; 32]>,
        bytes_max: usize,
    ) -> Result<RecordChunk, StateUnavailable> {
        let Chunk { records, is_last } = self.0.records(after, bytes_max)?;
        Ok((records, is_last))
    }

    fn prove_open(&self, key: &[u8]) -> Result<Vec<Vec<u8>>, StateUnavailable> {
        self.0.prove(&[key.to_vec()])
    }
}

fn store_error(error: CommitError) -> StoreError {
    let mut text = error.to_string();
    if let Some(source) = std::error::Error::source(&error) {
        text = format!("{text}: {source}");
    }
    StoreError(text)
}

impl ClusterStore for FileStore {
    fn head(&self) -> Head {
        let head = self.0.head();
        Head {
            next_number: head.next_number,
            state_root: head.state_root,
            block_number: head.block_number,
            block_hash: head.block_hash,
        }
    }

    fn snapshot(&self) -> Arc<dyn StateView> {
        Arc::new(self.0.snapshot())
    }

    fn records(&self) -> Arc<dyn Records> {
        Arc::new(FileRecords(self.0.snapshot()))
    }

    fn commit(
        &self,
        next_number: u64,
        block_number: BlockNumber,
        block_hash: BlockHash,
        changes: &[Change],
    ) -> Result<StateRoot, StoreError> {
        let position = Position { next_number, block_number, block_hash, block_timestamp_ms: 0 };
        self.0.commit(&position, changes).map_err(store_error)
    }

    fn root_at(&self, next_number: u64) -> Option<StateRoot> {
        self.0.root_at(next_number).ok().flatten()
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.0.clear().map_err(store_error)
    }
}
