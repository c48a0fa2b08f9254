//! Open sessions and used one-shot queries, both bounded.
//!
//! Opening a session costs its client nothing but a key agreement, so a full table drops the sessions
//! that end first: their clients open new ones. A used query is never forgotten before it lapses; a
//! full memory refuses.
//!
//! # Limits
//!
//! The clock is the host's. Turning it forth and back makes no query run twice; starting the worker
//! anew within a query's lifetime does, for one-shot queries: use sessions where that matters.

use primitives::UnixMillis;
use secrets::server::ServerSession;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};
use wire::query::SessionId;

/// Sessions that a worker keeps open at once.
const SESSIONS_MAX: usize = 16_384;
/// One-shot queries that a worker remembers until they lapse.
const REMEMBERED_MAX: usize = 262_144;

/// Sessions that a full table drops at once, so that it is searched seldom.
const DROPPED_AT_ONCE: usize = SESSIONS_MAX / 8;

/// The memory is full of what has not lapsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

#[derive(Default)]
pub(crate) struct SessionTable {
    sessions: RwLock<HashMap<SessionId, Arc<ServerSession>>>,
}

impl SessionTable {
    /// Adds a session; where there is no room, the sessions that end first make it.
    pub(crate) fn insert(&self, session: ServerSession, now_ms: UnixMillis) {
        let mut sessions = self
            .sessions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= SESSIONS_MAX {
            sessions.retain(|_, session| session.expires_at_ms() > now_ms);
        }
        if sessions.len() >= SESSIONS_MAX {
            let mut by_end: Vec<(UnixMillis, SessionId)> = sessions
                .iter()
                .map(|(id, session)| (session.expires_at_ms(), *id))
                .collect();
            by_end.sort_unstable();
            for (_, id) in by_end.iter().take(DROPPED_AT_ONCE) {
                sessions.remove(id);
            }
        }
        sessions.insert(session.id(), Arc::new(session));
    }

    pub(crate) fn get(&self, id: &SessionId, now_ms: UnixMillis) -> Option<Arc<ServerSession>> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        sessions
            .get(id)
            .filter(|session| session.expires_at_ms() > now_ms)
            .cloned()
    }
}

/// Remembers each one-shot query until it lapses.
#[derive(Default)]
pub(crate) struct ReplayMemory {
    inner: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    used: HashSet<[u8; 32]>,
    by_expiry: BTreeSet<(UnixMillis, [u8; 32])>,
    /// What lapses no later than this may have been used and forgotten. Only a clock that was turned
    /// back brings such a query here.
    forgotten_until_ms: UnixMillis,
}

impl ReplayMemory {
    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `token` is new; it is not, from now until `expires_at_ms`.
    pub(crate) fn admit(
        &self,
        token: [u8; 32],
        expires_at_ms: UnixMillis,
        now_ms: UnixMillis,
    ) -> Result<bool, Full> {
        let mut inner = self.lock();
        while let Some((expiry, old)) = inner.by_expiry.first().copied()
            && expiry <= now_ms
        {
            inner.by_expiry.pop_first();
            inner.used.remove(&old);
            inner.forgotten_until_ms = inner.forgotten_until_ms.max(expiry);
        }
        if inner.used.contains(&token) || expires_at_ms <= inner.forgotten_until_ms {
            return Ok(false);
        }
        if inner.used.len() >= REMEMBERED_MAX {
            return Err(Full);
        }
        inner.used.insert(token);
        inner.by_expiry.insert((expires_at_ms, token));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_admitted_once_until_it_lapses() {
        let memory = ReplayMemory::default();
        assert_eq!(memory.admit([1; 32], 100, 0), Ok(true));
        assert_eq!(memory.admit([1; 32], 100, 50), Ok(false));
        assert_eq!(memory.admit([2; 32], 200, 50), Ok(true));
        assert_eq!(memory.admit([1; 32], 300, 100), Ok(true));
        assert_eq!(memory.admit([2; 32], 300, 199), Ok(false));
        let inner = memory.lock();
        assert_eq!(inner.used.len(), inner.by_expiry.len());
    }
}
