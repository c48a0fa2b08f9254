//! Who computes next, as a pure function of what happened: no thread, no clock.
//!
//! Words: a **flow** is all queries of one contract. A **ticket** is one query: it *waits*, *runs* (holds
//! a processor), or is *paused* (waits for something else). A flow is **competing** while a ticket of it
//! waits or runs. **Virtual time** is processor time divided by weight: of two flows that always have
//! something to do, the one with three times the weight gets three times the processor time before
//! both stand at the same virtual time. Whoever stands lowest is next.

use crate::Refused;
use primitives::ContractId;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// What all contracts without a weight of their own have together.
pub const FREE_WEIGHT: u32 = 1;
/// Processor time after which a query lets others of its own contract go on, nanoseconds.
pub const SLICE_NS: u64 = 2_000_000;
/// Most processor time that a flow may be behind after it had nothing to do, nanoseconds. It keeps a
/// flow whose next query comes a moment after its last from losing its place; more would be hoarded.
pub const IDLE_CREDIT_NS: u64 = SLICE_NS;
/// Flows that are remembered; those of which nothing is owed are forgotten first.
pub const FLOWS_MAX: usize = 8192;

/// Queries that a cost is an average of, at least.
pub const COST_QUERIES: u64 = 64;

/// Bits behind the point of a virtual time, so that no weight rounds a microsecond to nothing.
const FRACTION_BITS: u32 = 40;
/// Most processor time charged at once, nanoseconds: an hour. Sums of it stay far below 2^128.
const CHARGE_NS_MAX: u64 = 3_600_000_000_000;

/// How many may be here at once.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Processors to share; at least 1.
    pub processors: usize,
    /// Queries of one contract, waiting, running and paused.
    pub flow_present_max: usize,
    /// Queries of all contracts.
    pub present_max: usize,
}

impl Bounds {
    /// Queries of one contract that has no weight: half.
    pub fn free_present_max(&self) -> usize {
        self.flow_present_max.div_ceil(2)
    }

    /// Tickets at once. An evicted query keeps its ticket until its thread has seen it.
    pub(crate) fn tickets_max(&self) -> usize {
        self.present_max.saturating_mul(2)
    }
}

/// What a contract has asked for and used since this process, or its memory of the contract, began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Its weight at its last query.
    pub weight: u32,
    /// Queries that were let in.
    pub queries: u64,
    /// Processor time for them, nanoseconds.
    pub used_ns: u64,
    /// What one of the last [`COST_QUERIES`] or more cost on average, nanoseconds, rounded up to three
    /// significant bits. For strangers: the exact time of single queries would tell what they asked.
    pub cost_ns: Option<u64>,
}

/// What all contracts together have used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Processor time, nanoseconds.
    pub used_ns: u64,
    /// Queries that were refused for want of room.
    pub refused: u64,
}

/// One query that was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub(crate) usize);

/// Where a query stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It waits for a processor.
    Waiting,
    /// It holds a processor.
    Running,
    /// It waits for something else.
    Paused,
    /// It waited, and had to make room for another contract.
    Evicted,
}

#[derive(Clone, Copy)]
struct Slot {
    flow: ContractId,
    standing: Standing,
    /// Processor time since it was given the processor, nanoseconds.
    turn_ns: u64,
    /// Whether it has run already: what has is not evicted.
    started: bool,
}

#[derive(Default)]
struct Flow {
    weight: u32,
    /// What it has asked for and used since it was last forgotten.
    queries: u64,
    used_ns: u64,
    /// The same, when its cost was last told, and that cost.
    told: (u64, u64),
    cost_ns: Option<u64>,
    virtual_time: u128,
    waiting: VecDeque<Ticket>,
    running: usize,
    present: usize,
}

impl Flow {
    /// One more query. Tells what one costs, now and then.
    fn count(&mut self) {
        let queries = self.queries - self.told.0;
        if queries >= COST_QUERIES {
            self.cost_ns = Some(coarse((self.used_ns - self.told.1) / queries));
            self.told = (self.queries, self.used_ns);
        }
        self.queries = self.queries.saturating_add(1);
    }

    fn is_competing(&self) -> bool {
        self.running > 0 || !self.waiting.is_empty()
    }
}

/// The state of the sharing.
pub struct Policy {
    bounds: Bounds,
    flows: HashMap<ContractId, Flow>,
    /// The competing flows by virtual time.
    order: BTreeSet<(u128, ContractId)>,
    /// How many of the competing flows have no weight.
    free_competing: usize,
    /// The lowest virtual time of a competing flow; never goes back.
    now: u128,
    slots: Vec<Option<Slot>>,
    unused: Vec<usize>,
    running: usize,
    present: usize,
    /// Processor time of all flows, nanoseconds.
    used_ns: u64,
    /// Queries that were refused for want of room.
    refused: u64,
    /// Tickets that were given a processor or evicted by something that others did.
    changed: Vec<Ticket>,
}

