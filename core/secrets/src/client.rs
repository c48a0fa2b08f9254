//! The client's side of a query.
//!
//! ```text
//! SessionOpener::start ── opening ──► server::accept_session
//!        finish ◄── SessionAccept ──────────┘
//! ClientSession::seal ── Envelope::Session ──► ServerSession::open
//!        PendingReply::open ◄── bytes ── ReplySealer::seal
//! ```
//!
//! or, with no session, [`seal_query`] and [`PendingReply::open`].

use crate::{
    HpkeSecret,
    hpke::{self, Exporter, OpenError, SealError},
    padding::unpad,
    records::{KeyInputs, RecordKey, RecordPlace, SessionKeys},
};
use codec::Encode;
use primitives::{GenesisHash, HpkePublicKey, UnixMillis, WorkerId, bounds::ANSWER_BYTES_MAX};
use rand_core::{CryptoRng, RngCore};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use wire::{
    certificate::Certificate,
    decode_all,
    domain::{
        Label, ONE_SHOT_QUERY, ONE_SHOT_REPLY, SESSION_KEYS, SESSION_OPEN, SESSION_QUERY,
        SESSION_REPLY,
    },
    query::{
        Envelope, HpkeSealed, HpkeSender, OneShotQuery, QueryReply, QueryRequest, SessionAccept,
        SessionId, SessionOpen, sealed_to_worker_aad,
    },
};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// How long an opening may travel, milliseconds.
pub const OPENING_LIFETIME_MS: u64 = 60_000;
/// Most queries in one session.
pub const SESSION_QUERIES_MAX: u64 = 1 << 40;
/// Longest sealed reply that is looked at, bytes.
pub const REPLY_BYTES_MAX: u32 = ANSWER_BYTES_MAX + 64 * 1024;
/// Longest [`SessionAccept`], bytes.
const ACCEPT_BYTES_MAX: u32 = 256;

/// Why a session does not start, or a reply is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The worker's key is not usable.
    #[error("the worker's key is not a usable X25519 key; get it from the chain again")]
    WorkerKey,
    /// What arrived is not an encoding of the expected kind, or too long.
    #[error("the worker's answer is not a valid encoding; is the endpoint a worker?")]
    Malformed,
    /// Whoever answered does not hold the worker's attested key, or the answer is not to this request.
    #[error("the answer was not made by the attested worker for this request; do not trust it")]
    NotAuthentic,
    /// The session has no numbers left.
    #[error("the session is used up; open a new one")]
    Exhausted,
}

impl From<SealError> for ClientError {
    fn from(_: SealError) -> Self {
        Self::WorkerKey
    }
}

impl From<OpenError> for ClientError {
    fn from(_: OpenError) -> Self {
        Self::NotAuthentic
    }
}

/// The worker that a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerAddress {
    /// The network.
    pub genesis: GenesisHash,
    /// The worker.
    pub worker: WorkerId,
    /// Its attested key, from the chain.
    pub hpke_public_key: HpkePublicKey,
}

/// For whom a client speaks: a session key and the account's certificate for it.
pub struct Identity<'a> {
    /// The session key.
    pub session_key: &'a HpkeSecret,
    /// The account's word for it.
    pub certificate: Certificate,
}

