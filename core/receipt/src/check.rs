//! Checking a receipt file, link by link.

use crate::{FILE_BYTES_MAX, FILE_VERSION, ReceiptFile, TrustedSetFile};
use alloc::{borrow::ToOwned, format, string::{String, ToString}, vec::Vec};
use attestation::{AcceptedRoot, Evidence, Policy, RootKind};
use chain_facts::{ReceiptLogRoot, WorkerInfo, keys};
use chain_proof::{FinalizedState, PortableProof};
use codec::Decode;
use primitives::{BlockHash, GenesisHash, UnixMillis, bounds};
use schnorrkel::{PublicKey, Signature};
use serde::Serialize;
use wire::{
    DecodeError,
    query::{QueryError, QueryOutput, QueryRequest, answer_commitment, request_commitment},
    receipt::{LogInclusion, Receipt},
    registration::WorkerRegistration,
};

/// The links, in the order in which they are checked.
pub(crate) const LINKS: [&str; 11] = [
    "file",
    "network",
    "question",
    "answer",
    "signature",
    "finality",
    "block",
    "registration",
    "build",
    "hardware",
    "log",
];
/// What substrate's sr25519 signatures are bound to.
const SIGNING_CONTEXT: &[u8] = b"substrate";
/// A block may be ahead of the caller's clock by this much before that is worth a word, milliseconds.
const CLOCK_TOLERANCE_MS: u64 = 60_000;

/// What the caller expects of a receipt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected<'a> {
    /// The network it must be of. Without, it is checked for the network that the file names, which
    /// says nothing about whether that is the network you mean; the link "network" says so.
    pub genesis: Option<GenesisHash>,
    /// The authority set to start from, for files whose proof does not start from genesis.
    pub trusted: Option<&'a TrustedSetFile>,
    /// Whether it must stand in the worker's log on chain.
    pub logged: bool,
    /// The time, to tell how old the proof is, milliseconds since 1970.
    pub now_ms: Option<UnixMillis>,
}

/// One link of the chain of trust, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Which link.
    pub name: &'static str,
    /// What was found.
    pub finding: String,
}

/// A receipt that holds.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// What was checked, in order.
    pub links: Vec<Link>,
    /// What must be known beside: set when the hardware root is a development one, which anybody can
    /// forge.
    pub warning: Option<String>,
    /// The question.
    #[serde(skip)]
    pub request: QueryRequest,
    /// The answer.
    #[serde(skip)]
    pub answer: Result<QueryOutput, QueryError>,
    /// The receipt.
    #[serde(skip)]
    pub receipt: Receipt,
}

/// Why a receipt does not hold: the link that failed, after those that held.
#[derive(Debug, thiserror::Error)]
#[error("link {link} fails: {reason}")]
pub struct VerifyError {
    /// Links that held.
    pub held: Vec<Link>,
    /// The link that does not.
    pub link: &'static str,
    /// Why not.
    pub reason: String,
}

struct Checker {
    held: Vec<Link>,
}

impl Checker {
    fn hold(&mut self, name: &'static str, finding: impl Into<String>) {
        self.held.push(Link { name, finding: finding.into() });
    }

    fn fail(&mut self, link: &'static str, reason: impl core::fmt::Display) -> VerifyError {
        VerifyError { held: core::mem::take(&mut self.held), link, reason: reason.to_string() }
    }

    fn part<T: Decode>(&mut self, name: &'static str, text: &str) -> Result<T, VerifyError> {
        let bytes_max = FILE_BYTES_MAX as u32;
        hex::decode(text)
            .map_err(|error| error.to_string())
            .and_then(|bytes| {
                wire::decode_all(&bytes, bytes_max).map_err(|error: DecodeError| error.to_string())
            })
            .map_err(|reason| self.fail("file", format!("its {name} cannot be read: {reason}")))
    }
}

