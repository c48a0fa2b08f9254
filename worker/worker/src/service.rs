//! What the HTTP rim asks of the worker.

use attestation::Evidence;
use codec::{Decode, Encode};
use contract_abi::extension::{QuoteKind, WorkerQuote};
use crate::clock::SteadyClock;
use platform::Platform;
use primitives::ContractId;
use secrets::server::ServerError;
use std::{
    sync::{Arc, OnceLock, RwLock, mpsc::SyncSender},
    time::Duration,
};
use tokio::sync::mpsc;
use wire::registration::WorkerRegistration;
use worker_core::{
    Answer, Begun, Departed, HandoverOffers, HandoverRefusal, Identity, NoRoot, NotLogged, QueryService,
    ReceiptQueue, Refusal, ServingState, SnapshotRefusal,
    SnapshotService,
};
use worker_rpc::{
    CompatibleService, ContractLoad, Info, PutOff, Responder, Service, ServiceError, Serving, Speed,
};

/// Answers that wait for their receipts.
pub type Receipts = ReceiptQueue<PutOff>;

/// Facts that become known while the worker runs.
#[derive(Default)]
pub struct Milestones {
    /// Milliseconds from the light client's start to its first final block.
    pub light_client_after_ms: OnceLock<u64>,
    /// Milliseconds from process start to the first answer that could be given.
    pub ready_after_ms: OnceLock<u64>,
    /// SCALE (evidence, registration) of the last registration.
    pub evidence: RwLock<Option<Vec<u8>>>,
}

impl Milestones {
    /// The quote of the last registration, for contracts that ask.
    pub fn quote(&self) -> Option<WorkerQuote> {
        let kept = self.evidence.read().ok()?;
        let (evidence, _) = <(Evidence, WorkerRegistration)>::decode(&mut kept.as_deref()?).ok()?;
        Some(WorkerQuote {
            kind: QuoteKind::Dcap,
            quote: evidence.quote,
        })
    }
}

/// The worker, for the HTTP rim.
pub struct WorkerService {
    pub identity: Arc<Identity>,
    pub queries: Arc<QueryService>,
    pub snapshots: Arc<SnapshotService>,
    pub clock: Arc<SteadyClock>,
    pub platform: Arc<dyn Platform>,
    pub receipts: Arc<Receipts>,
    pub milestones: Arc<Milestones>,
    pub speed: Arc<OnceLock<Speed>>,
    pub offers: Arc<HandoverOffers>,
    /// Requests for the keys, for the loop that follows the chain.
    pub handovers: mpsc::Sender<HandoverAsked>,
    /// What this worker is once its keys were handed over.
    pub left: OnceLock<DepartedService>,
    /// Whether the operator lets clients of the original network ask.
    pub compatible_edge: bool,
}

/// How long a request for the keys may wait for a final block to be read.
const HANDOVER_TIME_MAX: Duration = Duration::from_secs(45);

/// A request for the keys, and who waits for the decision.
pub struct HandoverAsked {
    pub request: Vec<u8>,
    pub decided: SyncSender<Result<(), HandoverRefusal>>,
}

/// A worker whose keys were handed over.
pub struct DepartedService {
    pub departed: Departed,
    pub platform: &'static str,
}

impl DepartedService {
    fn gone(&self) -> ServiceError {
        ServiceError::Unavailable(format!("{}; ask the chain where the worker is", self.departed.why()))
    }
}

impl Service for DepartedService {
    fn info(&self) -> Info {
        Info {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            genesis: self.departed.genesis(),
            worker: self.departed.worker(),
            hpke_public_key: self.departed.hpke_public_key(),
            platform: self.platform.to_owned(),
            serving: None,
            ready_after_ms: None,
            light_client_after_ms: None,
            traffic: None,
        }
    }

    fn evidence(&self) -> Result<Vec<u8>, ServiceError> {
        Err(self.gone())
    }

    fn open_session(&self, _opening: &[u8]) -> Result<Vec<u8>, ServiceError> {
        Err(self.gone())
    }

    fn query(&self, _envelope: &[u8], responder: Responder) {
        responder.give(Err(self.gone()));
    }

    fn snapshot(&self, request: &[u8]) -> Result<Vec<u8>, ServiceError> {
        self.departed.snapshot(request).map_err(snapshot_refusal)
    }

    fn receipt_log(&self, _signed: &[u8; 32]) -> Result<Vec<u8>, ServiceError> {
        Err(ServiceError::NotFound(self.departed.why().to_string()))
    }

