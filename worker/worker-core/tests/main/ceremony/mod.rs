//! What the chain does with gatekeepers: the pallet in small, judging with the real cryptography.

mod beacon;
mod seeds;

pub use seeds::{gatekeeper_message, seed_share};

use crate::chain::GENESIS;
use chain_facts::view::{BeaconView, CeremonyView};
use codec::Encode;
use primitives::*;
use std::collections::BTreeMap;
use threshold_keys::*;

/// Every how many blocks the set of gatekeepers is compared with the holders.
const MEMBERSHIP_CHECK_BLOCKS: u32 = 8;

type Need = (ClusterId, WorkerId);

pub struct Gatekeepers {
    pub settings: GatekeeperSettings,
    pub sharing: Option<Sharing>,
    pub past: Vec<Sharing>,
    pub members: Option<Sharing>,
    pub network_key: Option<GroupKey>,
    pub ceremony: Option<CeremonyView>,
    pub recipients: BTreeMap<HolderKey, Recipient>,
    pub next_epoch: u32,
    pub since: BlockNumber,
    pub retry_at: BlockNumber,
    pub last_candidates: Vec<HolderKey>,
    pub failed: Vec<SharingId>,
    pub seeds: BTreeMap<Need, PendingSeed>,
    pub confirmed: BTreeMap<Need, SeedConfirmation>,
    pub rotations: BTreeMap<ClusterId, u32>,
    pub beacon: Option<BeaconView>,
    pub beacon_shares: Vec<EvaluationShare>,
    pub next_round: u64,
    pub next_beacon_at: BlockNumber,
    pub values: Vec<BeaconOutput>,
    /// Whom the beacon has found absent.
    pub absent: Vec<HolderKey>,
    /// Who dealt wrongly.
    pub struck: Vec<HolderKey>,
    pub reported: Vec<WrongShare>,
    /// All that was ever said in a slot of which there is one.
    pub said: BTreeMap<(Vec<u8>, HolderKey), Vec<u8>>,
}

impl Default for Gatekeepers {
    fn default() -> Self {
        Self {
            settings: GatekeeperSettings {
                threshold: ThresholdRule::Majority,
                holders_min: 1,
                handover_percent: 60,
                receiving_blocks: 8,
                dealing_blocks: 8,
                checking_blocks: 8,
                member_stage_blocks: 8,
                epoch_blocks: 1_000_000,
                retry_blocks: 3,
                // None, until a test asks for it.
                beacon_blocks: 0,
                beacon_wait_blocks: 1,
                beacon_attempt_blocks: 6,
            },
            sharing: None,
            past: Vec::new(),
            members: None,
            network_key: None,
            ceremony: None,
            recipients: BTreeMap::new(),
            next_epoch: 0,
            since: 0,
            retry_at: 0,
            last_candidates: Vec::new(),
            failed: Vec::new(),
            seeds: BTreeMap::new(),
            confirmed: BTreeMap::new(),
            rotations: BTreeMap::new(),
            beacon: None,
            beacon_shares: Vec::new(),
            next_round: 0,
            next_beacon_at: 0,
            values: Vec::new(),
            absent: Vec::new(),
            struck: Vec::new(),
            reported: Vec::new(),
            said: BTreeMap::new(),
        }
    }
}

impl Gatekeepers {
    /// Begins a ceremony instead of any that goes on.
    pub fn begin(
        &mut self,
        now: u32,
        committee: Committee,
        source: CeremonySource,
        of: Vec<HolderKey>,
    ) {
        if let Some(ceremony) = self.ceremony.take() {
            self.failed.push(ceremony.state.target);
        }
        let target = SharingId {
            generation: 0,
            committee,
            epoch: self.next_epoch,
        };
        self.next_epoch += 1;
        self.recipients.clear();
        let state = CeremonyState {
            target,
            source,
            stage: CeremonyStage::Receiving,
            deadline: now + self.settings.receiving_blocks,
            candidates: PerHolder::truncate_from(of),
            received: PerHolder::new(),
            plan: None,
            dealers: 0,
            recipients: 0,
            dealt: PerHolder::new(),
            struck_out: PerHolder::new(),
            handed_over: PerHolder::new(),
        };
        self.ceremony = Some(CeremonyView {
            state,
            plan: None,
            dealings: Vec::new(),
            pending: None,
        });
    }