/// Checks a receipt file, offline.
///
/// # Errors
/// [`VerifyError`] with the first link that does not hold.
pub fn verify(bytes: &[u8], expected: &Expected<'_>) -> Result<Verified, VerifyError> {
    let mut check = Checker { held: Vec::new() };
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(check.fail("file", format!("it is longer than {FILE_BYTES_MAX} bytes")));
    }
    let file: ReceiptFile = serde_json::from_slice(bytes)
        .map_err(|error| check.fail("file", format!("it is no receipt file: {error}")))?;
    if file.version != FILE_VERSION {
        let reason = format!("it is of version {}, this program reads {FILE_VERSION}", file.version);
        return Err(check.fail("file", reason));
    }
    let request: QueryRequest = check.part("request", &file.request)?;
    let answer: Result<QueryOutput, QueryError> = check.part("answer", &file.answer)?;
    let receipt: Receipt = check.part("receipt", &file.receipt)?;
    let evidence: Evidence = check.part("evidence", &file.evidence)?;
    let registration: WorkerRegistration = check.part("registration", &file.registration)?;
    let proof: PortableProof = check.part("chain proof", &file.chain_proof)?;
    let log: Option<LogInclusion> =
        file.log.as_ref().map(|log| check.part("place in the log", log)).transpose()?;
    check.hold("file", format!("a receipt file of version {FILE_VERSION}, complete"));

    check_network(&mut check, &file, &receipt, expected.genesis)?;
    check_commitments(&mut check, &file, &request, &answer, &receipt)?;
    check_signature(&mut check, &receipt)?;
    let state = check_finality(&mut check, &receipt, &proof, expected)?;
    let (info, roots, tier_max) = check_chain(&mut check, &receipt, &state)?;
    let warning =
        check_worker(&mut check, &receipt, &info, &roots, tier_max, &evidence, &registration)?;
    check_log(&mut check, &receipt, &state, log.as_ref(), expected.logged)?;
    Ok(Verified { links: check.held, warning, request, answer, receipt })
}

fn check_network(
    check: &mut Checker,
    file: &ReceiptFile,
    receipt: &Receipt,
    genesis: Option<GenesisHash>,
) -> Result<(), VerifyError> {
    if receipt.body.genesis != file.genesis {
        return Err(check.fail("network", "the receipt is of another network than the file says"));
    }
    match genesis {
        Some(pinned) if pinned != file.genesis => Err(check.fail(
            "network",
            format!("it is of network {}, not of {pinned}", file.genesis),
        )),
        Some(_) => {
            check.hold("network", format!("{}, as pinned", file.genesis));
            Ok(())
        }
        None => {
            check.hold(
                "network",
                format!("{}; NOT pinned: compare it with the network you mean", file.genesis),
            );
            Ok(())
        }
    }
}

fn check_commitments(
    check: &mut Checker,
    file: &ReceiptFile,
    request: &QueryRequest,
    answer: &Result<QueryOutput, QueryError>,
    receipt: &Receipt,
) -> Result<(), VerifyError> {
    let body = &receipt.body;
    if request_commitment(&file.origin, request) != body.request_commitment {
        return Err(check.fail("question", "the receipt is about another question or asker"));
    }
    let asks_it = matches!(
        &request.target,
        wire::query::QueryTarget::Call { contract }
        | wire::query::QueryTarget::RecordedCall { contract } if *contract == body.contract
    );
    if !asks_it {
        return Err(check.fail("question", "the question is to another contract"));
    }
    let who = file.origin.map_or("nobody in particular".to_owned(), |id| id.to_string());
    check.hold("question", format!("to contract {}, asked by {who}", body.contract));
    if answer_commitment(&request.nonce, answer) != body.answer_commitment {
        return Err(check.fail("answer", "the receipt is about another answer"));
    }
    check.hold(
        "answer",
        format!(
            "by code {} from state {} (after {} mailbox entries) at block {}",
            body.code_hash, body.state_root, body.next_number, body.block_number
        ),
    );
    Ok(())
}

/// Whether the worker that a receipt names signed it.
fn signature_holds(receipt: &Receipt) -> bool {
    let (Some(signed), Ok(key), Ok(signature)) = (
        receipt.signed_bytes(),
        PublicKey::from_bytes(receipt.body.worker.as_bytes()),
        Signature::from_bytes(&receipt.signature),
    ) else {
        return false;
    };
    key.verify_simple(SIGNING_CONTEXT, &signed, &signature).is_ok()
}

