//! Signing and checking receipts.

use crate::{Sr25519Secret, verify_sr25519};
use wire::receipt::{BATCH_LEAVES_MAX, Batch, Receipt, ReceiptBody, batch_signed_bytes, leaf_hash};

/// Why a batch is not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignBatchError {
    /// No receipts, or more than a batch may have.
    #[error("a batch has between 1 and {BATCH_LEAVES_MAX} receipts")]
    Size,
    /// The receipts are not all of this key's worker and of one network.
    #[error("all receipts of a batch are of one network and of the worker that signs")]
    Mixed,
}

/// Signs receipts, all under one signature; gives them in the same order.
///
/// # Errors
/// See [`SignBatchError`]. A key signs for its own worker alone.
pub fn sign_batch(
    worker: &Sr25519Secret,
    bodies: Vec<ReceiptBody>,
) -> Result<Vec<Receipt>, SignBatchError> {
    let first = bodies.first().ok_or(SignBatchError::Size)?;
    let (genesis, id) = (first.genesis, first.worker);
    if id.0 != worker.public()
        || bodies
            .iter()
            .any(|body| body.genesis != genesis || body.worker != id)
    {
        return Err(SignBatchError::Mixed);
    }
    let batch = Batch::new(bodies.iter().map(leaf_hash).collect()).ok_or(SignBatchError::Size)?;
    let leaf_count = batch.leaf_count();
    let signature = worker.sign(&batch_signed_bytes(
        &genesis,
        &id,
        leaf_count,
        &batch.root(),
    ));
    Ok(bodies
        .into_iter()
        .zip(0..)
        .map(|(body, leaf_index)| Receipt {
            body,
            leaf_index,
            leaf_count,
            path: batch.path(leaf_index).unwrap_or_default(),
            signature,
        })
        .collect())
}

/// Whether the worker that a receipt names signed it. Whether that worker is attested is for the
/// caller to find out from the chain.
pub fn verify_receipt_signature(receipt: &Receipt) -> bool {
    receipt.signed_bytes().is_some_and(|message| {
        verify_sr25519(receipt.body.worker.as_bytes(), &message, &receipt.signature)
    })
}
