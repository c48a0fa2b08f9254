//! The worker's side of a query.
//!
//! [`accept_session`] makes a [`ServerSession`]; [`ServerSession::open`] opens its queries from any
//! thread, each at most once. [`open_query`] opens a query that is sealed on its own. Both give a
//! [`ReplySealer`], which is used up by the one reply it makes.
//!
//! # What the caller must do
//!
//! * keep a bounded table of sessions by [`SessionId`], and drop what has expired;
//! * for one-shot queries, check [`QueryRequest::expires_at_ms`] and remember the nonces until then:
//!   HPKE messages can be replayed. Inside a session this module refuses a second use;
//! * a replayed opening makes only a session that its sender cannot speak in, so the bound of the table
//!   is all that is needed against it.

use crate::{
    HpkeSecret,
    certificate::{CertificateError, verify_certificate},
    client::one_shot_reply_place,
    hpke::{self, Exporter, OpenError},
    padding::pad,
    records::{KeyInputs, RecordKey, RecordPlace, SessionKeys},
};
use codec::{Decode, Encode};
use primitives::{
    AccountId, GenesisHash, HpkePublicKey, UnixMillis, WorkerId, bounds::REQUEST_BYTES_MAX,
};
use rand_core::{CryptoRng, RngCore};
use std::sync::{Arc, Mutex, PoisonError};
use wire::{
    certificate::Certificate,
    decode_all,
    domain::{
        Label, ONE_SHOT_QUERY, ONE_SHOT_REPLY, SESSION_KEYS, SESSION_OPEN, SESSION_QUERY,
        SESSION_REPLY,
    },
    query::{
        HpkeSealed, HpkeSender, OneShotQuery, QUERY_LIFETIME_MS_MAX, QueryReply, QueryRequest,
        SessionAccept, SessionId, SessionOpen, sealed_to_worker_aad,
    },
};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// Longest opening of a session, bytes.
pub const OPENING_BYTES_MAX: u32 = 1024;
/// Longest life of a session, milliseconds: one hour.
pub const SESSION_LIFETIME_MS_MAX: u64 = 60 * 60 * 1000;
/// How far behind the newest query of a session an older one may arrive.
pub const REPLAY_WINDOW: u64 = 2048;

/// Why a worker does not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// Not an encoding of the expected kind, or too long.
    #[error("the message is not a valid encoding")]
    Malformed,
    /// Made for another worker or network, or damaged.
    #[error("the message does not open: made for another worker or network, or damaged")]
    DoesNotOpen,
    /// The opening's time has passed, or lies too far ahead.
    #[error("the opening has lapsed or is dated too far ahead; check the client's clock")]
    Expired,
    /// The certificate does not hold.
    #[error("the certificate does not hold")]
    Certificate(#[source] CertificateError),
    /// The sequence number was used before, or is too old to tell.
    #[error("a query with this number was seen before, or the number is too old")]
    Replayed,
}

impl From<OpenError> for ServerError {
    fn from(_: OpenError) -> Self {
        Self::DoesNotOpen
    }
}

/// The worker as its clients address it.
pub struct Endpoint<'a> {
    /// The network.
    pub genesis: GenesisHash,
    /// The worker.
    pub worker: WorkerId,
    /// Its attested key.
    pub key: &'a HpkeSecret,
}

/// What came out of an HPKE message.
struct Opened<T> {
    value: T,
    authenticated: Option<HpkePublicKey>,
    exporter: Exporter,
    aad: [u8; 32],
}

impl Endpoint<'_> {
    fn open<T: Decode>(&self, label: Label, sealed: &HpkeSealed) -> Result<Opened<T>, ServerError> {
        let aad = sealed_to_worker_aad(label, &self.genesis, &self.worker);
        let (enc, ciphertext) = (&sealed.encapsulated_key, &sealed.ciphertext);
        let (authenticated, (plaintext, exporter)) = match sealed.sender {
            HpkeSender::Anonymous => (
                None,
                hpke::open_base(self.key, label, &aad, enc, ciphertext)?,
            ),
            HpkeSender::SessionKey(key) => {
                let key = HpkePublicKey(key);
                (
                    Some(key),
                    hpke::open_auth(&key, self.key, label, &aad, enc, ciphertext)?,
                )
            }
        };
        let value =
            decode_all(&plaintext, REQUEST_BYTES_MAX).map_err(|_| ServerError::Malformed)?;
        Ok(Opened {
            value,
            authenticated,
            exporter,
            aad,
        })
    }
}

/// Whom a message speaks for: nobody without a certificate, or the account that signed it for the key
/// that the message is authenticated by.
fn origin(
    certificate: Option<&Certificate>,
    authenticated: Option<&HpkePublicKey>,
    genesis: &GenesisHash,
    now_ms: UnixMillis,
) -> Result<Option<AccountId>, CertificateError> {
    match (certificate, authenticated) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(CertificateError::WrongSessionKey),
        (Some(certificate), Some(key)) => {
            verify_certificate(certificate, genesis, now_ms, key).map(Some)
        }
    }
}

