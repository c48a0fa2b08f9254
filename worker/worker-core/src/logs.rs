//! What contracts wrote, kept for their owners.
//!
//! Records stay in the worker's memory, a bounded ring for each contract; they are lost at a restart and
//! never written to the worker's own log or disk. Who asks sees the records of contracts that the
//! account owns, the results of commands that it sent, and which contracts could not be made, nothing
//! else; the answer is sealed to the asker as any is.
//!
//! Questions and answers are JSON, in the format of the original network's logger, so that its clients
//! understand them: `{"action":"GetLog","from":-10,"count":10,"contract":"0x…"}` and
//! `{"action":"GetInfo"}`.

use crate::compat::Noted;
use executor_api::{ContractEvent, LogRecord, Mode, Outcome, Returned};
use primitives::{AccountId, BlockNumber, ContractId, UnixMillis};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Most bytes of the records of all contracts.
const TOTAL_BYTES_MAX: usize = 128 * 1024 * 1024;
/// What a record costs besides its text.
const RECORD_OVERHEAD_BYTES: usize = 256;
/// Most records of one answer.
const ANSWER_RECORDS_MAX: usize = 1000;
/// Most bytes of records of one answer, as they are kept.
const ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Longest question, bytes.
const QUESTION_BYTES_MAX: usize = 4096;
/// Longest return value that a record of a result keeps, bytes.
const OUTPUT_BYTES_MAX: usize = 16 * 1024;

#[derive(Clone, Debug)]
enum Kind {
    Log {
        entry: ContractId,
        mode: Mode,
        at_ms: UnixMillis,
        level: u8,
        message: String,
    },
    Event {
        topics: Vec<[u8; 32]>,
        payload: Vec<u8>,
    },
    Result {
        origin: AccountId,
        nonce: Vec<u8>,
        output: Vec<u8>,
    },
    /// A contract could not be made. That is no secret, for its keys never come; why is.
    NotMade {
        at_ms: UnixMillis,
        reason: String,
    },
}

#[derive(Clone, Debug)]
struct Record {
    sequence: u64,
    block_number: BlockNumber,
    kind: Kind,
}

impl Record {
    fn bytes(&self) -> usize {
        RECORD_OVERHEAD_BYTES
            + match &self.kind {
                Kind::Log { message, .. } => message.len(),
                Kind::Event { topics, payload } => 32 * topics.len() + payload.len(),
                Kind::Result { nonce, output, .. } => nonce.len() + output.len(),
                Kind::NotMade { reason, .. } => reason.len(),
            }
    }

    /// The record as `asker` may see it, of a contract of `owner`.
    fn to_json(&self, contract: &ContractId, owner: AccountId, asker: AccountId) -> Value {
        let (sequence, block) = (self.sequence, self.block_number);
        let contract = to_hex(contract.as_bytes());
        match &self.kind {
            Kind::Log { entry, mode, at_ms, level, message } => json!({
                "type": "Log", "sequence": sequence, "blockNumber": block, "contract": contract,
                "entry": to_hex(entry.as_bytes()), "execMode": mode_name(*mode),
                "timestamp": at_ms, "level": level, "message": message,
            }),
            Kind::Event { topics, payload } => json!({
                "type": "Event", "sequence": sequence, "blockNumber": block, "contract": contract,
                "topics": topics.iter().map(|topic| to_hex(topic)).collect::<Vec<_>>(),
                "payload": to_hex(payload),
            }),
            Kind::Result { origin, nonce, output } => json!({
                "type": "MessageOutput", "sequence": sequence, "blockNumber": block,
                "contract": contract, "origin": to_hex(&origin.0), "nonce": to_hex(nonce),
                "output": to_hex(output),
            }),
            Kind::NotMade { at_ms, reason } => {
                // The words that clients of the original network look for.
                let message = match owner == asker {
                    true => format!("instantiate failed: {reason}"),
                    false => "instantiate failed".to_owned(),
                };
                json!({
                    "type": "Log", "sequence": sequence, "blockNumber": block, "contract": contract,
                    "entry": contract, "execMode": mode_name(Mode::Transaction),
                    "timestamp": at_ms, "level": 1, "message": message,
                })
            }
        }
    }

