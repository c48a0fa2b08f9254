//! Recorded queries: executed again from the replayed state, answered by their log.

use crate::{
    ReplayError,
    closed::Closed,
    machine::{Machine, Range},
    report::{Report, Verdict},
    state::{Bystander, Known},
};
use codec::{DecodeAll as _, Encode as _};
use contract_history::History;
use executor_api::{Context, Executor, HostLog, Mode, Operation, Player};
use primitives::{AccountId, BlockNumber, WorkerId};
use receipt::{Expected, ReceiptFile, Verified, verify};
use secrets::AuditKey;
use serde::Serialize;
use wire::{
    query::{QueryOutput, QueryRequest, QueryTarget, answer_commitment},
    record::Recorded,
};

/// What comes of a recorded query that was executed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryReport {
    /// Who answered.
    pub worker: WorkerId,
    /// Who asked.
    pub origin: AccountId,
    /// The block whose state was read.
    pub block: BlockNumber,
    /// Mailbox entries run to reach that state.
    pub number: u64,
    /// Host calls in the log.
    pub host_calls: usize,
    /// Selector and arguments, hex.
    pub input: String,
    /// Flags of the answer.
    pub flags: u32,
    /// The answer, hex.
    pub data: String,
    /// The hash of the answer that the receipt signs, hex.
    pub answer_commitment: String,
    /// Warnings of the receipt's check, if it has any.
    pub warning: Option<String>,
    /// Whether the commands up to there are as agreed, and the answer is what the receipt signs.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What a receipt of a recorded query holds.
struct Question {
    request: QueryRequest,
    origin: AccountId,
    recorded: Recorded,
    log: HostLog,
    body: wire::receipt::ReceiptBody,
    warning: Option<String>,
}

/// Executes the query of a receipt file again, from the state that the replayed commands lead to.
///
/// # Errors
/// When the receipt does not hold or is not of a recorded query of this contract.
pub fn replay_query(
    executor: &dyn Executor,
    history: &History,
    keys: Vec<AuditKey>,
    receipt: &[u8],
) -> Result<(Report, QueryReport), ReplayError> {
    let question = read(history, receipt)?;
    let agreed = history.agreed().0;
    if question.body.next_number > agreed {
        return Err(ReplayError::Range(format!(
            "the query was answered after {} entries, and the history has {agreed}: fetch a newer one",
            question.body.next_number
        )));
    }
    let mut machine = Machine::new(executor, history, keys, Range::default())?;
    let answered = match machine.run_below(question.body.next_number)? {
        Some(refused) => refused,
        None => ask(&machine, &question)?,
    };
    // The rest shows that the state that was asked lies on the agreed way.
    let whole = machine.run()?;
    let verdict = if whole == Verdict::Equal { answered } else { whole.clone() };
    let body = &question.body;
    let report = QueryReport {
        worker: body.worker,
        origin: question.origin,
        block: body.block_number,
        number: body.next_number,
        host_calls: question.log.calls.len(),
        input: hex::encode(&question.request.input),
        flags: question.recorded.output.flags,
        data: hex::encode(&question.recorded.output.data),
        answer_commitment: hex::encode(body.answer_commitment),
        warning: question.warning,
        verdict,
    };
    Ok((machine.report(whole), report))
}

fn read(history: &History, file: &[u8]) -> Result<Question, ReplayError> {
    let expected = Expected { genesis: Some(history.genesis()), ..Expected::default() };
    let Verified { request, answer, receipt, warning, .. } =
        verify(file, &expected).map_err(|error| ReplayError::Receipt(error.to_string()))?;
    let parsed: ReceiptFile = serde_json::from_slice(file)
        .map_err(|error| ReplayError::Receipt(error.to_string()))?;
    let not = |why: &str| ReplayError::NotRecorded(why.to_owned());
    let contract = history.contract();
    if request.target != (QueryTarget::RecordedCall { contract }) {
        return Err(not("the receipt is not of a recorded query of this contract: ask with --record"));
    }
    let output = answer.map_err(|_| not("the query was answered with an error"))?;
    let recorded = Recorded::decode_all(&mut &output.data[..])
        .map_err(|_| not("the receipt's answer is no record"))?;
    if recorded.next_number != receipt.body.next_number {
        return Err(not("the record is of another state than the receipt"));
    }
    let log = HostLog::from_bytes(&recorded.log)
        .map_err(|error| ReplayError::NotRecorded(error.to_string()))?;
    Ok(Question {
        request,
        origin: parsed.origin.unwrap_or_default(),
        recorded,
        log,
        body: receipt.body,
        warning,
    })
}

/// Asks again, and compares with what the receipt signs.
fn ask(machine: &Machine<'_>, question: &Question) -> Result<Verdict, ReplayError> {
    let (missing, has_gap) = (Closed::default(), machine.gap.is_some());
    let known = Known {
        state: &machine.state,
        executor: machine.executor,
        keys: &machine.keys,
        has_gap,
        missing: &missing,
    };
    let bystander = Bystander { has_gap, missing: &missing };
    let player = Player::new(&question.log, &bystander);
    let QueryRequest { input, value, gas_limit, nonce, .. } = &question.request;
    let context = Context {
        mode: Mode::Query,
        cluster: machine.history.cluster(),
        origin: question.origin,
        block_number: question.body.block_number,
        now_ms: question.recorded.block_timestamp_ms,
        gas_limit: *gas_limit,
        storage_deposit_limit: None,
        nonce: None,
    };
    let contract = machine.history.contract();
    let operation = Operation::Call { contract, input: input.clone(), value: *value };
    let ran = machine.executor.execute(&known, &player, &context, &operation);
    let entry = question.body.next_number;
    if let Some(need) = missing.take() {
        return Ok(Verdict::Refused { entry, why: need.to_string() });
    }
    if let Err(error) = player.finish() {
        return Ok(match error {
            executor_api::NotPlayed::OwnKey => Verdict::Refused { entry, why: error.to_string() },
            other => Verdict::Differs { entry: None, why: other.to_string() },
        });
    }
    let outcome = ran.map_err(|error| ReplayError::Engine(error.to_string()))?;
    let differs = |why: String| Ok(Verdict::Differs { entry: None, why });
    let output = match worker_core::output(outcome) {
        Ok(output) => output,
        Err(error) => return differs(format!("executed again the query fails: {error:?}")),
    };
    let again = Recorded { output, ..question.recorded.clone() };
    let data = again.encode();
    let answer = Ok(QueryOutput {
        flags: 0,
        data,
        gas_consumed: 0,
        gas_required: 0,
        storage_deposit: 0,
    });
    match answer_commitment(nonce, &answer) == question.body.answer_commitment {
        true => Ok(Verdict::Equal),
        false => differs("executed again the query has another answer than the receipt signs".to_owned()),
    }
}
