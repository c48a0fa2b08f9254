//! What gatekeepers look at: ceremony, beacon, and who waits for a cluster's seed.

use super::{StorageReader, confirmation, hpke_key_of_active, read, seed_shares, seeds_of};
use crate::{
    keys,
    view::{BeaconView, CLUSTERS_MAX, CeremonyView, GatekeepingView, NEEDS_MAX, SeedNeed},
};
use alloc::vec::Vec;
use primitives::{BlockNumber, ClusterId, WorkerId};
use threshold_keys::{
    BeaconRound, BeaconStage, CeremonyState, SeedConfirmation, Sharing, SharingId,
};

/// A worker that has told that it has its seed is looked at again in every so many blocks only, in
/// case that it comes back with another key: almost all have theirs at any time.
const CONFIRMED_LOOKED_AT_EVERY: BlockNumber = 16;

/// `None` where the chain has no gatekeepers' settings.
pub(super) async fn view<R: StorageReader>(
    block: &R,
    own: &WorkerId,
) -> Result<Option<GatekeepingView>, R::Error> {
    let Some(settings) = read(block, "gatekeeper settings", keys::gatekeeper_settings()).await?
    else {
        return Ok(None);
    };
    let sharing: Option<Sharing> = read(block, "sharing", keys::sharing()).await?;
    let held = sharing
        .as_ref()
        .filter(|sharing| sharing.index_of(&own.0).is_some());
    Ok(Some(GatekeepingView {
        settings,
        network_key: match &sharing {
            Some(sharing) => Some(sharing.group_key()),
            None => read(block, "network key", keys::network_key()).await?,
        },
        ceremony: ceremony(block).await?,
        needs: match held {
            Some(sharing) => needs(block, sharing.id()).await?,
            None => Vec::new(),
        },
        beacon: match held {
            Some(_) => beacon(block).await?,
            None => None,
        },
        latest_beacon: read(block, "beacon value", keys::latest_beacon()).await?,
        sharing,
    }))
}

async fn ceremony<R: StorageReader>(block: &R) -> Result<Option<CeremonyView>, R::Error> {
    let Some(state) = read::<_, CeremonyState>(block, "ceremony", keys::ceremony()).await? else {
        return Ok(None);
    };
    let mut dealings = Vec::new();
    for dealer in state
        .dealt
        .iter()
        .filter(|dealer| !state.struck_out.contains(dealer))
    {
        // The chain keeps those alone that stand, so one that is missing was struck out just now.
        dealings.extend(read(block, "dealing", keys::dealing(*dealer)).await?);
    }
    Ok(Some(CeremonyView {
        plan: match state.plan {
            Some(_) => read(block, "plan of a ceremony", keys::ceremony_plan()).await?,
            None => None,
        },
        pending: read(block, "pending sharing", keys::pending_sharing()).await?,
        state,
        dealings,
    }))
}

async fn beacon<R: StorageReader>(block: &R) -> Result<Option<BeaconView>, R::Error> {
    let Some(state) = read::<_, BeaconRound>(block, "beacon", keys::beacon_round()).await? else {
        return Ok(None);
    };
    // Before they are picked, contributions are nothing that anybody acts on.
    let (contributions, responses) = match state.stage {
        BeaconStage::Responding => (
            read(block, "beacon contributions", keys::beacon_contributions()).await?,
            read(block, "beacon responses", keys::beacon_responses()).await?,
        ),
        BeaconStage::Contributing | BeaconStage::Shares => (None, None),
    };
    Ok(Some(BeaconView {
        state,
        contributions: contributions.unwrap_or_default(),
        responses: responses.unwrap_or_default(),
    }))
}

/// Who waits for shares, of [`CLUSTERS_MAX`] clusters: where there are more, others in each block.
async fn needs<R: StorageReader>(block: &R, sharing: SharingId) -> Result<Vec<SeedNeed>, R::Error> {
    let count: u64 = read(block, "cluster counter", keys::cluster_counter())
        .await?
        .unwrap_or_default();
    let mut needs = Vec::new();
    for counter in clusters_of(block.number(), count) {
        let cluster = keys::cluster_id(counter);
        let workers: Vec<WorkerId> = read(
            block,
            "workers of a cluster",
            keys::cluster_workers(&cluster),
        )
        .await?
        .unwrap_or_default();
        if workers.is_empty() {
            continue;
        }
        let rotation = seeds_of(block, &cluster).await?.newest;
        for worker in workers {
            if let Some(need) = need(block, (cluster, rotation), worker, sharing).await? {
                needs.push(need);
            }
            if needs.len() >= NEEDS_MAX {
                return Ok(needs);
            }
        }
    }
    Ok(needs)
}

fn clusters_of(number: BlockNumber, count: u64) -> impl Iterator<Item = u64> {
    let first = match count {
        0..=CLUSTERS_MAX => 0,
        _ => (u64::from(number) * CLUSTERS_MAX) % count,
    };
    (0..count.min(CLUSTERS_MAX)).map(move |place| 1 + (first + place) % count)
}

async fn need<R: StorageReader>(
    block: &R,
    (cluster, rotation): (ClusterId, u32),
    worker: WorkerId,
    sharing: SharingId,
) -> Result<Option<SeedNeed>, R::Error> {
    let confirmed = confirmation(block, &cluster, &worker).await?;
    let has_seed = confirmed.is_some_and(|confirmed| confirmed.rotation == rotation);
    let phase = block.number().wrapping_add(worker.0[0].into());
    if has_seed && !phase.is_multiple_of(CONFIRMED_LOOKED_AT_EVERY) {
        return Ok(None);
    }
    let Some(hpke_public_key) = hpke_key_of_active(block, &worker).await? else {
        return Ok(None);
    };
    if confirmed
        == Some(SeedConfirmation {
            rotation,
            hpke_public_key,
        })
    {
        return Ok(None);
    }
    let shares = seed_shares(
        block,
        (&cluster, rotation),
        (&worker, hpke_public_key),
        sharing,
    )
    .await?;
    Ok(Some(SeedNeed {
        cluster,
        rotation,
        worker,
        hpke_public_key,
        shares_present: shares.iter().map(|share| share.holder).collect(),
    }))
}