    /// Whether `asker` may see the record, of a contract of `owner`.
    fn is_for(&self, owner: AccountId, asker: AccountId) -> bool {
        owner == asker
            || match &self.kind {
                Kind::Result { origin, .. } => *origin == asker,
                Kind::NotMade { .. } => true,
                Kind::Log { .. } | Kind::Event { .. } => false,
            }
    }
}

fn to_hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Query => "query",
        Mode::Estimate => "estimating",
        Mode::Transaction => "transaction",
    }
}

/// The records of one contract.
struct Ring {
    owner: AccountId,
    records: VecDeque<Record>,
    bytes: usize,
}

#[derive(Default)]
struct Rings {
    rings: HashMap<ContractId, Ring>,
    bytes: usize,
    next_sequence: u64,
    ring_bytes_max: usize,
}

impl Rings {
    fn drop_oldest(&mut self, contract: &ContractId) -> bool {
        let Some(ring) = self.rings.get_mut(contract) else {
            return false;
        };
        let Some(record) = ring.records.pop_front() else {
            self.rings.remove(contract);
            return false;
        };
        ring.bytes -= record.bytes();
        self.bytes -= record.bytes();
        if ring.records.is_empty() {
            self.rings.remove(contract);
        }
        true
    }

    fn push(&mut self, contract: ContractId, owner: AccountId, block: BlockNumber, kind: Kind) {
        let record = Record { sequence: self.next_sequence, block_number: block, kind };
        let bytes = record.bytes();
        if bytes > self.ring_bytes_max {
            return;
        }
        self.next_sequence += 1;
        while self.rings.get(&contract).is_some_and(|r| r.bytes + bytes > self.ring_bytes_max) {
            self.drop_oldest(&contract);
        }
        while self.bytes + bytes > TOTAL_BYTES_MAX {
            // Who has most gives way.
            let largest = self.rings.iter().max_by_key(|(_, ring)| ring.bytes);
            let Some(largest) = largest.map(|(contract, _)| *contract) else {
                break;
            };
            self.drop_oldest(&largest);
        }
        let ring = self.rings.entry(contract).or_insert_with(|| Ring {
            owner,
            records: VecDeque::new(),
            bytes: 0,
        });
        ring.owner = owner;
        ring.bytes += bytes;
        ring.records.push_back(record);
        self.bytes += bytes;
    }
}

/// Of what execution records come.
pub struct Execution<'a> {
    /// How it was run.
    pub mode: Mode,
    /// The contract that was called or made.
    pub entry: ContractId,
    /// Who asked.
    pub origin: AccountId,
    /// The block that contracts saw.
    pub block_number: BlockNumber,
    /// When, milliseconds since 1970.
    pub at_ms: UnixMillis,
    /// What the sender made the command unique with.
    pub nonce: &'a [u8],
    /// First bytes of its input.
    pub selector: &'a [u8],
    /// Tells whose a contract is.
    pub owner_of: &'a dyn Fn(&ContractId) -> Option<AccountId>,
}

#[derive(Deserialize)]
#[serde(tag = "action")]
enum Question {
    GetLog {
        #[serde(default)]
        from: i64,
        #[serde(default)]
        count: u64,
        #[serde(default)]
        contract: Option<String>,
        #[serde(default, rename = "blockNumber", alias = "block_number")]
        block_number: Option<BlockNumber>,
    },
    GetInfo,
}

/// The records of all contracts of this worker.
pub struct Logs(Mutex<Rings>);

impl Default for Logs {
    fn default() -> Self {
        let limits = wire::limits::ClusterLimits::DEFAULT;
        Self(Mutex::new(Rings { ring_bytes_max: limits.log_bytes as usize, ..Rings::default() }))
    }
}

impl Logs {
    fn rings(&self) -> MutexGuard<'_, Rings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how much is kept of each contract.
    pub fn set_ring_bytes_max(&self, bytes: u32) {
        self.rings().ring_bytes_max = bytes as usize;
    }