    fn begin_if_due(&mut self, now: u32, active: Vec<HolderKey>) {
        let has_key = self.network_key.is_some();
        if now < self.retry_at
            || (has_key && !now.is_multiple_of(MEMBERSHIP_CHECK_BLOCKS))
            || active.len() < usize::from(self.settings.holders_min)
            || self
                .settings
                .threshold
                .threshold(active.len() as u8)
                .is_none()
        {
            return;
        }
        let source = match &self.sharing {
            None if has_key => return,
            None => CeremonySource::NewKey,
            Some(sharing) => {
                let same = |known: &[HolderKey]| {
                    known.len() == active.len() && known.iter().all(|key| active.contains(key))
                };
                if now - self.since < self.settings.epoch_blocks
                    && (same(sharing.holders()) || same(&self.last_candidates))
                {
                    return;
                }
                CeremonySource::Sharing(sharing.id())
            }
        };
        self.begin(now, Committee::Gatekeepers, source, active);
    }

    fn fail(&mut self, now: u32) {
        if let Some(ceremony) = self.ceremony.take() {
            self.failed.push(ceremony.state.target);
        }
        self.retry_at = now + self.settings.retry_blocks;
    }

    /// The beginning of a block.
    pub fn advance(&mut self, now: u32, active: Vec<HolderKey>) {
        match self.ceremony.take() {
            None => self.begin_if_due(now, active),
            Some(ceremony) => self.advance_stage(ceremony, now),
        }
        self.advance_beacon(now);
    }

    fn advance_stage(&mut self, mut ceremony: CeremonyView, now: u32) {
        let state = &mut ceremony.state;
        let over = now >= state.deadline;
        match state.stage {
            CeremonyStage::Receiving if over || state.received.len() == state.candidates.len() => {
                let recipients: Vec<Recipient> = state
                    .candidates
                    .iter()
                    .filter_map(|candidate| self.recipients.get(candidate).copied())
                    .collect();
                let count = recipients.len() as u8;
                let source = match state.source {
                    CeremonySource::NewKey => Some(Source::Generation),
                    CeremonySource::Sharing(id) => [&self.sharing, &self.members]
                        .into_iter()
                        .flatten()
                        .find(|sharing| sharing.id() == id)
                        .map(|sharing| Source::Resharing(sharing.clone())),
                };
                let threshold = self.settings.threshold.threshold(count);
                let (Some(source), Some(threshold)) = (source, threshold) else {
                    self.ceremony = Some(ceremony);
                    return self.fail(now);
                };
                state.dealers = match &source {
                    Source::Generation => count,
                    Source::Resharing(sharing) => sharing.holders().len() as u8,
                };
                let recipients = PerHolder::truncate_from(recipients);
                let plan = Plan::new(GENESIS, state.target, threshold, source, recipients).unwrap();
                state.plan = Some(plan.digest());
                state.recipients = count;
                state.stage = CeremonyStage::Dealing;
                state.deadline = now + self.settings.dealing_blocks;
                ceremony.plan = Some(plan);
            }
            CeremonyStage::Dealing if over || state.dealt.len() == usize::from(state.dealers) => {
                state.stage = CeremonyStage::Checking;
                state.deadline = now + self.settings.checking_blocks;
                return self.count(ceremony, now);
            }
            CeremonyStage::Checking if ceremony.pending.is_none() => {
                return self.count(ceremony, now);
            }
            CeremonyStage::Checking
                if over || state.handed_over.len() == usize::from(state.recipients) =>
            {
                let sharing = ceremony.pending.clone().unwrap();
                let percent = usize::from(self.settings.handover_percent);
                let needed = (usize::from(state.recipients) * percent).div_ceil(100);
                if state.handed_over.len() < needed.max(sharing.threshold().into()) {
                    self.ceremony = Some(ceremony);
                    return self.fail(now);
                }
                if sharing.id().committee == Committee::Members {
                    self.members = Some(sharing);
                    return;
                }
                self.network_key.get_or_insert(sharing.group_key());
                self.since = now;
                self.last_candidates = state.candidates.to_vec();
                if let Some(beacon) = &mut self.beacon {
                    beacon.state.sharing = sharing.id();
                    Self::attempt(beacon, 0);
                    beacon.state.excluded = PerHolder::new();
                    beacon.state.shared = PerHolder::new();
                    self.beacon_shares.clear();
                }
                self.past.extend(self.sharing.replace(sharing));
                return;
            }
            _ => {}
        }
        self.ceremony = Some(ceremony);
    }

