//! Opening queries and sealing their answers: envelope version 0.

use crate::{
    certificate::{self, SignatureError},
    method::QUERY_BYTES_MAX,
    prpc::{ContractQueryRequest, ContractQueryResponse},
    query::{Proof, Query, Response},
};
use codec::Encode;
use primitives::{AccountId, BlockNumber};
use secrets::{Sr25519Secret, compat::SharedKey};
use wire::{command::EncryptedData, decode_all};

/// Why a query does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not an encoding of a query, or too long.
    #[error("the query is not a valid encoding")]
    Malformed,
    /// Sealed to another worker, or damaged.
    #[error("the query does not open: sealed to another worker, or damaged")]
    DoesNotOpen,
    /// Who asks is not who he says.
    #[error("Verifying signature failed: {0}")]
    Signature(SignatureError),
}

/// A query that opened.
pub struct Opened {
    /// The query.
    pub query: Query,
    /// Who asks; `None` where nobody signed.
    pub origin: Option<AccountId>,
    /// The sender's key of this query or session: what makes it unique, with [`Query::nonce`].
    pub sender: [u8; 32],
    /// Seals the answer.
    pub sealer: AnswerSealer,
}

/// Opens a query that was sealed to the worker's own key; certificates must hold at `block`.
///
/// # Errors
/// See [`OpenError`].
pub fn open(
    worker: &Sr25519Secret,
    request: &ContractQueryRequest,
    block: BlockNumber,
) -> Result<Opened, OpenError> {
    let bytes = &request.encoded_encrypted_data;
    let origin = match &request.signature {
        None => None,
        Some(signature) => Some(
            certificate::verify(signature, bytes, block).map_err(OpenError::Signature)?,
        ),
    };
    let sealed: EncryptedData =
        decode_all(bytes, QUERY_BYTES_MAX as u32).map_err(|_| OpenError::Malformed)?;
    let key = SharedKey::agree(worker, &sealed.pubkey).map_err(|_| OpenError::DoesNotOpen)?;
    let plaintext =
        key.open(&sealed.iv, &sealed.data).map_err(|_| OpenError::DoesNotOpen)?;
    let query: Query =
        decode_all(&plaintext, QUERY_BYTES_MAX as u32).map_err(|_| OpenError::Malformed)?;
    let sealer = AnswerSealer { key, worker: worker.public(), nonce: query.nonce };
    Ok(Opened { query, origin, sender: sealed.pubkey, sealer })
}

/// Seals the answer to one query.
pub struct AnswerSealer {
    key: SharedKey,
    worker: [u8; 32],
    nonce: [u8; 32],
}

impl AnswerSealer {
    /// The query's nonce, for its [`Response`].
    pub fn nonce(&self) -> [u8; 32] {
        self.nonce
    }

    /// Seals an answer that was given from `block`, and its proof if it has one. `iv` is drawn anew for
    /// each answer; that of the proof differs from it in one bit.
    ///
    /// # Errors
    /// When the answer is longer than can be sealed (64 GiB).
    pub fn seal(
        self,
        iv: [u8; 12],
        response: &Response,
        proof: Option<&Proof>,
        block: BlockNumber,
    ) -> Result<ContractQueryResponse, SealError> {
        let seal = |iv: [u8; 12], plaintext: &[u8]| -> Result<Vec<u8>, SealError> {
            let data = self.key.seal(&iv, plaintext).map_err(|_| SealError)?;
            Ok(EncryptedData { iv, pubkey: self.worker, data }.encode())
        };
        let mut proof_iv = iv;
        proof_iv[11] ^= 1;
        Ok(ContractQueryResponse {
            encoded_encrypted_data: seal(iv, &response.encode())?,
            blocknum: block,
            encoded_encrypted_proof: match proof {
                Some(proof) => seal(proof_iv, &proof.encode())?,
                None => Vec::new(),
            },
        })
    }
}

/// An answer that cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer cannot be sealed")]
pub struct SealError;