    fn contract_root(&self, _contract: &[u8; 32]) -> Result<Vec<u8>, ServiceError> {
        Err(self.gone())
    }

    fn handover_offer(&self) -> Result<Vec<u8>, ServiceError> {
        Ok(self.departed.offer())
    }

    fn hand_over(&self, request: &[u8]) -> Result<Vec<u8>, ServiceError> {
        self.departed.answer(request).map_err(handover_refusal)
    }
}

fn handover_refusal(refusal: HandoverRefusal) -> ServiceError {
    let text = refusal.to_string();
    match refusal {
        HandoverRefusal::Busy | HandoverRefusal::Stale | HandoverRefusal::NotSpeaking => {
            ServiceError::Unavailable(text)
        }
        _ => ServiceError::BadRequest(text),
    }
}

fn snapshot_refusal(refusal: SnapshotRefusal) -> ServiceError {
    let text = refusal.to_string();
    match refusal {
        SnapshotRefusal::Malformed | SnapshotRefusal::Refused(_) => ServiceError::BadRequest(text),
        SnapshotRefusal::NotHeld { .. } => ServiceError::NotFound(text),
        SnapshotRefusal::Busy => ServiceError::Unavailable(text),
        SnapshotRefusal::Broken => ServiceError::Internal(text),
    }
}

/// The platform's entropy as a generator for cryptography. Without entropy there is no going on.
pub struct PlatformRng<'a>(pub &'a dyn Platform);

