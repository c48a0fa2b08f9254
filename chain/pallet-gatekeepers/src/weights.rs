//! Weights, estimated by hand: database accesses at the runtime's price, and the cryptography as
//! `docs/adr/0016-threshold-keys.md` measured it in wasm, with a margin. A point takes 10 µs to decode
//! there; lists of holders are counted as if they were full where their length is not an argument.

use crate::{Config, Evidence, OffenceKind, OnMisbehaviour, stages::REPORTED_CLEARED_MAX};
use polkadot_sdk::{
    frame_support::weights::{Weight, constants::WEIGHT_REF_TIME_PER_MICROS},
    sp_core::Get,
};
use primitives::bounds::CLUSTER_WORKERS_MAX;
use threshold_keys::HOLDERS_MAX;

/// Everything that a message computes besides cryptography.
const BASE_US: u64 = 50;
/// One sr25519 verification with its hashing, by the host.
const SIGNATURE_US: u64 = 100;
/// Decoding one point.
const POINT_US: u64 = 10;
/// Verifying a share of an evaluation, or judging a complaint.
const SHARE_US: u64 = 800;
/// Verifying a dealing or a receiving key.
const DEALING_US: u64 = 300;
/// One point times one scalar, in a sum of many.
const TERM_US: u64 = 30;
/// Most holders, and most coefficients of a sharing.
const HOLDERS: u64 = HOLDERS_MAX as u64;
/// Decoding the longest sharing.
const SHARING_US: u64 = HOLDERS * POINT_US;
/// Decoding the longest plan: a sharing and a key for each recipient.
const PLAN_US: u64 = 2 * HOLDERS * POINT_US;
/// Bytes of the proof of a message that reads a plan, a sharing and a dealing.
const PROOF_BYTES: u64 = 64 * 1024;

fn estimate<T: Config>(micros: u64, reads: u64, writes: u64) -> Weight {
    Weight::from_parts(micros * WEIGHT_REF_TIME_PER_MICROS, PROOF_BYTES)
        .saturating_add(T::DbWeight::get().reads_writes(reads, writes))
}

/// Telling of so many offences, each of one of these kinds.
fn told<T: Config>(offences: u64, kinds: &[OffenceKind]) -> Weight {
    kinds
        .iter()
        .map(|kind| T::OnMisbehaviour::weight(*kind))
        .fold(Weight::zero(), |most, weight| most.max(weight))
        .saturating_mul(offences)
}

/// A block in which nothing is to be done.
pub fn idle<T: Config>() -> Weight {
    Weight::from_parts(BASE_US * WEIGHT_REF_TIME_PER_MICROS, 16 * 1024)
        .saturating_add(T::DbWeight::get().reads(7))
}

/// Looking which of so many gatekeepers are active.
pub fn look_at_gatekeepers<T: Config>(gatekeepers: u64) -> Weight {
    estimate::<T>(BASE_US + SHARING_US, 6 + 2 * gatekeepers, 0)
}

/// Setting one value.
pub fn set_value<T: Config>() -> Weight {
    estimate::<T>(BASE_US, 4, 3)
}

/// Beginning a ceremony, instead of another that is forgotten.
pub fn start_ceremony<T: Config>() -> Weight {
    let forgotten = 3 * HOLDERS;
    estimate::<T>(
        BASE_US + SHARING_US,
        8 + 2 * HOLDERS + forgotten,
        6 + forgotten,
    )
}

/// Taking a receiving key: compared with all that are there.
pub fn receiving_key<T: Config>() -> Weight {
    estimate::<T>(BASE_US + DEALING_US + HOLDERS * POINT_US, 4 + HOLDERS, 2)
}

/// Taking a dealing.
pub fn dealing<T: Config>() -> Weight {
    estimate::<T>(BASE_US + PLAN_US + SHARING_US + DEALING_US, 5, 2)
}

/// Judging a complaint.
pub fn complaint<T: Config>() -> Weight {
    estimate::<T>(BASE_US + PLAN_US + SHARING_US + SHARE_US, 8, 5)
    .saturating_add(told::<T>(
        1,
        &[OffenceKind::WrongDealing, OffenceKind::GroundlessComplaint],
    ))
}

/// Taking a handover.
pub fn handover<T: Config>() -> Weight {
    estimate::<T>(BASE_US + SHARING_US + SHARE_US, 4, 1)
}

