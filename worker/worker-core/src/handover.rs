//! Handing a worker's identity and keys over to the process that takes its place, for good.
//!
//! The order is what counts. The old process judges the new one by the chain's policy of a final block; it
//! stops answering and speaking; its shell writes a *tombstone*, which holds the answer, sealed to the new
//! process alone; and only a [`Departed`] made of that tombstone gives the answer away. So before the
//! tombstone is on disk nothing has left and the old process goes on; after it the old process is stopped,
//! also after a crash, and gives the same answer to the same new process as often as it asks.

use crate::{
    identity::Identity,
    kept::KeptSecrets,
    snapshots::{READERS_MAX, Reader, SnapshotRefusal, verify_request},
    store::Records,
};
use attestation::{AttestationError, Evidence, Policy, claimed_measurement, judge};
use chain_facts::{WorkerInfo, view::{FinalizedView, PolicyView}};
use codec::{Decode, DecodeAll, Encode};
use primitives::{AccountId, BlockNumber, GenesisHash, HpkePublicKey, Measurement, WorkerId};
use rand_core::{CryptoRng, RngCore};
use secrets::{HpkeSecret, StateKey, hpke::{open_auth, seal_auth}, verify_sr25519};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::AtomicUsize,
};
use wire::{
    domain::HANDOVER_KEYS,
    handover::{
        HANDOVER_ANSWER_BYTES_MAX, HANDOVER_OFFER_BYTES_MAX, HANDOVER_REQUEST_BYTES_MAX,
        HandedState, HandoverAnswer, HandoverOffer, HandoverRequest, SignedHandoverRequest,
    },
    snapshot::{SNAPSHOT_CHUNK_BYTES, SnapshotChunk},
};
use zeroize::Zeroizing;

/// Version of what is sealed, and of the tombstone.
const VERSION: u8 = 1;
/// Blocks for which a nonce is offered; it counts for as long again.
const NONCE_BLOCKS: BlockNumber = 64;

/// Why keys are not handed over. None of it is confidential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandoverRefusal {
    /// The request is none.
    #[error("the request for a hand-over cannot be read")]
    Malformed,
    /// It is for another worker or network.
    #[error("the request is for another worker or another network than this one")]
    ForAnother,
    /// Evidence made for an older offer, or another process.
    #[error("the evidence was not made for this worker's present offer: ask for the offer again")]
    OldNonce,
    /// The chain does not know the worker.
    #[error("the chain has no registration of this worker")]
    NotRegistered,
    /// Nobody can consent.
    #[error("the worker's registration names no operator who could agree")]
    NoOperator,
    /// The signature is not the operator's.
    #[error("the request is not signed by {0}, the operator of the worker's registration")]
    NotTheOperator(AccountId),
    /// The quote cannot be read.
    #[error("the evidence holds no quote of a known kind")]
    NoQuote,
    /// Another request is looked at.
    #[error("another request is being looked at; try again in a moment")]
    Busy,
    /// The chain does not have this process's number.
    #[error("no final block says that this process speaks for the worker: it may not hand its keys over")]
    NotSpeaking,
    /// The chain is too old to judge by.
    #[error("this worker's last final block is too old to hand keys over by")]
    Stale,
    /// The chain does not allow the new build.
    #[error("the chain does not allow the build {0}: it gets no keys")]
    BuildNotAllowed(Measurement),
    /// The evidence does not hold.
    #[error("the evidence does not hold: {0}")]
    Evidence(AttestationError),
    /// The key is none.
    #[error("nothing can be sealed to the request's key")]
    BadKey,
    /// It was done already.
    #[error("this worker's keys were handed over at block {at_block} to a process of build {to}: no other gets them")]
    HandedOver {
        /// To which build.
        to: Measurement,
        /// By which final block.
        at_block: BlockNumber,
    },
}

/// Offers of one process; shared by all threads.
pub struct HandoverOffers {
    genesis: GenesisHash,
    worker: WorkerId,
    nonces: Mutex<Option<Nonces>>,
}

#[derive(Clone, Copy)]
struct Nonces {
    now: [u8; 32],
    since: BlockNumber,
    before: [u8; 32],
}

impl HandoverOffers {
    fn new(identity: &Identity) -> Self {
        Self {
            genesis: identity.genesis(),
            worker: identity.worker(),
            nonces: Mutex::default(),
        }
    }