impl Policy {
    /// Nobody is here.
    pub fn new(bounds: Bounds) -> Self {
        let bounds = Bounds { processors: bounds.processors.max(1), ..bounds };
        Self {
            flows: HashMap::new(),
            order: BTreeSet::new(),
            free_competing: 0,
            now: 0,
            slots: vec![None; bounds.tickets_max()],
            unused: (0..bounds.tickets_max()).rev().collect(),
            running: 0,
            present: 0,
            used_ns: 0,
            refused: 0,
            changed: Vec::new(),
            bounds,
        }
    }

    /// Takes those that now run or were evicted though they did nothing.
    pub fn take_changed(&mut self) -> impl Iterator<Item = Ticket> {
        self.changed.drain(..)
    }

    /// Where `ticket` stands.
    pub fn standing(&self, ticket: Ticket) -> Standing {
        self.slot(ticket).map_or(Standing::Evicted, |slot| slot.standing)
    }

    /// Queries here.
    pub fn present(&self) -> usize {
        self.present
    }

    /// Queries that hold a processor.
    pub fn running(&self) -> usize {
        self.running
    }

    /// Processors that are shared.
    pub fn processors(&self) -> usize {
        self.bounds.processors
    }

    /// What a flow has used, if it is remembered.
    pub fn usage(&self, flow: &ContractId) -> Option<Usage> {
        let flow = self.flows.get(flow)?;
        Some(Usage {
            weight: flow.weight,
            queries: flow.queries,
            used_ns: flow.used_ns,
            cost_ns: flow.cost_ns,
        })
    }

    /// What all flows have used.
    pub fn totals(&self) -> Totals {
        Totals { used_ns: self.used_ns, refused: self.refused }
    }

    /// A query of `flow` arrives. It runs at once or waits: see [`Policy::standing`].
    ///
    /// # Errors
    /// When there is no room.
    pub fn enter(&mut self, flow: &ContractId, weight: u32) -> Result<Ticket, Refused> {
        let entered = self.let_in(flow, weight);
        if entered.is_err() {
            self.refused = self.refused.saturating_add(1);
        }
        entered
    }

    fn let_in(&mut self, flow: &ContractId, weight: u32) -> Result<Ticket, Refused> {
        let present = self.flows.get(flow).map_or(0, |flow| flow.present);
        let limit = match weight {
            0 => self.bounds.free_present_max(),
            _ => self.bounds.flow_present_max,
        };
        if present >= limit {
            return Err(Refused::ContractBusy { limit });
        }
        if self.present >= self.bounds.present_max && !self.make_room(present, weight) {
            return Err(Refused::WorkerBusy { limit: self.bounds.present_max });
        }
        let Some(place) = self.unused.pop() else {
            return Err(Refused::WorkerBusy { limit: self.bounds.present_max });
        };
        if !self.flows.contains_key(flow) {
            self.forget_some();
            let fresh = Flow { virtual_time: self.now, ..Flow::default() };
            self.flows.insert(*flow, fresh);
        }
        self.present += 1;
        self.slots[place] =
            Some(Slot { flow: *flow, standing: Standing::Paused, turn_ns: 0, started: false });
        if let Some(flow) = self.flows.get_mut(flow) {
            flow.present += 1;
            flow.count();
            if flow.is_competing() {
                match (flow.weight, weight) {
                    (0, 1..) => self.free_competing -= 1,
                    (1.., 0) => self.free_competing += 1,
                    _ => {}
                }
            }
            flow.weight = weight;
        }
        let ticket = Ticket(place);
        self.resume(ticket);
        Ok(ticket)
    }

    /// Adds processor time that was used for `ticket`.
    pub fn charge(&mut self, ticket: Ticket, used_ns: u64) {
        let Some(slot) = self.slots.get_mut(ticket.0).and_then(Option::as_mut) else {
            return;
        };
        slot.turn_ns = slot.turn_ns.saturating_add(used_ns);
        let id = slot.flow;
        self.charge_flow(&id, used_ns);
    }

    /// Adds processor time that was used for a contract.
    pub fn charge_flow(&mut self, id: &ContractId, used_ns: u64) {
        let Some(flow) = self.flows.get_mut(id) else { return };
        self.used_ns = self.used_ns.saturating_add(used_ns);
        flow.used_ns = flow.used_ns.saturating_add(used_ns);
        let used = virtual_duration(used_ns, flow.weight, self.free_competing);
        let before = flow.virtual_time;
        flow.virtual_time = before.saturating_add(used);
        if flow.is_competing() {
            self.order.remove(&(before, *id));
            self.order.insert((flow.virtual_time, *id));
            self.advance();
        }
    }

