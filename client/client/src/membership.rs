//! Which workers a cluster has, and which of them may be asked: one proven read.

use crate::{Chain, ChainError, Proven, WorkerRecord};
use chain_facts::{ContractRecord, keys};
use primitives::{BlockNumber, ClusterId, ContractId, UnixMillis, WorkerId};
use std::fmt;

/// How often the list of workers is read anew because it changed while it was read.
const MEMBERSHIP_TRIES: u32 = 4;

/// Whether a worker of a cluster may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Serves,
    /// Its registration has lapsed.
    Lapsed,
    /// The chain has suspended it: its state differed from the others'.
    Suspended,
    /// It announces no URL.
    NoEndpoint,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Serves => "it may be asked",
            Self::Lapsed => "its registration has lapsed",
            Self::Suspended => "the chain has suspended it",
            Self::NoEndpoint => "it announces no endpoint",
        })
    }
}

/// A worker of a cluster.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its registration, and where it can be reached.
    pub record: WorkerRecord,
    /// Whether it may be asked.
    pub standing: Standing,
}

/// A cluster's workers at a final block, proven.
#[derive(Clone, Debug)]
pub struct Membership {
    /// Which cluster.
    pub cluster: ClusterId,
    /// The final block that shows it.
    pub block_number: BlockNumber,
    /// Its workers, in the chain's order.
    pub members: Vec<Member>,
}

impl Chain {
    /// The workers of a cluster, all from one proven read.
    ///
    /// # Errors
    /// When there is no such cluster, or a proof does not hold.
    pub async fn membership(&self, cluster: &ClusterId) -> Result<Membership, ChainError> {
        self.membership_with(cluster, None).await
    }

    /// The workers of the cluster where a contract lives, all from one proven read.
    ///
    /// # Errors
    /// When there is no such contract, or a proof does not hold.
    pub async fn membership_of_contract(
        &self,
        contract: &ContractId,
    ) -> Result<Membership, ChainError> {
        let missing = || ChainError::NotFound(format!("contract {contract}"));
        let record: ContractRecord =
            self.unproven("contract", keys::contract(contract)).await?.ok_or_else(missing)?;
        self.membership_with(&record.cluster, Some(contract)).await
    }

    async fn membership_with(
        &self,
        cluster: &ClusterId,
        contract: Option<&ContractId>,
    ) -> Result<Membership, ChainError> {
        let list_key = keys::cluster_workers(cluster);
        let missing = || ChainError::NotFound(format!("cluster {cluster}"));
        // Only what one knows the name of can be asked for: the node's word gives the names, the
        // proof shows whether they were right.
        let mut list: Vec<WorkerId> = self
            .unproven("workers of a cluster", list_key.clone())
            .await?
            .ok_or_else(missing)?;
        for _ in 0..MEMBERSHIP_TRIES {
            let mut wanted =
                vec![list_key.clone(), keys::timestamp_now(), keys::suspended_workers(cluster)];
            wanted.extend(contract.map(keys::contract));
            for worker in &list {
                wanted.extend([keys::worker(worker), keys::endpoints(worker)]);
            }
            let proven = self.proven(&wanted).await?;
            let proven_list: Vec<WorkerId> =
                proven.read("workers of a cluster", &list_key)?.ok_or_else(missing)?;
            if !proven_list.iter().all(|worker| list.contains(worker)) {
                list = proven_list;
                continue;
            }
            if let Some(contract) = contract {
                let record: Option<ContractRecord> =
                    proven.read("contract", &keys::contract(contract))?;
                if record.is_none_or(|record| record.cluster != *cluster) {
                    return Err(ChainError::NotFound(format!("contract {contract}")));
                }
            }
            return members(&proven, cluster, &proven_list);
        }
        Err(ChainError::Node(format!("the list of workers of cluster {cluster} keeps changing")))
    }
}

fn members(
    proven: &Proven,
    cluster: &ClusterId,
    list: &[WorkerId],
) -> Result<Membership, ChainError> {
    let now_ms: UnixMillis =
        proven.read("timestamp", &keys::timestamp_now())?.unwrap_or_default();
    let suspended: Vec<WorkerId> = proven
        .read("suspended workers", &keys::suspended_workers(cluster))?
        .unwrap_or_default();
    let mut members = Vec::new();
    for worker in list {
        // Without a registration there is no key to seal to: then it is no worker to clients.
        let Some(record) = crate::chain::worker_record(proven, worker)? else { continue };
        let standing = standing(&record, now_ms, &suspended);
        members.push(Member { record, standing });
    }
    Ok(Membership { cluster: *cluster, block_number: proven.state.number(), members })
}

/// `now_ms` is the chain's time.
fn standing(record: &WorkerRecord, now_ms: UnixMillis, suspended: &[WorkerId]) -> Standing {
    if record.info.expires_at_ms <= now_ms {
        Standing::Lapsed
    } else if suspended.contains(&record.info.worker) {
        Standing::Suspended
    } else if record.endpoints.is_empty() {
        Standing::NoEndpoint
    } else {
        Standing::Serves
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attestation::{RootKind, TeeKind};
    use chain_facts::WorkerInfo;
    use primitives::{AccountId, HpkePublicKey, Measurement};

    fn check(now_ms: UnixMillis, suspended: &[WorkerId], urls: &[&str], expect: Standing) {
        let info = WorkerInfo {
            worker: WorkerId([1; 32]),
            hpke_public_key: HpkePublicKey([2; 32]),
            runtime_version: 0,
            operator: None,
            registrant: AccountId::default(),
            measurement: Measurement::default(),
            tee: TeeKind::Tdx,
            root: RootKind::Development,
            confidence_level: 1,
            evidence_hash: [0; 32],
            registration_hash: [0; 32],
            made_at_ms: 0,
            last_updated_ms: 0,
            expires_at_ms: 1000,
            initial_score: None,
        };
        let endpoints = urls.iter().map(|url| (*url).to_owned()).collect();
        let record = WorkerRecord { info, endpoints };
        assert_eq!(standing(&record, now_ms, suspended), expect);
    }

    #[test]
    fn who_may_be_asked_is_registered_not_suspended_and_somewhere() {
        let url = "http://127.0.0.1:1";
        check(999, &[], &[url], Standing::Serves);
        check(1000, &[], &[url], Standing::Lapsed);
        check(999, &[WorkerId([2; 32])], &[url], Standing::Serves);
        check(999, &[WorkerId([2; 32]), WorkerId([1; 32])], &[url], Standing::Suspended);
        check(999, &[], &[], Standing::NoEndpoint);
    }
}