    /// SCALE [`HandoverOffer`]; `None` before the first final block.
    pub fn offer(&self) -> Option<Vec<u8>> {
        let nonce = self.nonces()?.now;
        Some(HandoverOffer { genesis: self.genesis, worker: self.worker, nonce }.encode())
    }

    fn nonces(&self) -> Option<Nonces> {
        *self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow<R: RngCore + CryptoRng>(&self, number: BlockNumber, rng: &mut R) {
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        if nonces.is_some_and(|nonces| number.saturating_sub(nonces.since) < NONCE_BLOCKS) {
            return;
        }
        let mut fresh = || {
            let mut nonce = [0; 32];
            rng.fill_bytes(&mut nonce);
            nonce
        };
        let now = fresh();
        let before = nonces.map_or_else(fresh, |nonces| nonces.now);
        *nonces = Some(Nonces { now, since: number, before });
    }

    fn knows(&self, nonce: &[u8; 32]) -> bool {
        self.nonces().is_some_and(|nonces| nonces.now == *nonce || nonces.before == *nonce)
    }
}

/// A request whose operator has agreed; its evidence waits for the chain's policy.
struct Pending {
    request: HandoverRequest,
    evidence: Evidence,
    measurement: Measurement,
    /// Who has agreed.
    operator: AccountId,
}

/// What there is to hand over.
pub(crate) struct Estate<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) kept: &'a KeptSecrets,
    /// The state, where the worker has one that fits the chain.
    pub(crate) state: Option<(HandedState, StateKey)>,
}

/// The old process's side.
pub(crate) struct Handover {
    offers: Arc<HandoverOffers>,
    /// The operator by the last final block, where the worker is registered.
    operator: Option<Option<AccountId>>,
    pending: Option<Pending>,
}

impl Handover {
    pub(crate) fn new(identity: &Identity) -> Self {
        Self {
            offers: Arc::new(HandoverOffers::new(identity)),
            operator: None,
            pending: None,
        }
    }

    pub(crate) fn offers(&self) -> &Arc<HandoverOffers> {
        &self.offers
    }

    /// The build whose evidence waits for a judgement.
    pub(crate) fn wants_policy_for(&self) -> Option<Measurement> {
        self.pending.as_ref().map(|pending| pending.measurement)
    }

    /// Takes a request in if its operator agrees; all that is cheap to check, and nothing else.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<(), HandoverRefusal> {
        let signed: SignedHandoverRequest = wire::decode_all(request, HANDOVER_REQUEST_BYTES_MAX)
            .map_err(|_| HandoverRefusal::Malformed)?;
        let request = signed.request;
        if (request.genesis, request.worker) != (self.offers.genesis, self.offers.worker) {
            return Err(HandoverRefusal::ForAnother);
        }
        let operator = self
            .operator
            .ok_or(HandoverRefusal::NotRegistered)?
            .ok_or(HandoverRefusal::NoOperator)?;
        let consent = request.consent_bytes();
        if !verify_sr25519(&operator.0, &consent, &signed.operator_signature) {
            return Err(HandoverRefusal::NotTheOperator(operator));
        }
        if !self.offers.knows(&request.nonce) {
            return Err(HandoverRefusal::OldNonce);
        }
        if self.pending.is_some() {
            return Err(HandoverRefusal::Busy);
        }
        let evidence: Evidence = wire::decode_all(&signed.evidence, HANDOVER_REQUEST_BYTES_MAX)
            .map_err(|_| HandoverRefusal::Malformed)?;
        evidence.check_bounds().map_err(HandoverRefusal::Evidence)?;
        let measurement =
            claimed_measurement(&evidence.quote).ok_or(HandoverRefusal::NoQuote)?;
        self.pending = Some(Pending { request, evidence, measurement, operator });
        Ok(())
    }

    /// Takes note of a final block.
    pub(crate) fn follow<R: RngCore + CryptoRng>(&mut self, view: &FinalizedView, rng: &mut R) {
        self.operator = view.registration.as_ref().map(|info| info.operator);
        self.offers.follow(view.number, rng);
    }

    /// Judges the request that waits, once a view has the policy for it; the tombstone if it is granted.
    /// `speaks`: whether the view names this process. `is_fresh`: whether it is recent.
    pub(crate) fn decide<R: RngCore + CryptoRng>(
        &mut self,
        view: &FinalizedView,
        (speaks, is_fresh): (bool, bool),
        estate: impl FnOnce() -> Option<(HandedState, StateKey)>,
        (identity, kept): (&Identity, &KeptSecrets),
        rng: &mut R,
    ) -> Option<Result<Zeroizing<Vec<u8>>, HandoverRefusal>> {
        let policy = view.policy.as_ref()?;
        let pending = self.pending.take_if(|pending| pending.measurement == policy.measurement)?;
        let granted = || {
            // The block may be another than the one that the request was taken in by.
            let registration =
                view.registration.as_ref().ok_or(HandoverRefusal::NotRegistered)?;
            let operator = registration.operator.ok_or(HandoverRefusal::NoOperator)?;
            if operator != pending.operator {
                return Err(HandoverRefusal::NotTheOperator(operator));
            }
            if !is_fresh {
                return Err(HandoverRefusal::Stale);
            }
            if !speaks {
                return Err(HandoverRefusal::NotSpeaking);
            }
            check_build(&pending, policy, view)?;
            let estate = Estate { identity, kept, state: estate() };
            bury(&pending, &estate, view.number, rng)
        };
        Some(granted())
    }
}

