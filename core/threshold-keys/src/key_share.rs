//! A holder's share of the key.

use crate::{
    dealing::{DealError, Dealing},
    element::{Element, FieldElement},
    plan::{Plan, Source},
    sharing::{HolderIndex, Sharing},
};
use curve25519_dalek::{ristretto::RistrettoPoint, scalar::Scalar};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

/// A holder's share of the key. Wiped when dropped, which has to be as soon as a newer sharing
/// holds.
pub struct KeyShare {
    pub(crate) sharing: Sharing,
    pub(crate) index: HolderIndex,
    pub(crate) public: Element,
    pub(crate) secret: Zeroizing<Scalar>,
}

impl KeyShare {
    /// `None` when the secret is not the share that the sharing is committed to.
    pub(crate) fn new(
        sharing: Sharing,
        index: HolderIndex,
        secret: Zeroizing<Scalar>,
    ) -> Option<Self> {
        let public = sharing.public_share(index)?;
        (RistrettoPoint::mul_base(&secret) == *public.point()).then_some(Self {
            sharing,
            index,
            public,
            secret,
        })
    }

    /// Restores a share from what [`KeyShare::expose`] gave. `None` when it is not of this sharing
    /// and holder.
    pub fn restore(sharing: Sharing, index: HolderIndex, secret: &[u8; 32]) -> Option<Self> {
        let secret = Zeroizing::new(FieldElement::from_bytes(secret)?.0);
        Self::new(sharing, index, secret)
    }

    /// The secret, to be sealed to this machine by the caller at once.
    pub fn expose(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.secret.to_bytes())
    }

    /// The sharing that it is of.
    pub fn sharing(&self) -> &Sharing {
        &self.sharing
    }

    /// Whose it is.
    pub fn index(&self) -> HolderIndex {
        self.index
    }

    /// Deals this share to the recipients of `plan`, whose source is this sharing.
    ///
    /// # Errors
    /// When it is not, or the entropy is broken.
    pub fn reshare(
        &self,
        plan: &Plan,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Dealing, DealError> {
        match plan.source() {
            Source::Resharing(source) if source == &self.sharing => {
                Ok(Dealing::deal(plan, self.index, &self.secret, rng)?)
            }
            _ => Err(DealError::NotDealer),
        }
    }
}