/// Keeping a sealed share of a seed: signature and place, since what is sealed nobody sees.
pub fn seed_share<T: Config>() -> Weight {
    estimate::<T>(BASE_US + SHARING_US + SIGNATURE_US, 14, 1)
}

/// Taking a contribution to the beacon, or a share.
pub fn beacon_share<T: Config>() -> Weight {
    estimate::<T>(
        BASE_US + SHARING_US + SIGNATURE_US + SHARE_US + HOLDERS * POINT_US,
        10,
        6,
    )
    .saturating_add(told::<T>(1, &[OffenceKind::WrongShare]))
}

/// Taking an answer in the beacon's proof.
pub fn beacon_response<T: Config>() -> Weight {
    estimate::<T>(
        BASE_US + SHARING_US + SIGNATURE_US + 3 * HOLDERS * POINT_US,
        6,
        2,
    )
}

/// The end of the time for receiving keys of so many candidates.
pub fn make_plan<T: Config>(candidates: u64) -> Weight {
    estimate::<T>(
        BASE_US + SHARING_US + 2 * candidates * POINT_US,
        8 + 2 * candidates,
        4 + candidates,
    )
    .saturating_add(told::<T>(candidates, &[OffenceKind::NoReceivingKey]))
}

/// What so many dealings to so many recipients come to: each is read, and its points are summed; or its dealer
/// stayed away.
pub fn outcome<T: Config>(dealers: u64, recipients: u64) -> Weight {
    let points_us = (recipients + 1) * (POINT_US + TERM_US);
    let dealt = Weight::from_parts(points_us * WEIGHT_REF_TIME_PER_MICROS, 0);
    let absent = told::<T>(1, &[OffenceKind::NoDealing]);
    estimate::<T>(
        BASE_US + PLAN_US,
        8 + 2 * dealers,
        8 + 2 * dealers + recipients,
    )
    .saturating_add(dealt.max(absent).saturating_mul(dealers))
}

/// Putting a sharing in force, and forgetting the ceremony.
pub fn complete<T: Config>(recipients: u64) -> Weight {
    estimate::<T>(
        BASE_US + 3 * SHARING_US,
        16 + 2 * recipients,
        16 + 3 * recipients + u64::from(REPORTED_CLEARED_MAX),
    )
    .saturating_add(told::<T>(recipients, &[OffenceKind::NoHandover]))
}

/// Finishing an attempt at a round of the beacon with so many signers: shares are checked again,
/// answers for the first time, and the value may come from shares instead. Each of those who were picked
/// may have answered wrongly, and each of the others have been absent.
pub fn finish_beacon<T: Config>(threshold: u64, holders: u64) -> Weight {
    estimate::<T>(
        BASE_US + SHARING_US + (2 * threshold + 1) * SHARE_US + 4 * HOLDERS * POINT_US,
        10 + holders,
        10 + 2 * holders,
    )
    .saturating_add(told::<T>(
        threshold,
        &[OffenceKind::NoBeacon, OffenceKind::WrongResponse],
    ))
    .saturating_add(told::<T>(
        holders.saturating_sub(threshold),
        &[OffenceKind::NoBeacon],
    ))
}

/// Going on with a cluster whose keys are rotated: each member's word and registration are looked at,
/// and its mailbox takes an entry.
pub fn advance_rotation<T: Config>() -> Weight {
    let members = u64::from(CLUSTER_WORKERS_MAX);
    estimate::<T>(BASE_US, 16 + 4 * members, 48)
}

/// Looking whether a member of a cluster has a seed that it may not.
pub fn look_for_exposure<T: Config>() -> Weight {
    let members = u64::from(CLUSTER_WORKERS_MAX);
    estimate::<T>(BASE_US, 8 + 3 * members, 3)
}

/// Judging evidence.
pub fn report_misbehaviour<T: Config>(evidence: &Evidence) -> Weight {
    let shares = match evidence {
        Evidence::WrongShare(_) => 1,
        Evidence::WrongResponse(shown) => 1 + shown.contributions.len() as u64,
        Evidence::Equivocation(_) => 0,
    };
    estimate::<T>(
        BASE_US + SHARING_US + 2 * SIGNATURE_US + shares * (SHARE_US + 3 * POINT_US),
        6,
        4,
    )
    .saturating_add(told::<T>(
        1,
        &[
            OffenceKind::WrongShare,
            OffenceKind::WrongResponse,
            OffenceKind::Equivocation,
        ],
    ))
}
