//! The methods of the worker's HTTP interface: their names, bounds and encodings.

use crate::prpc::PrpcError;
use prost::Message;
use serde::{Serialize, de::DeserializeOwned};

/// Longest body of a query, bytes.
pub const QUERY_BYTES_MAX: usize = 500 * 1024;
/// Longest body of a question about contracts, bytes.
pub const CONTRACT_INFO_BYTES_MAX: usize = 100 * 1024;
/// Longest body of any other request, bytes.
pub const SMALL_BYTES_MAX: usize = 1024;

/// A method that is answered. The original network has others, for its own relayers and operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `Empty` → `PhactoryInfo`.
    GetInfo,
    /// `Empty` → `GetClusterInfoResponse`.
    GetClusterInfo,
    /// `GetContractInfoRequest` → `GetContractInfoResponse`.
    GetContractInfo,
    /// `ContractParameters` → `ContractId`.
    CalculateContractId,
    /// `ContractQueryRequest` → `ContractQueryResponse`.
    ContractQuery,
}

impl Method {
    /// The method of a name.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "GetInfo" => Self::GetInfo,
            "GetClusterInfo" => Self::GetClusterInfo,
            "GetContractInfo" => Self::GetContractInfo,
            "CalculateContractId" => Self::CalculateContractId,
            "ContractQuery" => Self::ContractQuery,
            _ => return None,
        })
    }

    /// Longest body of a request, bytes.
    pub fn body_bytes_max(self) -> usize {
        match self {
            Self::ContractQuery => QUERY_BYTES_MAX,
            Self::GetContractInfo => CONTRACT_INFO_BYTES_MAX,
            Self::GetInfo | Self::GetClusterInfo | Self::CalculateContractId => SMALL_BYTES_MAX,
        }
    }
}

/// How a request and its answer are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As protobuf.
    Protobuf,
    /// As JSON.
    Json,
}

/// A request that is no message of its method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request is not understood: {0}")]
pub struct NotUnderstood(String);

impl Encoding {
    /// Reads a message of at most `bytes_max`. An empty body is a message without fields.
    ///
    /// # Errors
    /// When it is longer, or no such message.
    pub fn read<M: Message + Default + DeserializeOwned>(
        self,
        body: &[u8],
        bytes_max: usize,
    ) -> Result<M, NotUnderstood> {
        if body.len() > bytes_max {
            return Err(NotUnderstood(format!("it is longer than {bytes_max} bytes")));
        }
        match self {
            _ if body.is_empty() => Ok(M::default()),
            Self::Protobuf => M::decode(body).map_err(|error| NotUnderstood(error.to_string())),
            Self::Json => {
                serde_json::from_slice(body).map_err(|error| NotUnderstood(error.to_string()))
            }
        }
    }

    /// Writes a message.
    pub fn write<M: Message + Serialize>(self, message: &M) -> Vec<u8> {
        match self {
            Self::Protobuf => message.encode_to_vec(),
            Self::Json => serde_json::to_vec_pretty(message).unwrap_or_default(),
        }
    }

    /// Writes why a request was refused.
    pub fn error(self, text: &str) -> Vec<u8> {
        match self {
            Self::Protobuf => PrpcError { message: text.to_owned() }.encode_to_vec(),
            Self::Json => serde_json::json!({ "error": text }).to_string().into_bytes(),
        }
    }
}
