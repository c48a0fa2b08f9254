//! The file: tables, identity, head and records. Everything in it but the identity is encrypted.

use crate::{
    Head, StoreIdentity,
    cipher::{Cipher, Kind},
    error::{OpenError, StoreFailure},
    import::Chunk,
};
use codec::{Decode, Encode};
use primitives::{ClusterId, GenesisHash, StateRoot};
use redb::{Database, DatabaseError, ReadOnlyTable, ReadableDatabase, TableDefinition};
use std::{
    collections::HashMap,
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// Version of the file's format.
pub(crate) const FORMAT_VERSION: u32 = 1;
/// How many roots are kept by mailbox number.
pub const ROOTS_KEPT: u64 = 4096;
/// Memory that the database may use for its pages, bytes.
pub(crate) const PAGE_CACHE_BYTES: usize = 64 * 1024 * 1024;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const NODES: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("nodes");
const ROOTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("roots");

const IDENTITY: &str = "identity";
const KEY_CHECK: &str = "key-check";
const HEAD: &str = "head";
const IMPORT: &str = "import";
const MAGIC: [u8; 8] = *b"phatstat";

/// Opens the database; again after a failure.
pub(crate) type Opener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// The nodes of one version.
pub(crate) type NodeTable = ReadOnlyTable<&'static [u8; 32], &'static [u8]>;

/// The identity as it lies in the file, in the clear, so that a mismatch can be told.
#[derive(Encode, Decode)]
struct IdentityRecord {
    magic: [u8; 8],
    version: u32,
    genesis: GenesisHash,
    cluster: ClusterId,
}

/// How far an import is; the file is no state before it is finished.
#[derive(Clone, Copy, Encode, Decode)]
pub(crate) struct ImportMark {
    pub(crate) next_number: u64,
    pub(crate) state_root: StateRoot,
    /// The name of the last record that was taken.
    pub(crate) after: Option<[u8; 32]>,
}

/// An open file.
pub(crate) struct Store {
    /// There until dropped.
    database: Option<Database>,
    cipher: Arc<Cipher>,
}

impl Drop for Store {
    fn drop(&mut self) {
        let database = self.database.take();
        // Closing writes to the file, and so may meet damage. What was committed is on disk already.
        let _ = guarded(|| {
            drop(database);
            Ok(())
        });
    }
}

/// What one commit writes.
pub(crate) struct Batch<'a> {
    pub(crate) head: &'a Head,
    /// Trie nodes by place and hash, with the change of their count.
    pub(crate) nodes: HashMap<Vec<u8>, (Vec<u8>, i32)>,
    /// Whether all that was there goes first.
    pub(crate) clear: bool,
}

/// The database and the trie check what they read less than we must: they may panic on a file that
/// somebody changed.
pub(crate) fn guarded<T>(
    work: impl FnOnce() -> Result<T, StoreFailure>,
) -> Result<T, StoreFailure> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(StoreFailure::damaged("the database's pages make no sense")))
}

fn redb_error(error: impl Into<redb::Error>) -> StoreFailure {
    error.into().into()
}

