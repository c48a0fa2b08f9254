//! One execution: what all its frames share, and what frames do to each other.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use executor_api::{
    Capabilities, Context, ContractEvent, Effect, EventChainHead, LogRecord, Mode, Returned,
    StateView, StorageDeposit,
};
use primitives::{AccountId, Balance, ClusterId, CodeHash, ContractId};
use wire::limits::ClusterLimits;

use crate::crypto::blake2_256;
use crate::event_chain;
use crate::frame::{self, Entry, Finished, Task};
use crate::limits::{
    CALL_DEPTH_MAX, DEBUG_BYTES_MAX, INSTANTIATIONS_MAX, LOG_BYTES_MAX, LOG_LINE_BYTES_MAX,
    LOG_LINES_MAX,
};
use crate::outside::Outside;
use crate::pace::Pace;
use crate::sandbox::Sandbox;
use crate::state::{
    CONTRACT_RECORD_BYTES, Checkpoint, ClusterRecord, ContractInfo, ContractRecord, Footprint,
    KeyKind, Overlay, cluster_key, contract_key, instantiations_key, storage_key, weight_key,
};
use crate::stop::Stop;
use crate::system;

use codec::Encode as _;

/// A contract whose frame is running.
struct Running {
    contract: ContractId,
    /// Whether it may be called again from below. Set by each call it makes.
    allows_reentry: bool,
    /// Whether it runs other code in a delegate call, which is no entrance of its own.
    delegated: bool,
}

/// What all frames of one execution share.
pub struct Execution {
    sandbox: Arc<Sandbox>,
    outside: Outside,
    pub context: Context,
    /// The cluster as it was when the execution began.
    pub cluster: ClusterRecord,
    /// The contract that the execution began with, once it is known.
    pub entry: Option<ContractId>,
    /// Who owns the contracts that are made.
    pub owner: AccountId,
    pub overlay: Overlay,
    pub debug_message: Vec<u8>,
    /// Lines of the log; kept whatever happens.
    pub logs: Vec<LogRecord>,
    pub log_bytes: usize,
    pub events: Vec<ContractEvent>,
    /// What the worker is asked to do.
    pub effects: Vec<Effect>,
    /// Bytes of all events and effects.
    pub announced_bytes: usize,
    pub instantiated: Vec<(ContractId, AccountId)>,
    running: Vec<Running>,
    /// What deposits grew by, by what was stored so far; not yet settled.
    pub deposit_growth: i128,
    system_contract: OnceCell<ContractId>,
    pace: Option<Pace>,
}

/// A moment to go back to when a frame fails.
pub struct Savepoint {
    overlay: Checkpoint,
    events: usize,
    effects: usize,
    announced_bytes: usize,
    instantiated: usize,
    deposit_growth: i128,
}

/// Whom to call, with what.
pub struct Call {
    pub contract: ContractId,
    pub caller: AccountId,
    pub value: Balance,
    pub input: Vec<u8>,
    /// Whether it may change nothing.
    pub read_only: bool,
}

/// What to make, with what.
pub struct Instantiation {
    pub contract: ContractId,
    pub deployer: AccountId,
    pub code_hash: CodeHash,
    pub value: Balance,
    pub input: Vec<u8>,
}

/// Why nothing ran.
#[derive(Debug)]
pub enum NotRun {
    NoContract,
    NoCode,
    BalanceTooLow,
    Duplicate,
    Stop(Stop),
}

