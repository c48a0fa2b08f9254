//! sr25519: the signing key of workers, clusters, contracts and accounts.

use curve25519_dalek::{ristretto::CompressedRistretto, scalar::Scalar, traits::Identity};
use rand_core::{CryptoRng, RngCore};
use schnorrkel::{
    ExpansionMode, Keypair, MiniSecretKey, PublicKey, SecretKey, Signature,
    context::{attach_rng, signing_context},
};
use zeroize::Zeroizing;

/// The context that every signature of a Substrate chain is made in.
const CONTEXT: &[u8] = b"substrate";

/// Bytes that are not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a valid key; check that nothing was cut off or converted")]
pub struct InvalidKey;

/// An sr25519 secret key. Wiped when dropped.
///
/// Signing is deterministic: the nonce comes from the message and the secret nonce half of the key, as
/// in Ed25519, so that no entropy is needed and none can fail.
pub struct Sr25519Secret(Keypair);

impl Sr25519Secret {
    /// The key of a 32-byte mini secret, by Ed25519 expansion, as wallets do.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        #[expect(
            clippy::expect_used,
            reason = "only a wrong length is refused, and it is in the type"
        )]
        let mini = MiniSecretKey::from_bytes(seed).expect("32 bytes are a mini secret");
        Self(mini.expand_to_keypair(ExpansionMode::Ed25519))
    }

    /// A new key.
    pub fn generate(rng: &mut (impl CryptoRng + RngCore)) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *seed);
        Self::from_seed(&seed)
    }

    /// Restores a key from its 64-byte form: canonical scalar ‖ nonce.
    ///
    /// # Errors
    /// When the first half is not a canonical scalar. polkadot-js keeps the scalar times eight; such
    /// bytes are refused or give another key.
    pub fn from_dump(dump: &[u8; 64]) -> Result<Self, InvalidKey> {
        SecretKey::from_bytes(dump)
            .map(|key| Self(key.to_keypair()))
            .map_err(|_| InvalidKey)
    }

    /// The 64-byte form: canonical scalar (little endian) ‖ nonce. The caller guards it.
    pub fn dump(&self) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.0.secret.to_bytes())
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        self.0.public.to_bytes()
    }

    /// Signs `message` in the context `substrate`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let transcript = signing_context(CONTEXT).bytes(message);
        self.0.sign(attach_rng(transcript, NoEntropy)).to_bytes()
    }

    /// The original network's key agreement: own scalar × peer's point, 32 bytes, no KDF.
    ///
    /// For [`crate::compat`] alone; everything of ours uses [`crate::hpke`].
    ///
    /// # Errors
    /// When `peer` is not a point, or is the neutral one.
    pub fn agree(&self, peer: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>, InvalidKey> {
        let point = CompressedRistretto(*peer).decompress().ok_or(InvalidKey)?;
        if point == Identity::identity() {
            return Err(InvalidKey);
        }
        let dump = self.dump();
        let mut half = Zeroizing::new([0; 32]);
        half.copy_from_slice(&dump[..32]);
        let scalar = Zeroizing::new(
            Option::<Scalar>::from(Scalar::from_canonical_bytes(*half)).ok_or(InvalidKey)?,
        );
        Ok(Zeroizing::new((point * *scalar).compress().to_bytes()))
    }
}

/// Whether `signature` is one of `public` over `message`, in the context `substrate`.
pub fn verify_sr25519(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let (Ok(public), Ok(signature)) = (
        PublicKey::from_bytes(public),
        Signature::from_bytes(signature),
    ) else {
        return false;
    };
    public.verify_simple(CONTEXT, message, &signature).is_ok()
}

/// Gives zeroes: the witness of a signature is bound to message and secret nonce without it.
struct NoEntropy;

impl RngCore for NoEntropy {
    fn next_u32(&mut self) -> u32 {
        0
    }

    fn next_u64(&mut self) -> u64 {
        0
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        bytes.fill(0);
        Ok(())
    }
}

impl CryptoRng for NoEntropy {}
