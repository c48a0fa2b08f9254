//! Receipt files: made here, from an answer, a worker and the chain. Their format and how they are checked
//! is in the crate `receipt`, which is given on from here.

use crate::{Chain, ChainError, Portable, WorkerClient, WorkerError, worker::Asked};
use codec::{Decode, Encode};
use std::time::{Duration, Instant};
use wire::receipt::{LogInclusion, Receipt};

pub use ::receipt::{
    Expected, FILE_BYTES_MAX, FILE_VERSION, Link, ReceiptFile, Report, TRUSTED_FILE_BYTES_MAX,
    TrustedSetError, TrustedSetFile, Verified, VerifyError, report, verify,
};
pub use chain_proof::PORTABLE_BYTES_AIM;

/// How often, and after what pause, a proof is asked for again that does not reach the receipt's block.
const PROOF_TRIES: u32 = 40;
const PROOF_PAUSE: Duration = Duration::from_millis(250);
/// How long a worker is waited for to put a receipt under a root on chain, and how often it is asked.
const LOG_PATIENCE: Duration = Duration::from_secs(180);
const LOG_PAUSE: Duration = Duration::from_millis(500);

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
    /// The worker's log does not have the receipt on chain in time.
    #[error("the worker has not put the receipt under a root on chain in time: try again later")]
    NotLogged,
    /// The file is no receipt file.
    #[error("this is no receipt file: {0}")]
    File(String),
}

/// Bundles an answer with all that an offline verifier needs. With `trusted`, the proof starts at that set
/// and only who trusts it can check the file.
///
/// # Errors
/// When the answer has no receipt, or chain or worker do not give their part.
pub async fn bundle(
    chain: &Chain,
    worker: &WorkerClient,
    asked: &Asked,
    trusted: Option<&TrustedSetFile>,
) -> Result<ReceiptFile, BundleError> {
    let receipt = asked.reply.receipt.as_ref().ok_or(BundleError::NoReceipt)?;
    let mut file = ReceiptFile {
        version: FILE_VERSION,
        genesis: chain.genesis(),
        origin: asked.origin,
        request: hex::encode(asked.request.encode()),
        answer: hex::encode(asked.reply.result.encode()),
        receipt: hex::encode(receipt.encode()),
        evidence: String::new(),
        registration: String::new(),
        chain_proof: String::new(),
        log: None,
    };
    prove(chain, worker, receipt, &mut file, trusted).await?;
    Ok(file)
}

/// Waits until the worker has put the receipt of a file under a root on chain, and adds where it stands
/// there, with a proof of now.
///
/// # Errors
/// When the file is none, the worker no longer knows the receipt or takes too long, or the chain
/// does not give its part.
pub async fn add_log(
    chain: &Chain,
    worker: &WorkerClient,
    file: &mut ReceiptFile,
    trusted: Option<&TrustedSetFile>,
) -> Result<(), BundleError> {
    let receipt = receipt_of(file)?;
    let signed = receipt
        .signed_bytes()
        .ok_or_else(|| BundleError::File("its receipt's path does not fit".to_owned()))?;
    let started = Instant::now();
    let inclusion = loop {
        if let Some(inclusion) = worker.receipt_log(&signed).await? {
            break inclusion;
        }
        if started.elapsed() > LOG_PATIENCE {
            return Err(BundleError::NotLogged);
        }
        tokio::time::sleep(LOG_PAUSE).await;
    };
    file.log = Some(hex::encode(inclusion.encode()));
    prove(chain, worker, &receipt, file, trusted).await
}

/// The receipt that a file holds; nothing about it is checked.
///
/// # Errors
/// When there is none in it.
pub fn receipt_of(file: &ReceiptFile) -> Result<Receipt, BundleError> {
    decode(&file.receipt)
}

fn decode<T: Decode>(text: &str) -> Result<T, BundleError> {
    let bytes = hex::decode(text).map_err(|error| BundleError::File(error.to_string()))?;
    wire::decode_all(&bytes, FILE_BYTES_MAX as u32)
        .map_err(|error| BundleError::File(error.to_string()))
}

/// Puts the parts that prove a receipt into its file.
async fn prove(
    chain: &Chain,
    worker: &WorkerClient,
    receipt: &Receipt,
    file: &mut ReceiptFile,
    trusted: Option<&TrustedSetFile>,
) -> Result<(), BundleError> {
    let log: Option<LogInclusion> = file.log.as_deref().map(decode).transpose()?;
    let record = chain.worker(&receipt.body.worker).await?;
    let keys = ::receipt::keys_needed(&record.info, receipt, log.as_ref());
    let reaches = |proven: &Portable| -> bool {
        let root = log.as_ref().map(|log| {
            let key = chain_facts::keys::receipt_log(&receipt.body.worker, log.index);
            matches!(proven.state.read(&key), Ok(Some(_)))
        });
        proven.state.number() >= receipt.body.block_number && root.unwrap_or(true)
    };
    let mut proven = chain.portable(&keys, trusted).await?;
    // The node's newest proof may be a block or two behind what the worker has seen.
    for _ in 0..PROOF_TRIES {
        if reaches(&proven) {
            break;
        }
        tokio::time::sleep(PROOF_PAUSE).await;
        proven = chain.portable(&keys, trusted).await?;
    }
    let (evidence, registration) = worker.evidence_and_registration().await?;
    if attestation::evidence_hash(&evidence) != record.info.evidence_hash {
        return Err(BundleError::RegistrationChanged);
    }
    file.evidence = hex::encode(evidence.encode());
    file.registration = hex::encode(registration.encode());
    file.chain_proof = hex::encode(proven.proof.encode());
    Ok(())
}