/// By the chain's policy and clock, as the chain judges a registration.
fn check_build(
    pending: &Pending,
    policy: &PolicyView,
    view: &FinalizedView,
) -> Result<(), HandoverRefusal> {
    if !policy.allowed {
        return Err(HandoverRefusal::BuildNotAllowed(policy.measurement));
    }
    let allowed = [policy.measurement];
    let policy = Policy {
        roots: &policy.roots,
        allowed_measurements: Some(&allowed),
        tier_max: policy.tier_max,
    };
    let expected = pending.request.report_data();
    judge(&pending.evidence, &expected, &policy, view.timestamp_ms / 1000)
        .map(drop)
        .map_err(HandoverRefusal::Evidence)
}

/// Seals everything to the new process, and makes the tombstone.
fn bury<R: RngCore + CryptoRng>(
    pending: &Pending,
    estate: &Estate<'_>,
    at_block: BlockNumber,
    rng: &mut R,
) -> Result<Zeroizing<Vec<u8>>, HandoverRefusal> {
    let Pending { request, measurement, .. } = pending;
    let secrets = estate.kept.to_bytes();
    let mut plain = Zeroizing::new(Vec::with_capacity(256 + secrets.len()));
    plain.push(VERSION);
    put_state(estate.state.as_ref(), &mut plain);
    plain.extend_from_slice(&secrets);
    let (sealed, _) = seal_auth(
        estate.identity.hpke(),
        &request.ephemeral_key,
        HANDOVER_KEYS,
        &request.transcript(),
        &plain,
        rng,
    )
    .map_err(|_| HandoverRefusal::BadKey)?;
    let record = Record {
        genesis: request.genesis,
        worker: request.worker,
        hpke_public_key: estate.identity.hpke_public_key(),
        ephemeral_key: request.ephemeral_key,
        measurement: *measurement,
        at_block,
        answer: HandoverAnswer {
            nonce: request.nonce,
            encapsulated_key: sealed.encapsulated_key,
            ciphertext: sealed.ciphertext,
        },
    };
    let record = record.encode();
    let mut tombstone = Zeroizing::new(Vec::with_capacity(256 + record.len()));
    tombstone.push(VERSION);
    put_state(estate.state.as_ref(), &mut tombstone);
    tombstone.extend_from_slice(&record);
    Ok(tombstone)
}

/// SCALE option of the state; then, if there is one, its key. The buffer has room for it.
fn put_state(state: Option<&(HandedState, StateKey)>, out: &mut Zeroizing<Vec<u8>>) {
    state.map(|(state, _)| *state).encode_to(&mut **out);
    if let Some((_, key)) = state {
        out.extend_from_slice(key.expose());
    }
}

type State = Option<(HandedState, StateKey)>;

fn take_state(rest: &mut &[u8]) -> Option<State> {
    if u8::decode(rest).ok()? != VERSION {
        return None;
    }
    match Option::<HandedState>::decode(rest).ok()? {
        None => Some(None),
        Some(state) => {
            let key = crate::kept::take_secret(rest)?;
            Some(Some((state, StateKey::from_bytes(&key))))
        }
    }
}

