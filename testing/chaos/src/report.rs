//! What was done and what was seen, as JSON and as text.

use crate::{
    faults::Happened,
    load::{Deed, Tried},
    network::Size,
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    time::{Duration, Instant},
};

/// A run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What all faults were drawn from.
    pub seed: u64,
    /// Minutes of load.
    pub minutes: f64,
    /// How large the network was.
    pub size: Size,
    /// How slow lines were slow.
    pub slow_lines: String,
    /// Faults, in their order.
    pub faults: Vec<Happened>,
    /// Commands that the chain accepted, all of which are in the journals.
    pub commands_accepted: u64,
    /// Commands whose outcome a client did not get in time, or that did not reach the chain.
    pub commands_unseen: u64,
    /// Answers that were checked.
    pub answers: u64,
    /// Queries that nobody answered in time.
    pub queries_unanswered: u64,
    /// Why attempts failed, and how often.
    pub failures: BTreeMap<String, u64>,
    /// Changes of the validators that took effect, and how often one was asked for.
    pub authority_sets: u64,
    /// How often a change was asked for, and taken by the chain.
    pub rotations: u32,
    /// Programs that ended by themselves, and how.
    pub ended: Vec<String>,
    /// Longest time in which no query of a cluster was answered, and no command, seconds.
    pub longest_outage: [f64; 2],
    /// Seconds from the last fault's end until every cluster served commands and queries.
    pub service_back_after: Option<f64>,
    /// And until every machine was where it should be.
    pub machines_back_after: Option<f64>,
    /// The worker that lied at the end, as the clients named it.
    pub liar: Option<String>,
    /// Bytes of the proof of a receipt from the genesis block across all sets.
    pub receipt_proof_bytes: Option<usize>,
    /// What must not be. A run without any has passed.
    pub wrong: Vec<String>,
}

/// Seconds from `since` until, in every one of `clusters`, something that was begun since was served.
pub fn served_after(tried: &[Tried], since: Instant, deed: Deed, clusters: usize) -> Option<f64> {
    (0..clusters)
        .map(|cluster| {
            tried
                .iter()
                .filter(|one| one.cluster == cluster && one.deed == deed && one.served)
                .filter(|one| one.began >= since)
                .map(|one| (one.ended - since).as_secs_f64())
                .min_by(f64::total_cmp)
        })
        .try_fold(0.0, |most, after| after.map(|after| f64::max(most, after)))
}

/// The longest time without a served deed, in any cluster, seconds.
pub fn longest_outage(tried: &[Tried], deed: Deed, clusters: usize, whole: [Instant; 2]) -> f64 {
    let mut longest = Duration::ZERO;
    for cluster in 0..clusters {
        let mut served: Vec<Instant> = tried
            .iter()
            .filter(|one| one.cluster == cluster && one.deed == deed && one.served)
            .map(|one| one.ended)
            .filter(|ended| *ended <= whole[1])
            .collect();
        served.push(whole[1]);
        served.sort();
        let mut last = whole[0];
        for ended in served {
            longest = longest.max(ended.saturating_duration_since(last));
            last = ended;
        }
    }
    longest.as_secs_f64()
}

fn seconds(value: Option<f64>) -> String {
    value.map_or("never".to_owned(), |value| format!("{value:.1} s"))
}

/// The largest and the middle one, or that one is missing.
fn spread(mut values: Vec<Option<f64>>) -> String {
    values.sort_by(|one, other| match (one, other) {
        (Some(one), Some(other)) => one.total_cmp(other),
        (one, other) => other.is_some().cmp(&one.is_some()),
    });
    let middle = values.get(values.len() / 2).copied().flatten();
    format!(
        "{} / {}",
        seconds(middle),
        seconds(values.last().copied().flatten())
    )
}

