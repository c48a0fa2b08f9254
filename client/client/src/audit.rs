//! What an auditor takes from chain and workers: the contract's key, and its history as a file.
//!
//! The file is proven as `contract-history` says; executing it again is `auditor/replay`'s part.

use crate::{
    Account, Chain, ChainError, Cluster, WorkerClient, WorkerError, asker::Asker,
    worker::{QueryOptions, request},
};
use chain_facts::keys;
use chain_proof::{Header, PortableProof, block_hash_key, distinct_nodes, trie::TrieNodes};
use codec::DecodeAll as _;
use contract_history::{HistoryError, HistoryFile, PastBlock, VERSION, check};
use primitives::{BlockNumber, ClusterId, CodeHash, ContractId, bounds};
use secrets::AuditKey;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use wire::{
    audit::{ContractRootProof, HistoryPage},
    domain::code_hash,
    mailbox::{MailboxEntry, MailboxOperation},
    query::{QueryRequest, QueryTarget},
};

/// How long is waited for the cluster to agree on what is wanted, and how often is looked.
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(500);
/// Blocks between the newest final one and the first whose state is read: proofs of finality may end a
/// little before the newest.
const LAG: BlockNumber = 8;
/// Most blocks from one state back to another: fewer than a state remembers.
const STRIDE: BlockNumber = 4000;
/// Entries that one proof is asked for.
const ENTRIES_AT_ONCE: usize = 128;

/// Why there is no audit key or history.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The chain did not give what is needed.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// No worker gave what is needed.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// What a worker answered is not what was asked for.
    #[error("worker answers with something that is no {0}")]
    NotAnAnswer(&'static str),
    /// What was put together does not hold.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The node does not have the state of a block any more.
    #[error("the node does not give the state of block {block} ({reason}): name an archive node with --node")]
    NotArchived {
        /// Which block.
        block: BlockNumber,
        /// What it says.
        reason: String,
    },
    /// The chain pruned an entry before the state that would show it.
    #[error("entry {0} of the mailbox cannot be found in the chain's past")]
    EntryLost(u64),
    /// Agreement does not come.
    #[error("the cluster's workers have not agreed on what is wanted within {0:?}: {1}")]
    TimedOut(Duration, String),
}

/// A question for a contract's audit key; it needs the account of somebody who may audit it.
pub fn audit_key_request(contract: ContractId) -> QueryRequest {
    request(QueryTarget::AuditKey { contract }, Vec::new(), QueryOptions::default())
}

/// A question for the newest steps of a contract's history, without the first `from`.
pub fn steps_request(contract: ContractId, from: u64) -> QueryRequest {
    request(QueryTarget::History { contract, from }, Vec::new(), QueryOptions::default())
}

/// A question to a contract whose answer comes with a record of what the worker told the contract.
pub fn recorded_request(
    contract: ContractId,
    input: Vec<u8>,
    options: QueryOptions,
) -> QueryRequest {
    request(QueryTarget::RecordedCall { contract }, input, options)
}

/// A contract's audit key, from a worker.
///
/// # Errors
/// When no worker answers, or the contract does not let this account audit it.
pub async fn audit_key(
    asker: &mut impl Asker,
    account: &Account,
    contract: ContractId,
) -> Result<AuditKey, AuditError> {
    let asked = asker.ask(Some(account), audit_key_request(contract)).await?;
    let output = asked.reply.result.map_err(WorkerError::Query)?;
    let data = zeroize::Zeroizing::new(output.data);
    let key = AuditKey::from_bytes(&data).ok().filter(|key| key.contract == contract);
    key.ok_or(AuditError::NotAnAnswer("audit key"))
}

/// The newest steps of a contract's history, from a worker: hints, until a replay has checked them.
///
/// # Errors
/// As [`audit_key`].
pub async fn history_steps(
    asker: &mut impl Asker,
    account: &Account,
    contract: ContractId,
) -> Result<HistoryPage, AuditError> {
    let asked = asker.ask(Some(account), steps_request(contract, 0)).await?;
    let output = asked.reply.result.map_err(WorkerError::Query)?;
    wire::decode_all(&output.data, bounds::ANSWER_BYTES_MAX)
        .map_err(|_| AuditError::NotAnAnswer("history"))
}

