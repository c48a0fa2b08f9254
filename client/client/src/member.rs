//! A member of the DAO: its part in ceremonies of the network's key, and what it keeps at home.
//!
//! Gatekeepers deal the key to members, who bring it back when too few gatekeepers are left
//! (`docs/operations/key-recovery.md`). [`take_part`] does the one thing that the ceremony on chain wants of
//! the member next, by what a proven final block says; it is called again until the ceremony is over.
//!
//! # What is kept
//!
//! [`MemberSecrets`]: the share, and for the ceremony that goes on a receiving key made for it alone, the
//! member's dealing, and the share that the dealings come to so far. It is written down before anything is
//! said that depends on it, and the receiving key is wiped when the ceremony is over. Whoever has a threshold
//! of members' shares of one epoch has the network's key.

use crate::{Account, Chain, ChainError, Transaction};
use chain_facts::keys;
use codec::{Decode, Encode};
use primitives::GenesisHash;
use rand_core::OsRng;
pub use threshold_keys::Sharing;
use threshold_keys::{
    CeremonyStage, CeremonyState, Committee, Dealing, EvaluationContext, HolderIndex, HolderKey,
    KeyShare, Plan, PlanDigest, ReceiveError, ReceivingKey, ReceivingSecret, SharingId, Source,
    VerifiedDealing,
};
use zeroize::Zeroizing;

/// Version of the layout of [`MemberSecrets::to_text`].
const VERSION: u8 = 1;
/// How the text begins, for who finds it.
const HEADER: &str = "phat-member-secrets";

/// Why a member's part is not done.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// What is kept is of another network or account.
    #[error("the secrets are of another network or account: name another file")]
    ForAnother,
    /// The ceremony wants the member to deal, and its share is not there.
    #[error(
        "the ceremony waits for this member's share of epoch {epoch}, which is not in the file: bring it back from where it is kept"
    )]
    ShareMissing {
        /// Of which epoch.
        epoch: u32,
    },
    /// The chain has a receiving key of this member that is not in the file.
    #[error(
        "the chain has another receiving key of this member than the file: was another file used? This member gets no share in this ceremony"
    )]
    OtherReceivingKey,
    /// Entropy is broken.
    #[error("no secret could be made: {0}")]
    Entropy(String),
    /// The secrets could not be written down; nothing was said.
    #[error("the secrets could not be written: {0}")]
    NotKept(#[source] std::io::Error),
}

/// What was done, or is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberStep {
    /// There is no ceremony, or the member has no part in it.
    Nothing,
    /// The receiving key was sent.
    SentReceivingKey(SharingId),
    /// The share was dealt to those who receive.
    Dealt(SharingId),
    /// A dealer sent a wrong share; the complaint was sent.
    Complained(HolderIndex),
    /// The chain was shown that the share is there.
    HandedOver(SharingId),
    /// Others have to do something, or time has to pass.
    Waits(CeremonyStage),
    /// The ceremony is over, and this share is in force.
    HoldsShare(SharingId),
    /// The ceremony is over without a new share of this member.
    Over,
}

/// A member's part in one ceremony.
struct Part {
    target: SharingId,
    receiving: Option<ReceivingSecret>,
    dealt: Option<(PlanDigest, Dealing)>,
    pending: Option<KeyShare>,
}

/// What a member keeps.
pub struct MemberSecrets {
    network: GenesisHash,
    holder: HolderKey,
    share: Option<KeyShare>,
    part: Option<Part>,
}

impl MemberSecrets {
    /// Nothing yet.
    pub fn new(network: GenesisHash, account: &Account) -> Self {
        Self {
            network,
            holder: account.id().0,
            share: None,
            part: None,
        }
    }

    /// Of which sharing a share is there.
    pub fn share_of(&self) -> Option<SharingId> {
        self.share.as_ref().map(|share| share.sharing().id())
    }

