//! Goes through the mailbox, entry by entry.

use crate::{
    ReplayError,
    closed::Closed,
    report::{Line, LineResult, Need, Report, Verdict},
    state::{Bystander, Keys, Known, State, known_changes},
};
use contract_history::History;
use executor_api::{Change, Context, Executor, Mode, Operation, Outcome};
use primitives::{AccountId, CodeHash, ContractId, bounds::COMMAND_BYTES_MAX};
use secrets::{AuditKey, NotOpened, command::OpenCommandError};
use std::collections::BTreeMap;
use wire::{
    audit::{self, HistoryStep, commitment},
    command::{CommandPayload, InkCommand, NONCE_BYTES_MAX},
    mailbox::{MailboxEntry, MailboxOperation},
};
use worker_core::{
    audit::{Ran, carry_on, history_of, steps_of},
    entries::{self, Prepared},
};
use zeroize::Zeroizing;

/// Which entries are looked at. All before are executed all the same.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    /// The first entry that is listed.
    pub from: u64,
    /// The last entry that is executed; all that are agreed on by default.
    pub to: Option<u64>,
}

/// Executes the history of a contract again, with its audit key and, where its commands reach other
/// contracts, theirs.
///
/// # Errors
/// When there is nothing to compare; see [`ReplayError`]. What is found is in the report.
pub fn replay(
    executor: &dyn Executor,
    history: &History,
    keys: Vec<AuditKey>,
    range: Range,
) -> Result<Report, ReplayError> {
    let mut machine = Machine::new(executor, history, keys, range)?;
    let verdict = machine.run()?;
    Ok(machine.report(verdict))
}

/// Why an entry ends the replay.
pub(crate) enum Ended {
    Needs(Need),
    Engine(String),
}

/// What the checked steps say of an entry.
enum Concern {
    Yes(audit::Verdict),
    No,
    /// The steps do not go back so far.
    Unknown,
}

