//! What takes several steps: deploying a contract, and a command with its outcome.

use crate::{
    Account, Asker, Chain, ChainError, Contract, ContractError, Message, QueryOptions, Transaction,
    WorkerError, instantiate_request, outcome_request, worker::read_outcome,
};
use primitives::{Balance, BlockHash, ClusterId, ContractId};
use rand_core::{OsRng, RngCore};
use secrets::command::{CommandRoute, seal_command};
use std::time::{Duration, Instant};
use wire::{
    command::{InkCommand, NOT_OPENED},
    domain,
    query::{CommandOutcome, QueryError},
};

/// How long the outcome of a command is waited for.
const OUTCOME_PATIENCE: Duration = Duration::from_secs(90);
/// How long one worker has for it before the next is asked.
const WORKER_PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two questions for it.
const POLL: Duration = Duration::from_millis(50);
/// Longest command that may be sent, bytes, sealed.
const COMMAND_BYTES_MAX: usize = primitives::bounds::COMMAND_BYTES_MAX as usize - 128;

/// Why a deployment or a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A worker.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The contract file or an argument.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// The contract answered with an error; nothing changed.
    #[error("{message} was refused by the contract: {error}")]
    Reverted {
        /// Which message.
        message: String,
        /// Its error, from the metadata.
        error: String,
    },
    /// The contract did not run.
    #[error("{message} did not run: {reason}")]
    Failed {
        /// Which message.
        message: String,
        /// Why not.
        reason: String,
    },
    /// The command is longer than the chain takes.
    #[error("the command has {0} bytes, at most {COMMAND_BYTES_MAX} are sent")]
    TooLong(usize),
    /// The chain has no keys for the contract.
    #[error("contract {0} has no keys on chain: its constructor failed, or no worker has run it yet")]
    NoKeys(ContractId),
    /// The contract's key is no key.
    #[error("the key of contract {0} on chain is not usable")]
    BadKey(ContractId),
    /// The block does not say which mailbox entry it was.
    #[error("the chain took the transaction but reports no mailbox entry; the client is too old or too new for the chain")]
    NoNumber,
    /// Nobody ran it in time.
    #[error("mailbox entry {0} was not run in time: are the cluster's workers up, and is the chain final?")]
    TimedOut(u64),
}

/// A contract that was deployed.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// Its id.
    pub contract: ContractId,
    /// The block that took its instantiation in.
    pub block: BlockHash,
    /// Gas that its constructor used.
    pub gas_consumed: u64,
}

/// What a command may take.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommandOptions {
    /// Value to transfer to the contract, from the sender's balance in the cluster.
    pub transfer: Balance,
    /// Most gas; 0 for the most that there is.
    pub gas_limit: u64,
    /// Most deposit for storage; `None` for what the balance allows.
    pub storage_deposit_limit: Option<Balance>,
}

/// A command that was run.
#[derive(Clone, Debug)]
pub struct Commanded {
    /// Its number in the cluster's mailbox.
    pub number: u64,
    /// The block that took it in.
    pub block: BlockHash,
    /// What became of it.
    pub outcome: CommandOutcome,
}