/// Seals to a worker, authenticated if there is an identity.
fn seal_to_worker(
    to: &WorkerAddress,
    identity: Option<&HpkeSecret>,
    label: Label,
    plaintext: &[u8],
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<(HpkeSealed, Exporter), SealError> {
    let aad = sealed_to_worker_aad(label, &to.genesis, &to.worker);
    let (sender, (sealed, exporter)) = match identity {
        None => (
            HpkeSender::Anonymous,
            hpke::seal_base(&to.hpke_public_key, label, &aad, plaintext, rng)?,
        ),
        Some(key) => (
            HpkeSender::SessionKey(key.public().0),
            hpke::seal_auth(key, &to.hpke_public_key, label, &aad, plaintext, rng)?,
        ),
    };
    let sealed = HpkeSealed {
        sender,
        encapsulated_key: sealed.encapsulated_key,
        ciphertext: sealed.ciphertext,
    };
    Ok((sealed, exporter))
}

/// A session that was asked for.
pub struct SessionOpener {
    ephemeral: StaticSecret,
    exported: Zeroizing<[u8; 32]>,
    aad: [u8; 32],
    opening: Vec<u8>,
}

impl SessionOpener {
    /// Asks for a session: gives the bytes to post (SCALE [`HpkeSealed`]) and what to keep.
    ///
    /// # Errors
    /// When the worker's key is not usable.
    pub fn start(
        to: &WorkerAddress,
        identity: Option<Identity<'_>>,
        now_ms: UnixMillis,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<(Vec<u8>, Self), ClientError> {
        let mut ephemeral = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *ephemeral);
        let ephemeral = StaticSecret::from(*ephemeral);
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let (session_key, certificate) = identity
            .map(|identity| (identity.session_key, identity.certificate))
            .unzip();
        let open = SessionOpen {
            client_ephemeral: PublicKey::from(&ephemeral).to_bytes(),
            expires_at_ms: now_ms.saturating_add(OPENING_LIFETIME_MS),
            nonce,
            certificate,
        };
        let plaintext = Zeroizing::new(open.encode());
        let (sealed, exporter) = seal_to_worker(to, session_key, SESSION_OPEN, &plaintext, rng)?;
        let opening = sealed.encode();
        let opener = Self {
            ephemeral,
            exported: exporter.key(SESSION_KEYS),
            aad: sealed_to_worker_aad(SESSION_OPEN, &to.genesis, &to.worker),
            opening: opening.clone(),
        };
        Ok((opening, opener))
    }

    /// Takes the worker's answer (SCALE [`SessionAccept`]) and checks that the attested worker made it.
    ///
    /// # Errors
    /// When it is not an answer to this opening by this worker.
    pub fn finish(self, answer: &[u8]) -> Result<ClientSession, ClientError> {
        let accept: SessionAccept =
            decode_all(answer, ACCEPT_BYTES_MAX).map_err(|_| ClientError::Malformed)?;
        let agreed = self
            .ephemeral
            .diffie_hellman(&PublicKey::from(accept.server_ephemeral));
        if !agreed.was_contributory() {
            return Err(ClientError::NotAuthentic);
        }
        let keys = SessionKeys::new(&KeyInputs {
            exported: &self.exported,
            agreed: agreed.as_bytes(),
            aad: &self.aad,
            opening: &self.opening,
            accept: &accept,
        });
        if !keys.is_confirmed_by(&accept.confirmation) {
            return Err(ClientError::NotAuthentic);
        }
        Ok(ClientSession {
            session: accept.session,
            expires_at_ms: accept.expires_at_ms,
            to_server: keys.to_server,
            to_client: Arc::new(keys.to_client),
            next_sequence: AtomicU64::new(0),
        })
    }
}

/// An open session. May be used from several threads.
pub struct ClientSession {
    session: SessionId,
    expires_at_ms: UnixMillis,
    to_server: RecordKey,
    to_client: Arc<RecordKey>,
    next_sequence: AtomicU64,
}

impl ClientSession {
    /// The session's name.
    pub fn id(&self) -> SessionId {
        self.session
    }

    /// When the worker forgets the session.
    pub fn expires_at_ms(&self) -> UnixMillis {
        self.expires_at_ms
    }

    /// Seals a query: the bytes to post (SCALE [`Envelope`]) and what opens the reply. No number is
    /// ever used twice, whatever becomes of the bytes.
    ///
    /// # Errors
    /// When the session is used up.
    pub fn seal(&self, request: &QueryRequest) -> Result<(Vec<u8>, PendingReply), ClientError> {
        let sequence = self
            .next_sequence
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
                (next < SESSION_QUERIES_MAX).then_some(next + 1)
            })
            .map_err(|_| ClientError::Exhausted)?;
        let place = RecordPlace {
            label: SESSION_QUERY,
            session: self.session,
            sequence,
        };
        let ciphertext = self.to_server.seal(&place, request.encode());
        let envelope = Envelope::Session {
            session: self.session,
            sequence,
            ciphertext,
        };
        let reply = PendingReply {
            key: Arc::clone(&self.to_client),
            place: RecordPlace {
                label: SESSION_REPLY,
                ..place
            },
        };
        Ok((envelope.encode(), reply))
    }
}

/// Seals a query on its own: the bytes to post (SCALE [`Envelope`]) and what opens the reply.
///
/// # Errors
/// When the worker's key is not usable.
pub fn seal_query(
    to: &WorkerAddress,
    identity: Option<Identity<'_>>,
    request: QueryRequest,
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<(Vec<u8>, PendingReply), ClientError> {
    let (session_key, certificate) = identity
        .map(|identity| (identity.session_key, identity.certificate))
        .unzip();
    let plaintext = Zeroizing::new(
        OneShotQuery {
            request,
            certificate,
        }
        .encode(),
    );
    let (sealed, exporter) = seal_to_worker(to, session_key, ONE_SHOT_QUERY, &plaintext, rng)?;
    let reply = PendingReply {
        key: Arc::new(RecordKey::new(&exporter.key(ONE_SHOT_REPLY))),
        place: one_shot_reply_place(),
    };
    Ok((Envelope::OneShot(sealed).encode(), reply))
}

/// The key of a one-shot reply serves once, so its place is always the same.
pub(crate) fn one_shot_reply_place() -> RecordPlace {
    RecordPlace {
        label: ONE_SHOT_REPLY,
        session: SessionId([0; 16]),
        sequence: 0,
    }
}

/// Opens the reply to one query.
pub struct PendingReply {
    key: Arc<RecordKey>,
    place: RecordPlace,
}

impl PendingReply {
    /// Opens the worker's answer.
    ///
    /// # Errors
    /// When it is not the attested worker's answer to this query.
    pub fn open(&self, answer: &[u8]) -> Result<QueryReply, ClientError> {
        if answer.len() > REPLY_BYTES_MAX as usize {
            return Err(ClientError::Malformed);
        }
        let padded = self.key.open(&self.place, answer)?;
        let plaintext = unpad(&padded).map_err(|_| ClientError::Malformed)?;
        decode_all(plaintext, REPLY_BYTES_MAX).map_err(|_| ClientError::Malformed)
    }
}
