//! What goes wrong, how often, and when it ends.

use crate::{
    Broken, Sabotage,
    chain::Caller,
    machine::{Machine, Troubles},
    random::Chance,
    world::{World, public},
};
use chain_facts::keys;
use polkadot_sdk::sp_core::H256;
use primitives::WorkerId;
use worker_core::{ClusterStore as _, ServingState};

/// Machines at most, clones included.
const MACHINES_MAX: usize = 12;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Crash,
    CrashMidway,
    OlderDisk,
    NoDisk,
    OlderSecrets,
    Past,
    Clone,
    Deaf,
    Mute,
    Liar,
    Skew,
    NoQuotes,
    Reorganisation,
    NoFinality,
    LongTime,
    Membership,
    Errs,
    Rotation,
}

const ALL: [Fault; 18] = [
    Fault::Crash,
    Fault::CrashMidway,
    Fault::OlderDisk,
    Fault::NoDisk,
    Fault::OlderSecrets,
    Fault::Past,
    Fault::Clone,
    Fault::Deaf,
    Fault::Mute,
    Fault::Liar,
    Fault::Skew,
    Fault::NoQuotes,
    Fault::Reorganisation,
    Fault::NoFinality,
    Fault::LongTime,
    Fault::Membership,
    Fault::Errs,
    Fault::Rotation,
];

/// How bad a seed is. Each has some kinds of faults and not others, so that rare ones are not hidden
/// behind frequent ones. Parts are of a thousand.
#[derive(Clone, Debug)]
pub struct Weather {
    faults: Vec<Fault>,
    /// Rounds in which something goes wrong.
    rate: u64,
    /// What is lost on the wire.
    pub(crate) lost: u64,
    /// What is late.
    pub(crate) late: u64,
    /// What comes twice.
    pub(crate) doubled: u64,
    /// Rounds without a block.
    pub(crate) blockless: u64,
    /// Chances of a command, three times a round.
    pub(crate) commands: u64,
    /// Chances of a query, twice a round.
    pub(crate) queries: u64,
    /// How long a registration holds, milliseconds.
    pub(crate) lifetime_ms: u64,
    /// How many gatekeepers there are.
    pub(crate) gatekeepers: usize,
    /// After how many blocks their key is dealt anew.
    pub(crate) epoch_blocks: u32,
}

impl Weather {
    /// The weather of a seed.
    pub(crate) fn of(chance: &mut Chance) -> Self {
        let mut faults: Vec<Fault> = ALL.into_iter().filter(|_| chance.happens(600)).collect();
        // A machine that errs must stay in the minority: nothing else takes workers' votes.
        if faults.contains(&Fault::Errs) {
            faults.retain(|fault| {
                !matches!(fault, Fault::Membership | Fault::NoQuotes | Fault::LongTime)
            });
        }
        let quotes_lapse = faults.contains(&Fault::NoQuotes);
        let one_of = |chance: &mut Chance, list: &[u64]| chance.pick(list).copied().unwrap_or(0);
        Self {
            rate: one_of(chance, &[50, 150, 400]),
            lost: one_of(chance, &[0, 50, 300]),
            late: one_of(chance, &[0, 200, 700]),
            doubled: one_of(chance, &[0, 200]),
            blockless: one_of(chance, &[0, 100, 400]),
            commands: one_of(chance, &[20, 300, 800]),
            queries: one_of(chance, &[300, 800]),
            lifetime_ms: if quotes_lapse { 180_000 } else { 3_600_000 },
            gatekeepers: one_of(chance, &[1, 3, 5]) as usize,
            epoch_blocks: one_of(chance, &[60, 120, 3600]) as u32,
            faults,
        }
    }
}