    /// Keeps what an execution wrote and, of a transaction, its events and its result.
    pub fn record(&self, execution: &Execution<'_>, outcome: &Outcome) {
        let is_transaction = execution.mode == Mode::Transaction;
        if !is_transaction && outcome.logs.is_empty() {
            return;
        }
        // Whoever tried to make a contract that does not exist owns what it wrote.
        let owner_of = |contract: &ContractId| {
            let known = (execution.owner_of)(contract);
            known.or((*contract == execution.entry).then_some(execution.origin))
        };
        let mut rings = self.rings();
        let block = execution.block_number;
        for LogRecord { contract, entry, level, message } in &outcome.logs {
            let Some(owner) = owner_of(contract) else {
                continue;
            };
            let kind = Kind::Log {
                entry: *entry,
                mode: execution.mode,
                at_ms: execution.at_ms,
                level: *level,
                message: message.clone(),
            };
            rings.push(*contract, owner, block, kind);
        }
        if !is_transaction {
            return;
        }
        for ContractEvent { contract, topics, data } in &outcome.events {
            let Some(owner) = owner_of(contract) else {
                continue;
            };
            let kind = Kind::Event { topics: topics.clone(), payload: data.clone() };
            rings.push(*contract, owner, block, kind);
        }
        if let Some(owner) = owner_of(&execution.entry) {
            let kind = Kind::Result {
                origin: execution.origin,
                nonce: execution.nonce.to_vec(),
                output: execution_result(outcome, execution.selector),
            };
            rings.push(execution.entry, owner, block, kind);
        }
    }

    /// Keeps that a contract of `owner` could not be made, and why.
    pub fn note_not_made(
        &self,
        contract: ContractId,
        owner: AccountId,
        (block_number, at_ms): (BlockNumber, UnixMillis),
        reason: String,
    ) {
        self.rings().push(contract, owner, block_number, Kind::NotMade { at_ms, reason });
    }

    /// Answers a question of `asker` with the records that the account may see.
    pub fn answer(&self, question: &[u8], asker: Option<AccountId>) -> Vec<u8> {
        let answer = match parse(question) {
            Ok(Question::GetInfo) => self.info(asker),
            Ok(Question::GetLog { from, count, contract, block_number }) => {
                match contract.as_deref().map(parse_contract).transpose() {
                    Ok(contract) => self.records(asker, contract, from, count, block_number),
                    Err(error) => json!({ "error": error }),
                }
            }
            Err(error) => json!({ "error": error }),
        };
        answer.to_string().into_bytes()
    }

    fn info(&self, asker: Option<AccountId>) -> Value {
        let rings = self.rings();
        let own = rings.rings.values().filter(|ring| Some(ring.owner) == asker);
        let (count, bytes) = own.fold((0, 0), |(count, bytes), ring| {
            (count + ring.records.len(), bytes + ring.bytes)
        });
        json!({
            "programVersion": version(),
            "nextSequence": rings.next_sequence,
            "memoryCapacity": rings.ring_bytes_max,
            "memoryUsage": bytes,
            "currentNumberOfRecords": count,
            "estimatedCurrentSize": bytes,
        })
    }

