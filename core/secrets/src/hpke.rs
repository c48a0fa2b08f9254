//! Sealing to a public key: HPKE (RFC 9180) with one suite.
//!
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. `info` is the domain label, so that what was
//! sealed for one purpose opens for no other; what else a message is bound to goes into `aad`.

use ::hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::AesGcm256, kdf::HkdfSha256,
    kem::X25519HkdfSha256, rand_core as hpke_rand_core, setup_receiver, setup_sender,
};
use primitives::HpkePublicKey;
use rand_core::{CryptoRng, RngCore};
use wire::domain::Label;
use zeroize::Zeroizing;

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type EncappedKey = <X25519HkdfSha256 as Kem>::EncappedKey;

/// Bytes that a sealed message is longer than its plaintext, without the encapsulated key.
pub const TAG_BYTES: usize = 16;

/// Nothing could be sealed to this key: it is not a usable X25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the recipient's key is not a usable X25519 key; get it from the chain again")]
pub struct SealError;

/// A message does not open. Deliberately without a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message does not open: made for another key or purpose, or damaged")]
pub struct OpenError;

/// A static X25519 secret key that messages are sealed to, or that a session speaks as. Wiped when
/// dropped.
pub struct HpkeSecret {
    private: PrivateKey,
    public: PublicKey,
}

impl HpkeSecret {
    /// The key of a 32-byte seed, by `DeriveKeyPair` of RFC 9180, 7.1.3.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let (private, public) = X25519HkdfSha256::derive_keypair(seed);
        Self { private, public }
    }

    /// A new key.
    pub fn generate(rng: &mut (impl CryptoRng + RngCore)) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *seed);
        Self::from_seed(&seed)
    }

    /// The public key.
    pub fn public(&self) -> HpkePublicKey {
        HpkePublicKey(self.public.to_bytes().into())
    }
}

/// A sealed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The encapsulated key.
    pub encapsulated_key: [u8; 32],
    /// Ciphertext and tag.
    pub ciphertext: Vec<u8>,
}

/// Makes further keys that only the two ends of a sealed message know.
pub struct Exporter(Zeroizing<[u8; 32]>);

/// The context string of the one secret that is exported from HPKE; labels separate below it.
const EXPORT_CONTEXT: &[u8] = b"phat/v1/export";

impl Exporter {
    /// The key for one purpose.
    pub fn key(&self, label: Label) -> Zeroizing<[u8; 32]> {
        crate::derive(label, &*self.0, &[])
    }
}

/// Seals to `recipient`, from nobody in particular.
///
/// # Errors
/// When `recipient` is not a usable key.
pub fn seal_base(
    recipient: &HpkePublicKey,
    label: Label,
    aad: &[u8],
    plaintext: &[u8],
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<(Sealed, Exporter), SealError> {
    seal(&OpModeS::Base, recipient, label, aad, plaintext, rng)
}

/// Seals to `recipient` so that it knows that the holder of `sender` did (RFC 9180, 5.1.3).
///
/// # Errors
/// When `recipient` is not a usable key.
pub fn seal_auth(
    sender: &HpkeSecret,
    recipient: &HpkePublicKey,
    label: Label,
    aad: &[u8],
    plaintext: &[u8],
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<(Sealed, Exporter), SealError> {
    let mode = OpModeS::Auth((sender.private.clone(), sender.public.clone()));
    seal(&mode, recipient, label, aad, plaintext, rng)
}

fn seal(
    mode: &OpModeS<'_, X25519HkdfSha256>,
    recipient: &HpkePublicKey,
    label: Label,
    aad: &[u8],
    plaintext: &[u8],
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<(Sealed, Exporter), SealError> {
    let recipient = PublicKey::from_bytes(recipient.as_bytes()).map_err(|_| SealError)?;
    let (encapsulated, mut context) = setup_sender::<AesGcm256, HkdfSha256, X25519HkdfSha256, _>(
        mode,
        &recipient,
        label.0.as_bytes(),
        &mut Entropy(rng),
    )
    .map_err(|_| SealError)?;
    let ciphertext = context.seal(plaintext, aad).map_err(|_| SealError)?;
    let mut exported = Zeroizing::new([0; 32]);
    context
        .export(EXPORT_CONTEXT, &mut *exported)
        .map_err(|_| SealError)?;
    let sealed = Sealed {
        encapsulated_key: encapsulated.to_bytes().into(),
        ciphertext,
    };
    Ok((sealed, Exporter(exported)))
}

/// Opens what [`seal_base`] sealed.
///
/// # Errors
/// When anything differs: key, label, associated data, a bit of the message.
pub fn open_base(
    recipient: &HpkeSecret,
    label: Label,
    aad: &[u8],
    encapsulated_key: &[u8; 32],
    ciphertext: &[u8],
) -> Result<(Zeroizing<Vec<u8>>, Exporter), OpenError> {
    open(
        &OpModeR::Base,
        recipient,
        label,
        aad,
        encapsulated_key,
        ciphertext,
    )
}

/// Opens what [`seal_auth`] sealed with the key of `sender`.
///
/// # Errors
/// When anything differs: either key, label, associated data, a bit of the message.
pub fn open_auth(
    sender: &HpkePublicKey,
    recipient: &HpkeSecret,
    label: Label,
    aad: &[u8],
    encapsulated_key: &[u8; 32],
    ciphertext: &[u8],
) -> Result<(Zeroizing<Vec<u8>>, Exporter), OpenError> {
    let sender = PublicKey::from_bytes(sender.as_bytes()).map_err(|_| OpenError)?;
    open(
        &OpModeR::Auth(sender),
        recipient,
        label,
        aad,
        encapsulated_key,
        ciphertext,
    )
}

fn open(
    mode: &OpModeR<'_, X25519HkdfSha256>,
    recipient: &HpkeSecret,
    label: Label,
    aad: &[u8],
    encapsulated_key: &[u8; 32],
    ciphertext: &[u8],
) -> Result<(Zeroizing<Vec<u8>>, Exporter), OpenError> {
    let encapsulated = EncappedKey::from_bytes(encapsulated_key).map_err(|_| OpenError)?;
    let mut context = setup_receiver::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        mode,
        &recipient.private,
        &encapsulated,
        label.0.as_bytes(),
    )
    .map_err(|_| OpenError)?;
    let plaintext = Zeroizing::new(context.open(ciphertext, aad).map_err(|_| OpenError)?);
    let mut exported = Zeroizing::new([0; 32]);
    context
        .export(EXPORT_CONTEXT, &mut *exported)
        .map_err(|_| OpenError)?;
    Ok((plaintext, Exporter(exported)))
}

/// Our random generator, in the version of the traits that `hpke` asks for.
struct Entropy<'a, R>(&'a mut R);

impl<R: RngCore> hpke_rand_core::RngCore for Entropy<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

impl<R: CryptoRng + RngCore> hpke_rand_core::CryptoRng for Entropy<'_, R> {}
