//! History files: all mailbox entries of a cluster up to a number that its workers agreed on, and one
//! contract's commitment there, proven from the genesis hash.
//!
//! A file is made by anybody with access to an archive node and to a worker; nothing in it is secret. Who
//! has the contract's audit key executes it again (`auditor/replay`) and must come to the commitment.
//!
//! # How it is proven
//!
//! One portable proof makes a block final and shows the cluster's agreed root in its state. From there the
//! way leads back through states that remember earlier blocks' hashes; in each some of the mailbox's
//! entries are read that it still kept. A trie proof under the agreed root shows the contract's
//! commitment. [`check`] follows all of it.
//!
//! # Threats
//!
//! Every byte is hostile; what is trusted is the genesis hash that the caller pins, that chain's GRANDPA
//! majority, and, for the agreed root, the majority of the cluster's workers. Lengths are bounded first,
//! nothing panics. Codes need no proof: an entry names their hash. Steps ([`HistoryFile::steps`]) are
//! checked against the commitment by who has the key; without it they say nothing.

#![deny(missing_docs)]

use chain_facts::{AgreedCheckpoint, AgreedRoot, ContractRecord, keys};
use chain_proof::{PastState, PortableProof, ProofError, trie::TrieNodes, verify_portable};
use codec::{Decode, DecodeAll as _, DecodeLimit as _, Encode};
use primitives::{
    AccountId, BlockHash, BlockNumber, ClusterId, CodeHash, ContractId, GenesisHash, StateRoot,
};
use std::collections::BTreeMap;
use wire::{
    audit::{ContractRootProof, HistoryPage, contract_root_key, trie_key},
    domain::code_hash,
    mailbox::{MailboxEntry, MailboxOperation},
};

/// What a file begins with.
pub const MAGIC: [u8; 8] = *b"phathist";
/// Version of the layout.
pub const VERSION: u8 = 1;
/// Longest file that is read, bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Nesting of what is decoded.
const DEPTH_MAX: u32 = 16;

/// A history, as stored: [`MAGIC`], then SCALE.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HistoryFile {
    /// [`VERSION`].
    pub version: u8,
    /// The network.
    pub genesis: GenesisHash,
    /// The contract.
    pub contract: ContractId,
    /// Makes a block final, and shows what the chain says of contract and cluster there.
    pub finality: PortableProof,
    /// Blocks before it, from the newest to the oldest.
    pub past: Vec<PastBlock>,
    /// Codes that entries upload, in any order.
    pub codes: Vec<Vec<u8>>,
    /// The contract's commitment under the agreed root.
    pub root: ContractRootProof,
    /// Steps of the contract's history that a worker gave: hints, until they are checked.
    pub steps: HistoryPage,
}

/// A block whose state shows a run of mailbox entries.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PastBlock {
    /// Its header (SCALE).
    pub header: Vec<u8>,
    /// The first entry that is read from its state.
    pub first: u64,
    /// How many are.
    pub count: u64,
    /// Trie nodes of its state.
    pub nodes: Vec<Vec<u8>>,
}

/// Why a file is not a history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// It is no history file, or longer than one.
    #[error("this is no history file of a version that this program knows")]
    NotAHistory,
    /// It is of another network.
    #[error("the history is of network {found}, not of {expected}")]
    AnotherNetwork {
        /// The pinned one.
        expected: GenesisHash,
        /// The file's.
        found: GenesisHash,
    },
    /// A proof of the chain does not hold.
    #[error("the chain's proof does not hold")]
    Chain(#[from] ProofError),
    /// The chain has no such contract.
    #[error("contract {0} is not on chain")]
    NoContract(ContractId),
    /// The root is not one that the cluster's workers agreed on.
    #[error("the cluster's workers did not agree on root {root} after {next_number} entries")]
    NotAgreed {
        /// After how many entries.
        next_number: u64,
        /// The file's root.
        root: StateRoot,
    },
    /// An entry is not shown.
    #[error("entry {0} of the mailbox is not shown")]
    EntryMissing(u64),
    /// An entry is not of a kind that this program knows.
    #[error("entry {0} of the mailbox cannot be read; this program is too old or too new for the chain")]
    EntryUnreadable(u64),
    /// An uploaded code is not in the file.
    #[error("code {0} is not in the history")]
    CodeMissing(CodeHash),
    /// The commitment's proof does not hold.
    #[error("the proof of the contract's root does not hold: {0}")]
    Root(String),
    /// Under the agreed root the contract has no commitment.
    #[error("the cluster's agreed state has no contract {0}")]
    NoCommitment(ContractId),
    /// The steps do not follow from one another.
    #[error("the steps of the history do not follow from one another")]
    BrokenSteps,
}