    /// A running query may go on, or gives its processor to one that is due: then it waits.
    pub fn checkpoint(&mut self, ticket: Ticket, used_ns: u64) {
        self.charge(ticket, used_ns);
        let Some(slot) = self.slot(ticket).filter(|slot| slot.standing == Standing::Running) else {
            return;
        };
        let mine = self.flows.get(&slot.flow).map_or(0, |flow| flow.virtual_time);
        let gives_way = if self.running > self.bounds.processors {
            // More run than there are processors, for a moment. One that is ahead makes room.
            self.running_flows().any(|(time, flow)| flow != slot.flow && time < mine)
        } else {
            self.next_waiting().is_some_and(|(time, flow)| {
                time < mine || (flow == slot.flow && slot.turn_ns >= SLICE_NS)
            })
        };
        if gives_way {
            self.stop(ticket, Standing::Waiting);
            self.grant();
        }
    }

    /// A running query waits for something else.
    pub fn pause(&mut self, ticket: Ticket, used_ns: u64) {
        self.charge(ticket, used_ns);
        if self.standing(ticket) == Standing::Running {
            self.stop(ticket, Standing::Paused);
            self.grant();
        }
    }

    /// A paused query wants to go on: it runs at once or waits.
    pub fn resume(&mut self, ticket: Ticket) {
        if self.standing(ticket) != Standing::Paused {
            return;
        }
        self.wait(ticket);
        if self.running < self.bounds.processors {
            self.grant();
        } else {
            self.grant_above(ticket);
        }
        // Who asked sees it by looking.
        self.changed.retain(|changed| *changed != ticket);
    }

    /// A query leaves, wherever it stands.
    pub fn leave(&mut self, ticket: Ticket, used_ns: u64) {
        self.charge(ticket, used_ns);
        match self.standing(ticket) {
            Standing::Running => self.stop(ticket, Standing::Paused),
            Standing::Waiting => self.unqueue(ticket),
            Standing::Paused | Standing::Evicted => {}
        }
        let Some(slot) = self.slots.get_mut(ticket.0).and_then(Option::take) else { return };
        self.unused.push(ticket.0);
        if slot.standing != Standing::Evicted {
            self.count_out(&slot.flow);
        }
        self.changed.retain(|changed| *changed != ticket);
        self.grant();
    }

    fn slot(&self, ticket: Ticket) -> Option<Slot> {
        self.slots.get(ticket.0).copied().flatten()
    }

    fn count_out(&mut self, flow: &ContractId) {
        self.present = self.present.saturating_sub(1);
        if let Some(flow) = self.flows.get_mut(flow) {
            flow.present = flow.present.saturating_sub(1);
        }
    }

    /// The competing flow that stands lowest among those that have something waiting.
    fn next_waiting(&self) -> Option<(u128, ContractId)> {
        let waits =
            |id: &ContractId| self.flows.get(id).is_some_and(|flow| !flow.waiting.is_empty());
        self.order.iter().find(|(_, id)| waits(id)).copied()
    }

    fn running_flows(&self) -> impl Iterator<Item = (u128, ContractId)> {
        let runs = |id: &ContractId| self.flows.get(id).is_some_and(|flow| flow.running > 0);
        self.order.iter().filter(move |(_, id)| runs(id)).copied()
    }

    /// Gives free processors to those that are due.
    fn grant(&mut self) {
        while self.running < self.bounds.processors
            && let Some((_, id)) = self.next_waiting()
            && self.start_first_of(&id)
        {}
    }

    /// A query of a contract that has no processor, and stands behind all that wait and one that runs,
    /// starts at once, next to those that run; the operating system shares the processors until the
    /// next checkpoint of one that is ahead. Else a long query would hold up a short one until then.
    fn grant_above(&mut self, ticket: Ticket) {
        if self.running >= 2 * self.bounds.processors {
            return;
        }
        let Some(slot) = self.slot(ticket) else { return };
        let Some(flow) = self.flows.get(&slot.flow) else { return };
        let mine = flow.virtual_time;
        let alone = flow.running == 0 && flow.waiting.len() == 1;
        let is_next = self.next_waiting().is_some_and(|(_, id)| id == slot.flow);
        if alone && is_next && self.running_flows().any(|(time, _)| time > mine) {
            self.start_first_of(&slot.flow);
        }
    }

    fn start_first_of(&mut self, id: &ContractId) -> bool {
        let Some(flow) = self.flows.get_mut(id) else { return false };
        let Some(ticket) = flow.waiting.pop_front() else { return false };
        flow.running += 1;
        self.running += 1;
        if let Some(slot) = self.slots.get_mut(ticket.0).and_then(Option::as_mut) {
            slot.standing = Standing::Running;
            slot.turn_ns = 0;
            slot.started = true;
        }
        self.changed.push(ticket);
        true
    }