impl World {
    /// Something may go wrong.
    pub(crate) fn fault(&mut self) -> Result<(), Broken> {
        self.sabotage()?;
        if !self.chance.happens(self.weather.rate) {
            return Ok(());
        }
        let Some(fault) = self.chance.pick(&self.weather.faults).copied() else { return Ok(()) };
        let place = self.chance.place(self.machines.len()).unwrap_or_default();
        let until = self.round + self.chance.between(2, 60);
        let down_for = self.chance.between(1, 20);
        let note = format!("{fault:?} {} until {until}", self.machines[place].name);
        self.events.note(self.round, "fault", note);
        let troubles = &mut self.machines[place].troubles;
        match fault {
            Fault::Crash => self.kill(place, Some(down_for)),
            Fault::CrashMidway => troubles.dies_after = Some(self.chance.below(4)),
            Fault::OlderDisk | Fault::NoDisk => {
                if self.may_damage(place) {
                    self.kill(place, Some(down_for));
                    self.set_disk_back(place, fault == Fault::NoDisk)?;
                }
            }
            Fault::OlderSecrets => self.set_secrets_back(place, down_for),
            Fault::Past => self.show_past(place, until, down_for)?,
            Fault::Clone => self.copy(place)?,
            Fault::Deaf => troubles.deaf_until = until,
            Fault::Mute => troubles.mute_until = until,
            Fault::Liar => troubles.lies_until = until,
            Fault::Skew => {
                let size = self.chance.between(1000, 120_000) as i64;
                troubles.skew_ms = if self.chance.happens(500) { size } else { -size };
                troubles.skewed_until = until;
            }
            Fault::NoQuotes => troubles.unquoted_until = until + 120,
            Fault::Reorganisation => {
                let depth = 1 + self.chance.below(self.chain.unfinal_count() as u64) as usize;
                self.chain.reorganise(depth, &mut self.chance);
            }
            Fault::NoFinality => self.stalled_until = until,
            Fault::LongTime => {
                // Nobody looks for as long as the mailbox keeps what is agreed on.
                self.pass_time(620_000);
                self.make_block(620)?;
            }
            Fault::Membership => self.change_membership(place),
            Fault::Rotation => self.rotate_keys(),
            Fault::Errs => {
                let others_err = self
                    .machines
                    .iter()
                    .any(|m| m.troubles.errs_until > 0 && m.worker != self.machines[place].worker);
                let is_clone = self.machines[place].is_clone;
                if !others_err && !is_clone && self.members().len() >= 4 {
                    self.machines[place].troubles.errs_until = until;
                }
            }
        }
        Ok(())
    }

    /// Whether a disk may be lost: not so many that nobody holds what the chain has let go.
    fn may_damage(&self, place: usize) -> bool {
        let at = self.chain.final_number();
        let first: u64 =
            self.chain.finals().read(at, &keys::inbox_first(&self.cluster)).unwrap_or_default();
        if first == 0 && !self.weather.faults.contains(&Fault::LongTime) {
            return true;
        }
        let members = self.members();
        let is_good = |machine: &&Machine| {
            let serves = machine.process.as_ref().is_some_and(|process| {
                matches!(process.core.serving(), ServingState::Serving { .. })
            });
            machine.place != place
                && !machine.is_clone
                && !machine.is_damaged
                && serves
                && members.contains(&machine.worker)
        };
        let good = self.machines.iter().filter(is_good).count();
        good * 2 > members.len()
    }

    fn set_disk_back(&mut self, place: usize, all: bool) -> Result<(), Broken> {
        let cluster = self.cluster;
        let count = match self.machines[place].disks.get(&cluster) {
            Some(disk) if !all => self.chance.below(disk.commit_count() as u64 + 1) as usize,
            _ => 0,
        };
        let tap = self.tap.clone();
        let machine = &mut self.machines[place];
        let Some(disk) = machine.disks.remove(&cluster) else { return Ok(()) };
        machine.is_damaged = true;
        if !all {
            let identity =
                contract_state::StoreIdentity { genesis: self.chain.genesis(), cluster };
            let at = machine.place_of(identity, disk.key(), &tap);
            let older = disk.older(count, at)?;
            let head = older.head().next_number;
            self.events.note(self.round, "older disk", format!("{}: {head}", machine.name));
            machine.disks.insert(cluster, older);
        }
        Ok(())
    }

    /// Older secrets are put in place. Nobody brings the right ones back.
    fn set_secrets_back(&mut self, place: usize, down_for: u64) {
        // Where a share is lost, enough others must be left.
        let is_gatekeeper = place < self.gatekeepers;
        if is_gatekeeper && (place != 0 || self.gatekeepers < 3) {
            return;
        }
        self.kill(place, Some(down_for));
        let machine = &mut self.machines[place];
        let keep = 1 + self.chance.below(machine.sealed.len() as u64) as usize;
        machine.sealed.truncate(keep);
    }

    /// The host shows a fresh process an old chain, with the clock and the disk to it.
    fn show_past(&mut self, place: usize, until: u64, down_for: u64) -> Result<(), Broken> {
        let newest = self.chain.final_number();
        let back = self.chance.between(1, 60) as u32;
        let from = self.chain.finals().newest(newest.saturating_sub(back).max(1));
        self.kill(place, Some(down_for));
        if self.chance.happens(500) && self.may_damage(place) {
            self.set_disk_back(place, false)?;
        }
        let behind = self.now_ms.saturating_sub(self.chain.time_of(from)) as i64;
        let troubles = &mut self.machines[place].troubles;
        troubles.past = Some(from);
        troubles.past_until = until + down_for;
        troubles.skew_ms = -behind;
        troubles.skewed_until = until + down_for;
        Ok(())
    }

