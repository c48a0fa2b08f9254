//! The tracks: what a proposal of each origin costs, how long it takes, and what passes it.
//!
//! A referendum is *prepared* (there to be read), *decided* (voted on) until it passes or its time is over, must
//! keep passing while it is *confirmed*, and is *enacted* after at least the notice of its track. *Approval* is the
//! share of ayes among votes, weighted by conviction; *support* is the share of all PHA that says aye, not
//! weighted. Both fall with time from a start to an end, linearly: what nobody objects to passes late, what many want
//! passes early.

use crate::{Config, Origin, hours};
use alloc::borrow::Cow;
use core::marker::PhantomData;
use polkadot_sdk::{
    pallet_referenda::{Curve, Track, TrackInfo, TracksInfo},
    sp_runtime::Perbill,
};
use primitives::{Balance, BlockNumber, units::PHA};

/// Number of a track.
pub type TrackId = u16;

/// Longest name of a track, bytes: `pallet-referenda`'s.
const NAME_BYTES: usize = 25;
/// Days in hours.
const DAY: u32 = 24;

/// A track in hours and per cent.
pub struct Plan {
    /// Its number, for good: votes are kept under it.
    pub id: TrackId,
    /// Its name, as wallets show it.
    pub name: &'static str,
    /// For whom it speaks; `None` is root.
    pub origin: Option<Origin>,
    /// Referenda that are decided at once.
    pub max_deciding: u32,
    /// What somebody puts down for a decision, whole PHA.
    pub decision_deposit_pha: Balance,
    /// Hours of preparation, decision at most, confirmation, and notice before it is enacted.
    pub hours: [u32; 4],
    /// Approval at the start and at the end of the decision, per cent.
    pub approval: [u32; 2],
    /// Support at the start and at the end of the decision, thousandths.
    pub support: [u32; 2],
}

/// All tracks, by number.
pub const PLANS: [Plan; 11] = [
    Plan {
        id: 0,
        name: "root",
        origin: None,
        max_deciding: 1,
        decision_deposit_pha: 100_000,
        hours: [2, 28 * DAY, DAY, 7 * DAY],
        approval: [100, 60],
        support: [500, 20],
    },
    Plan {
        id: 1,
        name: "whitelisted_caller",
        origin: Some(Origin::WhitelistedCaller),
        max_deciding: 20,
        decision_deposit_pha: 10_000,
        hours: [1, 14 * DAY, 1, 1],
        approval: [100, 60],
        support: [200, 10],
    },
    Plan {
        id: 10,
        name: "attestation",
        origin: Some(Origin::Attestation),
        max_deciding: 10,
        decision_deposit_pha: 20_000,
        hours: [2, 14 * DAY, DAY, 2 * DAY],
        approval: [90, 55],
        support: [300, 10],
    },
    Plan {
        id: 11,
        name: "economy",
        origin: Some(Origin::Economy),
        max_deciding: 10,
        decision_deposit_pha: 20_000,
        hours: [2, 14 * DAY, DAY, DAY],
        approval: [90, 55],
        support: [300, 10],
    },
    Plan {
        id: 12,
        name: "gatekeepers",
        origin: Some(Origin::Gatekeepers),
        max_deciding: 10,
        decision_deposit_pha: 20_000,
        hours: [2, 14 * DAY, DAY, 2 * DAY],
        approval: [90, 55],
        support: [300, 10],
    },
    Plan {
        id: 13,
        name: "clusters",
        origin: Some(Origin::Clusters),
        max_deciding: 20,
        decision_deposit_pha: 2_000,
        hours: [1, 7 * DAY, 6, 6],
        approval: [80, 50],
        support: [100, 2],
    },
    Plan {
        id: 20,
        name: "treasurer",
        origin: Some(Origin::Treasurer),
        max_deciding: 10,
        decision_deposit_pha: 10_000,
        hours: [2, 28 * DAY, DAY, DAY],
        approval: [100, 55],
        support: [500, 10],
    },
    Plan {
        id: 21,
        name: "medium_spender",
        origin: Some(Origin::MediumSpender),
        max_deciding: 50,
        decision_deposit_pha: 2_000,
        hours: [1, 14 * DAY, 12, 6],
        approval: [100, 50],
        support: [200, 4],
    },
    Plan {
        id: 22,
        name: "small_spender",
        origin: Some(Origin::SmallSpender),
        max_deciding: 50,
        decision_deposit_pha: 200,
        hours: [1, 7 * DAY, 6, 2],
        approval: [80, 50],
        support: [100, 1],
    },
    Plan {
        id: 30,
        name: "referendum_canceller",
        origin: Some(Origin::ReferendumCanceller),
        max_deciding: 100,
        decision_deposit_pha: 5_000,
        hours: [1, 7 * DAY, 1, 1],
        approval: [90, 55],
        support: [200, 2],
    },
    Plan {
        id: 31,
        name: "referendum_killer",
        origin: Some(Origin::ReferendumKiller),
        max_deciding: 100,
        decision_deposit_pha: 25_000,
        hours: [1, 14 * DAY, 1, 1],
        approval: [95, 60],
        support: [300, 10],
    },
];

/// [`PLANS`] in blocks of this network.
pub struct Tracks<T, Caller>(PhantomData<(T, Caller)>);

fn line(from: Perbill, to: Perbill) -> Curve {
    Curve::LinearDecreasing { length: Perbill::one(), floor: to, ceil: from }
}

fn info<T: Config>(plan: &Plan) -> TrackInfo<Balance, BlockNumber> {
    let mut name = [0; NAME_BYTES];
    for (to, from) in name.iter_mut().zip(plan.name.bytes()) {
        *to = from;
    }
    let [prepare, decision, confirm, enactment] = plan.hours.map(|count| hours::<T>(count));
    let [approval, approval_end] = plan.approval.map(Perbill::from_percent);
    let [support, support_end] = plan.support.map(|part| Perbill::from_parts(part * 1_000_000));
    TrackInfo {
        name,
        max_deciding: plan.max_deciding,
        decision_deposit: plan.decision_deposit_pha * PHA,
        prepare_period: prepare,
        decision_period: decision,
        confirm_period: confirm,
        min_enactment_period: enactment,
        min_approval: line(approval, approval_end),
        min_support: line(support, support_end),
    }
}

impl<T, Caller> TracksInfo<Balance, BlockNumber> for Tracks<T, Caller>
where
    T: Config,
    Caller: Speaks,
{
    type Id = TrackId;
    type RuntimeOrigin = Caller;

    fn tracks() -> impl Iterator<Item = Cow<'static, Track<TrackId, Balance, BlockNumber>>> {
        PLANS.iter().map(|plan| Cow::Owned(Track { id: plan.id, info: info::<T>(plan) }))
    }

    fn track_for(origin: &Caller) -> Result<TrackId, ()> {
        let origin = origin.speaks_for().ok_or(())?;
        let plan = PLANS.iter().find(|plan| plan.origin == origin);
        plan.map(|plan| plan.id).ok_or(())
    }
}

/// A caller of a runtime: its `OriginCaller`.
pub trait Speaks {
    /// Whom it speaks for: `Some(None)` is root, `None` nobody that has a track.
    fn speaks_for(&self) -> Option<Option<Origin>>;
}
