//! The messages of the worker's HTTP interface. Field numbers and names are the original network's.
//!
//! Both encodings come from the same types: protobuf, and JSON with `snake_case` names and byte strings
//! as lists of numbers.

use prost::Message;
use serde::{Deserialize, Serialize};

/// Most contracts of one question about them.
pub const CONTRACTS_ASKED_MAX: usize = 256;

/// How a message is signed. The numbers are those of [`Signature::signature_type`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    /// Over the message.
    Ed25519,
    /// Over the message, in the context `substrate`.
    Sr25519,
    /// Over the Blake2b-256 hash of the message; recoverable, 65 bytes.
    Ecdsa,
    /// As [`Self::Ed25519`], over the message between `<Bytes>` and `</Bytes>`.
    Ed25519WrapBytes,
    /// As [`Self::Sr25519`], over the message between `<Bytes>` and `</Bytes>`.
    Sr25519WrapBytes,
    /// As [`Self::Ecdsa`], over the message between `<Bytes>` and `</Bytes>`.
    EcdsaWrapBytes,
    /// By an Ethereum wallet, over typed data.
    Eip712,
    /// As [`Self::Ecdsa`]; the account is the Ethereum address.
    EvmEcdsa,
    /// As [`Self::EcdsaWrapBytes`]; the account is the Ethereum address.
    EvmEcdsaWrapBytes,
}

impl SignatureKind {
    /// The kind of a number on the wire.
    pub fn from_number(number: i32) -> Option<Self> {
        Some(match number {
            0 => Self::Ed25519,
            1 => Self::Sr25519,
            2 => Self::Ecdsa,
            3 => Self::Ed25519WrapBytes,
            4 => Self::Sr25519WrapBytes,
            5 => Self::EcdsaWrapBytes,
            6 => Self::Eip712,
            7 => Self::EvmEcdsa,
            8 => Self::EvmEcdsaWrapBytes,
            _ => return None,
        })
    }
}

/// A query.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ContractQueryRequest {
    /// SCALE [`wire::command::EncryptedData`] of a [`crate::query::Query`].
    #[prost(bytes = "vec", tag = "1")]
    pub encoded_encrypted_data: Vec<u8>,
    /// Who asks: a signature over the bytes above.
    #[prost(message, optional, tag = "2")]
    pub signature: Option<Signature>,
}

/// The answer to a query.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ContractQueryResponse {
    /// SCALE [`wire::command::EncryptedData`] of a [`crate::query::Response`].
    #[prost(bytes = "vec", tag = "1")]
    pub encoded_encrypted_data: Vec<u8>,
    /// The block that it was answered from.
    #[prost(uint32, tag = "2")]
    pub blocknum: u32,
    /// Ours, which old clients skip: SCALE [`wire::command::EncryptedData`] of a
    /// [`crate::query::Proof`], sealed as the answer is. Empty where there is no receipt.
    #[prost(bytes = "vec", tag = "15")]
    pub encoded_encrypted_proof: Vec<u8>,
}

/// A signature and who made it.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Signature {
    /// The certificate whose key signed.
    #[prost(message, optional, boxed, tag = "1")]
    pub signed_by: Option<Box<Certificate>>,
    /// A [`SignatureKind`] by its number.
    #[prost(int32, tag = "2")]
    pub signature_type: i32,
    /// The signature.
    #[prost(bytes = "vec", tag = "3")]
    pub signature: Vec<u8>,
}

/// A key, and whose word it has. The root certificate has none.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Certificate {
    /// SCALE [`crate::certificate::CertificateBody`].
    #[prost(bytes = "vec", tag = "1")]
    pub encoded_body: Vec<u8>,
    /// A signature over the body.
    #[prost(message, optional, boxed, tag = "2")]
    pub signature: Option<Box<Signature>>,
}

/// Why a request was refused.
#[derive(Clone, PartialEq, Message)]
pub struct PrpcError {
    /// For people.
    #[prost(string, tag = "1")]
    pub message: String,
}