fn check_signature(check: &mut Checker, receipt: &Receipt) -> Result<(), VerifyError> {
    if !signature_holds(receipt) {
        return Err(check.fail("signature", "the worker's signature does not hold"));
    }
    check.hold(
        "signature",
        format!(
            "worker {} signed a batch of {} answers that this is one of",
            receipt.body.worker, receipt.leaf_count
        ),
    );
    Ok(())
}

type ChainFacts = (WorkerInfo, Vec<AcceptedRoot>, u8);

fn check_finality(
    check: &mut Checker,
    receipt: &Receipt,
    proof: &PortableProof,
    expected: &Expected<'_>,
) -> Result<FinalizedState, VerifyError> {
    let genesis = &receipt.body.genesis;
    let trusted = match expected.trusted {
        Some(file) if file.genesis != *genesis => {
            let reason = format!("the trusted authority set is of network {}", file.genesis);
            return Err(check.fail("finality", reason));
        }
        Some(file) => Some(file.set().map_err(|error| check.fail("finality", error))?),
        None => None,
    };
    let state = chain_proof::verify_portable(genesis, trusted.as_ref(), proof)
        .map_err(|error| check.fail("finality", error))?;
    // The chain says its own first block's hash, so that keys which validators used on another
    // network too do not bring that one's blocks in here.
    let first: BlockHash = match state.read_as(&keys::block_hash(0)) {
        Ok(first) => first.unwrap_or_default(),
        Err(error) => return Err(check.fail("finality", error)),
    };
    if state.number() > 0 && first.0 != genesis.0 {
        return Err(check.fail("finality", "the final block is of another network"));
    }
    let time_ms = match state.timestamp_ms() {
        Ok(time_ms) => time_ms.unwrap_or_default(),
        Err(error) => return Err(check.fail("finality", error)),
    };
    let from = match &proof.start {
        chain_proof::Start::Genesis(_) => "genesis".to_owned(),
        chain_proof::Start::Set(id) => format!("authority set {id}, which YOU trust"),
    };
    check.hold(
        "finality",
        format!(
            "block {} {} is final, proven from {from} in {} steps; {}",
            state.number(),
            state.hash(),
            proof.steps.len(),
            age(time_ms, expected.now_ms),
        ),
    );
    Ok(state)
}

fn age(time_ms: UnixMillis, now_ms: Option<UnixMillis>) -> String {
    let at = time_ms / 1000;
    match now_ms {
        None => format!("made at {at} (seconds since 1970)"),
        Some(now_ms) if now_ms.saturating_add(CLOCK_TOLERANCE_MS) < time_ms => {
            format!("made at {at} (seconds since 1970), which this machine's clock has not reached")
        }
        Some(now_ms) => {
            let age = now_ms.saturating_sub(time_ms) / 1000;
            format!("made at {at} (seconds since 1970), {age} seconds ago")
        }
    }
}

fn check_chain(
    check: &mut Checker,
    receipt: &Receipt,
    state: &FinalizedState,
) -> Result<ChainFacts, VerifyError> {
    let mut read = |name: &'static str, key: Vec<u8>| -> Result<Vec<u8>, VerifyError> {
        match state.read(&key) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(check.fail("registration", format!("the chain has no {name}"))),
            Err(error) => Err(check.fail("registration", format!("{name}: {error}"))),
        }
    };
    let info = read("such worker", keys::worker(&receipt.body.worker))?;
    let roots = read("accepted roots", keys::accepted_roots())?;
    let tier_max = read("worst accepted tier", keys::tier_max())?;
    let mut decode_failed =
        |name: &str| check.fail("registration", format!("the chain's {name} cannot be read"));
    let info: WorkerInfo = wire::decode_all(&info, bounds::CODE_BYTES_MAX)
        .map_err(|_| decode_failed("worker registration"))?;
    let roots: Vec<AcceptedRoot> = wire::decode_all(&roots, bounds::CODE_BYTES_MAX)
        .map_err(|_| decode_failed("list of accepted roots"))?;
    let tier_max: u8 =
        wire::decode_all(&tier_max, 1).map_err(|_| decode_failed("worst accepted tier"))?;
    match state.read(&keys::allowed_measurement(&info.measurement)) {
        Ok(Some(_)) => {}
        Ok(None) => {
            let reason = format!("the chain does not allow build {}", info.measurement);
            return Err(check.fail("build", reason));
        }
        Err(error) => return Err(check.fail("build", error)),
    }
    check_block(check, receipt, state)?;
    check.hold(
        "registration",
        format!(
            "the chain has worker {} registered, tier {}",
            info.worker, info.confidence_level
        ),
    );
    check.hold("build", format!("the chain allows build {}", info.measurement));
    Ok((info, roots, tier_max))
}