impl From<Stop> for NotRun {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// The execution again, the fuel left, and what the frame did, if it was run.
pub type Ran = (Box<Execution>, u64, Result<Result<Returned, Stop>, NotRun>);

impl Execution {
    pub fn new(
        sandbox: Arc<Sandbox>,
        outside: Outside,
        context: Context,
        cluster: ClusterRecord,
    ) -> Self {
        // Two workers would disagree on a transaction that time ends.
        let is_timed = context.mode != Mode::Transaction;
        let query_ms = cluster.limits.query_ms.into();
        let pace = is_timed.then(|| Pace::new(outside, Duration::from_millis(query_ms)));
        let owner = context.origin;
        Self {
            sandbox,
            outside,
            context,
            cluster,
            entry: None,
            owner,
            overlay: Overlay::default(),
            debug_message: Vec::new(),
            logs: Vec::new(),
            log_bytes: 0,
            events: Vec::new(),
            effects: Vec::new(),
            announced_bytes: 0,
            instantiated: Vec::new(),
            running: Vec::new(),
            deposit_growth: 0,
            system_contract: OnceCell::new(),
            pace,
        }
    }

    /// What contracts may use.
    pub fn limits(&self) -> &ClusterLimits {
        &self.cluster.limits
    }

    /// Most memory of a frame, pages.
    pub fn memory_pages_max(&self) -> u64 {
        self.cluster.limits.memory_pages.into()
    }

    /// The cluster's system contract.
    pub fn system_contract(&self) -> ContractId {
        *self
            .system_contract
            .get_or_init(|| wire::domain::system_contract_id(&self.context.cluster))
    }

    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    pub fn state(&self) -> &dyn StateView {
        self.outside.state()
    }

    pub fn capabilities(&self) -> &dyn Capabilities {
        self.outside.capabilities()
    }

    /// When a query or an estimate ends, what it waits for included; `None` for a transaction.
    pub fn deadline(&self) -> Option<Instant> {
        self.pace.as_ref().map(|pace| pace.deadline)
    }

    /// How this execution shares time; `None` for a transaction.
    pub fn pace(&mut self) -> Option<&mut Pace> {
        self.pace.as_mut()
    }

    /// Frames that are running.
    pub fn depth(&self) -> usize {
        self.running.len()
    }

    /// Whether functions whose result differs between workers are allowed.
    pub fn is_query(&self) -> bool {
        self.context.mode == Mode::Query
    }

    pub fn savepoint(&self) -> Savepoint {
        Savepoint {
            overlay: self.overlay.checkpoint(),
            events: self.events.len(),
            effects: self.effects.len(),
            announced_bytes: self.announced_bytes,
            instantiated: self.instantiated.len(),
            deposit_growth: self.deposit_growth,
        }
    }

    pub fn roll_back(&mut self, to: &Savepoint) {
        self.overlay.roll_back(to.overlay);
        self.events.truncate(to.events);
        self.effects.truncate(to.effects);
        self.announced_bytes = to.announced_bytes;
        self.instantiated.truncate(to.instantiated);
        self.deposit_growth = to.deposit_growth;
    }

    /// Adds to what contracts wrote for debugging; what is above the bound is dropped.
    pub fn debug(&mut self, text: &[u8]) {
        let room = DEBUG_BYTES_MAX.saturating_sub(self.debug_message.len());
        self.debug_message
            .extend_from_slice(text.get(..room).unwrap_or(text));
    }

    /// Adds a line to the log: cut where it is too long, dropped where there are too many.
    pub fn log(&mut self, contract: ContractId, level: u8, message: &str) {
        let end = message.floor_char_boundary(LOG_LINE_BYTES_MAX);
        let message = message.get(..end).unwrap_or_default();
        let bytes = self.log_bytes.saturating_add(message.len());
        if self.logs.len() >= LOG_LINES_MAX || bytes > LOG_BYTES_MAX {
            return;
        }
        self.log_bytes = bytes;
        self.logs.push(LogRecord {
            contract,
            entry: self.entry.unwrap_or(contract),
            level,
            message: message.to_owned(),
        });
    }

    /// Changes the cluster's settings, from the next execution on.
    pub fn change_cluster(&mut self, change: impl FnOnce(&mut ClusterRecord)) -> Result<(), Stop> {
        let record = self.overlay.read_record(self.outside.state(), &cluster_key());
        let mut cluster = record?.unwrap_or_else(|| self.cluster.clone());
        change(&mut cluster);
        Ok(self.overlay.write(cluster_key(), Some(cluster.encode()))?)
    }

