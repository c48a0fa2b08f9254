//! What cheats would do, for tests of those who must notice it. Behind the feature `faults`, which
//! nothing that is deployed enables.

use crate::{
    Complaint, DealError, Dealing, EvaluationShare, HolderIndex, KeyShare, Plan, ProofResponse,
    ReceivingSecret, VerifiedDealing,
    dealing::Draft,
    element::{Element, FieldElement},
    hash::random_scalar,
};
use curve25519_dalek::{ristretto::RistrettoPoint, scalar::Scalar};
use rand_core::{CryptoRng, RngCore};

/// A dealing of a part of a new key that everybody takes for right but `victim`, whose share is
/// wrong.
///
/// # Errors
/// When there is no such victim, or the entropy is broken.
pub fn deal_new_key_wrongly(
    plan: &Plan,
    dealer: HolderIndex,
    victim: HolderIndex,
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<Dealing, DealError> {
    let secret = random_scalar(rng);
    deal_wrongly(plan, dealer, victim, &secret, rng)
}

/// The same of a holder's share.
///
/// # Errors
/// When there is no such victim, or the entropy is broken.
pub fn reshare_wrongly(
    share: &KeyShare,
    plan: &Plan,
    victim: HolderIndex,
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<Dealing, DealError> {
    deal_wrongly(plan, share.index, victim, &share.secret, rng)
}

fn deal_wrongly(
    plan: &Plan,
    dealer: HolderIndex,
    victim: HolderIndex,
    secret: &Scalar,
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<Dealing, DealError> {
    let mut draft = Draft::new(plan, dealer, secret, rng)?;
    let shares = draft.dealing.encrypted_shares.as_mut();
    let share = shares.get_mut(victim.position());
    share.ok_or(DealError::NotDealer)?.0 += Scalar::ONE;
    Ok(draft.prove(&plan.digest(), rng))
}

/// A complaint of a share that is right. `None` for a secret that receives nothing in the plan.
pub fn groundless_complaint(
    secret: &ReceivingSecret,
    plan: &Plan,
    dealing: &VerifiedDealing,
) -> Option<Complaint> {
    let recipient = plan.recipient_index(&secret.public.holder)?;
    let shared = Element::new(dealing.dealing.ephemeral.point() * *secret.secret)?;
    Some(secret.complain(dealing, recipient, shared))
}

/// A share of an evaluation with another value, and a proof that does not hold any more.
pub fn wrong_share(mut share: EvaluationShare) -> EvaluationShare {
    let other = RistrettoPoint::mul_base(&Scalar::from(7u8));
    if let Some(value) = Element::new(other) {
        share.value = value;
    }
    share
}

/// An answer in a joint proof that is wrong.
pub fn wrong_response(mut response: ProofResponse) -> ProofResponse {
    response.response = FieldElement(response.response.0 + Scalar::ONE);
    response
}