    /// A second machine with a copy of all that this one has.
    fn copy(&mut self, place: usize) -> Result<(), Broken> {
        if self.machines.len() >= MACHINES_MAX || self.machines[place].is_clone {
            return Ok(());
        }
        let copy = self.machines.len();
        let mut machine = Machine::new(copy, &mut self.chance);
        let original = &self.machines[place];
        machine.name = format!("{}-copy{copy}", original.name);
        machine.is_clone = true;
        machine.worker = original.worker;
        machine.sealed = vec![original.sealed.last().cloned().unwrap_or_default()];
        for (cluster, disk) in &original.disks {
            let identity =
                contract_state::StoreIdentity { genesis: self.chain.genesis(), cluster: *cluster };
            let at = machine.place_of(identity, disk.key(), &self.tap);
            machine.disks.insert(*cluster, disk.older(usize::MAX, at)?);
        }
        self.machines.push(machine);
        self.start(copy)
    }

    fn change_membership(&mut self, place: usize) {
        let worker = self.machines[place].worker;
        if self.machines[..self.gatekeepers].iter().any(|machine| machine.worker == worker) {
            self.change_gatekeepers(&worker);
            return;
        }
        let members = self.members();
        let cluster_id = H256(self.cluster.0);
        if members.contains(&worker) {
            if members.len() > 3 && self.may_damage(place) {
                let call = pallet_phat_contracts::Call::remove_worker_from_cluster {
                    worker: public(&worker),
                    cluster_id,
                };
                self.call(Caller::Root, call);
            }
        } else {
            self.take_in(&worker);
        }
    }

    /// The cluster's owner wants other keys.
    fn rotate_keys(&mut self) {
        let call = pallet_phat_contracts::Call::rotate_cluster_keys {
            cluster_id: H256(self.cluster.0),
            window_blocks: Some(self.chance.between(8, 60) as u32),
        };
        self.call(Caller::Root, call);
    }

    /// A gatekeeper is dismissed, or comes back.
    fn change_gatekeepers(&mut self, worker: &WorkerId) {
        let at = self.chain.final_number();
        let now: Vec<WorkerId> =
            self.chain.finals().read(at, &keys::gatekeepers()).unwrap_or_default();
        let gatekeeper = public(worker);
        if !now.contains(worker) {
            let call = pallet_worker_registry::Call::register_gatekeeper { gatekeeper };
            self.call(Caller::Root, call);
        } else if now.len() > 3 {
            let call = pallet_worker_registry::Call::unregister_gatekeeper { gatekeeper };
            self.call(Caller::Root, call);
        }
    }

    fn take_in(&mut self, worker: &WorkerId) {
        let call = pallet_phat_contracts::Call::add_worker_to_cluster {
            worker: public(worker),
            cluster_id: H256(self.cluster.0),
        };
        self.call(Caller::Root, call);
    }

    /// Faults that a deliberate bug needs to be seen.
    fn sabotage(&mut self) -> Result<(), Broken> {
        let target = self.gatekeepers;
        let rounds = self.round;
        match self.options.sabotage {
            Some(Sabotage::DiskForgets) if rounds.is_multiple_of(60) => self.let_disk_forget(target),
            Some(Sabotage::UncheckedSnapshot) if rounds.is_multiple_of(60) => {
                self.pass_time(620_000);
                self.make_block(620)?;
                self.kill(target, Some(2));
                self.set_disk_back(target, true)?;
            }
            Some(Sabotage::SuspensionHidden) => {
                self.machines[target].troubles.errs_until = rounds + 10;
            }
            Some(Sabotage::SameInstance) if rounds.is_multiple_of(60) => self.copy(target)?,
            Some(Sabotage::ClockStands) if rounds.is_multiple_of(60) => {
                self.machines[target].troubles.deaf_until = rounds + 50;
            }
            _ => {}
        }
        Ok(())
    }

    /// All faults end: clones go, and all machines run.
    pub(crate) fn calm_down(&mut self) -> Result<(), Broken> {
        self.is_calm = true;
        self.calm_beacon = self.beacon_round();
        self.stalled_until = 0;
        for place in 0..self.machines.len() {
            self.machines[place].troubles = Troubles::default();
            if self.machines[place].is_clone {
                self.kill(place, None);
                continue;
            }
            if self.machines[place].process.is_none() {
                self.start(place)?;
            }
        }
        let members = self.members();
        if members.len() < 3
            && let Some(machine) = self.machines.iter().find(|machine| {
                machine.place >= self.gatekeepers && !members.contains(&machine.worker)
            })
        {
            let worker = machine.worker;
            self.take_in(&worker);
        }
        self.events.note(self.round, "calm", "all faults ended");
        Ok(())
    }
}