    pub fn set_weight(&mut self, contract: &ContractId, weight: u32) -> Result<(), Stop> {
        let value = (weight != 0).then(|| weight.encode());
        Ok(self.overlay.write(weight_key(contract), value)?)
    }

    pub fn event_chain_head(&self) -> Result<EventChainHead, Stop> {
        Ok(event_chain::head(&self.overlay, self.outside.state())?)
    }

    /// Contracts made in this cluster so far.
    pub fn instantiations(&self) -> Result<u64, Stop> {
        let count = self
            .overlay
            .read_record(self.outside.state(), &instantiations_key())?;
        Ok(count.unwrap_or(0))
    }

    /// Notes that what is stored grew from `old` to `new`.
    fn grow(&mut self, old: Footprint, new: Footprint) {
        let deposit = |footprint| {
            let deposit = self.cluster.deposit(footprint);
            i128::try_from(deposit).unwrap_or(i128::MAX)
        };
        let growth = deposit(new).saturating_sub(deposit(old));
        self.deposit_growth = self.deposit_growth.saturating_add(growth);
    }

    pub fn balance(&self, account: &AccountId) -> Result<Balance, Stop> {
        Ok(self.overlay.balance(self.outside.state(), account)?)
    }

    pub fn contract(&self, contract: &ContractId) -> Result<Option<ContractRecord>, Stop> {
        Ok(self.overlay.contract(self.outside.state(), contract)?)
    }

    pub fn contract_info(&self, contract: &ContractId) -> Result<Option<ContractInfo>, Stop> {
        Ok(match self.contract(contract)? {
            Some(ContractRecord::Alive(info)) => Some(info),
            Some(ContractRecord::Terminated { .. }) | None => None,
        })
    }

    pub fn set_contract(
        &mut self,
        contract: &ContractId,
        record: &ContractRecord,
    ) -> Result<(), Stop> {
        Ok(self
            .overlay
            .write(contract_key(contract), Some(record.encode()))?)
    }

    pub fn code_exists(&self, code_hash: &CodeHash) -> Result<bool, Stop> {
        let key = crate::state::code_key(code_hash);
        Ok(self.overlay.read(self.outside.state(), &key)?.is_some())
    }

    /// Moves `value`; `false`, and nothing moved, where the balance is too low.
    pub fn transfer(
        &mut self,
        from: &AccountId,
        to: &AccountId,
        value: Balance,
    ) -> Result<bool, Stop> {
        if value == 0 {
            return Ok(true);
        }
        let Some(rest) = self.balance(from)?.checked_sub(value) else {
            return Ok(false);
        };
        if from == to {
            return Ok(true);
        }
        let Some(sum) = self.balance(to)?.checked_add(value) else {
            return Ok(false);
        };
        self.overlay.set_balance(from, rest)?;
        self.overlay.set_balance(to, sum)?;
        Ok(true)
    }