impl Store {
    /// Opens or creates the file; gives the head it has.
    pub(crate) fn open(
        opener: &Opener,
        cipher: Arc<Cipher>,
        identity: &StoreIdentity,
        empty_head: &Head,
    ) -> Result<(Self, Head), OpenError> {
        let database = catch_unwind(AssertUnwindSafe(opener))
            .map_err(|_| OpenError::Damaged("the database's pages make no sense".into()))?
            .map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => OpenError::InUse,
                other => redb_error(other).into(),
            })?;
        let store = Self {
            database: Some(database),
            cipher,
        };
        match guarded(|| store.meta(IDENTITY))? {
            None => {
                if guarded(|| store.nodes())?.is_some() {
                    return Err(OpenError::Damaged("the identity is missing".into()));
                }
                guarded(|| store.create(identity, empty_head))?;
                Ok((store, *empty_head))
            }
            Some(bytes) => {
                store.check_identity(&bytes, identity)?;
                if guarded(|| store.meta(IMPORT))?.is_some() {
                    return Err(OpenError::Unfinished);
                }
                let head = guarded(|| store.head())?;
                Ok((store, head))
            }
        }
    }

    /// Opens a file that is being imported, or makes it for `wanted`; gives how far it is.
    pub(crate) fn open_import(
        opener: &Opener,
        cipher: Arc<Cipher>,
        identity: &StoreIdentity,
        empty_head: &Head,
        wanted: &ImportMark,
    ) -> Result<(Self, ImportMark), OpenError> {
        let database = catch_unwind(AssertUnwindSafe(opener))
            .map_err(|_| OpenError::Damaged("the database's pages make no sense".into()))?
            .map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => OpenError::InUse,
                other => redb_error(other).into(),
            })?;
        let store = Self {
            database: Some(database),
            cipher,
        };
        match guarded(|| store.meta(IDENTITY))? {
            None => {
                guarded(|| store.create(identity, empty_head))?;
                guarded(|| store.restart_import(wanted))?;
                Ok((store, *wanted))
            }
            Some(bytes) => {
                store.check_identity(&bytes, identity)?;
                let sealed = guarded(|| store.meta(IMPORT))?
                    .ok_or_else(|| OpenError::Damaged("this is no unfinished import".into()))?;
                let plaintext = store
                    .cipher
                    .open(Kind::Import, IMPORT.as_bytes(), &sealed)
                    .map_err(|_| OpenError::Damaged("the import's mark does not open".into()))?;
                let mark = ImportMark::decode(&mut &plaintext[..])
                    .map_err(|_| OpenError::Damaged("the import's mark makes no sense".into()))?;
                Ok((store, mark))
            }
        }
    }

    fn sealed_mark(&self, mark: &ImportMark) -> Vec<u8> {
        self.cipher
            .seal(Kind::Import, IMPORT.as_bytes(), &mark.encode())
    }

    /// Throws all records away, and begins an import.
    pub(crate) fn restart_import(&self, mark: &ImportMark) -> Result<(), StoreFailure> {
        let transaction = self.database()?.begin_write().map_err(redb_error)?;
        transaction.delete_table(NODES).map_err(redb_error)?;
        transaction.open_table(NODES).map_err(redb_error)?;
        let mut meta = transaction.open_table(META).map_err(redb_error)?;
        meta.insert(IMPORT, self.sealed_mark(mark).as_slice())
            .map_err(redb_error)?;
        drop(meta);
        transaction.commit().map_err(redb_error)
    }

    /// Writes sealed records of an import and how far it is now.
    pub(crate) fn add_records(
        &self,
        records: &[([u8; 32], Vec<u8>)],
        mark: &ImportMark,
    ) -> Result<(), StoreFailure> {
        let transaction = self.database()?.begin_write().map_err(redb_error)?;
        {
            let mut nodes = transaction.open_table(NODES).map_err(redb_error)?;
            for (name, record) in records {
                nodes
                    .insert(name, record.as_slice())
                    .map_err(redb_error)?;
            }
            let mut meta = transaction.open_table(META).map_err(redb_error)?;
            meta.insert(IMPORT, self.sealed_mark(mark).as_slice())
                .map_err(redb_error)?;
        }
        transaction.commit().map_err(redb_error)
    }

    /// Makes the import a state that stands at `head`.
    pub(crate) fn finish_import(&self, head: &Head) -> Result<(), StoreFailure> {
        let mut transaction = self.database()?.begin_write().map_err(redb_error)?;
        transaction.set_quick_repair(true);
        {
            let mut roots = transaction.open_table(ROOTS).map_err(redb_error)?;
            let number = head.next_number;
            let root = self
                .cipher
                .seal(Kind::Root, &number.to_le_bytes(), &head.state_root.0);
            roots.insert(number, root.as_slice()).map_err(redb_error)?;
            let mut meta = transaction.open_table(META).map_err(redb_error)?;
            meta.insert(HEAD, self.sealed_head(head).as_slice())
                .map_err(redb_error)?;
            meta.remove(IMPORT).map_err(redb_error)?;
        }
        transaction.commit().map_err(redb_error)
    }

    fn database(&self) -> Result<&Database, StoreFailure> {
        self.database
            .as_ref()
            .ok_or_else(|| StoreFailure::damaged("the database is closed"))
    }

    fn check_identity(&self, bytes: &[u8], expected: &StoreIdentity) -> Result<(), OpenError> {
        let damaged = || OpenError::Damaged("the identity makes no sense".into());
        // The version comes before what it governs.
        let (magic, version) = <([u8; 8], u32)>::decode(&mut &bytes[..]).map_err(|_| damaged())?;
        if magic != MAGIC {
            return Err(damaged());
        }
        let supported = FORMAT_VERSION;
        if version < supported {
            return Err(OpenError::OlderFormat {
                found: version,
                supported,
            });
        }
        if version > supported {
            return Err(OpenError::NewerFormat {
                found: version,
                supported,
            });
        }
        let found = IdentityRecord::decode(&mut &bytes[..]).map_err(|_| damaged())?;
        if found.genesis != expected.genesis || found.cluster != expected.cluster {
            return Err(OpenError::AnotherNetwork {
                genesis: found.genesis,
                cluster: found.cluster,
            });
        }
        let check = guarded(|| self.meta(KEY_CHECK))?
            .ok_or_else(|| OpenError::Damaged("the key check is missing".into()))?;
        let known = self
            .cipher
            .open(Kind::KeyCheck, KEY_CHECK.as_bytes(), &check)
            .map_err(|_| OpenError::WrongKey)?;
        if known == bytes {
            Ok(())
        } else {
            Err(damaged())
        }
    }

    fn create(&self, identity: &StoreIdentity, head: &Head) -> Result<(), StoreFailure> {
        let record = IdentityRecord {
            magic: MAGIC,
            version: FORMAT_VERSION,
            genesis: identity.genesis,
            cluster: identity.cluster,
        }
        .encode();
        let check = self
            .cipher
            .seal(Kind::KeyCheck, KEY_CHECK.as_bytes(), &record);
        let transaction = self.database()?.begin_write().map_err(redb_error)?;
        {
            let mut meta = transaction.open_table(META).map_err(redb_error)?;
            meta.insert(IDENTITY, record.as_slice())
                .map_err(redb_error)?;
            meta.insert(KEY_CHECK, check.as_slice())
                .map_err(redb_error)?;
            meta.insert(HEAD, self.sealed_head(head).as_slice())
                .map_err(redb_error)?;
            transaction.open_table(NODES).map_err(redb_error)?;
            transaction.open_table(ROOTS).map_err(redb_error)?;
        }
        transaction.commit().map_err(redb_error)
    }

    fn sealed_head(&self, head: &Head) -> Vec<u8> {
        self.cipher
            .seal(Kind::Head, HEAD.as_bytes(), &head.encode())
    }

    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreFailure> {
        let transaction = self.database()?.begin_read().map_err(redb_error)?;
        let table = match transaction.open_table(META) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(redb_error(error)),
        };
        Ok(table
            .get(name)
            .map_err(redb_error)?
            .map(|guard| guard.value().to_vec()))
    }

    fn head(&self) -> Result<Head, StoreFailure> {
        let record = self
            .meta(HEAD)?
            .ok_or_else(|| StoreFailure::damaged("the head is missing"))?;
        let plaintext = self
            .cipher
            .open(Kind::Head, HEAD.as_bytes(), &record)
            .map_err(|_| StoreFailure::damaged("the head does not open"))?;
        Head::decode(&mut &plaintext[..])
            .map_err(|_| StoreFailure::damaged("the head makes no sense"))
    }

    fn nodes(&self) -> Result<Option<NodeTable>, StoreFailure> {
        let transaction = self.database()?.begin_read().map_err(redb_error)?;
        match transaction.open_table(NODES) {
            Ok(table) => Ok(Some(table)),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(redb_error(error)),
        }
    }

    /// The nodes as of the last commit; what is committed later does not show in it.
    pub(crate) fn node_table(&self) -> Result<NodeTable, StoreFailure> {
        guarded(|| {
            self.nodes()?
                .ok_or_else(|| StoreFailure::damaged("the nodes are missing"))
        })
    }

    /// The root after `next_number` entries, if it is kept.
    pub(crate) fn root_at(&self, next_number: u64) -> Result<Option<StateRoot>, StoreFailure> {
        guarded(|| {
            let transaction = self.database()?.begin_read().map_err(redb_error)?;
            let table = transaction.open_table(ROOTS).map_err(redb_error)?;
            let Some(record) = table.get(next_number).map_err(redb_error)? else {
                return Ok(None);
            };
            let root = self
                .cipher
                .open(Kind::Root, &next_number.to_le_bytes(), record.value())
                .ok()
                .and_then(|plaintext| plaintext.try_into().ok())
                .ok_or_else(|| StoreFailure::damaged("a root does not open"))?;
            Ok(Some(StateRoot(root)))
        })
    }

    /// The roots that are kept of numbers up to this one.
    pub(crate) fn roots_up_to(&self, number: u64) -> Result<Vec<(u64, StateRoot)>, StoreFailure> {
        guarded(|| {
            let transaction = self.database()?.begin_read().map_err(redb_error)?;
            let table = transaction.open_table(ROOTS).map_err(redb_error)?;
            let mut roots = Vec::new();
            for entry in table.range(..=number).map_err(redb_error)? {
                let (number, record) = entry.map_err(redb_error)?;
                let number = number.value();
                let root = self
                    .cipher
                    .open(Kind::Root, &number.to_le_bytes(), record.value())
                    .ok()
                    .and_then(|plaintext| plaintext.try_into().ok())
                    .ok_or_else(|| StoreFailure::damaged("a root does not open"))?;
                roots.push((number, StateRoot(root)));
            }
            Ok(roots)
        })
    }

    /// Writes roots of earlier numbers into an unfinished import.
    pub(crate) fn add_roots(&self, roots: &[(u64, StateRoot)]) -> Result<(), StoreFailure> {
        let transaction = self.database()?.begin_write().map_err(redb_error)?;
        {
            let mut table = transaction.open_table(ROOTS).map_err(redb_error)?;
            for (number, root) in roots {
                let sealed = self.cipher.seal(Kind::Root, &number.to_le_bytes(), &root.0);
                table.insert(*number, sealed.as_slice()).map_err(redb_error)?;
            }
        }
        transaction.commit().map_err(redb_error)
    }

    /// Writes all of `batch` or nothing; durable when it returns.
    pub(crate) fn commit(&self, batch: &Batch<'_>) -> Result<(), StoreFailure> {
        guarded(|| self.commit_unguarded(batch))
    }

    fn commit_unguarded(&self, batch: &Batch<'_>) -> Result<(), StoreFailure> {
        let mut transaction = self.database()?.begin_write().map_err(redb_error)?;
        // A host that stops the machine at the worst moment must not make the next start scan it all.
        transaction.set_quick_repair(true);
        if batch.clear {
            transaction.delete_table(NODES).map_err(redb_error)?;
            transaction.delete_table(ROOTS).map_err(redb_error)?;
        }
        {
            let mut nodes = transaction.open_table(NODES).map_err(redb_error)?;
            for (name, (node, count)) in &batch.nodes {
                if *count == 0 {
                    continue;
                }
                let blinded = self.cipher.blind(name);
                if *count > 0 {
                    let record = self.cipher.seal(Kind::Node, &blinded, node);
                    nodes
                        .insert(&blinded, record.as_slice())
                        .map_err(redb_error)?;
                } else {
                    nodes.remove(&blinded).map_err(redb_error)?;
                }
            }
            let mut roots = transaction.open_table(ROOTS).map_err(redb_error)?;
            let number = batch.head.next_number;
            let root =
                self.cipher
                    .seal(Kind::Root, &number.to_le_bytes(), &batch.head.state_root.0);
            roots.insert(number, root.as_slice()).map_err(redb_error)?;
            let oldest = (number + 1).saturating_sub(ROOTS_KEPT);
            roots
                .retain_in(..oldest, |_, _| false)
                .map_err(redb_error)?;
            let mut meta = transaction.open_table(META).map_err(redb_error)?;
            meta.insert(HEAD, self.sealed_head(batch.head).as_slice())
                .map_err(redb_error)?;
        }
        transaction.commit().map_err(redb_error)
    }
}