    fn count(&mut self, mut ceremony: CeremonyView, now: u32) {
        let plan = ceremony.plan.as_ref().unwrap();
        let dealings: Vec<VerifiedDealing> = ceremony
            .dealings
            .iter()
            .map(|dealing| dealing.clone().verify(plan).unwrap())
            .collect();
        let sharing = Sharing::from_dealings(plan, &dealings)
            .ok()
            .filter(|sharing| {
                self.network_key
                    .is_none_or(|key| key == sharing.group_key())
            });
        let counted = sharing.is_some();
        ceremony.pending = sharing;
        self.ceremony = Some(ceremony);
        if !counted {
            self.fail(now);
        }
    }

    /// Whether the message lets into a block: whether its sender has a part in anything.
    pub fn has_part(&self, who: &HolderKey) -> bool {
        let holds = |sharing: &Sharing| sharing.index_of(who).is_some();
        self.sharing.as_ref().is_some_and(holds)
            || self
                .ceremony
                .as_ref()
                .is_some_and(|ceremony| ceremony.state.candidates.contains(who))
    }

    /// One message of a ceremony or the beacon; also of members, who speak by extrinsics.
    pub fn take(&mut self, who: HolderKey, message: GatekeeperMessage) -> bool {
        self.judge(who, message).is_some()
    }