/// A session that was accepted.
pub struct AcceptedSession {
    /// The answer to send (SCALE [`SessionAccept`]).
    pub answer: Vec<u8>,
    /// The session to keep.
    pub session: ServerSession,
}

/// Accepts a session from the bytes of an opening (SCALE [`HpkeSealed`]). The session ends after
/// `lifetime_ms`, at most [`SESSION_LIFETIME_MS_MAX`], and not after the certificate.
///
/// # Errors
/// See [`ServerError`].
pub fn accept_session(
    endpoint: &Endpoint<'_>,
    opening: &[u8],
    now_ms: UnixMillis,
    lifetime_ms: u64,
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<AcceptedSession, ServerError> {
    let sealed: HpkeSealed =
        decode_all(opening, OPENING_BYTES_MAX).map_err(|_| ServerError::Malformed)?;
    let opened: Opened<SessionOpen> = endpoint.open(SESSION_OPEN, &sealed)?;
    let open = &opened.value;
    if open.expires_at_ms <= now_ms || open.expires_at_ms - now_ms > QUERY_LIFETIME_MS_MAX {
        return Err(ServerError::Expired);
    }
    let certificate = open.certificate.as_ref();
    let origin = origin(
        certificate,
        opened.authenticated.as_ref(),
        &endpoint.genesis,
        now_ms,
    )
    .map_err(ServerError::Certificate)?;

    let mut ephemeral = Zeroizing::new([0; 32]);
    rng.fill_bytes(&mut *ephemeral);
    let ephemeral = StaticSecret::from(*ephemeral);
    let mut session = SessionId([0; 16]);
    rng.fill_bytes(&mut session.0);
    let agreed = ephemeral.diffie_hellman(&PublicKey::from(open.client_ephemeral));
    if !agreed.was_contributory() {
        return Err(ServerError::DoesNotOpen);
    }
    let ends = now_ms.saturating_add(lifetime_ms.min(SESSION_LIFETIME_MS_MAX));
    let mut accept = SessionAccept {
        session,
        server_ephemeral: PublicKey::from(&ephemeral).to_bytes(),
        expires_at_ms: certificate.map_or(ends, |certificate| ends.min(certificate.expires_at_ms)),
        confirmation: [0; 32],
    };
    let keys = SessionKeys::new(&KeyInputs {
        exported: &opened.exporter.key(SESSION_KEYS),
        agreed: agreed.as_bytes(),
        aad: &opened.aad,
        opening,
        accept: &accept,
    });
    accept.confirmation = keys.confirmation();
    Ok(AcceptedSession {
        answer: accept.encode(),
        session: ServerSession {
            session,
            origin,
            expires_at_ms: accept.expires_at_ms,
            to_server: keys.to_server,
            to_client: Arc::new(keys.to_client),
            window: Mutex::default(),
        },
    })
}

/// An open session. May be used from several threads at once.
pub struct ServerSession {
    session: SessionId,
    origin: Option<AccountId>,
    expires_at_ms: UnixMillis,
    to_server: RecordKey,
    to_client: Arc<RecordKey>,
    window: Mutex<ReplayWindow>,
}

impl ServerSession {
    /// The session's name.
    pub fn id(&self) -> SessionId {
        self.session
    }

    /// The account it speaks for.
    pub fn origin(&self) -> Option<AccountId> {
        self.origin
    }

    /// When it ends; the caller refuses queries and drops the session then.
    pub fn expires_at_ms(&self) -> UnixMillis {
        self.expires_at_ms
    }

    /// Opens a query of this session; each number once.
    ///
    /// # Errors
    /// When it does not open, or its number was used before.
    pub fn open(
        &self,
        sequence: u64,
        ciphertext: &[u8],
    ) -> Result<(QueryRequest, ReplySealer), ServerError> {
        let place = RecordPlace {
            label: SESSION_QUERY,
            session: self.session,
            sequence,
        };
        let plaintext = self.to_server.open(&place, ciphertext)?;
        // Only what authenticates may move the window.
        if !self
            .window
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .admit(sequence)
        {
            return Err(ServerError::Replayed);
        }
        let request =
            decode_all(&plaintext, REQUEST_BYTES_MAX).map_err(|_| ServerError::Malformed)?;
        let reply = ReplySealer {
            key: Arc::clone(&self.to_client),
            place: RecordPlace {
                label: SESSION_REPLY,
                ..place
            },
        };
        Ok((request, reply))
    }
}

/// Which of the newest [`REPLAY_WINDOW`] numbers were used; a ring of bits.
struct ReplayWindow {
    /// One more than the highest number used.
    next: u64,
    bits: [u64; (REPLAY_WINDOW / 64) as usize],
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self {
            next: 0,
            bits: [0; (REPLAY_WINDOW / 64) as usize],
        }
    }
}