/// The records after `after` in the order of their names, until they come to `bytes_max`.
pub(crate) fn chunk(
    table: &NodeTable,
    after: Option<&[u8; 32]>,
    bytes_max: usize,
) -> Result<Chunk, StoreFailure> {
    guarded(|| {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = table
            .range::<&[u8; 32]>((start, Bound::Unbounded))
            .map_err(redb_error)?;
        let (mut records, mut bytes) = (Vec::new(), 0);
        for record in range {
            if bytes >= bytes_max && !records.is_empty() {
                return Ok(Chunk { records, is_last: false });
            }
            let (name, sealed) = record.map_err(redb_error)?;
            let sealed = sealed.value().to_vec();
            bytes += sealed.len() + name.value().len();
            records.push((*name.value(), sealed));
        }
        Ok(Chunk { records, is_last: true })
    })
}

/// Reads one record of `table`.
pub(crate) fn read_node(
    table: &NodeTable,
    cipher: &Cipher,
    name: &[u8],
) -> Result<Option<Vec<u8>>, StoreFailure> {
    guarded(|| {
        let blinded = cipher.blind(name);
        match table.get(&blinded).map_err(redb_error)? {
            None => Ok(None),
            Some(record) => cipher
                .open(Kind::Node, &blinded, record.value())
                .map(Some)
                .map_err(|_| StoreFailure::damaged("a node does not open")),
        }
    })
}
