//! Decoders of bytes from outside: whatever decodes is encoded to what decodes to the same, and
//! nothing panics.

use std::fmt::Debug;
use std::sync::OnceLock;

use attestation::{AcceptedRoot, Collateral, Evidence, Policy, TIER_WORST, judge};
use codec::{Decode, Encode};
use contract_abi::{event::PinkEvent, extension::WorkerQuote, http, script};
use mock_attestation::{DevelopmentPki, MockEnclave, MockTd};
use primitives::GenesisHash;
use wire::{
    audit, certificate, command, decode_all, handover, limits, mailbox, message, query, receipt, record,
    registration,
};

/// Longest input that is looked at, bytes.
const BYTES_MAX: u32 = 1024 * 1024;
/// When evidence is judged, Unix seconds.
const NOW: u64 = 1_700_000_000;

/// Decodes the bytes as a `T`; if they are one, its encoding must be one again, and the same.
fn round_trip<T: Decode + Encode + PartialEq + Debug>(bytes: &[u8]) {
    if let Ok(value) = decode_all::<T>(bytes, BYTES_MAX) {
        let again = decode_all::<T>(&value.encode(), BYTES_MAX);
        assert_eq!(again.as_ref(), Ok(&value), "an encoding does not decode");
    }
}

/// Tries the bytes after the first, which chooses, as one of the types.
macro_rules! choose {
    ($data:expr; $($type:ty),* $(,)?) => {{
        let checks: &[fn(&[u8])] = &[$(round_trip::<$type>),*];
        if let Some((choice, bytes)) = $data.split_first() {
            checks[usize::from(*choice) % checks.len()](bytes);
        }
    }};
}

/// What crosses a zone (`core/wire`).
pub fn wire(data: &[u8]) {
    choose!(data;
        query::Envelope, query::HpkeSealed, query::SessionOpen, query::SessionAccept,
        query::QueryRequest, query::OneShotQuery, query::QueryReply, query::CommandOutcome,
        command::CommandPayload, command::InkCommand, mailbox::MailboxEntry,
        message::SignedMessage, message::MessagePayload, certificate::Certificate,
        receipt::Receipt, registration::WorkerRegistration,
        registration::VersionedWorkerEndpoints, limits::ClusterLimits,
        handover::HandoverOffer, handover::SignedHandoverRequest, handover::HandoverAnswer,
        audit::ContractRootProof, audit::HistoryPage, record::Recorded, executor_api::HostLog,
    );
    audit_key(data);
}

/// An audit key is read only if its bytes are exactly one.
fn audit_key(data: &[u8]) {
    if let Ok(key) = secrets::AuditKey::from_bytes(data) {
        assert_eq!(&key.expose()[..], data, "a key has two encodings");
    }
}

/// What contracts hand to the host and back (`core/contract-abi`).
pub fn abi(data: &[u8]) {
    choose!(data;
        PinkEvent, http::HttpRequest, http::HttpResponse, Vec<http::HttpRequest>, http::HttpError,
        Vec<script::JsCode>, script::JsValue, Option<WorkerQuote>,
    );
}

/// Evidence that the development PKI vouches for.
fn genuine(of_tdx: bool, report_data: &[u8; 64]) -> Evidence {
    let pki = DevelopmentPki::insecure_well_known();
    if of_tdx {
        pki.tdx_evidence(&MockTd::of_build([1; 48]), report_data, NOW)
    } else {
        pki.sgx_evidence(&MockEnclave::of_build([1; 32]), report_data, NOW)
    }
}

/// Evidence: the bytes as they are, as JSON, and as changes of genuine evidence, none of which may
/// make it vouch for other report data than it was made over.
pub fn attestation(data: &[u8]) {
    static ROOTS: OnceLock<[AcceptedRoot; 2]> = OnceLock::new();
    static GENUINE: OnceLock<[Evidence; 2]> = OnceLock::new();
    let roots = ROOTS.get_or_init(|| {
        [
            AcceptedRoot::Intel,
            DevelopmentPki::insecure_well_known().accepted_root(),
        ]
    });
    let genuine = GENUINE.get_or_init(|| [false, true].map(|of_tdx| genuine(of_tdx, &[7; 64])));
    let policy = Policy {
        roots,
        allowed_measurements: None,
        tier_max: TIER_WORST,
    };
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let other = |evidence: &Evidence| {
        let verdict = judge(evidence, &[8; 64], &policy, NOW);
        assert!(verdict.is_err(), "evidence over other report data counts");
    };
    match choice % 4 {
        0 => {
            if let Ok(evidence) = decode_all::<Evidence>(bytes, BYTES_MAX) {
                other(&evidence);
            }
        }
        1 => {
            if let Ok(text) = std::str::from_utf8(bytes)
                && let Ok(collateral) = Collateral::from_json(text)
            {
                let quote = genuine[0].quote.clone();
                other(&Evidence { quote, collateral });
            }
        }
        which => {
            let mut changed = genuine[usize::from(which == 3)].encode();
            // Each five bytes are a place and what is put there.
            for change in bytes.chunks_exact(5) {
                let at = u32::from_le_bytes(change[..4].try_into().unwrap()) as usize;
                let at = at % changed.len();
                changed[at] = change[4];
            }
            if let Ok(evidence) = decode_all::<Evidence>(&changed, BYTES_MAX) {
                other(&evidence);
                let _verdict = judge(&evidence, &[7; 64], &policy, NOW);
            }
        }
    }
}

/// Proofs of finality and storage.
pub fn chain_proof(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    match choice % 4 {
        0 => {
            if let Ok(proof) = chain_proof::decode_proof(bytes) {
                // The hash of its own first header, so that more than the hash is looked at.
                let genesis = GenesisHash(chain_proof::hash_header(&proof.genesis_header).0);
                let _verdict = chain_proof::verify(&genesis, &proof);
            }
        }
        1 => {
            if let Ok(header) = chain_proof::Header::decode_whole(bytes) {
                let _hash = header.hash();
            }
        }
        3 => {
            if let Ok(proof) = chain_proof::decode_portable(bytes) {
                let genesis = match &proof.start {
                    chain_proof::Start::Genesis(header) => chain_proof::hash_header(header).0,
                    chain_proof::Start::Set(_) => [0; 32],
                };
                let _verdict = chain_proof::verify_portable(&GenesisHash(genesis), None, &proof);
            }
        }
        _ => {
            // A node and what is below it, reached from its own hash by a key.
            let Some((key, bytes)) = bytes.split_at_checked(8) else {
                return;
            };
            let nodes: Vec<Vec<u8>> = bytes.chunks(64).map(<[u8]>::to_vec).collect();
            let root = wire::domain::blake2_256(nodes.first().map_or(&[], Vec::as_slice));
            let _value = chain_proof::trie::TrieNodes::new(&nodes).read(&root, key);
        }
    }
}