impl Report {
    /// As people read it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let size = &self.size;
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "seed {}, {} minutes: {} nodes, {} gatekeepers, {} x {} workers, {} clients",
            self.seed,
            self.minutes,
            size.nodes,
            size.gatekeepers,
            size.clusters,
            size.workers_each,
            size.clusters * size.clients_each
        );
        let _ = writeln!(text, "slow lines: {}\n", self.slow_lines);
        let _ = writeln!(text, "after each fault's end, in the middle / at worst:");
        let _ = writeln!(
            text,
            "| fault | times | machines back | queries served | commands served |\n|---|---|---|---|---|"
        );
        let mut kinds: BTreeMap<&str, Vec<&Happened>> = BTreeMap::new();
        for fault in &self.faults {
            kinds
                .entry(fault.planned.fault.name())
                .or_default()
                .push(fault);
        }
        for (kind, faults) in kinds {
            let of = |value: fn(&Happened) -> Option<f64>| {
                spread(faults.iter().map(|fault| value(fault)).collect())
            };
            let _ = writeln!(
                text,
                "| {kind} | {} | {} | {} | {} |",
                faults.len(),
                of(|fault| fault.machines_back_after),
                of(|fault| fault.queries_after),
                of(|fault| fault.commands_after)
            );
        }
        let _ = writeln!(
            text,
            "\ncommands: {} accepted, each run once; {} attempts without an outcome in time\n\
             queries: {} answers checked; {} not answered in time\n\
             longest time without: queries {:.1} s, commands {:.1} s\n\
             validators: {} sets, {} changes asked for\n\
             programs that ended by themselves: {}\n\
             after the last fault: service back in {}, every machine in {}\n\
             the lie: {}\n\
             a receipt's proof from genesis: {}",
            self.commands_accepted,
            self.commands_unseen,
            self.answers,
            self.queries_unanswered,
            self.longest_outage[0],
            self.longest_outage[1],
            self.authority_sets,
            self.rotations,
            self.ended.len(),
            seconds(self.service_back_after),
            seconds(self.machines_back_after),
            self.liar
                .as_ref()
                .map_or("not told".to_owned(), |liar| format!("{liar} is named")),
            self.receipt_proof_bytes
                .map_or("none".to_owned(), |bytes| format!("{bytes} bytes"))
        );
        for failure in &self.failures {
            let _ = writeln!(text, "  {} x {}", failure.1, failure.0);
        }
        for fault in self.faults.iter().filter(|fault| fault.error.is_some()) {
            let _ = writeln!(
                text,
                "not made as planned: {}: {:?}",
                fault.planned.fault.name(),
                fault.error
            );
        }
        match self.wrong.is_empty() {
            true => text.push_str("nothing was wrong\n"),
            false => {
                let _ = writeln!(text, "WRONG:\n  {}", self.wrong.join("\n  "));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_is_back_when_the_last_cluster_is() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let tried = |cluster, began, ended, served| Tried {
            cluster,
            deed: Deed::Query,
            began: at(began),
            ended: at(ended),
            served,
        };
        let all = [
            tried(0, 1, 2, true),
            // Begun before: it shows nothing.
            tried(1, 3, 6, true),
            tried(0, 6, 7, true),
            tried(1, 6, 8, false),
            tried(1, 8, 11, true),
        ];
        assert_eq!(served_after(&all, at(5), Deed::Query, 2), Some(6.0));
        assert_eq!(served_after(&all, at(9), Deed::Query, 2), None);
        assert_eq!(served_after(&all, at(5), Deed::Command, 2), None);
        assert!((longest_outage(&all, Deed::Query, 2, [at(0), at(12)]) - 6.0).abs() < 0.01);
    }

    #[test]
    fn one_that_never_came_back_is_the_worst() {
        assert_eq!(spread(vec![Some(2.0), None, Some(1.0)]), "2.0 s / never");
        assert_eq!(
            spread(vec![Some(2.0), Some(1.0), Some(4.0)]),
            "2.0 s / 4.0 s"
        );
    }
}
