//! Receipt files: one file from which anybody can check an answer, offline.
//!
//! A file holds the question, the answer, the worker's signed receipt, the worker's evidence, and a
//! proof that the chain, at a final block, had that worker registered with that evidence and its build
//! allowed. [`verify`] checks link after link and says what it checked; it needs no network and trusts
//! only the genesis hash that the caller pins, the attestation roots the chain had accepted (Intel's,
//! unless it is a development network), and the GRANDPA majority of that chain.
//!
//! The file is JSON (version [`FILE_VERSION`]); all bytes in it are SCALE in hex. See
//! `docs/protocol/receipt.md`.

use crate::{Chain, ChainError, WorkerClient, WorkerError, worker::Asked};
use attestation::{AcceptedRoot, Evidence, Policy, RootKind};
use chain_facts::{WorkerInfo, keys};
use chain_proof::UntrustedProof;
use codec::{Decode, Encode};
use primitives::{AccountId, GenesisHash, bounds};
use serde::{Deserialize, Serialize};
use wire::{
    DecodeError,
    query::{QueryError, QueryOutput, QueryRequest, answer_commitment, request_commitment},
    receipt::Receipt,
    registration::WorkerRegistration,
};

/// Version of the file's layout.
pub const FILE_VERSION: u32 = 1;
/// Longest receipt file that is read, bytes.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How often, and after what pause, a proof is asked for again that does not reach the receipt's block.
const PROOF_TRIES: u32 = 40;
const PROOF_PAUSE: std::time::Duration = std::time::Duration::from_millis(250);

/// A receipt file, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptFile {
    /// [`FILE_VERSION`].
    pub version: u32,
    /// The network, for people; what counts is what the proof shows.
    pub genesis: GenesisHash,
    /// Who asked, if anybody in particular.
    pub origin: Option<AccountId>,
    /// SCALE `QueryRequest`.
    pub request: String,
    /// SCALE `Result<QueryOutput, QueryError>`.
    pub answer: String,
    /// SCALE `Receipt`.
    pub receipt: String,
    /// SCALE `attestation::Evidence`.
    pub evidence: String,
    /// SCALE `WorkerRegistration`: what the evidence vouches for.
    pub registration: String,
    /// SCALE `UntrustedProof`.
    pub chain_proof: String,
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

/// Why a receipt file could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The answer has no receipt.
    #[error("the answer carries no receipt: ask for one")]
    NoReceipt,
    /// The chain did not give what is needed.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The worker did not give what is needed.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The worker renewed its registration in between; ask again.
    #[error("the worker has renewed its registration meanwhile; ask again")]
    RegistrationChanged,
}

fn keys_needed(info: &WorkerInfo, receipt: &Receipt) -> Vec<Vec<u8>> {
    vec![
        keys::block_hash(receipt.body.block_number),
        keys::worker(&info.worker),
        keys::allowed_measurement(&info.measurement),
        keys::accepted_roots(),
        keys::tier_max(),
    ]
}

/// Bundles an answer with all that an offline verifier needs.
///
/// # Errors
/// When the answer has no receipt, or chain or worker do not give their part.
pub async fn bundle(
    chain: &Chain,
    worker: &WorkerClient,
    asked: &Asked,
) -> Result<ReceiptFile, BundleError> {
    let receipt = asked.reply.receipt.as_ref().ok_or(BundleError::NoReceipt)?;
    let record = chain.worker(&receipt.body.worker).await?;
    let mut proven = chain.proven(&keys_needed(&record.info, receipt)).await?;
    // The node's newest proof may be a block or two behind what the worker has seen.
    for _ in 0..PROOF_TRIES {
        if proven.state.number() >= receipt.body.block_number {
            break;
        }
        tokio::time::sleep(PROOF_PAUSE).await;
        proven = chain.proven(&keys_needed(&record.info, receipt)).await?;
    }
    let (evidence, registration) = worker.evidence_and_registration().await?;
    if attestation::evidence_hash(&evidence) != record.info.evidence_hash {
        return Err(BundleError::RegistrationChanged);
    }
    Ok(ReceiptFile {
        version: FILE_VERSION,
        genesis: chain.genesis(),
        origin: asked.origin,
        request: hex::encode(asked.request.encode()),
        answer: hex::encode(asked.reply.result.encode()),
        receipt: hex::encode(receipt.encode()),
        evidence: hex::encode(evidence.encode()),
        registration: hex::encode(registration.encode()),
        chain_proof: hex::encode(proven.proof.encode()),
    })
}

struct Checker {
    held: Vec<Link>,
}

impl Checker {
    fn hold(&mut self, name: &'static str, finding: impl Into<String>) {
        self.held.push(Link { name, finding: finding.into() });
    }

    fn fail(&mut self, link: &'static str, reason: impl std::fmt::Display) -> VerifyError {
        VerifyError { held: std::mem::take(&mut self.held), link, reason: reason.to_string() }
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
/// With `genesis`, the receipt must be of that network; without, of the network the file names, which
/// says nothing about whether that is the network you mean. The finding of the link "network" says so.
///
/// # Errors
/// [`VerifyError`] with the first link that does not hold.
pub fn verify(bytes: &[u8], genesis: Option<GenesisHash>) -> Result<Verified, VerifyError> {
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
    let proof: UntrustedProof = check.part("chain proof", &file.chain_proof)?;
    check.hold("file", format!("a receipt file of version {FILE_VERSION}, complete"));

    check_network(&mut check, &file, &receipt, genesis)?;
    check_commitments(&mut check, &file, &request, &answer, &receipt)?;
    check_signature(&mut check, &receipt)?;
    let (info, roots, tier_max) = check_chain(&mut check, &receipt, &proof)?;
    let warning =
        check_worker(&mut check, &receipt, &info, &roots, tier_max, &evidence, &registration)?;
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
        wire::query::QueryTarget::Call { contract } if *contract == body.contract
    );
    if !asks_it {
        return Err(check.fail("question", "the question is to another contract"));
    }
    let who = file.origin.map_or("nobody in particular".to_owned(), |id| crate::address(&id));
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

fn check_signature(check: &mut Checker, receipt: &Receipt) -> Result<(), VerifyError> {
    if !secrets::receipt::verify_receipt_signature(receipt) {
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

fn check_chain(
    check: &mut Checker,
    receipt: &Receipt,
    proof: &UntrustedProof,
) -> Result<ChainFacts, VerifyError> {
    let state = chain_proof::verify(&receipt.body.genesis, proof)
        .map_err(|error| check.fail("finality", error))?;
    check.hold(
        "finality",
        format!("block {} {} is final, proven from genesis", state.number(), state.hash()),
    );
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
    check_block(check, receipt, &state)?;
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
    state: &chain_proof::FinalizedState,
) -> Result<(), VerifyError> {
    let body = &receipt.body;
    // Read in any case, so that no part of the proof goes unchecked: a block does not hold its own hash.
    let recorded = match state.read(&keys::block_hash(body.block_number)) {
        Ok(recorded) => recorded.and_then(|bytes| wire::decode_all(&bytes, 32).ok()),
        Err(error) => return Err(check.fail("block", error)),
    };
    let on_chain =
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