pub(crate) struct Machine<'a> {
    pub(crate) executor: &'a dyn Executor,
    pub(crate) history: &'a History,
    pub(crate) keys: Keys,
    pub(crate) state: State,
    /// The first entry that was not executed, or not whole.
    pub(crate) gap: Option<u64>,
    range: Range,
    /// Whose keys open commands, of which of the cluster's seeds: the one in use, then the one before it
    /// until that is retired.
    in_use: Vec<u32>,
    /// How many entries were gone through.
    done: u64,
    /// Steps that lead to the agreed commitment, by the number of their entry.
    checked: BTreeMap<u64, HistoryStep>,
    /// How many items there were before the first checked step; `None` where none is checked.
    checked_from: Option<u64>,
    /// The steps made here, from the first on.
    own: Vec<HistoryStep>,
    lines: Vec<Line>,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(
        executor: &'a dyn Executor,
        history: &'a History,
        keys: Vec<AuditKey>,
        range: Range,
    ) -> Result<Self, ReplayError> {
        let mut known = Keys::new();
        for key in keys {
            if key.genesis != history.genesis() || key.cluster != history.cluster() {
                return Err(ReplayError::ForeignKey(key.contract));
            }
            known.insert(key.contract, key);
        }
        let contract = history.contract();
        let key = known.get(&contract).ok_or(ReplayError::NoKey(contract))?;
        let (checked, checked_from) = checked_steps(history, key);
        let agreed = history.agreed().0;
        if let Some(to) = range.to.filter(|to| *to >= agreed) {
            return Err(ReplayError::Range(format!(
                "entry {to} is not agreed on yet: the cluster's workers agreed on {agreed} entries"
            )));
        }
        Ok(Self {
            executor,
            history,
            keys: known,
            state: State::default(),
            gap: None,
            in_use: vec![0],
            range,
            done: 0,
            checked,
            checked_from,
            own: Vec::new(),
            lines: Vec::new(),
        })
    }

    /// Runs to the end of the range; gives the verdict on all that was run.
    pub(crate) fn run(&mut self) -> Result<Verdict, ReplayError> {
        let end = self.range.to.map_or(self.history.agreed().0, |to| to.saturating_add(1));
        match self.run_below(end)? {
            Some(refused) => Ok(refused),
            None => self.compare(),
        }
    }

    /// Runs entries below `end`; gives a verdict only where one cannot be executed.
    pub(crate) fn run_below(&mut self, end: u64) -> Result<Option<Verdict>, ReplayError> {
        let history = self.history;
        let entries = history.entries().iter().zip(0u64..).skip(self.done as usize);
        for (entry, number) in entries.take_while(|(_, number)| *number < end) {
            match self.step(number, entry) {
                Ok(()) => self.done = number + 1,
                Err(Ended::Needs(need)) => {
                    let why = need.to_string();
                    return Ok(Some(Verdict::Refused { entry: number, why }));
                }
                Err(Ended::Engine(why)) => return Err(ReplayError::Engine(why)),
            }
        }
        Ok(None)
    }

    pub(crate) fn report(self, verdict: Verdict) -> Report {
        let checkpoints = match verdict {
            Verdict::Equal => self.own.len() as u64,
            _ => 0,
        };
        let history = self.history;
        let (final_block, final_hash) = history.final_block();
        let (agreed_number, agreed_root) = history.agreed();
        let from = self.range.from;
        Report {
            genesis: history.genesis(),
            cluster: history.cluster(),
            contract: history.contract(),
            final_block,
            final_hash,
            agreed_number,
            agreed_root,
            entries: self.done,
            checkpoints,
            gap: self.gap,
            commands: self.lines.into_iter().filter(|line| line.number >= from).collect(),
            verdict,
        }
    }

    fn concern(&self, number: u64) -> Concern {
        if let Some(step) = self.checked.get(&number) {
            return Concern::Yes(step.item.verdict);
        }
        let first = self.checked.keys().next();
        match self.checked_from {
            Some(0) => Concern::No,
            Some(_) if first.is_some_and(|first| number > *first) => Concern::No,
            _ => Concern::Unknown,
        }
    }

    fn step(&mut self, number: u64, entry: &MailboxEntry) -> Result<(), Ended> {
        if self.change_keys(entry) {
            return Ok(());
        }
        let addressed = entries::addressed(&entry.operation);
        let is_ours = addressed.is_some_and(|contract| self.keys.contains_key(&contract));
        let concern = self.concern(number);
        let matters = is_ours || matches!(concern, Concern::Yes(_));
        let missing = Closed::default();
        let prepared = self.prepare(entry, &missing)?;
        if let Some(need) = missing.take() {
            return self.pass(number, matters, need);
        }
        let (origin, operation, context) = match prepared {
            Prepared::Refused { sender, contract, reason } => {
                let ran = Ran {
                    number,
                    addressed: Some(contract),
                    verdict: audit::Verdict::Unreadable,
                };
                self.keep(Vec::new(), &ran)?;
                self.note(number, entry, sender, &[], LineResult::Unreadable { why: reason })?;
                return Ok(());
            }
            Prepared::Run {
                origin,
                operation,
                gas_limit,
                storage_deposit_limit,
                nonce,
                ..
            } => {
                let context = Context {
                    mode: Mode::Transaction,
                    cluster: self.history.cluster(),
                    origin,
                    block_number: entry.block_number,
                    now_ms: entry.timestamp_ms,
                    gas_limit,
                    storage_deposit_limit,
                    nonce,
                };
                (origin, operation, context)
            }
        };
        let has_gap = self.gap.is_some();
        if has_gap && !matters && matches!(concern, Concern::No) && !is_of_cluster(&operation) {
            return Ok(());
        }
        if has_gap && matches!(concern, Concern::Yes(audit::Verdict::NotPaid)) {
            let ran = Ran { number, addressed, verdict: audit::Verdict::NotPaid };
            self.keep(Vec::new(), &ran)?;
            return self.note(number, entry, origin, input_of(&operation), LineResult::NotPaid);
        }
        match self.execute(&context, &operation)? {
            Err(need) => self.pass(number, matters, need),
            Ok(mut outcome) => {
                let changes = std::mem::take(&mut outcome.changes);
                let changes = known_changes(self.executor, &self.keys, has_gap, changes);
                let ran = Ran { number, addressed, verdict: entries::verdict(&outcome) };
                self.keep(changes, &ran)?;
                self.note(number, entry, origin, input_of(&operation), result_of(outcome))
            }
        }
    }

    /// Whether the entry is about the cluster's keys; if it is, what it says is done.
    fn change_keys(&mut self, entry: &MailboxEntry) -> bool {
        match entry.operation {
            MailboxOperation::RotateKeys { rotation } => {
                self.in_use.truncate(1);
                self.in_use.insert(0, rotation);
                true
            }
            MailboxOperation::RetireKeys => {
                self.in_use.truncate(1);
                true
            }
            _ => false,
        }
    }

    /// An entry that cannot be executed: the end where it matters, the gap where it does not.
    fn pass(&mut self, number: u64, matters: bool, need: Need) -> Result<(), Ended> {
        if matters {
            return Err(Ended::Needs(need));
        }
        self.gap.get_or_insert(number);
        Ok(())
    }

    fn prepare(&self, entry: &MailboxEntry, missing: &Closed) -> Result<Prepared, Ended> {
        let code_of = |hash: &CodeHash| self.history.code(hash).cloned();
        let open = |contract: &ContractId, sender: &AccountId, payload: &[u8]| {
            self.open(contract, sender, payload, missing)
        };
        entries::prepare(&self.history.cluster(), entry, &code_of, &open)
            .map_err(|missing| Ended::Engine(format!("code {} is missing", missing.0)))
    }

    /// Opens a command as a worker does, or notes which key is missing.
    fn open(
        &self,
        contract: &ContractId,
        sender: &AccountId,
        payload: &[u8],
        missing: &Closed,
    ) -> Result<InkCommand, String> {
        let payload: CommandPayload = wire::decode_all(payload, COMMAND_BYTES_MAX)
            .map_err(|error| format!("the command cannot be read: {error}"))?;
        let opened = match (self.keys.get(contract), payload) {
            (_, CommandPayload::Plain(command)) => plain(command),
            (Some(key), sealed) => match key.open(sender, &sealed, &self.in_use) {
                Ok(command) => Ok(command),
                Err(NotOpened::Unreadable(error)) => Err(error),
                Err(NotOpened::KeyMissing(rotation)) => {
                    missing.note(Need::KeyOfSeed(rotation));
                    Err(OpenCommandError::DoesNotOpen)
                }
            },
            (None, _) => {
                missing.note(Need::KeyOf(*contract));
                Err(OpenCommandError::DoesNotOpen)
            }
        };
        opened.map_err(|error| format!("the command cannot be opened: {error}"))
    }

    fn execute(
        &self,
        context: &Context,
        operation: &Operation,
    ) -> Result<Result<Outcome, Need>, Ended> {
        let (missing, has_gap) = (Closed::default(), self.gap.is_some());
        let known = Known {
            state: &self.state,
            executor: self.executor,
            keys: &self.keys,
            has_gap,
            missing: &missing,
        };
        let bystander = Bystander { has_gap, missing: &missing };
        let ran = self.executor.execute(&known, &bystander, context, operation);
        match (missing.take(), ran) {
            (Some(need), _) => Ok(Err(need)),
            (None, Ok(outcome)) => Ok(Ok(outcome)),
            (None, Err(error)) => Err(Ended::Engine(error.to_string())),
        }
    }

    fn keep(&mut self, changes: Vec<Change>, ran: &Ran) -> Result<(), Ended> {
        let secret_of = |contract: &ContractId| {
            self.keys.get(contract).map(|key| Zeroizing::new(*key.secret()))
        };
        let more = carry_on(self.executor, &self.state, &changes, ran, &secret_of)
            .map_err(|error| Ended::Engine(error.to_string()))?;
        self.state.apply(changes);
        self.state.apply(more);
        Ok(())
    }

    /// Takes note of an entry if it concerned the contract.
    fn note(
        &mut self,
        number: u64,
        entry: &MailboxEntry,
        sender: AccountId,
        input: &[u8],
        result: LineResult,
    ) -> Result<(), Ended> {
        let unreadable = |error: executor_api::StateUnavailable| Ended::Engine(error.to_string());
        let contract = self.history.contract();
        let (items, _) =
            history_of(&self.state, &contract).map_err(unreadable)?.unwrap_or_default();
        if items == self.own.len() as u64 {
            return Ok(());
        }
        let page = steps_of(&self.state, &contract, items - 1).map_err(unreadable)?;
        self.own.extend(page.steps);
        self.lines.push(Line {
            number,
            block: entry.block_number,
            time_ms: entry.timestamp_ms,
            what: name(&entry.operation),
            sender,
            input: hex::encode(input),
            result,
        });
        Ok(())
    }

    /// Compares what was run with what is agreed.
    fn compare(&self) -> Result<Verdict, ReplayError> {
        if let Some(differs) = self.first_difference() {
            return Ok(differs);
        }
        let (agreed, done) = (self.history.agreed().0, self.done);
        if done < agreed {
            return match self.is_checked_at_the_end() {
                true => Ok(Verdict::Equal),
                false => Err(ReplayError::Range(format!(
                    "the steps that the worker gave do not go back to entry {done}: leave --to out, \
                     or name an entry among the last {} that concerned the contract",
                    audit::STEPS_KEPT
                ))),
            };
        }
        let key = &self.keys[&self.history.contract()];
        let history = self.own.last().map_or([0; 32], |step| step.history);
        let own = commitment(key.secret(), self.own.len() as u64, &history);
        Ok(match own == self.history.commitment() {
            true => Verdict::Equal,
            false => Verdict::Differs {
                entry: None,
                why: format!(
                    "after {done} entries the contract's root is another one than the cluster agreed \
                     on, and no steps are known that say from where on"
                ),
            },
        })
    }

    fn is_checked_at_the_end(&self) -> bool {
        let Some(from) = self.checked_from else { return false };
        let own = self.own.len() as u64;
        let upto = self.checked.range(..self.done).count() as u64;
        // With no step before the end, the beginning is known only where all steps are.
        own == from + upto && (upto > 0 || from == 0)
    }

    /// The first checked step that was not made here, or the other way round.
    fn first_difference(&self) -> Option<Verdict> {
        let from = self.checked_from?;
        let mut checked = self.checked.range(..self.done).map(|(_, step)| step);
        let mut own = self.own.iter().skip(from as usize);
        let mut index = from;
        loop {
            let (theirs, mine) = (checked.next(), own.next());
            let is_first = index == from && from > 0;
            index += 1;
            let why = match (theirs, mine) {
                (None, None) => return None,
                (Some(theirs), Some(mine)) if theirs.history == mine.history => continue,
                (Some(theirs), Some(mine)) => difference(theirs, mine, is_first),
                (Some(theirs), None) => (
                    theirs.item.number,
                    "it changed the contract, and executed again it does not".to_owned(),
                ),
                (None, Some(mine)) => (
                    mine.item.number,
                    "executed again it concerns the contract, and it did not in the cluster".to_owned(),
                ),
            };
            return Some(Verdict::Differs { entry: Some(why.0), why: why.1 });
        }
    }
}