impl rand_core::RngCore for PlatformRng<'_> {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    #[expect(clippy::panic, reason = "keys made without entropy are no keys: the process must end")]
    fn fill_bytes(&mut self, out: &mut [u8]) {
        if let Err(error) = self.0.fill_random(out) {
            panic!("no entropy: {error}");
        }
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl rand_core::CryptoRng for PlatformRng<'_> {}

pub(crate) fn refusal(refusal: Refusal) -> ServiceError {
    let text = refusal.to_string();
    match refusal {
        Refusal::NotServing(_)
        | Refusal::Stale { .. }
        | Refusal::Overloaded
        | Refusal::Busy(_) => {
            ServiceError::Unavailable(text)
        }
        Refusal::UnknownSession => ServiceError::Gone(text),
        Refusal::Refused(ServerError::Certificate(reason)) => {
            ServiceError::BadRequest(format!("{text}: {reason}"))
        }
        Refusal::Refused(_) | Refusal::Malformed(_) => ServiceError::BadRequest(text),
        Refusal::Broken => ServiceError::Internal(text),
        // The original network's workers have one status for whatever is wrong with a query.
        Refusal::Compatible(_) => ServiceError::Internal(text),
    }
}

impl Service for WorkerService {
    fn info(&self) -> Info {
        if let Some(left) = self.left.get() {
            return left.info();
        }
        let serving = match self.queries.serving() {
            ServingState::NotServing => None,
            ServingState::Serving {
                cluster,
                block_number,
                block_timestamp_ms,
                state_root,
                next_number,
            } => {
                Some(Serving { cluster, block_number, block_timestamp_ms, state_root, next_number })
            }
        };
        Info {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            genesis: self.identity.genesis(),
            worker: self.identity.worker(),
            hpke_public_key: self.identity.hpke_public_key(),
            platform: self.platform.kind().name().to_owned(),
            serving,
            ready_after_ms: self.milestones.ready_after_ms.get().copied(),
            light_client_after_ms: self.milestones.light_client_after_ms.get().copied(),
            traffic: None,
        }
    }

    fn evidence(&self) -> Result<Vec<u8>, ServiceError> {
        if let Some(left) = self.left.get() {
            return left.evidence();
        }
        let evidence = self.milestones.evidence.read().map(|evidence| evidence.clone());
        evidence.ok().flatten().ok_or_else(|| {
            ServiceError::NotFound("this worker has not registered yet".to_owned())
        })
    }

    fn receipt_log(&self, signed: &[u8; 32]) -> Result<Vec<u8>, ServiceError> {
        match self.queries.receipt_log().inclusion(signed) {
            Ok(inclusion) => Ok(inclusion.encode()),
            Err(error @ NotLogged::NotYet) => Err(ServiceError::Unavailable(error.to_string())),
            Err(error @ NotLogged::Unknown) => Err(ServiceError::NotFound(error.to_string())),
        }
    }

    fn contract_root(&self, contract: &[u8; 32]) -> Result<Vec<u8>, ServiceError> {
        if let Some(left) = self.left.get() {
            return left.contract_root(contract);
        }
        self.snapshots.contract_root(&ContractId(*contract)).map_err(|error| match error {
            NoRoot::NotHeld | NoRoot::Busy => ServiceError::Unavailable(error.to_string()),
            NoRoot::Broken => ServiceError::Internal(error.to_string()),
        })
    }

    fn load(&self, contract: &ContractId) -> Result<ContractLoad, ServiceError> {
        if let Some(left) = self.left.get() {
            return left.load(contract);
        }
        let scheduler = self.queries.scheduler();
        let usage = scheduler.usage(contract);
        Ok(ContractLoad {
            processors: u32::try_from(scheduler.processors()).unwrap_or(u32::MAX),
            speed: self.speed.get().copied(),
            cost_ns: usage.and_then(|usage| usage.cost_ns),
            weight: usage.map(|usage| usage.weight),
        })
    }

    fn open_session(&self, opening: &[u8]) -> Result<Vec<u8>, ServiceError> {
        if let Some(left) = self.left.get() {
            return left.open_session(opening);
        }
        let mut rng = PlatformRng(&*self.platform);
        self.queries
            .open_session(opening, self.clock.now_ms(), &mut rng)
            .map_err(refusal)
    }

    fn query(&self, envelope: &[u8], responder: Responder) {
        if let Some(left) = self.left.get() {
            return left.query(envelope, responder);
        }
        let begun = match self.queries.begin(envelope, self.clock.now_ms()) {
            Ok(begun) => begun,
            Err(error) => return responder.give(Err(refusal(error))),
        };
        let (queries, receipts) = (self.queries.clone(), self.receipts.clone());
        if begun.would_wait() {
            responder.go_on_blocking(move |responder| finish(&queries, &receipts, begun, responder));
        } else {
            finish(&queries, &receipts, begun, responder);
        }
    }

    fn snapshot(&self, request: &[u8]) -> Result<Vec<u8>, ServiceError> {
        if let Some(left) = self.left.get() {
            return left.snapshot(request);
        }
        self.snapshots.answer(request).map_err(snapshot_refusal)
    }

    fn handover_offer(&self) -> Result<Vec<u8>, ServiceError> {
        if let Some(left) = self.left.get() {
            return left.handover_offer();
        }
        self.offers.offer().ok_or_else(|| {
            ServiceError::Unavailable("this worker has not seen a final block yet".to_owned())
        })
    }

    fn hand_over(&self, request: &[u8]) -> Result<Vec<u8>, ServiceError> {
        if let Some(left) = self.left.get() {
            return left.hand_over(request);
        }
        let (decided, decision) = std::sync::mpsc::sync_channel(1);
        let asked = HandoverAsked { request: request.to_vec(), decided };
        let busy = || handover_refusal(HandoverRefusal::Busy);
        self.handovers.try_send(asked).map_err(|_| busy())?;
        match decision.recv_timeout(HANDOVER_TIME_MAX) {
            // Only the tombstone gives the answer away.
            Ok(Ok(())) => self.left.get().ok_or_else(busy)?.hand_over(request),
            Ok(Err(refusal)) => Err(handover_refusal(refusal)),
            Err(_) => Err(ServiceError::Unavailable(
                "no final block could be read to decide by; ask again".to_owned(),
            )),
        }
    }

    fn compatible(&self) -> Option<&dyn CompatibleService> {
        // Who has left answers nobody.
        match self.left.get() {
            None => Some(self),
            Some(_) => None,
        }
    }

    fn settle(&self) {
        self.receipts.sign(|asker, answer| asker.give(answer.map_err(refusal)));
    }
}

pub(crate) fn finish(queries: &QueryService, receipts: &Receipts, begun: Begun, responder: Responder) {
    match queries.finish(begun) {
        Err(error) => responder.give(Err(refusal(error))),
        Ok(Answer { reply, receipt: None, seal }) => {
            responder.give(seal.seal(reply, None).map_err(refusal));
        }
        Ok(Answer { reply, receipt: Some(body), seal }) => {
            let put = responder.put_off(|asker| receipts.put(body, reply, seal, asker));
            if let Err(asker) = put {
                asker.give(Err(ServiceError::Unavailable(
                    "this worker has too many receipts to sign; try another, or later".to_owned(),
                )));
            }
        }
    }
}