/// A history that holds. Only [`check`] makes one.
#[derive(Clone, Debug)]
pub struct History {
    genesis: GenesisHash,
    cluster: ClusterId,
    contract: ContractId,
    deployer: AccountId,
    final_block: (BlockNumber, BlockHash),
    agreed: (u64, StateRoot),
    entries: Vec<MailboxEntry>,
    codes: BTreeMap<CodeHash, Vec<u8>>,
    commitment: [u8; 32],
    steps: HistoryPage,
}

/// What a history says, without any proof of it.
#[derive(Clone, Debug)]
pub struct Claims {
    /// The network.
    pub genesis: GenesisHash,
    /// The contract's cluster.
    pub cluster: ClusterId,
    /// The contract.
    pub contract: ContractId,
    /// All entries from 0.
    pub entries: Vec<MailboxEntry>,
    /// Codes that they upload.
    pub codes: Vec<Vec<u8>>,
    /// The contract's commitment after them.
    pub commitment: [u8; 32],
    /// Steps of its history.
    pub steps: HistoryPage,
}

impl History {
    /// A history that nothing shows to be true: for tests of what is done with one. An auditor never has it.
    pub fn danger_unproven(claims: Claims) -> Self {
        let Claims { genesis, cluster, contract, entries, codes, commitment, steps } = claims;
        Self {
            genesis,
            cluster,
            contract,
            deployer: AccountId::default(),
            final_block: (0, BlockHash::default()),
            agreed: (entries.len() as u64, StateRoot::default()),
            entries,
            codes: codes.into_iter().map(|code| (code_hash(&code), code)).collect(),
            commitment,
            steps,
        }
    }

    /// The network.
    pub fn genesis(&self) -> GenesisHash {
        self.genesis
    }

    /// The contract's cluster.
    pub fn cluster(&self) -> ClusterId {
        self.cluster
    }

    /// The contract.
    pub fn contract(&self) -> ContractId {
        self.contract
    }

    /// Who deployed it, by the chain.
    pub fn deployer(&self) -> AccountId {
        self.deployer
    }

    /// The final block that everything hangs on.
    pub fn final_block(&self) -> (BlockNumber, BlockHash) {
        self.final_block
    }

    /// After how many entries the cluster's workers agreed, and on which root.
    pub fn agreed(&self) -> (u64, StateRoot) {
        self.agreed
    }

    /// All entries below the agreed number, from 0.
    pub fn entries(&self) -> &[MailboxEntry] {
        &self.entries
    }

    /// Code that an entry uploads.
    pub fn code(&self, hash: &CodeHash) -> Option<&Vec<u8>> {
        self.codes.get(hash)
    }

    /// The contract's commitment at the agreed number.
    pub fn commitment(&self) -> [u8; 32] {
        self.commitment
    }

    /// Steps that a worker gave; chained, and not yet held against the commitment.
    pub fn unchecked_steps(&self) -> &HistoryPage {
        &self.steps
    }
}

impl HistoryFile {
    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        self.encode_to(&mut bytes);
        bytes
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HistoryError> {
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(HistoryError::NotAHistory);
        }
        let mut rest = bytes.strip_prefix(&MAGIC[..]).ok_or(HistoryError::NotAHistory)?;
        if rest.first() != Some(&VERSION) {
            return Err(HistoryError::NotAHistory);
        }
        Self::decode_all_with_depth_limit(DEPTH_MAX, &mut rest)
            .map_err(|_| HistoryError::NotAHistory)
    }
}

