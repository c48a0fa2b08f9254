//! 32-byte identifiers, one type for each noun.

use alloc::string::String;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::{fmt, str::FromStr};
use scale_info::TypeInfo;

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdParseError {
    /// Not 64 hexadecimal digits, with or without `0x` before them.
    NotThirtyTwoBytesOfHex,
}

impl fmt::Display for IdParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected 32 bytes as 64 hexadecimal digits, with or without 0x")
    }
}

impl core::error::Error for IdParseError {}

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode,
            DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
        )]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// `0x` and 64 lower-case hexadecimal digits.
            pub fn to_hex(&self) -> String {
                alloc::format!("{self}")
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("0x")?;
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl From<[u8; 32]> for $name {
            fn from(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdParseError;

            fn from_str(text: &str) -> Result<Self, IdParseError> {
                let digits = text.strip_prefix("0x").unwrap_or(text);
                let mut bytes = [0; 32];
                hex::decode_to_slice(digits, &mut bytes)
                    .map_err(|_| IdParseError::NotThirtyTwoBytesOfHex)?;
                Ok(Self(bytes))
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <alloc::string::String as serde::Deserialize>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

id! {
    /// An account of the chain: the public key (sr25519 or ed25519) or hash that controls it.
    AccountId;
    /// Hash of a block's header.
    BlockHash;
    /// A cluster: a set of workers that share keys and replicate contracts.
    ClusterId;
    /// Blake2b-256 of a contract's original WebAssembly bytes.
    CodeHash;
    /// A contract; also its account inside its cluster.
    ContractId;
    /// Hash of the chain's first block: which network this is.
    GenesisHash;
    /// An X25519 public key that requests are sealed to (RFC 9180).
    HpkePublicKey;
    /// What was measured of a worker build; see the `attestation` crate for its layout.
    Measurement;
    /// Root of a cluster's authenticated state.
    StateRoot;
    /// A worker: its sr25519 identity key, made inside its TEE.
    WorkerId;
}

impl From<ContractId> for AccountId {
    fn from(contract: ContractId) -> Self {
        Self(contract.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_writes() {
        let id = ContractId([0xab; 32]);
        assert_eq!(id.to_hex().parse(), Ok(id));
        assert_eq!(id.to_hex()[2..].parse(), Ok(id));
        assert_eq!(id.encode(), [0xab; 32]);
    }

    #[test]
    fn an_id_of_another_length_is_refused() {
        assert_eq!("0xab".parse::<ContractId>(), Err(IdParseError::NotThirtyTwoBytesOfHex));
        assert_eq!("zz".repeat(32).parse::<WorkerId>(), Err(IdParseError::NotThirtyTwoBytesOfHex));
    }
}
