//! What is sealed inside of queries and answers.

use codec::{Decode, Encode};
use primitives::{Balance, CodeHash, ContractId};
use wire::query::{QueryReply, QueryRequest};

/// A query.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Query {
    /// The contract that is asked. For [`QueryData::InkInstantiate`] any contract that there is.
    pub contract: ContractId,
    /// Random; the answer repeats it.
    pub nonce: [u8; 32],
    /// What is asked.
    pub data: QueryData,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum QueryData {
    /// A message of the contract.
    InkMessage {
        /// Selector and arguments.
        payload: Vec<u8>,
        /// Lent to the asker for the time of the query. Here nobody needs it: what is transferred is
        /// lent anyway, and estimates are not paid.
        deposit: Balance,
        /// Value to transfer, as if.
        transfer: Balance,
        /// Whether to run it as a transaction would.
        estimating: bool,
    },
    /// A question to the program that runs beside the contract. The logger alone has one.
    SidevmQuery(Vec<u8>),
    /// A constructor, to learn its cost.
    InkInstantiate {
        /// Which code.
        code_hash: CodeHash,
        /// Salt of the id.
        salt: Vec<u8>,
        /// Selector and arguments.
        instantiate_data: Vec<u8>,
        /// As above.
        deposit: Balance,
        /// Value to transfer, as if.
        transfer: Balance,
    },
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Response {
    /// The query's.
    pub nonce: [u8; 32],
    /// Answer, or why there is none.
    pub result: Result<ResponseData, QueryError>,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ResponseData {
    /// Of an ink! message or constructor what [`mod@crate::result`] encodes; of the logger JSON.
    Payload(Vec<u8>),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum QueryError {
    /// The question needs a certificate.
    BadOrigin,
    /// For this reason.
    RuntimeError(String),
    /// No program runs beside the contract.
    SidevmNotFound,
    /// It gave no answer.
    NoResponse,
    /// It has too much to do.
    ServiceUnavailable,
    /// It took too long.
    Timeout,
}

/// What goes with the answer to a query for those who want proof: the query as protocol v1 has it, and
/// its answer with a receipt over both. A receipt file can be made of it as of any.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Proof {
    /// What was run. The asker compares it with what was asked.
    pub request: QueryRequest,
    /// What came out, with the receipt.
    pub reply: QueryReply,
}