    /// One line to be written down: whoever reads it can stand for the member.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
        bytes.push(VERSION);
        (self.network, self.holder).encode_to(&mut *bytes);
        put_share(&self.share, &mut bytes);
        bytes.push(self.part.is_some().into());
        if let Some(part) = &self.part {
            part.target.encode_to(&mut *bytes);
            bytes.push(part.receiving.is_some().into());
            if let Some(receiving) = &part.receiving {
                receiving.public().encode_to(&mut *bytes);
                bytes.extend_from_slice(&*receiving.expose());
            }
            part.dealt.encode_to(&mut *bytes);
            put_share(&part.pending, &mut bytes);
        }
        Zeroizing::new(format!("{HEADER} {}\n", hex::encode(&*bytes)))
    }

    /// Reads what [`MemberSecrets::to_text`] wrote; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix(HEADER)?.trim();
        let bytes = Zeroizing::new(hex::decode(digits).ok()?);
        let (version, mut rest) = bytes.split_first()?;
        let rest = &mut rest;
        if *version != VERSION {
            return None;
        }
        let (network, holder) = Decode::decode(rest).ok()?;
        let share = take_share(rest)?;
        let part = match bool::decode(rest).ok()? {
            false => None,
            true => Some(Part {
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
        rest.is_empty().then_some(Self {
            network,
            holder,
            share,
            part,
        })
    }

    fn part(&mut self, target: SharingId) -> &mut Part {
        if self.part.as_ref().is_none_or(|part| part.target != target) {
            self.part = Some(Part {
                target,
                receiving: None,
                dealt: None,
                pending: None,
            });
        }
        self.part.get_or_insert(Part {
            target,
            receiving: None,
            dealt: None,
            pending: None,
        })
    }
}

fn put_share(share: &Option<KeyShare>, bytes: &mut Zeroizing<Vec<u8>>) {
    bytes.push(share.is_some().into());
    if let Some(share) = share {
        (share.sharing(), share.index()).encode_to(&mut **bytes);
        bytes.extend_from_slice(&*share.expose());
    }
}

fn take_share(rest: &mut &[u8]) -> Option<Option<KeyShare>> {
    match bool::decode(rest).ok()? {
        false => Some(None),
        true => {
            let (sharing, index) = <(Sharing, HolderIndex)>::decode(rest).ok()?;
            KeyShare::restore(sharing, index, &*take_secret(rest)?).map(Some)
        }
    }
}

fn take_secret(rest: &mut &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let (first, others) = rest.split_first_chunk::<32>()?;
    *rest = others;
    Some(Zeroizing::new(*first))
}

/// A ceremony as a proven final block has it.
pub struct Ceremony {
    /// Where it is.
    pub state: CeremonyState,
    /// The plan, once there is one.
    pub plan: Option<Plan>,
    /// What the dealings that stand come to.
    pub pending: Option<Sharing>,
    /// Those dealings.
    dealings: Vec<Dealing>,
}

/// What a member wants to know of the chain.
pub struct KeyFacts {
    /// The members, and how many of their shares are the key.
    pub members: Option<(Vec<HolderKey>, u8)>,
    /// The members' sharing in force.
    pub members_sharing: Option<Sharing>,
    /// The gatekeepers' sharing in force.
    pub sharing: Option<Sharing>,
    /// The ceremony that goes on.
    pub ceremony: Option<Ceremony>,
}

/// Reads a recent final block, with proofs.
///
/// # Errors
/// The chain's.
pub async fn key_facts(chain: &Chain) -> Result<KeyFacts, ChainError> {
    let hint: Option<CeremonyState> = chain.unproven("ceremony", keys::ceremony()).await?;
    let dealers: Vec<HolderIndex> = hint
        .iter()
        .flat_map(|state| HolderIndex::all(state.dealers))
        .collect();
    let mut wanted = vec![
        keys::members(),
        keys::members_sharing(),
        keys::sharing(),
        keys::ceremony(),
        keys::ceremony_plan(),
        keys::pending_sharing(),
    ];
    wanted.extend(dealers.iter().map(|dealer| keys::dealing(*dealer)));
    let proven = chain.proven(&wanted).await?;
    let state: Option<CeremonyState> = proven.read("ceremony", &keys::ceremony())?;
    let ceremony = match state {
        None => None,
        Some(state) => {
            let mut dealings = Vec::new();
            for dealer in &dealers {
                let stands = state.dealt.contains(dealer) && !state.struck_out.contains(dealer);
                if stands && let Some(dealing) = proven.read("dealing", &keys::dealing(*dealer))? {
                    dealings.push(dealing);
                }
            }
            Some(Ceremony {
                plan: proven.read("plan of a ceremony", &keys::ceremony_plan())?,
                pending: proven.read("pending sharing", &keys::pending_sharing())?,
                state,
                dealings,
            })
        }
    };
    Ok(KeyFacts {
        members: proven.read("members", &keys::members())?,
        members_sharing: proven.read("members' sharing", &keys::members_sharing())?,
        sharing: proven.read("sharing", &keys::sharing())?,
        ceremony,
    })
}

/// Does what the ceremony on chain wants of the member next, if it wants anything. `keep` writes the secrets
/// down durably, before anything is said that depends on them.
///
/// # Errors
/// See [`MemberError`]; it may be called again.
pub async fn take_part(
    chain: &Chain,
    account: &Account,
    secrets: &mut MemberSecrets,
    mut keep: impl FnMut(&MemberSecrets) -> std::io::Result<()>,
) -> Result<MemberStep, MemberError> {
    if (secrets.network, secrets.holder) != (chain.genesis(), account.id().0) {
        return Err(MemberError::ForAnother);
    }
    let facts = key_facts(chain).await?;
    let mut keep = |secrets: &MemberSecrets| keep(secrets).map_err(MemberError::NotKept);
    let going_on = facts
        .ceremony
        .as_ref()
        .map(|ceremony| ceremony.state.target);
    if secrets
        .part
        .as_ref()
        .is_some_and(|part| Some(part.target) != going_on)
    {
        let step = settle(secrets, facts.members_sharing.as_ref());
        keep(secrets)?;
        return Ok(step);
    }
    let Some(ceremony) = &facts.ceremony else {
        return Ok(MemberStep::Nothing);
    };
    let says = match ceremony.state.stage {
        CeremonyStage::Receiving => receive(ceremony, secrets)?,
        _ => match deal(ceremony, secrets)? {
            Says::Nothing => check(ceremony, secrets)?,
            says => says,
        },
    };
    match says {
        Says::Nothing => Ok(MemberStep::Nothing),
        Says::Waits => {
            keep(secrets)?;
            Ok(MemberStep::Waits(ceremony.state.stage))
        }
        Says::This(step, transaction) => {
            keep(secrets)?;
            chain.submit_final(account, &transaction).await?;
            Ok(step)
        }
    }
}

/// What the member says next.
enum Says {
    /// It has no part here.
    Nothing,
    /// Nothing now.
    Waits,
    This(MemberStep, Transaction),
}

/// The ceremony of this part is over.
fn settle(secrets: &mut MemberSecrets, in_force: Option<&Sharing>) -> MemberStep {
    // The receiving secret ends here, whatever came of the ceremony.
    let pending = secrets.part.take().and_then(|part| part.pending);
    match pending.filter(|pending| Some(pending.sharing()) == in_force) {
        Some(share) => {
            let id = share.sharing().id();
            secrets.share = Some(share);
            MemberStep::HoldsShare(id)
        }
        None => MemberStep::Over,
    }
}

fn receive(ceremony: &Ceremony, secrets: &mut MemberSecrets) -> Result<Says, MemberError> {
    let state = &ceremony.state;
    let own = secrets.holder;
    let place = state
        .candidates
        .iter()
        .position(|candidate| *candidate == own);
    let Some(place) = place.and_then(|place| HolderIndex::new(place as u8 + 1)) else {
        return Ok(Says::Nothing);
    };
    if state.received.contains(&place) {
        return Ok(Says::Waits);
    }
    let (network, target) = (secrets.network, state.target);
    let part = secrets.part(target);
    if part.receiving.is_none() {
        let made = ReceivingSecret::generate(&network, target, own, &mut OsRng)
            .map_err(|error| MemberError::Entropy(error.to_string()))?;
        part.receiving = Some(made);
    }
    let Some(receiving) = &part.receiving else {
        return Ok(Says::Waits);
    };
    let transaction = Transaction::member_receiving_key(target, receiving.public());
    Ok(Says::This(
        MemberStep::SentReceivingKey(target),
        transaction,
    ))
}

fn deal(ceremony: &Ceremony, secrets: &mut MemberSecrets) -> Result<Says, MemberError> {
    let (state, Some(plan)) = (&ceremony.state, &ceremony.plan) else {
        return Ok(Says::Nothing);
    };
    let source = match plan.source() {
        Source::Resharing(source) if source.id().committee == Committee::Members => source,
        _ => return Ok(Says::Nothing),
    };
    let Some(dealer) = source.index_of(&secrets.holder) else {
        return Ok(Says::Nothing);
    };
    if state.stage != CeremonyStage::Dealing || state.dealt.contains(&dealer) {
        return Ok(Says::Waits);
    }
    let digest = plan.digest();
    let kept = secrets.part.as_ref().and_then(|part| part.dealt.clone());
    let dealing = match kept {
        // The same again, where it was lost: two different ones would be told apart from an honest one.
        Some((of, dealing)) if of == digest => dealing,
        _ => {
            let epoch = source.id().epoch;
            let share = secrets
                .share
                .as_ref()
                .filter(|share| share.sharing() == source);
            let share = share.ok_or(MemberError::ShareMissing { epoch })?;
            let made = share
                .reshare(plan, &mut OsRng)
                .map_err(|error| MemberError::Entropy(error.to_string()))?;
            secrets.part(state.target).dealt = Some((digest, made.clone()));
            made
        }
    };
    let transaction = Transaction::member_deal(digest, &dealing);
    Ok(Says::This(MemberStep::Dealt(state.target), transaction))
}

/// Opens what was dealt: complains of what is wrong, or shows that the share is there.
fn check(ceremony: &Ceremony, secrets: &mut MemberSecrets) -> Result<Says, MemberError> {
    let (state, Some(plan)) = (&ceremony.state, &ceremony.plan) else {
        return Ok(Says::Nothing);
    };
    if plan.recipient_index(&secrets.holder).is_none() {
        return Ok(Says::Nothing);
    }
    let part = secrets.part(state.target);
    let Some(receiving) = &part.receiving else {
        return Err(MemberError::OtherReceivingKey);
    };
    let mut sound: Vec<VerifiedDealing> = Vec::new();
    for dealing in &ceremony.dealings {
        // The chain has verified them; one that does not verify here is not this plan's.
        let Ok(verified) = dealing.clone().verify(plan) else {
            return Ok(Says::Waits);
        };
        match receiving.check(plan, &verified) {
            Ok(()) => sound.push(verified),
            Err(ReceiveError::BadShare(complaint)) => {
                let transaction = Transaction::member_complain(plan.digest(), &complaint);
                return Ok(Says::This(
                    MemberStep::Complained(complaint.dealer),
                    transaction,
                ));
            }
            Err(_) => return Err(MemberError::OtherReceivingKey),
        }
    }
    let Ok(share) = receiving.assemble(plan, &sound) else {
        return Ok(Says::Waits);
    };
    let is_shown = state.handed_over.contains(&share.index());
    let is_ready = state.stage == CeremonyStage::Checking
        && ceremony.pending.as_ref() == Some(share.sharing());
    let plan = plan.digest();
    let shown = share.evaluate(&EvaluationContext::Handover { plan });
    part.pending = Some(share);
    match shown {
        Ok(shown) if is_ready && !is_shown => Ok(Says::This(
            MemberStep::HandedOver(state.target),
            Transaction::member_handover(plan, &shown),
        )),
        _ => Ok(Says::Waits),
    }
}