fn difference(theirs: &HistoryStep, mine: &HistoryStep, is_first: bool) -> (u64, String) {
    let (their, my) = (theirs.item, mine.item);
    if is_first {
        return (their.number, "it differs at this entry or before, where no steps are known".to_owned());
    }
    let text = if their.number < my.number {
        "it changed the contract, and executed again it does not".to_owned()
    } else if their.number > my.number {
        "executed again it changes the contract, and it did not in the cluster".to_owned()
    } else if their.verdict != my.verdict {
        format!("it came to {:?} in the cluster, and to {:?} executed again", their.verdict, my.verdict)
    } else {
        "executed again it leaves the contract with other contents".to_owned()
    };
    (their.number.min(my.number), text)
}

/// The steps of a history that lead to its commitment, and how many items there were before them.
fn checked_steps(
    history: &History,
    key: &AuditKey,
) -> (BTreeMap<u64, HistoryStep>, Option<u64>) {
    let page = history.unchecked_steps();
    let agreed = history.agreed().0;
    let steps: Vec<_> = page.steps.iter().filter(|step| step.item.number < agreed).collect();
    let items = page.first + steps.len() as u64;
    let is_right = |hash: &[u8; 32]| commitment(key.secret(), items, hash) == history.commitment();
    // A first page begins with the empty history.
    let begins_right = page.first > 0
        || steps.first().is_none_or(|step| {
            step.history == audit::next_history(&[0; 32], &step.item)
        });
    match steps.last() {
        Some(last) if begins_right && is_right(&last.history) => {
            let steps = steps.into_iter().map(|step| (step.item.number, *step));
            (steps.collect(), Some(page.first))
        }
        _ => (BTreeMap::new(), None),
    }
}