/// Uploads code where the cluster lacks it, tries the constructor, instantiates, and waits until the
/// contract is there. `say` hears what is going on.
///
/// # Errors
/// See [`FlowError`]. A constructor that would fail is found before anything but the code is sent.
#[expect(clippy::too_many_arguments, reason = "each is one thing that a deployment says")]
pub async fn deploy(
    chain: &Chain,
    worker: &mut impl Asker,
    account: &Account,
    cluster: ClusterId,
    contract: &Contract,
    constructor: &Message,
    input: Vec<u8>,
    say: &mut dyn FnMut(&str),
) -> Result<Deployed, FlowError> {
    say("uploading the code");
    let upload = Transaction::upload_code(cluster, contract.code()?);
    let uploaded = chain.submit(account, &upload).await?;
    if let Some((_, number)) = uploaded.mailbox_numbers()?.first() {
        say("waiting until the workers have it");
        await_number(worker, *number).await?;
    }
    let mut salt = [0u8; 8];
    OsRng.fill_bytes(&mut salt);
    say("trying the constructor");
    let request = instantiate_request(
        contract.code_hash,
        salt.to_vec(),
        input.clone(),
        QueryOptions::default(),
    );
    let tried = worker.ask(Some(account), request).await?.reply.result;
    let tried = tried.map_err(|error| match error {
        QueryError::Execution(reason) => {
            FlowError::Failed { message: constructor.label.clone(), reason }
        }
        other => FlowError::Worker(WorkerError::Query(other)),
    })?;
    check_returned(contract, constructor, tried.flags, &tried.data)?;
    say("instantiating");
    let id =
        domain::contract_id(account.id().as_bytes(), &contract.code_hash, &cluster, &salt);
    let transaction = Transaction::instantiate(contract.code_hash, &input, &salt, cluster, 0);
    let included = chain.submit(account, &transaction).await?;
    let number = own_number(&included, cluster)?;
    say("waiting until the workers have run it");
    let outcome = await_outcome(worker, account, number).await?;
    let (flags, data) = outcome.result.map_err(|reason| FlowError::Failed {
        message: constructor.label.clone(),
        reason,
    })?;
    check_returned(contract, constructor, flags, &data)?;
    say("waiting for its keys on chain");
    await_keys(chain, id).await?;
    Ok(Deployed { contract: id, block: included.block, gas_consumed: outcome.gas_consumed })
}

/// Seals a message to a contract, sends it as a command, and waits for its outcome; at any of the
/// workers where a [`crate::Cluster`] is asked.
///
/// # Errors
/// See [`FlowError`]. That the contract answered with an error is inside the outcome.
pub async fn command(
    chain: &Chain,
    worker: &mut impl Asker,
    account: &Account,
    contract: ContractId,
    input: Vec<u8>,
) -> Result<Commanded, FlowError> {
    command_with(chain, worker, account, contract, input, CommandOptions::default()).await
}

/// As [`command`], with a value to transfer and limits. A command that opens to no key of the contract,
/// since the cluster's keys were rotated after this one was read, is sealed and sent once more.
///
/// # Errors
/// As [`command`].
pub async fn command_with(
    chain: &Chain,
    worker: &mut impl Asker,
    account: &Account,
    contract: ContractId,
    input: Vec<u8>,
    options: CommandOptions,
) -> Result<Commanded, FlowError> {
    let (record, key) = chain.contract(&contract).await?;
    let key = key.ok_or(FlowError::NoKeys(contract))?;
    let to = (contract, record.cluster);
    let first = send_and_wait(chain, worker, account, to, &key, &input, options).await?;
    let is_closed =
        matches!(&first.outcome.result, Err(reason) if reason.starts_with(NOT_OPENED));
    if !is_closed {
        return Ok(first);
    }
    // It has changed nothing. Where the cluster's keys were rotated meanwhile, it is sealed anew.
    match chain.contract(&contract).await? {
        (record, Some(fresh)) if fresh != key => {
            let to = (contract, record.cluster);
            send_and_wait(chain, worker, account, to, &fresh, &input, options).await
        }
        _ => Ok(first),
    }
}

async fn send_and_wait(
    chain: &Chain,
    worker: &mut impl Asker,
    account: &Account,
    (contract, cluster): (ContractId, ClusterId),
    key: &primitives::HpkePublicKey,
    input: &[u8],
    options: CommandOptions,
) -> Result<Commanded, FlowError> {
    let sent = send(chain, account, contract, key, input.to_vec(), options).await?;
    let number = own_number(&sent, cluster)?;
    let outcome = await_outcome(worker, account, number).await?;
    worker.has_seen(outcome.block_number).await;
    Ok(Commanded { number, block: sent.block, outcome })
}