    fn records(
        &self,
        asker: Option<AccountId>,
        contract: Option<ContractId>,
        from: i64,
        count: u64,
        block_number: Option<BlockNumber>,
    ) -> Value {
        let Some(asker) = asker else {
            return json!({ "records": [], "next": 0 });
        };
        let rings = self.rings();
        let mut seen: Vec<(&ContractId, AccountId, &Record)> = rings
            .rings
            .iter()
            .filter(|(id, _)| contract.is_none_or(|contract| contract == **id))
            .flat_map(|(id, ring)| ring.records.iter().map(move |record| (id, ring.owner, record)))
            .filter(|(_, owner, record)| record.is_for(*owner, asker))
            .filter(|(_, _, record)| block_number.is_none_or(|block| block == record.block_number))
            .collect();
        seen.sort_unstable_by_key(|(_, _, record)| record.sequence);
        let start = match u64::try_from(from) {
            Ok(from) => seen.partition_point(|(_, _, record)| record.sequence < from),
            Err(_) => seen.len().saturating_sub(from.unsigned_abs() as usize),
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(ANSWER_RECORDS_MAX);
        let mut bytes = 0;
        let chosen: Vec<_> = seen
            .iter()
            .skip(start)
            .take(count)
            .take_while(|(_, _, record)| {
                bytes += record.bytes();
                bytes <= ANSWER_BYTES_MAX
            })
            .collect();
        let next = chosen.last().map_or_else(
            || u64::try_from(from).unwrap_or(rings.next_sequence),
            |(_, _, record)| record.sequence + 1,
        );
        let records: Vec<Value> =
            chosen.iter().map(|(id, owner, record)| record.to_json(id, *owner, asker)).collect();
        json!({ "records": records, "next": next })
    }
}

fn version() -> [u16; 3] {
    let part = |text: &str| text.parse().unwrap_or(0);
    [
        part(env!("CARGO_PKG_VERSION_MAJOR")),
        part(env!("CARGO_PKG_VERSION_MINOR")),
        part(env!("CARGO_PKG_VERSION_PATCH")),
    ]
}

fn parse(question: &[u8]) -> Result<Question, String> {
    if question.len() > QUESTION_BYTES_MAX {
        return Err(format!("the question is longer than {QUESTION_BYTES_MAX} bytes"));
    }
    serde_json::from_slice(question)
        .map_err(|error| format!("the question is not understood: {error}; ask GetLog or GetInfo"))
}

fn parse_contract(text: &str) -> Result<ContractId, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let mut id = [0; 32];
    hex::decode_to_slice(digits, &mut id)
        .map_err(|_| "the contract is not 32 bytes in hexadecimal".to_owned())?;
    Ok(ContractId(id))
}

