//! Hashing to the group and to its scalars (RFC 9380 `expand_message_xmd` with SHA-512, as RFC 9497
//! uses it for ristretto255).

use alloc::vec::Vec;
use codec::{Compact, Encode};
use curve25519_dalek::{ristretto::RistrettoPoint, scalar::Scalar};
use rand_core::{CryptoRng, RngCore};
use sha2::{Digest, Sha512};
use wire::domain::Label;
use zeroize::Zeroizing;

/// What proofs and inputs of one purpose are separated by: `contextString` of RFC 9497.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a>(pub &'a [u8]);

impl From<Label> for Context<'static> {
    fn from(label: Label) -> Self {
        Self(label.0.as_bytes())
    }
}

impl Context<'_> {
    /// `HashToGroup` of RFC 9497, 4.1.
    pub(crate) fn hash_to_group(&self, message: &[u8]) -> RistrettoPoint {
        RistrettoPoint::from_uniform_bytes(&self.expand(b"HashToGroup-", &[message]))
    }

    /// `HashToScalar` of RFC 9497, 4.1, of the concatenation of `parts`.
    pub(crate) fn hash_to_scalar(&self, parts: &[&[u8]]) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&self.expand(b"HashToScalar-", parts))
    }

    /// `expand_message_xmd` with 64 bytes of output, which is one block of SHA-512.
    fn expand(&self, prefix: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 64]> {
        const BLOCK_BYTES: usize = 128;
        // Both halves are constants below 255 bytes together, so the length fits its byte.
        let length = [(prefix.len() + self.0.len()) as u8];
        let tag = |hash: Sha512| {
            hash.chain_update(prefix)
                .chain_update(self.0)
                .chain_update(length)
        };
        let mut first = Sha512::new_with_prefix([0; BLOCK_BYTES]);
        for part in parts {
            first.update(part);
        }
        first.update([0, 64, 0]);
        let first = Zeroizing::new(<[u8; 64]>::from(tag(first).finalize()));
        let second = Sha512::new_with_prefix(*first).chain_update([1]);
        Zeroizing::new(tag(second).finalize().into())
    }
}

/// A scalar from parts, each with its length before it (SCALE compact).
pub(crate) fn tagged_scalar(label: Label, parts: &[&[u8]]) -> Zeroizing<Scalar> {
    let mut message = Zeroizing::new(Vec::with_capacity(
        parts.iter().map(|part| part.len() + 4).sum(),
    ));
    for part in parts {
        Compact(part.len() as u32).encode_to(&mut *message);
        message.extend_from_slice(part);
    }
    Zeroizing::new(Context::from(label).hash_to_scalar(&[&message]))
}

/// A uniformly random scalar.
pub(crate) fn random_scalar(rng: &mut (impl CryptoRng + RngCore)) -> Zeroizing<Scalar> {
    let mut bytes = Zeroizing::new([0; 64]);
    rng.fill_bytes(&mut *bytes);
    Zeroizing::new(Scalar::from_bytes_mod_order_wide(&bytes))
}
