//! What a gatekeeper keeps across restarts.

use crate::kept::take_secret;
use codec::{Decode, Encode};
use primitives::BlockNumber;
use threshold_keys::{
    Dealing, KeyShare, PlanDigest, ReceivingKey, ReceivingSecret, Sharing, SharingId,
};

/// A gatekeeper's share of the network's key, and what it needs to come to the next one.
#[derive(Default)]
pub struct GatekeeperSecrets {
    /// Its share. Whether it is of the sharing in force only the chain says.
    pub(crate) share: Option<KeyShare>,
    /// Its part in the ceremony that goes on.
    pub(crate) ceremony: Option<OwnCeremony>,
    /// The last attempt at a proof of the beacon that it has given a nonce to: there is one nonce for
    /// each, and a process does not know those of the process before it.
    pub(crate) beacon: Option<BeaconSlot>,
    /// The block by which all this was kept. Older ones know less, and would undo it.
    pub(crate) as_of: BlockNumber,
}

/// An attempt at a proof of the beacon's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct BeaconSlot {
    pub(crate) sharing: SharingId,
    pub(crate) round: u64,
    pub(crate) attempt: u8,
}

/// What a gatekeeper has made for one ceremony.
pub(crate) struct OwnCeremony {
    pub(crate) target: SharingId,
    /// What its shares are encrypted to.
    pub(crate) receiving: Option<ReceivingSecret>,
    /// Its dealing: there is one for each plan.
    pub(crate) dealt: Option<(PlanDigest, Dealing)>,
    /// Its share of what the dealings come to that it has seen.
    pub(crate) pending: Option<KeyShare>,
}

impl OwnCeremony {
    pub(crate) fn new(target: SharingId) -> Self {
        Self {
            target,
            receiving: None,
            dealt: None,
            pending: None,
        }
    }
}

impl GatekeeperSecrets {
    /// Of which sharing a share is kept.
    pub fn share_of(&self) -> Option<SharingId> {
        self.share.as_ref().map(|share| share.sharing().id())
    }

    /// For which sharing there is a secret to receive a share with.
    pub fn receives(&self) -> Option<SharingId> {
        let ceremony = self.ceremony.as_ref()?;
        ceremony.receiving.as_ref().map(|_| ceremony.target)
    }

    /// Whether there is anything in it that the chain's news may be for.
    pub(crate) fn is_some(&self) -> bool {
        self.share.is_some() || self.ceremony.is_some()
    }

    /// Bytes that [`GatekeeperSecrets::encode_to`] writes at most.
    pub(crate) fn size(&self) -> usize {
        const FIXED: usize = 512;
        let of_share = |share: &Option<KeyShare>| {
            share
                .as_ref()
                .map_or(0, |share| share.sharing().encoded_size())
        };
        let ceremony = self
            .ceremony
            .as_ref()
            .map_or(0, |own| own.dealt.encoded_size() + of_share(&own.pending));
        FIXED + of_share(&self.share) + ceremony
    }

    /// Option (1 byte) of share ‖ option of (target ‖ option of (receiving key ‖ secret) ‖ option of
    /// (plan ‖ dealing) ‖ option of share) ‖ option of (sharing ‖ round ‖ attempt) ‖ block; a share is
    /// sharing ‖ index ‖ secret. All SCALE.
    pub(crate) fn encode_to(&self, bytes: &mut Vec<u8>) {
        put_share(&self.share, bytes);
        match &self.ceremony {
            None => bytes.push(0),
            Some(own) => {
                bytes.push(1);
                own.target.encode_to(bytes);
                match &own.receiving {
                    None => bytes.push(0),
                    Some(receiving) => {
                        bytes.push(1);
                        receiving.public().encode_to(bytes);
                        bytes.extend_from_slice(&*receiving.expose());
                    }
                }
                own.dealt.encode_to(bytes);
                put_share(&own.pending, bytes);
            }
        }
        self.beacon.encode_to(bytes);
        self.as_of.encode_to(bytes);
    }

    /// Reads what [`GatekeeperSecrets::encode_to`] wrote from the beginning of `rest`.
    pub(crate) fn take(rest: &mut &[u8]) -> Option<Self> {
        let share = take_share(rest)?;
        let ceremony = match bool::decode(rest).ok()? {
            false => None,
            true => Some(OwnCeremony {
                target: Decode::decode(rest).ok()?,
                receiving: match bool::decode(rest).ok()? {
                    false => None,
                    true => {
                        let public = ReceivingKey::decode(rest).ok()?;
                        Some(ReceivingSecret::restore(public, &*take_secret(rest)?)?)
                    }
                },
                dealt: Decode::decode(rest).ok()?,
                pending: take_share(rest)?,
            }),
        };
        Some(Self {
            share,
            ceremony,
            beacon: Decode::decode(rest).ok()?,
            as_of: Decode::decode(rest).ok()?,
        })
    }
}

fn put_share(share: &Option<KeyShare>, bytes: &mut Vec<u8>) {
    match share {
        None => bytes.push(0),
        Some(share) => {
            bytes.push(1);
            share.sharing().encode_to(bytes);
            share.index().encode_to(bytes);
            bytes.extend_from_slice(&*share.expose());
        }
    }
}

fn take_share(rest: &mut &[u8]) -> Option<Option<KeyShare>> {
    match bool::decode(rest).ok()? {
        false => Some(None),
        true => {
            let sharing = Sharing::decode(rest).ok()?;
            let index = Decode::decode(rest).ok()?;
            let secret = take_secret(rest)?;
            KeyShare::restore(sharing, index, &secret).map(Some)
        }
    }
}