async fn send(
    chain: &Chain,
    account: &Account,
    contract: ContractId,
    key: &primitives::HpkePublicKey,
    input: Vec<u8>,
    options: CommandOptions,
) -> Result<crate::Included, FlowError> {
    if input.len() > COMMAND_BYTES_MAX {
        return Err(FlowError::TooLong(input.len()));
    }
    let mut nonce = vec![0; 16];
    OsRng.fill_bytes(&mut nonce);
    let command = InkCommand::InkMessage {
        nonce,
        message: input,
        transfer: options.transfer,
        gas_limit: options.gas_limit,
        storage_deposit_limit: options.storage_deposit_limit,
    };
    let route = CommandRoute { genesis: chain.genesis(), contract, sender: account.id() };
    let payload = seal_command(key, &route, &command, &mut OsRng)
        .map_err(|_| FlowError::BadKey(contract))?;
    // Final: while several make blocks, one that is not final may go, and the command then has another number.
    Ok(chain.submit_final(account, &Transaction::command(contract, &payload)).await?)
}

fn own_number(included: &crate::Included, cluster: ClusterId) -> Result<u64, FlowError> {
    included
        .mailbox_numbers()?
        .into_iter()
        .rev()
        .find(|(of, _)| *of == cluster)
        .map(|(_, number)| number)
        .ok_or(FlowError::NoNumber)
}

fn check_returned(
    contract: &Contract,
    message: &Message,
    flags: u32,
    data: &[u8],
) -> Result<(), FlowError> {
    if flags & 1 == 0 {
        return Ok(());
    }
    let error = match contract.decode(message, data) {
        Ok(crate::Output::Error(error) | crate::Output::Value(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    Err(FlowError::Reverted { message: message.label.clone(), error })
}

/// Waits until a worker has run mailbox entry `number` of `account`, and gives its outcome.
///
/// # Errors
/// [`FlowError::TimedOut`], or what the worker says other than "not yet".
pub async fn await_outcome(
    worker: &mut impl Asker,
    account: &Account,
    number: u64,
) -> Result<CommandOutcome, FlowError> {
    let started = Instant::now();
    let mut turned = started;
    loop {
        // Whether this worker's state is new enough shows in whether it has the outcome.
        let asked = worker.ask(Some(account), outcome_request(number, 0)).await;
        match asked.and_then(|asked| read_outcome(&asked)) {
            Ok(outcome) => return Ok(outcome),
            Err(WorkerError::Query(QueryError::OutcomeNotFound)) => {}
            // Workers may be restarted while they are waited for.
            Err(
                WorkerError::Unreachable { .. }
                | WorkerError::Silent { .. }
                | WorkerError::Refused { .. }
                | WorkerError::NoneAnswered(_),
            ) => {}
            Err(error) => return Err(error.into()),
        }
        pause(worker, number, started, &mut turned).await?;
    }
}

/// Waits until a worker has run all entries up to `number`, by its own word.
async fn await_number(worker: &mut impl Asker, number: u64) -> Result<(), FlowError> {
    let started = Instant::now();
    let mut turned = started;
    loop {
        if worker.next_number().await.is_some_and(|next| next > number) {
            return Ok(());
        }
        pause(worker, number, started, &mut turned).await?;
    }
}

/// Between two looks for entry `number`: gives up after a while, and before that looks elsewhere.
async fn pause(
    worker: &mut impl Asker,
    number: u64,
    started: Instant,
    turned: &mut Instant,
) -> Result<(), FlowError> {
    if started.elapsed() > OUTCOME_PATIENCE {
        return Err(FlowError::TimedOut(number));
    }
    if turned.elapsed() > WORKER_PATIENCE {
        worker.turn_to_another();
        *turned = Instant::now();
    }
    tokio::time::sleep(POLL).await;
    Ok(())
}

async fn await_keys(chain: &Chain, contract: ContractId) -> Result<(), FlowError> {
    let started = Instant::now();
    while started.elapsed() < OUTCOME_PATIENCE {
        let key = chain_facts::keys::contract_hpke_key(&contract);
        if chain.unproven::<primitives::HpkePublicKey>("contract key", key).await?.is_some() {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
    Err(FlowError::NoKeys(contract))
}