    fn judge(&mut self, who: HolderKey, message: GatekeeperMessage) -> Option<()> {
        let checking = self.settings.checking_blocks;
        match message {
            GatekeeperMessage::ReceivingKey { target, key } => {
                let state = &mut self.ceremony.as_mut()?.state;
                let place = state.candidates.iter().position(|known| *known == who)?;
                let place = HolderIndex::new(place as u8 + 1)?;
                let fits = state.target == target
                    && state.stage == CeremonyStage::Receiving
                    && !state.received.contains(&place)
                    && key.holder == who;
                let recipient = key.verify(&GENESIS, target).ok().filter(|_| fits)?;
                self.recipients.insert(who, recipient);
                state.received.try_push(place).ok()
            }
            GatekeeperMessage::Dealing { plan, dealing } => {
                let ceremony = self.ceremony.as_mut()?;
                let (state, of) = (&mut ceremony.state, ceremony.plan.as_ref()?);
                let dealer = dealing.dealer;
                let fits = of.digest() == plan
                    && state.stage == CeremonyStage::Dealing
                    && of.dealer(dealer) == Some(&who)
                    && !state.dealt.contains(&dealer);
                dealing.clone().verify(of).ok().filter(|_| fits)?;
                ceremony.dealings.push(dealing);
                state.dealt.try_push(dealer).ok()
            }
            GatekeeperMessage::Complaint { plan, complaint } => {
                let ceremony = self.ceremony.as_mut()?;
                let (state, of) = (&mut ceremony.state, ceremony.plan.as_ref()?);
                let dealer = complaint.dealer;
                let dealing = ceremony
                    .dealings
                    .iter()
                    .find(|dealing| dealing.dealer == dealer)?;
                let dealing = dealing.clone().verify(of).ok()?;
                let fits =
                    of.digest() == plan && of.recipient_index(&who) == Some(complaint.recipient);
                complaint.judge(of, &dealing).ok().filter(|_| fits)?;
                ceremony.dealings.retain(|dealing| dealing.dealer != dealer);
                self.struck.push(*of.dealer(dealer)?);
                if state.stage == CeremonyStage::Checking {
                    ceremony.pending = None;
                    state.handed_over = PerHolder::new();
                    state.deadline += checking;
                }
                state.struck_out.try_push(dealer).ok()
            }
            GatekeeperMessage::Handover { plan, share } => {
                let ceremony = self.ceremony.as_mut()?;
                let (state, pending) = (&mut ceremony.state, ceremony.pending.as_ref()?);
                let fits = state.stage == CeremonyStage::Checking
                    && state.plan == Some(plan)
                    && pending.holder(share.holder) == Some(&who)
                    && !state.handed_over.contains(&share.holder);
                let context = EvaluationContext::Handover { plan };
                pending
                    .verify_share(&context, &share)
                    .ok()
                    .filter(|()| fits)?;
                state.handed_over.try_push(share.holder).ok()
            }
            // Judged by who knows the workers.
            GatekeeperMessage::SeedShare(_) => None,
            GatekeeperMessage::BeaconContribution {
                round,
                attempt,
                contribution,
                statement_signature,
            } => {
                let statement = contribution_statement(GENESIS, round, attempt, &contribution);
                self.hear(
                    &statement,
                    &who,
                    contribution.encode(),
                    &statement_signature,
                );
                let sharing = self.sharing.clone()?;
                let beacon = self.beacon.as_mut()?;
                let (state, holder) = (&mut beacon.state, contribution.share.holder);
                let fits = (state.round, state.attempt, state.stage)
                    == (round, attempt, BeaconStage::Contributing)
                    && sharing.holder(holder) == Some(&who)
                    && !state.contributed.contains(&holder)
                    && !state.excluded.contains(&holder);
                let context = EvaluationContext::Beacon { round };
                sharing
                    .verify_share(&context, &contribution.share)
                    .ok()
                    .filter(|()| fits)?;
                state.contributed.try_push(holder).ok()?;
                let share = contribution.share.clone();
                beacon.contributions.try_push(contribution).ok()?;
                self.take_beacon_share(&share);
                Some(())
            }
            GatekeeperMessage::BeaconResponse {
                round,
                attempt,
                response,
                statement_signature,
            } => {
                let sharing = self.sharing.clone()?;
                let statement =
                    response_statement(GENESIS, sharing.id(), round, attempt, &response);
                self.hear(&statement, &who, response.encode(), &statement_signature);
                let beacon = self.beacon.as_mut()?;
                let (state, holder) = (&mut beacon.state, response.holder);
                let fits = (state.round, state.attempt, state.stage)
                    == (round, attempt, BeaconStage::Responding)
                    && sharing.holder(holder) == Some(&who)
                    && state.contributed.contains(&holder)
                    && !state.responded.contains(&holder);
                fits.then_some(())?;
                state.responded.try_push(holder).ok()?;
                beacon
                    .responses
                    .try_push(SignedResponse {
                        response,
                        statement_signature,
                    })
                    .ok()
            }
            GatekeeperMessage::BeaconShare { round, share } => {
                let sharing = self.sharing.clone()?;
                let state = &self.beacon.as_ref()?.state;
                let fits = state.round == round
                    && sharing.holder(share.holder) == Some(&who)
                    && !state.shared.contains(&share.holder);
                let context = EvaluationContext::Beacon { round };
                sharing
                    .verify_share(&context, &share)
                    .ok()
                    .filter(|()| fits)?;
                self.take_beacon_share(&share);
                Some(())
            }
        }
    }

    /// Holds what is said in a slot against what was said before: a difference is evidence.
    fn hear(
        &mut self,
        statement: &Statement,
        who: &HolderKey,
        said: Vec<u8>,
        signature: &[u8; 64],
    ) {
        assert!(secrets::verify_sr25519(
            who,
            &statement.signing_bytes(),
            signature
        ));
        let slot = ((statement.sharing, statement.slot).encode(), *who);
        let before = self.said.entry(slot).or_insert_with(|| said.clone());
        assert_eq!(*before, said, "two different things were said in one slot");
    }
}
