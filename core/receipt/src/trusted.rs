//! A file that names an authority set, for who starts from there and not from genesis.

use alloc::{string::String, vec::Vec};
use chain_proof::{AuthoritySet, ProofError, TrustedSet};
use primitives::{BlockNumber, GenesisHash};
use serde::{Deserialize, Serialize};

/// Longest such file that is read, bytes.
pub const TRUSTED_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// One authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedAuthority {
    /// Its ed25519 key, hex.
    pub key: String,
    /// Its weight.
    pub weight: u64,
}

/// An authority set that its reader trusts to decide on the blocks after one. Who gives it to him decides
/// what he believes: it takes the place of the genesis hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedSetFile {
    /// The network.
    pub genesis: GenesisHash,
    /// It decides on blocks after this one.
    pub after: BlockNumber,
    /// Its number.
    pub set_id: u64,
    /// Who is in it.
    pub authorities: Vec<TrustedAuthority>,
}

/// Why a file names no authority set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustedSetError {
    /// Not that format.
    #[error("this is no file of a trusted authority set: {0}")]
    Format(String),
    /// No set is like that.
    #[error(transparent)]
    Set(#[from] ProofError),
}

impl TrustedSetFile {
    /// The file for a set.
    pub fn new(genesis: GenesisHash, after: BlockNumber, set: &AuthoritySet) -> Self {
        let authority = |(key, weight)| TrustedAuthority { key: hex::encode::<[u8; 32]>(key), weight };
        Self { genesis, after, set_id: set.id(), authorities: set.authorities().map(authority).collect() }
    }

    /// Reads such a file.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(bytes: &[u8]) -> Result<Self, TrustedSetError> {
        use alloc::string::ToString as _;
        if bytes.len() as u64 > TRUSTED_FILE_BYTES_MAX {
            return Err(TrustedSetError::Format("it is too long".to_string()));
        }
        serde_json::from_slice(bytes).map_err(|error| TrustedSetError::Format(error.to_string()))
    }

    /// The set that it names.
    ///
    /// # Errors
    /// When a key is none, or the set cannot be one.
    pub fn set(&self) -> Result<TrustedSet, TrustedSetError> {
        let mut authorities = Vec::new();
        for authority in &self.authorities {
            let mut key = [0; 32];
            hex::decode_to_slice(authority.key.trim_start_matches("0x"), &mut key)
                .map_err(|error| TrustedSetError::Format(alloc::format!("a key: {error}")))?;
            authorities.push((key, authority.weight));
        }
        let set = AuthoritySet::new(self.set_id, authorities)?;
        Ok(TrustedSet { set, after: self.after })
    }
}