    /// Puts a ticket that neither runs nor waits behind the others of its flow.
    fn wait(&mut self, ticket: Ticket) {
        let Some(slot) = self.slots.get_mut(ticket.0).and_then(Option::as_mut) else { return };
        slot.standing = Standing::Waiting;
        let id = slot.flow;
        let Some(flow) = self.flows.get_mut(&id) else { return };
        let begins = !flow.is_competing();
        flow.waiting.push_back(ticket);
        if begins {
            if flow.weight == 0 {
                self.free_competing += 1;
            }
            let credit = virtual_duration(IDLE_CREDIT_NS, flow.weight, self.free_competing);
            flow.virtual_time = flow.virtual_time.max(self.now.saturating_sub(credit));
            self.order.insert((flow.virtual_time, id));
            self.advance();
        }
    }

    /// Takes the processor from a running ticket.
    fn stop(&mut self, ticket: Ticket, standing: Standing) {
        let Some(slot) = self.slots.get_mut(ticket.0).and_then(Option::as_mut) else { return };
        slot.standing = standing;
        let id = slot.flow;
        self.running -= 1;
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.running -= 1;
            if standing == Standing::Waiting {
                flow.waiting.push_back(ticket);
            }
        }
        self.stop_competing_if_idle(&id);
    }

    /// Takes a waiting ticket out of its queue.
    fn unqueue(&mut self, ticket: Ticket) {
        let Some(slot) = self.slot(ticket) else { return };
        if let Some(flow) = self.flows.get_mut(&slot.flow) {
            flow.waiting.retain(|waiting| *waiting != ticket);
        }
        self.stop_competing_if_idle(&slot.flow);
    }

    fn stop_competing_if_idle(&mut self, id: &ContractId) {
        let Some(flow) = self.flows.get(id) else { return };
        if !flow.is_competing() && self.order.remove(&(flow.virtual_time, *id)) {
            if flow.weight == 0 {
                self.free_competing -= 1;
            }
            self.advance();
        }
    }

    fn advance(&mut self) {
        if let Some((lowest, _)) = self.order.first() {
            self.now = self.now.max(*lowest);
        }
    }

    /// Evicts the query that came last to the flow with the longest queue for its weight, if it is
    /// longer than the queue that the newcomer joins would be.
    fn make_room(&mut self, present: usize, weight: u32) -> bool {
        let free = self.free_competing.max(1);
        let length = |count: usize, weight: u32| virtual_duration(count as u64, weight, free);
        let longest = self
            .order
            .iter()
            .filter_map(|(_, id)| {
                let flow = self.flows.get(id)?;
                // One that has run is not evicted, so the last that has not is looked for.
                let last = flow.waiting.iter().rev().copied().find(|ticket| {
                    self.slot(*ticket).is_some_and(|slot| !slot.started)
                })?;
                Some((length(flow.present, flow.weight), last, *id))
            })
            .max_by_key(|(length, _, _)| *length);
        let Some((longest, ticket, id)) = longest else { return false };
        if longest <= length(present + 1, weight) {
            return false;
        }
        self.unqueue(ticket);
        self.count_out(&id);
        if let Some(slot) = self.slots.get_mut(ticket.0).and_then(Option::as_mut) {
            slot.standing = Standing::Evicted;
        }
        self.changed.push(ticket);
        true
    }

    /// Makes room for one more flow.
    fn forget_some(&mut self) {
        if self.flows.len() < FLOWS_MAX {
            return;
        }
        let now = self.now;
        self.flows.retain(|_, flow| flow.present > 0 || flow.virtual_time > now);
        if self.flows.len() >= FLOWS_MAX {
            // All owe something. That is forgiven rather than remembered without bound.
            self.flows.retain(|_, flow| flow.present > 0);
        }
    }
}

/// Rounded up to three significant bits.
fn coarse(value: u64) -> u64 {
    let low = u64::BITS.saturating_sub(value.leading_zeros()).saturating_sub(3);
    value.checked_add((1 << low) - 1).map_or(u64::MAX, |up| up >> low << low)
}

/// Processor time over weight. Contracts without a weight share [`FREE_WEIGHT`] evenly.
fn virtual_duration(used_ns: u64, weight: u32, free_competing: usize) -> u128 {
    let used = u128::from(used_ns.min(CHARGE_NS_MAX)) << FRACTION_BITS;
    match weight {
        0 => used * free_competing.max(1) as u128 / u128::from(FREE_WEIGHT),
        _ => used / u128::from(weight),
    }
}
