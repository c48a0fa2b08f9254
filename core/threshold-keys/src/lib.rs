//! The network's key in shares: no machine ever holds it.
//!
//! # What it is
//!
//! Gatekeepers share a secret scalar of Ristretto255. Any `threshold` of them evaluate it at an
//! input, which gives the seed of a cluster or the value of the beacon; fewer learn nothing. The
//! key is made in shares, moves from one set of holders to the next in shares, and is never put
//! together.
//!
//! This crate is the cryptography of it, as pure functions: no network, no clock, entropy as an
//! argument. The chain uses its public half ([`Plan`], [`Dealing::verify`], [`Complaint::judge`],
//! [`Sharing::from_dealings`], [`BeaconValue`], [`WrongShare`], [`WrongResponse`],
//! [`Equivocation`]), gatekeepers the secret half ([`ReceivingSecret`], [`KeyShare`]), and workers
//! [`Sharing::combine`]. `docs/adr/0016-threshold-keys.md` says why it is as it is.
//!
//! # Words
//!
//! * *sharing*: one polynomial that a key is shared by: holders, threshold, commitments
//!   ([`Sharing`]). A sharing has a *generation* (which key), a *committee* (whose shares) and an
//!   *epoch* (which polynomial). Shares of two sharings do not mix.
//! * *plan*: what is to be dealt: to whom, with which threshold, and from where ([`Plan`]).
//! * *dealing*: what one dealer puts on chain for a plan ([`Dealing`]); *complaint*: a recipient's
//!   proof that its share in it is wrong ([`Complaint`]).
//! * *evaluation*: input times key ([`Evaluation`]); a holder's part of it is an
//!   [`EvaluationShare`].
//!
//! # Life of a sharing
//!
//! 1. Each holder to be makes a [`ReceivingSecret`] for this sharing alone and publishes its
//!    [`ReceivingKey`].
//! 2. The chain checks these keys ([`ReceivingKey::verify`]) and writes down the [`Plan`].
//! 3. Each dealer publishes a [`Dealing`]: for a new key [`Plan::deal_new_key`], for all else
//!    [`KeyShare::reshare`].
//! 4. Each recipient opens its shares ([`ReceivingSecret::check`]) and complains where one is
//!    wrong. A complaint that holds strikes the dealing out.
//! 5. When the time for complaints is over, the dealings that are left are the [`Sharing`], and
//!    each recipient assembles its [`KeyShare`], seals it, and shows that it has it:
//!    [`EvaluationContext::Handover`].
//! 6. When enough have shown it, the sharing is in force. Who received wipes the receiving secret,
//!    and who held a share of the committee's last epoch wipes that: not earlier, since a key is
//!    lost when the old shares are gone and the new ones not yet there.
//!
//! Refresh, another set of holders, another threshold, dealing to the members of the DAO for
//! recovery, and recovery from them are all the same: a plan whose [`Source`] is a sharing.
//!
//! # Example
//!
//! ```
//! use primitives::{ClusterId, GenesisHash};
//! use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//! use threshold_keys::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut rng = ChaCha20Rng::from_seed([7; 32]); // a worker's platform gives the entropy
//! let network = GenesisHash([1; 32]);
//! let target = SharingId { generation: 0, committee: Committee::Gatekeepers, epoch: 0 };
//! let mut receivers = Vec::new();
//! for name in 1..=3 {
//!     receivers.push(ReceivingSecret::generate(&network, target, [name; 32], &mut rng)?);
//! }
//! let mut recipients = PerHolder::new();
//! for receiver in &receivers {
//!     let recipient = receiver.public().verify(&network, target)?;
//!     recipients.try_push(recipient).map_err(|_| "too many")?;
//! }
//! let plan = Plan::new(network, target, 2, Source::Generation, recipients)?;
//!
//! let mut dealings = Vec::new();
//! for dealer in HolderIndex::all(3) {
//!     dealings.push(plan.deal_new_key(dealer, &mut rng)?.verify(&plan)?);
//! }
//! let sharing = Sharing::from_dealings(&plan, &dealings)?;
//!
//! let context = EvaluationContext::ClusterSeed { cluster: ClusterId([5; 32]), rotation: 0 };
//! let mut shares = Vec::new();
//! for receiver in &receivers[1..] {
//!     shares.push(receiver.assemble(&plan, &dealings)?.evaluate(&context)?);
//! }
//! let seed = sharing.combine(&context, &shares)?.evaluation.secret();
//! # assert_ne!(*seed, [0; 32]);
//! # Ok(())
//! # }
//! ```
//!
//! # Threats
//!
//! All bytes that arrive are hostile. Points and scalars are checked when they are decoded:
//! canonical, and no neutral point.
//!
//! * **Fewer than a threshold of holders, together with everybody else, know nothing** of the key,
//!   of seeds, of coming beacon values. This rests on the gap Diffie-Hellman problem in
//!   Ristretto255 (for joint proofs, on its one-more variant), with the hashes as random oracles,
//!   against holders that are corrupt from the start of an epoch.
//! * **What is on chain stays there for ever.** A receiving secret opens its holder's shares of one
//!   dealing for each dealer. A threshold of them from one sharing is the key, and the key outlives
//!   every sharing. So they are made for one sharing, and wiped after it; long-lived keys must not
//!   be used here.
//! * **A dealer that cheats** is found by who got the wrong share, and proven with [`Complaint`]. A
//!   complaint opens one share of one dealing. Complaints against honest dealers do not hold.
//! * **A dealer that deals last** can choose among public keys by seeing the others' first. It
//!   cannot choose one that it knows more about, and evaluations hash their input, so a skewed key
//!   helps nobody. What is *unbiasable* is the beacon: its value is fixed by key and round.
//! * **Wrong shares** fail their proof, are named, and are evidence when signed ([`WrongShare`]).
//! * **Recipients that do not complain** of a wrong share hurt themselves alone: they end without a
//!   share.
//! * **Nonces**: those of shares and complaints are derived from secret and statement, so that a
//!   machine that is set back in time gives the same bytes. Those of joint proofs are random and
//!   never stored ([`ProofNonce`]).
//!
//! # Limits
//!
//! At most [`HOLDERS_MAX`] holders. Operations with secrets take constant time, as far as
//! `curve25519-dalek` does; those with public values alone do not. Copies that the compiler spills
//! to the stack are not wiped. Who corrupts a threshold of the holders of one epoch has the key,
//! whatever happens later; a new generation is the only cure.
//!
//! | what | bytes | 3 of 5 | 13 of 20 |
//! |---|---|---|---|
//! | [`ReceivingKey`] | 128 | 128 | 128 |
//! | [`Plan`] for a new key | 44 + 64 recipients | 364 | 1 324 |
//! | [`Dealing`] | 131 + 32 (threshold + recipients) | 387 | 1 187 |
//! | [`Complaint`] | 98 | 98 | 98 |
//! | [`Sharing`] | 43 + 32 (threshold + holders) | 299 | 1 099 |
//! | [`EvaluationShare`] | 106 | 106 | 106 |
//! | [`Contribution`] | 180 | 180 | 180 |
//! | [`ProofResponse`] | 65 | 65 | 65 |
//! | [`ProvenEvaluation`] | 96 | 96 | 96 |

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

