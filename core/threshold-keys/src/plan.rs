//! What is to be dealt: by whom, to whom, with which threshold. The chain writes it down before
//! anybody deals.

use crate::{
    element::{Element, FieldElement},
    hash::{random_scalar, tagged_scalar},
    sharing::{HolderIndex, HolderKey, PerHolder, Sharing, SharingId},
};
use alloc::collections::BTreeSet;
use codec::{Decode, DecodeWithMemTracking, Encode, Error, Input, MaxEncodedLen};
use curve25519_dalek::{ristretto::RistrettoPoint, scalar::Scalar};
use primitives::GenesisHash;
use rand_core::{CryptoRng, RngCore};
use scale_info::TypeInfo;
use wire::domain::{RECEIVING_KEY, SHARING_PLAN, tagged_hash};
use zeroize::Zeroizing;

/// A key that shares are encrypted to, for one plan; with a proof that its secret is known. 128
/// bytes.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct ReceivingKey {
    /// Whose it is.
    pub holder: HolderKey,
    pub(crate) key: Element,
    challenge: FieldElement,
    response: FieldElement,
}

impl ReceivingKey {
    /// Whether its maker knew the secret, and made it for this sharing.
    ///
    /// # Errors
    /// When not.
    pub fn verify(
        &self,
        network: &GenesisHash,
        target: SharingId,
    ) -> Result<Recipient, InvalidReceivingKey> {
        let commitment = RistrettoPoint::vartime_double_scalar_mul_basepoint(
            &self.challenge.0,
            self.key.point(),
            &self.response.0,
        );
        let challenge = Self::challenge(network, target, &self.holder, &self.key, &commitment);
        (*challenge == self.challenge.0)
            .then_some(self.recipient())
            .ok_or(InvalidReceivingKey)
    }

    pub(crate) fn recipient(&self) -> Recipient {
        Recipient {
            holder: self.holder,
            key: self.key,
        }
    }

    fn challenge(
        network: &GenesisHash,
        target: SharingId,
        holder: &HolderKey,
        key: &Element,
        commitment: &RistrettoPoint,
    ) -> Zeroizing<Scalar> {
        tagged_scalar(
            RECEIVING_KEY,
            &[
                network.as_bytes(),
                &target.encode(),
                holder,
                key.as_bytes(),
                commitment.compress().as_bytes(),
            ],
        )
    }
}

/// A receiving key was not made for this sharing, or its secret is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the receiving key is not for this sharing and holder; its holder has to make another")]
pub struct InvalidReceivingKey;

/// Somebody who receives shares, and the key to encrypt them to. 64 bytes.
///
/// [`ReceivingKey::verify`] makes it. Decoding one, alone or in a [`Plan`], is to take the word of
/// the chain that it has done so: checking all proofs each time a plan is read would cost the chain
/// more than the dealings do.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Recipient {
    pub(crate) holder: HolderKey,
    pub(crate) key: Element,
}

impl Recipient {
    /// Who.
    pub fn holder(&self) -> &HolderKey {
        &self.holder
    }

    /// The key that its shares are encrypted to.
    pub fn key(&self) -> &Element {
        &self.key
    }
}

/// The secret of a [`ReceivingKey`]. Wiped when dropped, which has to be as soon as the shares are
/// assembled: with the secrets of a threshold of receivers, what is on chain for ever tells the
/// key.
pub struct ReceivingSecret {
    pub(crate) secret: Zeroizing<Scalar>,
    pub(crate) public: ReceivingKey,
}

impl ReceivingSecret {
    /// A new key of `holder` for one sharing.
    ///
    /// # Errors
    /// When the generator gave zero, which is a broken generator.
    pub fn generate(
        network: &GenesisHash,
        target: SharingId,
        holder: HolderKey,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, BrokenEntropy> {
        let secret = random_scalar(rng);
        let nonce = random_scalar(rng);
        Self::prove(network, target, holder, secret, &nonce)
    }

    fn prove(
        network: &GenesisHash,
        target: SharingId,
        holder: HolderKey,
        secret: Zeroizing<Scalar>,
        nonce: &Scalar,
    ) -> Result<Self, BrokenEntropy> {
        let key = Element::new(RistrettoPoint::mul_base(&secret)).ok_or(BrokenEntropy)?;
        let commitment = RistrettoPoint::mul_base(nonce);
        let challenge = ReceivingKey::challenge(network, target, &holder, &key, &commitment);
        let public = ReceivingKey {
            holder,
            key,
            challenge: FieldElement(*challenge),
            response: FieldElement(nonce - *challenge * *secret),
        };
        Ok(Self { secret, public })
    }

    /// Its public key.
    pub fn public(&self) -> &ReceivingKey {
        &self.public
    }

    /// The secret, to be sealed to this machine by the caller at once: a receiver that restarts
    /// needs it.
    pub fn expose(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.secret.to_bytes())
    }