/// What changes the cluster and nothing of a contract.
fn is_of_cluster(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::SetUpCluster { .. } | Operation::SetLimits { .. } | Operation::UploadCode { .. }
    )
}

fn plain(command: InkCommand) -> Result<InkCommand, OpenCommandError> {
    let InkCommand::InkMessage { nonce, .. } = &command;
    match nonce.len() > NONCE_BYTES_MAX {
        true => Err(OpenCommandError::NonceTooLong),
        false => Ok(command),
    }
}

fn input_of(operation: &Operation) -> &[u8] {
    match operation {
        Operation::Call { input, .. } | Operation::Instantiate { input, .. } => input,
        _ => &[],
    }
}

fn result_of(outcome: Outcome) -> LineResult {
    match outcome.result {
        Ok(returned) => LineResult::Returned {
            flags: returned.flags,
            data: hex::encode(returned.data),
        },
        Err(error) => LineResult::Failed { why: error.to_string() },
    }
}

fn name(operation: &MailboxOperation) -> &'static str {
    match operation {
        MailboxOperation::SetUpCluster { .. } => "setUpCluster",
        MailboxOperation::UploadCode { .. } => "uploadCode",
        MailboxOperation::Deposit { .. } => "deposit",
        MailboxOperation::Instantiate { .. } => "instantiate",
        MailboxOperation::Command { .. } => "command",
        MailboxOperation::SetLimits { .. } => "setLimits",
        MailboxOperation::BlockEnd => "blockEnd",
        MailboxOperation::SetStake { .. } => "setStake",
        MailboxOperation::RotateKeys { .. } => "rotateKeys",
        MailboxOperation::RetireKeys => "retireKeys",
    }
}