mod beacon;
mod dealing;
mod dleq;
mod element;
mod evaluation;
mod evidence;
#[cfg(feature = "faults")]
pub mod faults;
mod hash;
mod joint_proof;
mod key_share;
mod message;
mod on_chain;
mod plan;
mod polynomial;
mod receiving;
mod sharing;

pub use beacon::BeaconValue;
pub use dealing::{DealError, Dealing, DealingError, VerifiedDealing};
pub use dleq::DleqProof;
pub use element::{ELEMENT_BYTES, Element, FieldElement};
pub use evaluation::{
    CombineError, Combined, Evaluation, EvaluationContext, EvaluationShare, NeutralInput,
    PURPOSE_BYTES_MAX, ShareFault,
};
pub use evidence::{
    Equivocation, Misbehaviour, NotEvidence, PAYLOAD_BYTES_MAX, SignedStatement, Slot, Statement,
    VerifySignature, WrongResponse, WrongShare,
};
pub use joint_proof::{
    Contribution, FinishError, InvalidProof, JointProof, NonceCommitment, ProofNonce,
    ProofResponse, ProvenEvaluation, RespondError,
};
pub use key_share::KeyShare;
pub use message::{
    GatekeeperMessage, SEALED_SHARE_BYTES, SEALED_SHARE_BYTES_MAX, SealedSeedShare,
    contribution_statement, response_statement,
};
pub use on_chain::{
    BeaconOutput, BeaconRound, BeaconStage, CeremonySource, CeremonyStage, CeremonyState,
    GatekeeperSettings, KeyRotation, PendingSeed, SeedConfirmation, SignedResponse, ThresholdRule,
};
pub use plan::{
    BrokenEntropy, InvalidReceivingKey, Plan, PlanDigest, PlanError, ReceivingKey, ReceivingSecret,
    Recipient, Source,
};
pub use receiving::{BadDealing, Complaint, Groundless, OutcomeError, ReceiveError};
pub use sharing::{
    Committee, GroupKey, HOLDERS_MAX, HolderIndex, HolderKey, PerHolder, Sharing, SharingId,
};
