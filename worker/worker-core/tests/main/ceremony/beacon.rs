//! The beacon's rounds, from block to block.

use super::Gatekeepers;
use chain_facts::view::BeaconView;
use threshold_keys::*;

const BEACON_ATTEMPTS_MAX: u8 = 3;

impl Gatekeepers {
    pub(super) fn attempt(beacon: &mut BeaconView, attempt: u8) {
        let state = &mut beacon.state;
        (state.stage, state.attempt) = (BeaconStage::Contributing, attempt);
        state.deadline = None;
        state.contributed = PerHolder::new();
        state.responded = PerHolder::new();
        beacon.contributions = PerHolder::new();
        beacon.responses = PerHolder::new();
    }

    pub(super) fn advance_beacon(&mut self, now: u32) {
        let Some(sharing) = self
            .sharing
            .clone()
            .filter(|_| self.settings.beacon_blocks > 0)
        else {
            return;
        };
        if now >= self.next_beacon_at {
            self.next_beacon_at = now + self.settings.beacon_blocks;
            self.beacon_shares.clear();
            let mut beacon = BeaconView {
                state: BeaconRound {
                    round: self.next_round,
                    sharing: sharing.id(),
                    stage: BeaconStage::Contributing,
                    attempt: 0,
                    began_at: now,
                    deadline: None,
                    contributed: PerHolder::new(),
                    responded: PerHolder::new(),
                    excluded: PerHolder::new(),
                    shared: PerHolder::new(),
                },
                contributions: PerHolder::new(),
                responses: PerHolder::new(),
            };
            Self::attempt(&mut beacon, 0);
            self.beacon = Some(beacon);
            self.next_round += 1;
        }
        let Some(mut beacon) = self.beacon.take() else {
            return;
        };
        let round = beacon.state.round;
        let context = EvaluationContext::Beacon { round };
        let threshold = usize::from(sharing.threshold());
        let state = &mut beacon.state;
        match state.stage {
            BeaconStage::Contributing => {
                let eligible = sharing.holders().len() - state.excluded.len();
                if eligible < threshold {
                    state.stage = BeaconStage::Shares;
                } else if beacon.contributions.len() >= threshold {
                    let deadline = *state
                        .deadline
                        .get_or_insert(now + self.settings.beacon_wait_blocks);
                    if now >= deadline || beacon.contributions.len() == eligible {
                        let mut picked = beacon.contributions.to_vec();
                        picked.sort_by_key(|contribution| contribution.share.holder);
                        picked.truncate(threshold);
                        let holders = picked.iter().map(|picked| picked.share.holder).collect();
                        state.contributed = PerHolder::truncate_from(holders);
                        beacon.contributions = PerHolder::truncate_from(picked);
                        state.stage = BeaconStage::Responding;
                        state.deadline = Some(now + self.settings.beacon_attempt_blocks);
                    }
                }
            }
            BeaconStage::Responding => {
                let proof = JointProof::new(&sharing, &context, &beacon.contributions).unwrap();
                let responses: Vec<ProofResponse> = beacon
                    .responses
                    .iter()
                    .map(|signed| signed.response)
                    .collect();
                match proof.finish(&responses) {
                    Ok(proven) => {
                        let key = sharing.group_key();
                        let value = BeaconValue::from_proof(&key, round, &proven).unwrap();
                        self.values.push(BeaconOutput {
                            round,
                            value,
                            known_at: now,
                            proof: Some(proven),
                        });
                        return;
                    }
                    Err(error) if Some(now) >= state.deadline => {
                        for holder in error.faulty {
                            self.absent.push(*sharing.holder(holder).unwrap());
                            state.excluded.try_push(holder).unwrap();
                        }
                        let next = state.attempt + 1;
                        if next >= BEACON_ATTEMPTS_MAX {
                            state.stage = BeaconStage::Shares;
                        } else {
                            Self::attempt(&mut beacon, next);
                        }
                    }
                    Err(_) => {}
                }
            }
            BeaconStage::Shares => {
                if let Ok(value) = BeaconValue::from_shares(&sharing, round, &self.beacon_shares) {
                    self.values.push(BeaconOutput {
                        round,
                        value,
                        known_at: now,
                        proof: None,
                    });
                    return;
                }
            }
        }
        self.beacon = Some(beacon);
    }

    pub(super) fn take_beacon_share(&mut self, share: &EvaluationShare) {
        let beacon = self.beacon.as_mut().unwrap();
        if !beacon.state.shared.contains(&share.holder) {
            beacon.state.shared.try_push(share.holder).unwrap();
            self.beacon_shares.push(share.clone());
        }
    }
}