impl ReplayWindow {
    fn bit(sequence: u64) -> (usize, u64) {
        let place = sequence % REPLAY_WINDOW;
        ((place / 64) as usize, 1 << (place % 64))
    }

    /// Whether `sequence` is new; it is not, from now on.
    fn admit(&mut self, sequence: u64) -> bool {
        if sequence == u64::MAX {
            return false;
        }
        if sequence >= self.next {
            if sequence - self.next >= REPLAY_WINDOW {
                self.bits = [0; (REPLAY_WINDOW / 64) as usize];
            } else {
                for skipped in self.next..sequence {
                    let (word, mask) = Self::bit(skipped);
                    self.bits[word] &= !mask;
                }
            }
            self.next = sequence + 1;
        } else {
            let (word, mask) = Self::bit(sequence);
            if self.next - sequence > REPLAY_WINDOW || self.bits[word] & mask != 0 {
                return false;
            }
        }
        let (word, mask) = Self::bit(sequence);
        self.bits[word] |= mask;
        true
    }
}

/// A one-shot query that opened.
pub struct OpenedQuery {
    /// The query and its certificate.
    pub query: OneShotQuery,
    /// The session key that the message is authenticated by.
    pub authenticated: Option<HpkePublicKey>,
    /// Seals the reply.
    pub reply: ReplySealer,
}

impl OpenedQuery {
    /// Whom the query speaks for.
    ///
    /// # Errors
    /// When there is a certificate and it does not hold.
    pub fn origin(
        &self,
        genesis: &GenesisHash,
        now_ms: UnixMillis,
    ) -> Result<Option<AccountId>, CertificateError> {
        let certificate = self.query.certificate.as_ref();
        origin(certificate, self.authenticated.as_ref(), genesis, now_ms)
    }
}

/// Opens a query that is sealed on its own. Whether it is fresh is for the caller to check.
///
/// # Errors
/// When it was made for another worker or network, or is damaged.
pub fn open_query(
    endpoint: &Endpoint<'_>,
    sealed: &HpkeSealed,
) -> Result<OpenedQuery, ServerError> {
    if sealed.ciphertext.len() > REQUEST_BYTES_MAX as usize {
        return Err(ServerError::Malformed);
    }
    let opened: Opened<OneShotQuery> = endpoint.open(ONE_SHOT_QUERY, sealed)?;
    let reply = ReplySealer {
        key: Arc::new(RecordKey::new(&opened.exporter.key(ONE_SHOT_REPLY))),
        place: one_shot_reply_place(),
    };
    Ok(OpenedQuery {
        query: opened.value,
        authenticated: opened.authenticated,
        reply,
    })
}

/// Seals the one reply to one query.
pub struct ReplySealer {
    key: Arc<RecordKey>,
    place: RecordPlace,
}

impl ReplySealer {
    /// Pads and seals `reply`. Takes the sealer, because its nonce serves once.
    ///
    /// # Errors
    /// When the reply is longer than can be padded (4 GiB).
    pub fn seal(self, reply: &QueryReply) -> Result<Vec<u8>, ServerError> {
        let padded = pad(&reply.encode()).map_err(|_| ServerError::Malformed)?;
        Ok(self.key.seal(&self.place, padded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_admits_each_number_once_in_any_order() {
        let mut window = ReplayWindow::default();
        for sequence in [0, 5, 3, 2048, 2047, 1, 2050] {
            assert_eq!(
                window.admit(sequence),
                !matches!(sequence, 1) || 2049 - 1 <= REPLAY_WINDOW
            );
            assert!(!window.admit(sequence), "{sequence} again");
        }
        // 2050 was the highest: 2 is now out of reach, 4 is not.
        assert!(!window.admit(2));
        assert!(window.admit(4));
        // A jump forgets all that is behind it.
        assert!(window.admit(1 << 40));
        assert!(!window.admit(2050));
        assert!(window.admit((1 << 40) - 2047));
        assert!(!window.admit((1 << 40) - 2048));
        assert!(!window.admit(u64::MAX));
    }

    #[test]
    fn the_window_agrees_with_a_set() {
        let (mut window, mut seen, mut state) = (
            ReplayWindow::default(),
            std::collections::BTreeSet::new(),
            7u64,
        );
        for _ in 0..50_000 {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let highest = seen.last().copied().unwrap_or(0u64);
            let sequence = (highest + 40).saturating_sub((state >> 33) % 2200);
            let expected = !seen.contains(&sequence) && sequence + REPLAY_WINDOW > highest;
            assert_eq!(
                window.admit(sequence),
                expected,
                "{sequence} after {highest}"
            );
            if expected {
                seen.insert(sequence);
            }
        }
    }
}
