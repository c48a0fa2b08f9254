//! What can go wrong with a store.

use primitives::{ClusterId, GenesisHash};
use std::io;

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file belongs to another network or cluster.
    #[error("the state is of network {genesis}, cluster {cluster}; choose another data directory")]
    AnotherNetwork {
        /// Its network.
        genesis: GenesisHash,
        /// Its cluster.
        cluster: ClusterId,
    },
    /// Written by an older version, in a format that this one does not read.
    #[error(
        "the state has format {found}, older than {supported}; remove the file to rebuild it from the chain"
    )]
    OlderFormat {
        /// Its format.
        found: u32,
        /// What this version reads.
        supported: u32,
    },
    /// Written by a newer version.
    #[error("the state has format {found}, newer than {supported}; install the newer worker")]
    NewerFormat {
        /// Its format.
        found: u32,
        /// What this version reads.
        supported: u32,
    },
    /// The key is not the one that the state was written with.
    #[error("the state was written with another cluster key")]
    WrongKey,
    /// The file is damaged, or was changed.
    #[error("the state is damaged ({0}); remove the file to rebuild it from the chain")]
    Damaged(String),
    /// The file is a state that is being taken over from a peer, not yet all of it.
    #[error("the state is not complete: it was being taken over from another worker")]
    Unfinished,
    /// Another process, or this one, has the file open.
    #[error("the state is in use by another worker on this machine")]
    InUse,
    /// The disk is full.
    #[error("the disk is full; make room and start again")]
    DiskFull,
    /// The file cannot be read or written.
    #[error("the state file cannot be used")]
    Io(#[source] io::Error),
}

/// Why changes are not committed. The committed state is what it was before.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The disk is full.
    #[error("the disk is full; make room, the worker goes on from its last commit")]
    DiskFull,
    /// The file cannot be read or written.
    #[error("the state file cannot be written")]
    Io(#[source] io::Error),
    /// The file is damaged, or was changed.
    #[error("the state is damaged ({0}); remove the file to rebuild it from the chain")]
    Damaged(String),
    /// A key or value is longer than the store takes.
    #[error("a key or value is too long for the state")]
    TooLong,
    /// The new position is behind the committed one.
    #[error("the mailbox number {new} is behind the committed one, {committed}")]
    Backwards {
        /// What is committed.
        committed: u64,
        /// What was asked for.
        new: u64,
    },
}

/// A failure of the database, before it is known whether it hits opening or committing.
#[derive(Debug)]
pub(crate) enum StoreFailure {
    Full,
    Io(io::Error),
    Damaged(String),
}

impl StoreFailure {
    pub(crate) fn damaged(reason: impl ToString) -> Self {
        Self::Damaged(reason.to_string())
    }
}

impl From<io::Error> for StoreFailure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            // What the database says of a file that is cut short or is not its own.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => Self::damaged(error),
            _ => Self::Io(error),
        }
    }
}

impl From<redb::Error> for StoreFailure {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) => error.into(),
            redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
                Self::Io(io::Error::other(error.to_string()))
            }
            other => Self::damaged(other),
        }
    }
}

impl From<StoreFailure> for OpenError {
    fn from(failure: StoreFailure) -> Self {
        match failure {
            StoreFailure::Full => Self::DiskFull,
            StoreFailure::Io(error) => Self::Io(error),
            StoreFailure::Damaged(reason) => Self::Damaged(reason),
        }
    }
}

impl From<StoreFailure> for CommitError {
    fn from(failure: StoreFailure) -> Self {
        match failure {
            StoreFailure::Full => Self::DiskFull,
            StoreFailure::Io(error) => Self::Io(error),
            StoreFailure::Damaged(reason) => Self::Damaged(reason),
        }
    }
}