    pub fn read_storage(
        &self,
        contract: &ContractId,
        kind: KeyKind,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, Stop> {
        let key = storage_key(contract, kind, key);
        Ok(self.overlay.read(self.outside.state(), &key)?)
    }

    /// Writes or removes a storage value and counts it; returns the old value.
    pub fn write_storage(
        &mut self,
        contract: &ContractId,
        kind: KeyKind,
        key: &[u8],
        value: Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, Stop> {
        let old = self.read_storage(contract, kind, key)?;
        if old.is_none() && value.is_none() {
            return Ok(None);
        }
        let size = |value: &Option<Vec<u8>>| {
            value
                .as_ref()
                .map_or((0, 0), |value| (1, (key.len() + value.len()) as u64))
        };
        let ((items_old, bytes_old), (items_new, bytes_new)) = (size(&old), size(&value));
        if (items_old, bytes_old) != (items_new, bytes_new) {
            let mut info = self
                .contract_info(contract)?
                .ok_or_else(|| Stop::bug("a running contract has no record"))?;
            let before = info.footprint;
            let footprint = &mut info.footprint;
            footprint.items = (footprint.items + items_new).saturating_sub(items_old);
            footprint.bytes = (footprint.bytes + bytes_new).saturating_sub(bytes_old);
            self.grow(before, info.footprint);
            self.set_contract(contract, &ContractRecord::Alive(info))?;
        }
        self.overlay
            .write(storage_key(contract, kind, key), value)?;
        Ok(old)
    }

    /// Whether `contract` has a frame that does not want to be called again.
    fn is_closed(&self, contract: &ContractId) -> bool {
        self.running
            .iter()
            .any(|r| r.contract == *contract && !r.allows_reentry)
    }

    /// Frames of `contract` that are running, without those of delegate calls.
    pub fn frames_of(&self, contract: &ContractId) -> usize {
        self.running
            .iter()
            .filter(|running| running.contract == *contract && !running.delegated)
            .count()
    }

    /// Whether `contract` runs more than once, delegate calls included.
    pub fn is_recursive(&self, contract: &ContractId) -> bool {
        let frames = self.running.iter();
        frames.filter(|r| r.contract == *contract).count() > 1
    }

    /// Says whether the frame on top may be called again by what it calls now.
    pub fn allow_reentry(&mut self, allow: bool) {
        if let Some(top) = self.running.last_mut() {
            top.allows_reentry = allow;
        }
    }

    /// Settles the storage deposits of every contract whose size changed, and returns the sum and
    /// the direction. Moves no balance.
    pub fn settle_deposits(&mut self) -> Result<StorageDeposit, Stop> {
        let (mut charged, mut refunded): (Balance, Balance) = (0, 0);
        for contract in self.overlay.touched_contracts() {
            let Some(mut record) = self.contract(&contract)? else {
                continue;
            };
            // What a contract leaves behind when it ends is still stored, so it is paid for too.
            let (footprint, deposit) = match &mut record {
                ContractRecord::Alive(info) => (info.footprint, &mut info.deposit),
                ContractRecord::Terminated { footprint, deposit } => (*footprint, deposit),
            };
            let due = self.cluster.deposit(footprint);
            if due == *deposit {
                continue;
            }
            charged = charged.saturating_add(due.saturating_sub(*deposit));
            refunded = refunded.saturating_add(deposit.saturating_sub(due));
            *deposit = due;
            self.set_contract(&contract, &record)?;
        }
        Ok(match charged.checked_sub(refunded) {
            Some(charge) => StorageDeposit::Charge(charge),
            None => StorageDeposit::Refund(refunded - charged),
        })
    }
}

/// The id of a contract that `deployer` makes: blake2b-256 of deployer ‖ code hash ‖ cluster ‖ salt.
///
/// The chain derives the ids of contracts made by users with the same formula.
pub fn contract_id(
    deployer: &AccountId,
    code_hash: &CodeHash,
    cluster: &ClusterId,
    salt: &[u8],
) -> ContractId {
    let parts = [
        deployer.as_ref(),
        code_hash.as_ref(),
        cluster.as_ref(),
        salt,
    ];
    ContractId(blake2_256(&parts.concat()))
}

/// Calls a contract. Undoes everything if it fails or reverts.
pub fn call(mut execution: Box<Execution>, call: Call, fuel: u64) -> Ran {
    let savepoint = execution.savepoint();
    let task = match prepare_call(&mut execution, call) {
        Ok(task) => task,
        Err(why) => {
            execution.roll_back(&savepoint);
            return (execution, fuel, Err(why));
        }
    };
    run(execution, task, fuel, &savepoint)
}

fn prepare_call(execution: &mut Execution, call: Call) -> Result<Task, NotRun> {
    let Call {
        contract,
        caller,
        value,
        input,
        read_only,
    } = call;
    if execution.is_closed(&contract) {
        return Err(
            Stop::trap("a running contract was called again; it must allow reentry").into(),
        );
    }
    let info = execution
        .contract_info(&contract)?
        .ok_or(NotRun::NoContract)?;
    if !execution.transfer(&caller, &contract.into(), value)? {
        return Err(NotRun::BalanceTooLow);
    }
    let code_hash = info.code_hash;
    Ok(Task {
        entry: Entry::Call,
        contract,
        code_hash,
        caller,
        value,
        input,
        read_only,
        delegated: false,
    })
}

/// Runs other code on the storage and in the name of the contract that is running.
pub fn delegate_call(execution: Box<Execution>, task: Task, fuel: u64) -> Ran {
    let savepoint = execution.savepoint();
    match execution.code_exists(&task.code_hash) {
        Ok(true) => run(execution, task, fuel, &savepoint),
        Ok(false) => (execution, fuel, Err(NotRun::NoCode)),
        Err(stop) => (execution, fuel, Err(stop.into())),
    }
}

/// Makes a contract and runs its constructor. Undoes everything if that fails or reverts.
pub fn instantiate(mut execution: Box<Execution>, new: Instantiation, fuel: u64) -> Ran {
    let savepoint = execution.savepoint();
    let task = match prepare_instantiation(&mut execution, new) {
        Ok(task) => task,
        Err(why) => {
            execution.roll_back(&savepoint);
            return (execution, fuel, Err(why));
        }
    };
    run(execution, task, fuel, &savepoint)
}

fn prepare_instantiation(execution: &mut Execution, new: Instantiation) -> Result<Task, NotRun> {
    let Instantiation {
        contract,
        deployer,
        code_hash,
        value,
        input,
    } = new;
    if execution.instantiated.len() >= INSTANTIATIONS_MAX {
        return Err(Stop::limit(format!("more than {INSTANTIATIONS_MAX} contracts made")).into());
    }
    if execution.contract(&contract)?.is_some() {
        return Err(NotRun::Duplicate);
    }
    if !execution.code_exists(&code_hash)? {
        return Err(NotRun::NoCode);
    }
    let footprint = Footprint {
        items: 1,
        bytes: CONTRACT_RECORD_BYTES,
    };
    let info = ContractInfo {
        code_hash,
        deployer,
        owner: execution.owner,
        footprint,
        deposit: 0,
    };
    execution.grow(Footprint::default(), footprint);
    let number = execution.instantiations()?.saturating_add(1);
    execution
        .overlay
        .write(instantiations_key(), Some(number.encode()))
        .map_err(Stop::from)?;
    execution.set_contract(&contract, &ContractRecord::Alive(info))?;
    execution.instantiated.push((contract, deployer));
    if !execution.transfer(&deployer, &contract.into(), value)? {
        return Err(NotRun::BalanceTooLow);
    }
    Ok(Task {
        entry: Entry::Deploy,
        contract,
        code_hash,
        caller: deployer,
        value,
        input,
        read_only: false,
        delegated: false,
    })
}

fn run(mut execution: Box<Execution>, task: Task, fuel: u64, savepoint: &Savepoint) -> Ran {
    if execution.depth() >= CALL_DEPTH_MAX {
        execution.roll_back(savepoint);
        let reason = format!("contracts call each other more than {CALL_DEPTH_MAX} deep");
        return (execution, fuel, Err(Stop::trap(reason).into()));
    }
    execution.running.push(Running {
        contract: task.contract,
        allows_reentry: false,
        delegated: task.delegated,
    });
    let Finished {
        mut execution,
        fuel_left,
        result,
    } = match system::is_system_code(&task.code_hash) {
        true => system::run(execution, task, fuel),
        false => frame::run_nested(execution, task, fuel),
    };
    execution.running.pop();
    if !result
        .as_ref()
        .is_ok_and(|returned| !returned.is_reverted())
    {
        execution.roll_back(savepoint);
    }
    (execution, fuel_left, Ok(result))
}