/// Follows every proof of a file, from `genesis` on.
///
/// # Errors
/// See [`HistoryError`]; the first thing that does not hold.
pub fn check(genesis: &GenesisHash, file: &HistoryFile) -> Result<History, HistoryError> {
    if file.genesis != *genesis {
        let (expected, found) = (*genesis, file.genesis);
        return Err(HistoryError::AnotherNetwork { expected, found });
    }
    let newest = PastState::from(verify_portable(genesis, None, &file.finality)?);
    let contract = file.contract;
    let record: ContractRecord = newest
        .read_as(&keys::contract(&contract))?
        .ok_or(HistoryError::NoContract(contract))?;
    let cluster = record.cluster;
    check_agreed(&newest, &cluster, &file.root)?;
    let entries = read_entries(&newest, &cluster, file)?;
    let codes = file.codes.iter().map(|code| (code_hash(code), code.clone())).collect();
    check_codes(&entries, &codes)?;
    if !file.steps.is_chained() {
        return Err(HistoryError::BrokenSteps);
    }
    Ok(History {
        genesis: *genesis,
        cluster,
        contract,
        deployer: record.deployer,
        final_block: (newest.number(), newest.hash()),
        agreed: (file.root.next_number, file.root.state_root),
        entries,
        codes,
        commitment: read_commitment(&contract, &file.root)?,
        steps: file.steps.clone(),
    })
}

fn check_agreed(
    newest: &PastState,
    cluster: &ClusterId,
    root: &ContractRootProof,
) -> Result<(), HistoryError> {
    let agreed: Option<AgreedCheckpoint> = newest.read_as(&keys::agreed_checkpoint(cluster))?;
    let wanted = (root.next_number, root.state_root);
    if agreed.is_some_and(|agreed| (agreed.next_number, agreed.state_root) == wanted) {
        return Ok(());
    }
    let before: Vec<AgreedRoot> =
        newest.read_as(&keys::agreed_roots(cluster))?.unwrap_or_default();
    match before.iter().any(|agreed| (agreed.next_number, agreed.state_root) == wanted) {
        true => Ok(()),
        false => {
            Err(HistoryError::NotAgreed { next_number: wanted.0, root: wanted.1 })
        }
    }
}

fn read_entries(
    newest: &PastState,
    cluster: &ClusterId,
    file: &HistoryFile,
) -> Result<Vec<MailboxEntry>, HistoryError> {
    let wanted = file.root.next_number;
    let mut found: BTreeMap<u64, MailboxEntry> = BTreeMap::new();
    let mut state = newest.clone();
    for block in &file.past {
        state = state.before(&block.header, &block.nodes)?;
        let end = block.first.saturating_add(block.count).min(wanted);
        for number in block.first..end {
            let bytes: Vec<u8> = state
                .read_as(&keys::inbox_entry(cluster, number))?
                .ok_or(HistoryError::EntryMissing(number))?;
            let entry = MailboxEntry::decode_all(&mut &bytes[..])
                .map_err(|_| HistoryError::EntryUnreadable(number))?;
            found.insert(number, entry);
        }
    }
    let mut entries = Vec::new();
    for number in 0..wanted {
        // Ends with the first that is missing, so a large number costs nothing.
        entries.push(found.remove(&number).ok_or(HistoryError::EntryMissing(number))?);
    }
    Ok(entries)
}

fn check_codes(
    entries: &[MailboxEntry],
    codes: &BTreeMap<CodeHash, Vec<u8>>,
) -> Result<(), HistoryError> {
    for entry in entries {
        if let MailboxOperation::UploadCode { code_hash } = &entry.operation
            && !codes.contains_key(code_hash)
        {
            return Err(HistoryError::CodeMissing(*code_hash));
        }
    }
    Ok(())
}

fn read_commitment(
    contract: &ContractId,
    root: &ContractRootProof,
) -> Result<[u8; 32], HistoryError> {
    let nodes = TrieNodes::new(&root.nodes);
    let value = nodes
        .read(&root.state_root.0, &trie_key(&contract_root_key(contract)))
        .map_err(|error| HistoryError::Root(error.to_string()))?
        .ok_or(HistoryError::NoCommitment(*contract))?;
    value
        .try_into()
        .map_err(|_| HistoryError::Root("it is not of 32 bytes".to_owned()))
}
