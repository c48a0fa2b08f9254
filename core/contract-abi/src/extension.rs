//! The functions of the pink chain extension.
//!
//! `call_chain_extension`'s identifier is extension ‖ function, 16 bits each, and the pink extension is
//! number 0. Input is the SCALE tuple of the arguments, output the SCALE result.

/// The number of the pink extension.
pub const PINK: u16 = 0;

/// The version of the interface, as `runtime_version` tells it.
pub const RUNTIME_VERSION: (u32, u32) = (1, 2);

macro_rules! functions {
    ($($name:ident = $id:literal: $doc:literal;)*) => {
        /// A function of the pink extension.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub enum Function {
            $(#[doc = $doc] $name = $id,)*
        }

        impl Function {
            /// All of them, by number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The function of this number.
            pub fn from_id(id: u16) -> Option<Self> {
                match id {
                    $($id => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its number.
            pub fn id(self) -> u16 {
                self as u16
            }
        }
    };
}

functions! {
    HttpRequest = 1: "`(url, method, headers, body)` → response. Queries only; in a transaction status 523.";
    Sign = 2: "`(kind, key, message)` → signature. Sr25519 gives an empty one in a transaction.";
    Verify = 3: "`(kind, public key, message, signature)` → bool.";
    DeriveSr25519Key = 4: "`salt` → 64-byte secret, the same on each worker.";
    GetPublicKey = 5: "`(kind, key)` → public key.";
    CacheSet = 6: "`(key, value)`; status 1 where the quota is full. An effect in a transaction.";
    CacheSetExpiration = 7: "`(key, seconds)`. An effect in a transaction.";
    CacheGet = 8: "`key` → `Option` of the value; `None` in a transaction.";
    CacheRemove = 9: "`key` → `Option` of the old value. An effect in a transaction, and `None`.";
    Log = 10: "`(level 1 to 5, text)`.";
    GetRandom = 11: "`length` → random bytes; empty in a transaction.";
    IsInTransaction = 12: "→ bool.";
    EcdsaSignPrehashed = 13: "`(key, hash)` → signature, deterministic.";
    EcdsaVerifyPrehashed = 14: "`(signature, hash, public key)` → bool.";
    SystemContractId = 15: "→ the cluster's system contract.";
    BalanceOf = 16: "`account` → (total, free) inside the cluster.";
    WorkerPubkey = 17: "→ the worker's identity; zeros in a transaction.";
    UntrustedMillisSinceUnixEpoch = 18: "→ the host's clock; 0 in a transaction.";
    CodeExists = 19: "`(hash, is SideVM)` → bool.";
    ImportLatestSystemCode = 20: "`payer` → `Option` of a code hash. The system contract alone may.";
    RuntimeVersion = 21: "→ (major, minor).";
    BatchHttpRequest = 22: "`(requests, timeout in ms)` → a result for each. Queries only.";
    CurrentEventChainHead = 23: "→ (next number, hash of the last block).";
    JsEval = 24: "`(codes, arguments)` → a value. Queries only.";
    WorkerSgxQuote = 25: "→ `Option` of the worker's quote; `None` in a transaction.";
}

/// How a signature is made. The order is the extension's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, codec::Encode, codec::Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub enum SignatureKind {
    /// Ed25519.
    Ed25519,
    /// Schnorr on Ristretto255, context `substrate`.
    Sr25519,
    /// ECDSA on secp256k1 over the BLAKE2b-256 hash.
    Ecdsa,
}

/// The status of `CacheSet` when the contract's share of the cache is full.
pub const CACHE_QUOTA_EXCEEDED: u32 = 1;

/// A quote of the worker, as `WorkerSgxQuote` gives it.
#[derive(Clone, Debug, PartialEq, Eq, codec::Encode, codec::Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub struct WorkerQuote {
    /// Which attestation service it is for.
    pub kind: QuoteKind,
    /// The quote.
    pub quote: alloc::vec::Vec<u8>,
}

/// The kinds of quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, codec::Encode, codec::Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub enum QuoteKind {
    /// EPID; not made any more.
    Epid,
    /// DCAP.
    Dcap,
}