/// What anybody may know of a worker. Fields of the original network that have no meaning here stay
/// empty.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct PhactoryInfo {
    /// Whether it has keys: always.
    #[prost(bool, tag = "1")]
    pub initialized: bool,
    /// Whether it answers queries, which needs a registration.
    #[prost(bool, tag = "2")]
    pub registered: bool,
    /// Which network, hexadecimal without `0x`.
    #[prost(string, optional, tag = "4")]
    pub genesis_block_hash: Option<String>,
    /// The worker's key, hexadecimal without `0x`.
    #[prost(string, optional, tag = "5")]
    pub public_key: Option<String>,
    /// The same key: clients insist.
    #[prost(string, optional, tag = "6")]
    pub ecdh_public_key: Option<String>,
    /// The number of the next block; 0 while nothing is answered.
    #[prost(uint32, tag = "7")]
    pub headernum: u32,
    /// The same: there is no relay chain.
    #[prost(uint32, tag = "8")]
    pub para_headernum: u32,
    /// The number of the next block: block B is processed when this is above B.
    #[prost(uint32, tag = "9")]
    pub blocknum: u32,
    /// Empty: the worker keeps no state of the chain.
    #[prost(string, tag = "10")]
    pub state_root: String,
    /// Whether the platform protects nothing.
    #[prost(bool, tag = "11")]
    pub dev_mode: bool,
    /// Version of the program.
    #[prost(string, tag = "15")]
    pub version: String,
    /// What clients of later versions read first.
    #[prost(message, optional, tag = "23")]
    pub system: Option<SystemInfo>,
    /// Timestamp of the newest block, milliseconds since 1970.
    #[prost(uint64, tag = "26")]
    pub current_block_time: u64,
    /// The newest interface that contracts may expect.
    #[prost(string, tag = "27")]
    pub max_supported_pink_runtime_version: String,
    /// Kinds of attestation.
    #[prost(string, repeated, tag = "28")]
    pub supported_attestation_methods: Vec<String>,
}

/// A part of [`PhactoryInfo`].
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct SystemInfo {
    /// As [`PhactoryInfo::registered`].
    #[prost(bool, tag = "1")]
    pub registered: bool,
    /// The worker's key, hexadecimal without `0x`.
    #[prost(string, tag = "2")]
    pub public_key: String,
    /// The same key.
    #[prost(string, tag = "3")]
    pub ecdh_public_key: String,
    /// Clusters that it serves: one or none.
    #[prost(uint64, tag = "5")]
    pub number_of_clusters: u64,
}

/// Questions without arguments.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
pub struct Empty {}

/// The answer to the question for the worker's cluster.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct GetClusterInfoResponse {
    /// The cluster, if it serves one.
    #[prost(message, optional, tag = "1")]
    pub info: Option<ClusterInfo>,
}

/// A cluster. Hexadecimal with `0x`.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterInfo {
    /// The cluster.
    #[prost(string, tag = "1")]
    pub id: String,
    /// The interface that contracts may expect.
    #[prost(string, tag = "2")]
    pub runtime_version: String,
    /// Root of the cluster's state.
    #[prost(string, tag = "3")]
    pub state_root: String,
    /// Its system contract.
    #[prost(string, tag = "4")]
    pub system_contract: String,
    /// Who answers questions for logs.
    #[prost(string, tag = "5")]
    pub logger_contract: String,
}

/// A question about contracts.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct GetContractInfoRequest {
    /// Which, hexadecimal; at most [`CONTRACTS_ASKED_MAX`], at least one.
    #[prost(string, repeated, tag = "1")]
    pub contracts: Vec<String>,
}

/// The answer to it.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct GetContractInfoResponse {
    /// Those of the contracts that there are.
    #[prost(message, repeated, tag = "1")]
    pub contracts: Vec<ContractInfo>,
}

/// A contract. Hexadecimal with `0x`.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ContractInfo {
    /// The contract.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Its code.
    #[prost(string, tag = "2")]
    pub code_hash: String,
    /// Its share of the processor.
    #[prost(uint32, tag = "3")]
    pub weight: u32,
}

/// What a contract's id is made of, hexadecimal.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ContractParameters {
    /// Who deploys it.
    #[prost(string, tag = "1")]
    pub deployer: String,
    /// Where.
    #[prost(string, tag = "2")]
    pub cluster_id: String,
    /// Its code.
    #[prost(string, tag = "3")]
    pub code_hash: String,
    /// Its salt.
    #[prost(string, tag = "4")]
    pub salt: String,
}

/// A contract's id, hexadecimal with `0x`.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ContractId {
    /// The id.
    #[prost(string, tag = "1")]
    pub id: String,
}