    /// Restores a key from what [`ReceivingSecret::expose`] gave. `None` when the two do not belong
    /// together.
    pub fn restore(public: ReceivingKey, secret: &[u8; 32]) -> Option<Self> {
        let secret = Zeroizing::new(FieldElement::from_bytes(secret)?.0);
        (Element::new(RistrettoPoint::mul_base(&secret))? == public.key)
            .then_some(Self { secret, public })
    }
}

/// The source of entropy gave what it gives with a probability of 2⁻²⁵² if it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the source of entropy is broken; stop this machine")]
pub struct BrokenEntropy;

/// Where the key comes from.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Source {
    /// A new key, dealt by the receivers themselves.
    Generation,
    /// A key that these holders share; they deal.
    Resharing(Sharing),
}

/// What is to be dealt.
#[derive(Clone, Debug, PartialEq, Eq, Encode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Plan {
    network: GenesisHash,
    target: SharingId,
    threshold: u8,
    source: Source,
    recipients: PerHolder<Recipient>,
}

/// Why a plan is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The threshold is zero or more than there are recipients.
    #[error("the threshold is not between 1 and the number of recipients")]
    Threshold,
    /// Somebody receives twice, or two have the same receiving key.
    #[error("two recipients have the same identity or the same receiving key")]
    Duplicate,
    /// The source is of another network or key, or is not older than the target.
    #[error("the source is of another network or key, or not older than the new sharing")]
    Source,
}

impl Plan {
    /// Checks a plan.
    ///
    /// # Errors
    /// As [`PlanError`] says.
    pub fn new(
        network: GenesisHash,
        target: SharingId,
        threshold: u8,
        source: Source,
        recipients: PerHolder<Recipient>,
    ) -> Result<Self, PlanError> {
        if threshold == 0 || usize::from(threshold) > recipients.len() {
            return Err(PlanError::Threshold);
        }
        if !all_different(recipients.iter().map(|recipient| recipient.holder))
            || !all_different(recipients.iter().map(|recipient| *recipient.key.as_bytes()))
        {
            return Err(PlanError::Duplicate);
        }
        if let Source::Resharing(sharing) = &source {
            let id = sharing.id();
            let older = id.committee != target.committee || id.epoch < target.epoch;
            if sharing.network() != &network || id.generation != target.generation || !older {
                return Err(PlanError::Source);
            }
        }
        Ok(Self {
            network,
            target,
            threshold,
            source,
            recipients,
        })
    }

    /// The network.
    pub fn network(&self) -> &GenesisHash {
        &self.network
    }

    /// The sharing that comes of it.
    pub fn target(&self) -> SharingId {
        self.target
    }

    /// How many shares will be needed.
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// Where the key comes from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Who receives, in the order of their indices.
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    /// The index that a holder receives with.
    pub fn recipient_index(&self, holder: &HolderKey) -> Option<HolderIndex> {
        let position = self
            .recipients
            .iter()
            .position(|other| &other.holder == holder)?;
        HolderIndex::new(position as u8 + 1)
    }

    /// Who deals with an index: holders of the source, or for a new key the recipients.
    pub fn dealer(&self, index: HolderIndex) -> Option<&HolderKey> {
        match &self.source {
            Source::Generation => Some(&self.recipients.get(index.position())?.holder),
            Source::Resharing(sharing) => sharing.holder(index),
        }
    }

    /// How many dealings without fault it takes: as many as contain one of an honest dealer.
    pub fn dealings_needed(&self) -> u8 {
        match &self.source {
            Source::Generation => self.threshold,
            Source::Resharing(sharing) => sharing.threshold(),
        }
    }

    /// What dealings and complaints are bound to.
    pub fn digest(&self) -> PlanDigest {
        PlanDigest(tagged_hash(SHARING_PLAN, &[&self.encode()]))
    }
}

impl Decode for Plan {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let (network, target, threshold, source, recipients) = Decode::decode(input)?;
        Self::new(network, target, threshold, source, recipients)
            .map_err(|_| "not a plan: threshold, recipients or source do not fit".into())
    }
}

/// Names a plan with everything in it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct PlanDigest(pub(crate) [u8; 32]);

fn all_different(keys: impl Iterator<Item = [u8; 32]>) -> bool {
    let mut seen = BTreeSet::new();
    keys.into_iter().all(|key| seen.insert(key))
}