/// What a tombstone tells. The answer is sealed: nothing of it is secret.
#[derive(Encode, Decode)]
struct Record {
    genesis: GenesisHash,
    worker: WorkerId,
    hpke_public_key: HpkePublicKey,
    ephemeral_key: HpkePublicKey,
    measurement: Measurement,
    at_block: BlockNumber,
    answer: HandoverAnswer,
}

/// A worker that has handed its keys over. It gives the answer to the process that has them now, and its
/// state, and does nothing else, ever.
pub struct Departed {
    record: Record,
    state: State,
    records: Option<Arc<dyn Records>>,
    readers: AtomicUsize,
}

impl Departed {
    /// Reads a tombstone, which must be on disk by now; `None` for anything else.
    pub fn from_tombstone(tombstone: &[u8]) -> Option<Self> {
        let mut rest = tombstone;
        let state = take_state(&mut rest)?;
        let record = Record::decode_all(&mut rest).ok()?;
        Some(Self { record, state, records: None, readers: AtomicUsize::new(0) })
    }

    /// The state that it had, and its key, to read it from the disk again.
    pub fn state(&self) -> Option<&(HandedState, StateKey)> {
        self.state.as_ref()
    }

    /// Lets it hand this state out, which is the one of [`Self::state`].
    pub fn with_records(mut self, records: Option<Arc<dyn Records>>) -> Self {
        self.records = records;
        self
    }

    /// Whose keys they were.
    pub fn worker(&self) -> WorkerId {
        self.record.worker
    }

    /// On which network.
    pub fn genesis(&self) -> GenesisHash {
        self.record.genesis
    }

    /// The key that requests to the worker are sealed to.
    pub fn hpke_public_key(&self) -> HpkePublicKey {
        self.record.hpke_public_key
    }

    /// What it says to whoever wants anything else of it.
    pub fn why(&self) -> HandoverRefusal {
        HandoverRefusal::HandedOver {
            to: self.record.measurement,
            at_block: self.record.at_block,
        }
    }

    /// SCALE [`HandoverOffer`]: the one that was taken.
    pub fn offer(&self) -> Vec<u8> {
        let Record { genesis, worker, ref answer, .. } = self.record;
        HandoverOffer { genesis, worker, nonce: answer.nonce }.encode()
    }

    /// The answer, SCALE [`HandoverAnswer`], for a request by the process that it was made for. It is
    /// sealed to that process's key, so that nothing else of the request matters.
    ///
    /// # Errors
    /// [`HandoverRefusal::HandedOver`] for anybody else.
    pub fn answer(&self, request: &[u8]) -> Result<Vec<u8>, HandoverRefusal> {
        let signed: SignedHandoverRequest = wire::decode_all(request, HANDOVER_REQUEST_BYTES_MAX)
            .map_err(|_| HandoverRefusal::Malformed)?;
        if signed.request.ephemeral_key != self.record.ephemeral_key {
            return Err(self.why());
        }
        Ok(self.record.answer.encode())
    }

    /// Answers a `SignedSnapshotRequest` with a part of the state, for whoever has the worker's keys now.
    ///
    /// # Errors
    /// See [`SnapshotRefusal`].
    pub fn snapshot(&self, request: &[u8]) -> Result<Vec<u8>, SnapshotRefusal> {
        let worker = self.worker();
        let request = verify_request(request, &self.record.genesis)?;
        if (request.peer, request.asker) != (worker, worker) {
            return Err(SnapshotRefusal::Refused(
                "this worker's keys were handed over, and its state is for who has them",
            ));
        }
        let held = self.state.as_ref().zip(self.records.as_ref()).filter(|((state, _), _)| {
            (state.cluster, state.next_number, state.state_root)
                == (request.cluster, request.next_number, request.state_root)
        });
        let (_, records) = held.ok_or(SnapshotRefusal::NotHeld {
            next_number: request.next_number,
            state_root: request.state_root,
            rotation: request.rotation,
        })?;
        let _reader = Reader::among(&self.readers, READERS_MAX).ok_or(SnapshotRefusal::Busy)?;
        let (records, is_last) = records
            .chunk(request.after.as_ref(), SNAPSHOT_CHUNK_BYTES)
            .map_err(|_| SnapshotRefusal::Broken)?;
        Ok(SnapshotChunk { records, is_last }.encode())
    }
}