/// The block that was answered from is the chain's own block of that number.
fn check_block(
    check: &mut Checker,
    receipt: &Receipt,
    state: &FinalizedState,
) -> Result<(), VerifyError> {
    let body = &receipt.body;
    // Read in any case, so that no part of the proof goes unchecked: a block does not hold its own hash.
    let recorded = match state.read(&keys::block_hash(body.block_number)) {
        Ok(recorded) => recorded.and_then(|bytes| wire::decode_all(&bytes, 32).ok()),
        Err(error) => return Err(check.fail("block", error)),
    };
    let on_chain: Option<BlockHash> =
        if state.number() == body.block_number { Some(state.hash()) } else { recorded };
    if on_chain != Some(body.block_hash) {
        let reason = format!("block {} of the chain is not the one answered from", body.block_number);
        return Err(check.fail("block", reason));
    }
    check.hold("block", format!("the answer is from block {} of this chain", body.block_number));
    Ok(())
}

fn check_worker(
    check: &mut Checker,
    receipt: &Receipt,
    info: &WorkerInfo,
    roots: &[AcceptedRoot],
    tier_max: u8,
    evidence: &Evidence,
    registration: &WorkerRegistration,
) -> Result<Option<String>, VerifyError> {
    if info.worker != receipt.body.worker || registration.worker != info.worker {
        return Err(check.fail("hardware", "the evidence is another worker's"));
    }
    if attestation::evidence_hash(evidence) != info.evidence_hash {
        return Err(check.fail("hardware", "the chain registered the worker on other evidence"));
    }
    if registration.hash() != info.registration_hash {
        return Err(check.fail("hardware", "the chain registered other facts of the worker"));
    }
    if registration.genesis != receipt.body.genesis {
        return Err(check.fail("hardware", "the evidence was made for another network"));
    }
    let allowed = [info.measurement];
    let policy = Policy { roots, allowed_measurements: Some(&allowed), tier_max };
    let identity = attestation::judge(
        evidence,
        &registration.report_data(),
        &policy,
        info.last_updated_ms / 1000,
    )
    .map_err(|error| check.fail("hardware", error))?;
    check.hold(
        "hardware",
        format!(
            "a {:?} quote under the {:?} root vouches for the worker's keys and build; {}, judged at \
             the time of registration",
            identity.tee,
            identity.root,
            identity.tcb_status,
        ),
    );
    Ok((identity.root == RootKind::Development).then(|| {
        "made under a DEVELOPMENT root: no hardware stands behind it, and anybody can forge it"
            .to_owned()
    }))
}

fn check_log(
    check: &mut Checker,
    receipt: &Receipt,
    state: &FinalizedState,
    log: Option<&LogInclusion>,
    required: bool,
) -> Result<(), VerifyError> {
    let Some(log) = log else {
        return if required {
            Err(check.fail(
                "log",
                "the file does not show that the receipt is in the worker's log on chain: \
                 `phat receipt log FILE` adds it, soon after the answer, while worker and chain keep it",
            ))
        } else {
            Ok(())
        };
    };
    let worker = &receipt.body.worker;
    let on_chain: ReceiptLogRoot = match state.read_as(&keys::receipt_log(worker, log.index)) {
        Ok(Some(root)) => root,
        Ok(None) => {
            let reason = format!("the chain has no interval {} of the worker's log", log.index);
            return Err(check.fail("log", reason));
        }
        Err(error) => return Err(check.fail("log", error)),
    };
    let root = receipt.signed_bytes().and_then(|signed| log.root(signed));
    if root != Some(on_chain.root) || on_chain.cluster != receipt.body.cluster {
        return Err(check.fail("log", "it does not stand in the worker's log where the file says"));
    }
    check.hold(
        "log",
        format!(
            "in interval {} of the worker's log, on chain since block {}, with {} receipts",
            log.index, on_chain.reported_at, on_chain.receipts
        ),
    );
    Ok(())
}
