//! What everybody knows of a shared key: who holds it, how many are needed, and the commitments.

use crate::{element::Element, polynomial::committed_share};
use alloc::collections::BTreeSet;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, Error, Input, MaxEncodedLen};
use curve25519_dalek::scalar::Scalar;
use primitives::GenesisHash;
use scale_info::TypeInfo;

/// Most holders of one sharing.
pub const HOLDERS_MAX: u8 = 64;

/// A list with an entry for each holder, or for each coefficient.
pub type PerHolder<T> = BoundedVec<T, ConstU32<{ HOLDERS_MAX as u32 }>>;

/// The public key that a holder is known by and signs with: a worker's sr25519 key, or a member's
/// account.
pub type HolderKey = [u8; 32];

/// The place of a holder in its sharing, counted from 1 to [`HOLDERS_MAX`]; its point on the
/// polynomial.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct HolderIndex(u8);

impl HolderIndex {
    /// The index, if it is one.
    pub fn new(index: u8) -> Option<Self> {
        (1..=HOLDERS_MAX).contains(&index).then_some(Self(index))
    }

    /// From 1 on.
    pub fn get(self) -> u8 {
        self.0
    }

    /// All indices of `count` holders.
    pub fn all(count: u8) -> impl Iterator<Item = Self> {
        (1..=count.min(HOLDERS_MAX)).map(Self)
    }

    pub(crate) fn position(self) -> usize {
        usize::from(self.0) - 1
    }

    pub(crate) fn scalar(self) -> Scalar {
        Scalar::from(self.0)
    }
}

impl Decode for HolderIndex {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Self::new(u8::decode(input)?).ok_or_else(|| "an index is from 1 to 64".into())
    }
}

/// Whose shares these are. The same key may be shared among both, independently.
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
pub enum Committee {
    /// Those who evaluate, every day.
    Gatekeepers,
    /// Members of the DAO, whose shares are for recovery.
    Members,
}

/// Names one sharing of one key of a network. 9 bytes.
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
pub struct SharingId {
    /// Which key: counts the generations of new keys.
    pub generation: u32,
    /// Whose shares.
    pub committee: Committee,
    /// Counts the sharings of the key within the committee; shares of two epochs do not fit.
    pub epoch: u32,
}

/// A network's shared public key: all that is needed to check a combined evaluation. 68 bytes.
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
pub struct GroupKey {
    /// The network.
    pub network: GenesisHash,
    /// Which of its keys.
    pub generation: u32,
    /// The public key; it stays when shares are dealt anew.
    pub element: Element,
}

/// A sharing: holders, threshold and commitments. Public, and the same for whoever derives it from
/// the chain.
///
/// Encoded: 43 bytes, 32 for each holder, 32 for each of the threshold's coefficients.
#[derive(Clone, Debug, PartialEq, Eq, Encode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Sharing {
    network: GenesisHash,
    id: SharingId,
    holders: PerHolder<HolderKey>,
    commitments: PerHolder<Element>,
}

impl Sharing {
    /// `None` when there are no holders, one twice, or not from 1 to all of them needed.
    pub(crate) fn new(
        network: GenesisHash,
        id: SharingId,
        holders: PerHolder<HolderKey>,
        commitments: PerHolder<Element>,
    ) -> Option<Self> {
        let distinct: BTreeSet<&HolderKey> = holders.iter().collect();
        let fits = distinct.len() == holders.len()
            && !commitments.is_empty()
            && commitments.len() <= holders.len();
        fits.then_some(Self {
            network,
            id,
            holders,
            commitments,
        })
    }

    /// The network.
    pub fn network(&self) -> &GenesisHash {
        &self.network
    }

    /// The name of this sharing.
    pub fn id(&self) -> SharingId {
        self.id
    }

    /// How many shares are needed.
    pub fn threshold(&self) -> u8 {
        self.commitments.len() as u8
    }

    /// Who holds shares, in the order of their indices.
    pub fn holders(&self) -> &[HolderKey] {
        &self.holders
    }

    /// The holder with an index.
    pub fn holder(&self, index: HolderIndex) -> Option<&HolderKey> {
        self.holders.get(index.position())
    }

    /// The index of a holder.
    pub fn index_of(&self, holder: &HolderKey) -> Option<HolderIndex> {
        let position = self.holders.iter().position(|other| other == holder)?;
        HolderIndex::new(position as u8 + 1)
    }

    /// The key that is shared.
    pub fn group_key(&self) -> GroupKey {
        GroupKey {
            network: self.network,
            generation: self.id.generation,
            element: self.commitments[0],
        }
    }

    /// The public key of one holder's share. `None` for somebody who is not a holder.
    pub fn public_share(&self, index: HolderIndex) -> Option<Element> {
        self.holder(index)?;
        Element::new(committed_share(&self.commitments, index))
    }
}

impl Decode for Sharing {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let (network, id, holders, commitments) = Decode::decode(input)?;
        Self::new(network, id, holders, commitments).ok_or_else(|| {
            "a sharing has 1 to 64 different holders and a threshold among them".into()
        })
    }
}