/// SCALE of pallet-contracts' `ContractExecResult`, then the selector: what clients of the original
/// network decode. What is long is cut.
fn execution_result(outcome: &Outcome, selector: &[u8]) -> Vec<u8> {
    let mut noted = Noted::of(outcome, None);
    noted.debug_message.truncate(OUTPUT_BYTES_MAX);
    let returned = outcome.result.as_ref().ok();
    let mut bytes = noted.encode(returned.map(|Returned { flags, data }| {
        (*flags, &data[..data.len().min(OUTPUT_BYTES_MAX)])
    }));
    bytes.extend_from_slice(selector);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use executor_api::StorageDeposit;

    const OWNER: AccountId = AccountId([1; 32]);
    const USER: AccountId = AccountId([2; 32]);
    const A: ContractId = ContractId([10; 32]);
    const B: ContractId = ContractId([11; 32]);

    fn outcome(lines: &[(ContractId, &str)]) -> Outcome {
        Outcome {
            result: Ok(Returned { flags: 0, data: vec![7] }),
            gas_consumed: 1,
            gas_required: 1,
            storage_deposit: StorageDeposit::Charge(0),
            debug_message: Vec::new(),
            events: Vec::new(),
            changes: Vec::new(),
            instantiated: Vec::new(),
            logs: lines
                .iter()
                .map(|(contract, message)| LogRecord {
                    contract: *contract,
                    entry: A,
                    level: 3,
                    message: (*message).to_owned(),
                })
                .collect(),
            effects: Vec::new(),
        }
    }

    fn record(logs: &Logs, mode: Mode, origin: AccountId, lines: &[(ContractId, &str)]) {
        let execution = Execution {
            mode,
            entry: A,
            origin,
            block_number: 5,
            at_ms: 1_000,
            nonce: b"nonce",
            selector: &[1, 2, 3, 4],
            owner_of: &|contract| [(A, OWNER), (B, USER)].iter().find(|(c, _)| c == contract).map(|(_, o)| *o),
        };
        logs.record(&execution, &outcome(lines));
    }

    fn ask(logs: &Logs, asker: Option<AccountId>, question: &str) -> Value {
        serde_json::from_slice(&logs.answer(question.as_bytes(), asker)).unwrap()
    }

    fn messages(answer: &Value) -> Vec<&str> {
        let records = answer["records"].as_array().unwrap();
        records.iter().filter_map(|record| record["message"].as_str()).collect()
    }

    #[test]
    fn owners_see_their_own_contracts_alone() {
        let logs = Logs::default();
        record(&logs, Mode::Query, USER, &[(A, "one"), (B, "two"), (A, "three")]);
        let tail = r#"{"action":"GetLog","from":-10,"count":10}"#;
        assert_eq!(messages(&ask(&logs, Some(OWNER), tail)), ["one", "three"]);
        assert_eq!(messages(&ask(&logs, Some(USER), tail)), ["two"]);
        assert_eq!(ask(&logs, None, tail), json!({ "records": [], "next": 0 }));
        let of_b = format!(
            r#"{{"action":"GetLog","from":-10,"count":10,"contract":"0x{}"}}"#,
            hex::encode(B.0)
        );
        assert!(messages(&ask(&logs, Some(OWNER), &of_b)).is_empty());
        assert_eq!(messages(&ask(&logs, Some(USER), &of_b)), ["two"]);
    }

    #[test]
    fn a_sender_sees_the_result_of_the_own_command() {
        let logs = Logs::default();
        record(&logs, Mode::Transaction, USER, &[(A, "secret of the owner")]);
        let all = r#"{"action":"GetLog","count":10}"#;
        let answer = ask(&logs, Some(USER), all);
        assert!(messages(&answer).is_empty());
        let records = answer["records"].as_array().unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0]["type"], "MessageOutput");
        // Flags, one byte of data, no events, the selector.
        let output = records[0]["output"].as_str().unwrap();
        assert!(output.ends_with("0000000000040700 01020304".replace(' ', "").as_str()));
    }

    #[test]
    fn pages_follow_one_another() {
        let logs = Logs::default();
        let lines: Vec<String> = (0..25).map(|number| number.to_string()).collect();
        let lines: Vec<_> = lines.iter().map(|line| (A, line.as_str())).collect();
        record(&logs, Mode::Query, USER, &lines);
        let (mut from, mut seen) = (0, 0);
        loop {
            let question = format!(r#"{{"action":"GetLog","from":{from},"count":10}}"#);
            let answer = ask(&logs, Some(OWNER), &question);
            if messages(&answer).is_empty() {
                break;
            }
            seen += messages(&answer).len();
            from = answer["next"].as_u64().unwrap();
        }
        assert_eq!(seen, 25);
        let tail = ask(&logs, Some(OWNER), r#"{"action":"GetLog","from":-2,"count":10}"#);
        assert_eq!(messages(&tail), ["23", "24"]);
    }

    #[test]
    fn the_oldest_go_first_and_a_flood_drowns_itself_alone() {
        let logs = Logs::default();
        logs.set_ring_bytes_max(10_000);
        record(&logs, Mode::Query, USER, &[(B, "of a neighbour")]);
        let long = "x".repeat(1000);
        for _ in 0..100 {
            record(&logs, Mode::Query, USER, &[(A, &long)]);
        }
        record(&logs, Mode::Query, USER, &[(A, &"y".repeat(20_000)), (A, "last")]);
        let all = r#"{"action":"GetLog","count":1000}"#;
        let answer = ask(&logs, Some(OWNER), all);
        assert_eq!(messages(&answer).last(), Some(&"last"));
        assert!(messages(&answer).len() < 10);
        assert_eq!(messages(&ask(&logs, Some(USER), all)), ["of a neighbour"]);
    }

    #[test]
    fn that_a_contract_could_not_be_made_is_no_secret_but_why_is() {
        let logs = Logs::default();
        logs.note_not_made(A, OWNER, (5, 1_000), "the contract trapped".to_owned());
        let all = r#"{"action":"GetLog","count":10}"#;
        let owners = ask(&logs, Some(OWNER), all);
        assert_eq!(messages(&owners), ["instantiate failed: the contract trapped"]);
        assert_eq!(owners["records"][0]["execMode"], "transaction");
        assert_eq!(messages(&ask(&logs, Some(USER), all)), ["instantiate failed"]);
        assert!(messages(&ask(&logs, None, all)).is_empty());
    }

    #[test]
    fn what_is_no_question_is_answered_by_an_error() {
        let logs = Logs::default();
        for question in ["", "{}", r#"{"action":"Format"}"#, r#"{"action":"GetLog","contract":"0x12"}"#] {
            assert!(ask(&logs, Some(OWNER), question)["error"].is_string(), "{question}");
        }
        assert!(ask(&logs, Some(OWNER), &"x".repeat(5000))["error"].is_string());
        let info = ask(&logs, Some(OWNER), r#"{"action":"GetInfo"}"#);
        assert_eq!(info["currentNumberOfRecords"], 0);
    }
}