/// A contract's history up to what its cluster agreed on, over at least `covers` entries. With the account
/// of somebody who may audit the contract it has the newest steps, too.
///
/// # Errors
/// See [`AuditError`]. What comes back has been checked.
pub async fn history(
    chain: &Chain,
    cluster: &mut Cluster,
    contract: ContractId,
    account: Option<&Account>,
    covers: u64,
) -> Result<HistoryFile, AuditError> {
    let started = Instant::now();
    loop {
        let file = attempt(chain, cluster, contract, account, covers).await;
        // What is agreed moves on, and worker and node do not see the same block.
        let later = match file {
            Err(AuditError::NotAnAnswer(what)) => what.to_owned(),
            Err(AuditError::Worker(
                error @ (WorkerError::Refused { .. }
                | WorkerError::Unreachable { .. }
                | WorkerError::NoneAnswered(_)),
            )) => error.to_string(),
            Err(AuditError::History(
                error @ (HistoryError::NotAgreed { .. }
                | HistoryError::NoCommitment(_)
                | HistoryError::EntryMissing(_)),
            )) => error.to_string(),
            Err(AuditError::TimedOut(_, why)) => why,
            other => return other,
        };
        if started.elapsed() > PATIENCE {
            return Err(AuditError::TimedOut(PATIENCE, later));
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn attempt(
    chain: &Chain,
    cluster: &mut Cluster,
    contract: ContractId,
    account: Option<&Account>,
    covers: u64,
) -> Result<HistoryFile, AuditError> {
    let root = contract_root(chain, cluster, &contract).await?;
    if root.next_number < covers {
        let why = format!("{} entries are agreed on, {covers} are wanted", root.next_number);
        return Err(AuditError::TimedOut(PATIENCE, why));
    }
    let steps = match account {
        Some(account) => history_steps(cluster, account, contract).await?,
        None => HistoryPage::default(),
    };
    let Mailbox { finality, past, codes } =
        chain.mailbox(&contract, &cluster.id(), root.next_number).await?;
    let file = HistoryFile {
        version: VERSION,
        genesis: chain.genesis(),
        contract,
        finality,
        past,
        codes,
        root,
        steps,
    };
    check(&chain.genesis(), &file)?;
    Ok(file)
}

/// The contract's commitment, from the first worker that has one.
async fn contract_root(
    chain: &Chain,
    cluster: &Cluster,
    contract: &ContractId,
) -> Result<ContractRootProof, AuditError> {
    let members = cluster.membership().members;
    let mut last = AuditError::NotAnAnswer("root: no worker of the cluster may be asked");
    for worker in cluster.candidates() {
        let member = members.iter().find(|member| member.record.info.worker == worker);
        let Some(member) = member else { continue };
        match WorkerClient::new(chain.genesis(), &member.record)?.contract_root(contract).await {
            Ok(root) => return Ok(root),
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

struct Mailbox {
    finality: PortableProof,
    past: Vec<PastBlock>,
    codes: Vec<Vec<u8>>,
}

/// One block on the way back.
struct Rung {
    number: BlockNumber,
    hash: String,
    header: Vec<u8>,
    first: u64,
    next: u64,
}

impl Chain {
    /// All entries of a cluster's mailbox below `wanted`, proven.
    async fn mailbox(
        &self,
        contract: &ContractId,
        cluster: &ClusterId,
        wanted: u64,
    ) -> Result<Mailbox, AuditError> {
        let newest = self.final_number().await?;
        let Some(top) = newest.checked_sub(LAG).filter(|top| *top > 0) else {
            let why = "the chain is only a few blocks long".to_owned();
            return Err(AuditError::TimedOut(PATIENCE, why));
        };
        let wanted_keys = [
            keys::contract(contract),
            keys::agreed_checkpoint(cluster),
            keys::agreed_roots(cluster),
            block_hash_key(top),
        ];
        let finality = self.portable(&wanted_keys, None).await?.proof;
        let (mut past, mut codes) = (Vec::new(), BTreeMap::new());
        let mut rung = self.rung(cluster, top).await?;
        let mut below = wanted;
        loop {
            let end = below.min(rung.next);
            if past.is_empty() && end < wanted {
                return Err(HistoryError::EntryMissing(end).into());
            }
            let first = rung.first.min(end);
            let (mut nodes, entries) = self.entries(cluster, &rung, first..end).await?;
            self.codes_of(&rung, &entries, &mut codes).await?;
            below = first;
            let next = match (first, entries.first()) {
                (0, _) => None,
                (_, Some(entry)) => Some(self.rung_before(cluster, &rung, first, entry).await?),
                (_, None) => {
                    let number = rung.number.saturating_sub(STRIDE);
                    Some(self.rung(cluster, number).await?)
                }
            };
            if let Some(next) = &next {
                nodes.push(self.archived(&[block_hash_key(next.number)], &rung).await?);
            }
            past.push(PastBlock {
                header: rung.header,
                first,
                count: end - first,
                nodes: distinct_nodes(nodes),
            });
            match next {
                Some(next) => rung = next,
                None => break,
            }
        }
        Ok(Mailbox { finality, past, codes: codes.into_values().collect() })
    }

    /// The block to go on from: one that still had entries before `first`, whose entry this is.
    async fn rung_before(
        &self,
        cluster: &ClusterId,
        rung: &Rung,
        first: u64,
        entry: &MailboxEntry,
    ) -> Result<Rung, AuditError> {
        // The block that took the entry in has those before it, unless it pruned them itself.
        for number in [entry.block_number, entry.block_number.saturating_sub(1)] {
            if rung.number - number.min(rung.number) > STRIDE {
                return self.rung(cluster, rung.number - STRIDE).await;
            }
            if number >= rung.number || number == 0 {
                continue;
            }
            let before = self.rung(cluster, number).await?;
            if before.first < first {
                return Ok(before);
            }
        }
        Err(AuditError::EntryLost(first - 1))
    }

    async fn rung(&self, cluster: &ClusterId, number: BlockNumber) -> Result<Rung, AuditError> {
        let hash = self.hash_of(number).await?;
        let header = self.header(&hash).await?;
        let read = async |key: Vec<u8>| {
            let bytes = self.value_at(&key, &hash).await;
            let bytes = bytes.map_err(|error| not_archived(number, &error))?;
            let value = bytes.map(|bytes| u64::decode_all(&mut &bytes[..]).ok());
            Ok::<_, AuditError>(value.flatten().unwrap_or(0))
        };
        let (first, next) =
            (read(keys::inbox_first(cluster)).await?, read(keys::inbox_next(cluster)).await?);
        Ok(Rung { number, hash, header, first, next })
    }

    async fn archived(
        &self,
        keys: &[Vec<u8>],
        rung: &Rung,
    ) -> Result<Vec<Vec<u8>>, AuditError> {
        self.read_proof(keys, &rung.hash)
            .await
            .map_err(|error| not_archived(rung.number, &error))
    }

    /// Entries in a block's state, and the nodes that show them.
    async fn entries(
        &self,
        cluster: &ClusterId,
        rung: &Rung,
        numbers: std::ops::Range<u64>,
    ) -> Result<(Vec<Vec<Vec<u8>>>, Vec<MailboxEntry>), AuditError> {
        let root = Header::decode_all(&mut &rung.header[..])
            .map_err(|_| ChainError::node("a header cannot be read"))?
            .state_root;
        let keys: Vec<Vec<u8>> =
            numbers.clone().map(|number| keys::inbox_entry(cluster, number)).collect();
        let (mut proofs, mut entries) = (Vec::new(), Vec::new());
        for (keys, at) in keys.chunks(ENTRIES_AT_ONCE).zip((numbers.start..).step_by(ENTRIES_AT_ONCE))
        {
            let proof = self.archived(keys, rung).await?;
            let nodes = TrieNodes::new(&proof);
            for (key, number) in keys.iter().zip(at..) {
                let bytes = nodes.read(&root.0, key).ok().flatten();
                let entry = bytes.and_then(|bytes| {
                    let bytes = Vec::<u8>::decode_all(&mut &bytes[..]).ok()?;
                    MailboxEntry::decode_all(&mut &bytes[..]).ok()
                });
                entries.push(entry.ok_or(HistoryError::EntryUnreadable(number))?);
            }
            proofs.push(proof);
        }
        Ok((proofs, entries))
    }

    /// Codes that entries upload. Their hash shows that they are the right ones.
    async fn codes_of(
        &self,
        rung: &Rung,
        entries: &[MailboxEntry],
        codes: &mut BTreeMap<CodeHash, Vec<u8>>,
    ) -> Result<(), AuditError> {
        for entry in entries {
            let MailboxOperation::UploadCode { code_hash: hash } = &entry.operation else {
                continue;
            };
            if codes.contains_key(hash) {
                continue;
            }
            // Where it was removed since, the block of the upload has it.
            let upload = self.hash_of(entry.block_number).await?;
            for at in [&rung.hash, &upload] {
                let found = self.value_at(&keys::code_blob(hash), at).await;
                let found = found.map_err(|error| not_archived(rung.number, &error))?;
                let code = found.and_then(|bytes| Vec::<u8>::decode_all(&mut &bytes[..]).ok());
                if let Some(code) = code.filter(|code| code_hash(code) == *hash) {
                    codes.insert(*hash, code);
                    break;
                }
            }
            if !codes.contains_key(hash) {
                return Err(HistoryError::CodeMissing(*hash).into());
            }
        }
        Ok(())
    }
}

fn not_archived(block: BlockNumber, error: &ChainError) -> AuditError {
    AuditError::NotArchived { block, reason: error.to_string() }
}