/// Why keys were not taken over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TakeOverError {
    /// What came is no offer or answer.
    #[error("what the running worker sent cannot be read")]
    Malformed,
    /// The running worker is on another network.
    #[error("the running worker is on network {0}, not on that of the chain specification")]
    AnotherNetwork(GenesisHash),
    /// The answer was not made by the worker that the chain has, for this process.
    #[error("the answer was not sealed by the registered worker for this process")]
    NotFromTheWorker,
    /// It holds other keys than the chain has.
    #[error("the answer holds other keys than the chain has for the worker")]
    OtherKeys,
}

/// What a worker's successor got.
pub struct TakenOver {
    /// The worker's secrets.
    pub kept: KeptSecrets,
    /// The state that the old process had and hands out, and its key.
    pub state: Option<(HandedState, StateKey)>,
}

/// The new process's side: a key made for one hand-over. It is kept, sealed, until the keys are: a process
/// that crashes in between asks again with the same key, and gets the same answer.
pub struct Successor {
    seed: Zeroizing<[u8; 32]>,
    ephemeral: HpkeSecret,
}

impl Successor {
    /// With a new key.
    pub fn generate<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *seed);
        let ephemeral = HpkeSecret::from_seed(&seed);
        Self { seed, ephemeral }
    }

    /// What [`Self::expose`] gave; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let seed: Zeroizing<[u8; 32]> = Zeroizing::new(bytes.try_into().ok()?);
        let ephemeral = HpkeSecret::from_seed(&seed);
        Some(Self { seed, ephemeral })
    }

    /// The bytes to keep, sealed.
    pub fn expose(&self) -> &[u8; 32] {
        &self.seed
    }

    /// Reads an offer and makes the request: to be signed by the operator
    /// ([`HandoverRequest::consent_bytes`]) and quoted over ([`HandoverRequest::report_data`]).
    ///
    /// # Errors
    /// When it is no offer on this network.
    pub fn request(
        &self,
        genesis: GenesisHash,
        offer: &[u8],
    ) -> Result<HandoverRequest, TakeOverError> {
        let offer: HandoverOffer = wire::decode_all(offer, HANDOVER_OFFER_BYTES_MAX)
            .map_err(|_| TakeOverError::Malformed)?;
        if offer.genesis != genesis {
            return Err(TakeOverError::AnotherNetwork(offer.genesis));
        }
        Ok(HandoverRequest {
            genesis,
            worker: offer.worker,
            nonce: offer.nonce,
            ephemeral_key: self.ephemeral.public(),
        })
    }

    /// Opens the answer. `registered` is what a proven final block has for the worker: that the keys come
    /// from it is what makes them good.
    ///
    /// # Errors
    /// See [`TakeOverError`].
    pub fn open(
        &self,
        request: &HandoverRequest,
        registered: &WorkerInfo,
        answer: &[u8],
    ) -> Result<TakenOver, TakeOverError> {
        let answer: HandoverAnswer = wire::decode_all(answer, HANDOVER_ANSWER_BYTES_MAX)
            .map_err(|_| TakeOverError::Malformed)?;
        let granted = HandoverRequest {
            worker: registered.worker,
            nonce: answer.nonce,
            ..request.clone()
        };
        let (plain, _) = open_auth(
            &registered.hpke_public_key,
            &self.ephemeral,
            HANDOVER_KEYS,
            &granted.transcript(),
            &answer.encapsulated_key,
            &answer.ciphertext,
        )
        .map_err(|_| TakeOverError::NotFromTheWorker)?;
        let mut rest: &[u8] = &plain;
        let state = take_state(&mut rest).ok_or(TakeOverError::Malformed)?;
        let kept = KeptSecrets::from_bytes(rest).ok_or(TakeOverError::Malformed)?;
        let identity = Identity::new(request.genesis, &kept.signing_seed, &kept.hpke_seed);
        if (identity.worker(), identity.hpke_public_key())
            != (registered.worker, registered.hpke_public_key)
        {
            return Err(TakeOverError::OtherKeys);
        }
        Ok(TakenOver { kept, state })
    }
}
