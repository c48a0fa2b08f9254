//! Open sessions and used one-shot queries: both bounded, both forgetting only what has lapsed.

use primitives::UnixMillis;
use secrets::server::ServerSession;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};
use wire::query::SessionId;

/// Sessions that a worker keeps open at once.
const SESSIONS_MAX: usize = 16_384;
/// One-shot queries that a worker remembers until they lapse.
const REMEMBERED_MAX: usize = 262_144;

/// The table is full of what has not lapsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

#[derive(Default)]
pub(crate) struct SessionTable {
    sessions: RwLock<HashMap<SessionId, Arc<ServerSession>>>,
}

impl SessionTable {
    pub(crate) fn insert(&self, session: ServerSession, now_ms: UnixMillis) -> Result<(), Full> {
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= SESSIONS_MAX {
            sessions.retain(|_, session| session.expires_at_ms() > now_ms);
        }
        if sessions.len() >= SESSIONS_MAX {
            return Err(Full);
        }
        sessions.insert(session.id(), Arc::new(session));
        Ok(())
    }

    pub(crate) fn get(&self, id: &SessionId, now_ms: UnixMillis) -> Option<Arc<ServerSession>> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        sessions.get(id).filter(|session| session.expires_at_ms() > now_ms).cloned()
    }
}

/// Remembers each one-shot query until it lapses.
#[derive(Default)]
pub(crate) struct ReplayMemory {
    inner: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    expiry: HashMap<[u8; 32], UnixMillis>,
    by_expiry: BTreeMap<(UnixMillis, [u8; 32]), ()>,
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
        while let Some(((expiry, old), ())) = inner.by_expiry.pop_first() {
            if expiry > now_ms {
                inner.by_expiry.insert((expiry, old), ());
                break;
            }
            inner.expiry.remove(&old);
        }
        if inner.expiry.contains_key(&token) {
            return Ok(false);
        }
        if inner.expiry.len() >= REMEMBERED_MAX {
            return Err(Full);
        }
        inner.expiry.insert(token, expires_at_ms);
        inner.by_expiry.insert((expires_at_ms, token), ());
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
        assert_eq!(memory.lock().expiry.len(), memory.lock().by_expiry.len());
    }
}
