//! Every limit that two zones must agree on, in one place, with the relations between them.

/// Longest contract code, bytes of WebAssembly. In hexadecimal it still fits into one request to a node,
/// whose limit is 15 MiB.
pub const CODE_BYTES_MAX: u32 = 6 * 1024 * 1024;
/// Most memory of a contract, pages of 64 KiB.
pub const MEMORY_PAGES_MAX: u32 = 1024;
/// Longest command payload on chain, bytes, sealed.
pub const COMMAND_BYTES_MAX: u32 = 64 * 1024;
/// Longest constructor input, bytes.
pub const INSTANTIATE_BYTES_MAX: u32 = 64 * 1024;
/// Longest salt of an instantiation, bytes.
pub const SALT_BYTES_MAX: u32 = 64;
/// Workers in one cluster.
pub const CLUSTER_WORKERS_MAX: u32 = 64;
/// Gatekeepers of the network.
pub const GATEKEEPERS_MAX: u32 = 64;
/// Contracts in one cluster.
pub const CLUSTER_CONTRACTS_MAX: u32 = 4096;
/// Entries that a cluster's mailbox keeps before it refuses more.
pub const MAILBOX_ENTRIES_MAX: u32 = 65_536;
/// Endpoints that a worker may announce.
pub const ENDPOINTS_MAX: u32 = 4;
/// Longest endpoint URL, bytes.
pub const ENDPOINT_BYTES_MAX: u32 = 256;
/// Longest name of the city that an operator declares for a worker, bytes.
pub const CITY_BYTES_MAX: u32 = 64;
/// Longest attestation quote, bytes.
pub const QUOTE_BYTES_MAX: u32 = 16 * 1024;
/// Longest attestation collateral, bytes of its SCALE encoding.
pub const COLLATERAL_BYTES_MAX: u32 = 64 * 1024;
/// Measurements in the allow-list.
pub const MEASUREMENTS_MAX: u32 = 64;
/// Attestation roots that a chain accepts.
pub const ROOTS_MAX: u32 = 4;
/// Longest message from a worker to the chain, bytes: a dealing to 64 gatekeepers, all of them needed,
/// with its frame.
pub const WORKER_MESSAGE_BYTES_MAX: u32 = 5 * 1024;
/// Longest body of a request to a worker, bytes.
pub const REQUEST_BYTES_MAX: u32 = 16 * 1024 * 1024;
/// Longest answer of a contract, bytes.
pub const ANSWER_BYTES_MAX: u32 = 16 * 1024 * 1024;

const _: () = assert!(COMMAND_BYTES_MAX < REQUEST_BYTES_MAX);
const _: () = assert!(QUOTE_BYTES_MAX + COLLATERAL_BYTES_MAX < CODE_BYTES_MAX);
