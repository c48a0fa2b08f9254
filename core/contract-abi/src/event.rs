//! Side effects. A contract asks for one by an ordinary event with exactly one topic, [`TOPIC`], whose
//! data is a SCALE [`PinkEvent`].

use alloc::vec::Vec;
use codec::{Decode, Encode};

use crate::Bytes32;

/// The topic: 0x40, then the name, padded with zeros.
pub const TOPIC: Bytes32 = *b"\x40phala.pink.event\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// A side effect.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub enum PinkEvent {
    /// Run a message at the end of each block. System contract only.
    #[codec(index = 2)]
    SetHook {
        /// When.
        hook: HookPoint,
        /// Whose message.
        contract: Bytes32,
        /// Which message.
        selector: u32,
        /// With how much gas.
        gas_limit: u64,
    },
    /// Run a SideVM program. System contract only; not offered.
    #[codec(index = 3)]
    DeploySidevmTo {
        /// For which contract.
        contract: Bytes32,
        /// Which program.
        code_hash: Bytes32,
    },
    /// A message for the contract's SideVM program; not offered.
    #[codec(index = 4)]
    SidevmMessage(Vec<u8>),
    /// A change of the contract's cache.
    #[codec(index = 5)]
    CacheOp(CacheOp),
    /// Stop the contract's SideVM program; not offered.
    #[codec(index = 6)]
    StopSidevm,
    /// Stop another contract's SideVM program; not offered.
    #[codec(index = 7)]
    ForceStopSidevm {
        /// Whose.
        contract: Bytes32,
    },
    /// Logs are asked of this contract. System contract only.
    #[codec(index = 8)]
    SetLogHandler(Bytes32),
    /// A contract's share of the processor. System contract only.
    #[codec(index = 9)]
    SetContractWeight {
        /// Whose.
        contract: Bytes32,
        /// How much.
        weight: u32,
    },
    /// The version of the interface. System contract only.
    #[codec(index = 10)]
    UpgradeRuntimeTo {
        /// (major, minor).
        version: (u32, u32),
    },
    /// SideVM programs on chosen workers; not offered.
    #[codec(index = 11)]
    SidevmOperation(SidevmOperation),
    /// Which program evaluates JavaScript. System contract only; the engine's own is always used.
    #[codec(index = 12)]
    SetJsRuntime(Bytes32),
}

impl PinkEvent {
    /// Whether only the cluster's system contract may ask for it.
    pub fn is_system_only(&self) -> bool {
        !matches!(
            self,
            Self::SidevmMessage(_) | Self::CacheOp(_) | Self::StopSidevm
        )
    }

    /// Whether it is carried out in a query too.
    pub fn is_allowed_in_query(&self) -> bool {
        matches!(
            self,
            Self::DeploySidevmTo { .. }
                | Self::SidevmMessage(_)
                | Self::CacheOp(_)
                | Self::StopSidevm
                | Self::ForceStopSidevm { .. }
                | Self::SidevmOperation(_)
        )
    }

    /// Whether it is kept out of the public event chain.
    pub fn is_private(&self) -> bool {
        matches!(self, Self::SidevmMessage(_) | Self::CacheOp(_))
    }
}

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub enum HookPoint {
    /// After the last entry of a block.
    OnBlockEnd,
}

/// A change of a contract's cache.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub enum CacheOp {
    /// Set a value.
    Set {
        /// Its key.
        key: Vec<u8>,
        /// The value.
        value: Vec<u8>,
    },
    /// Let a value lapse.
    SetExpiration {
        /// Its key.
        key: Vec<u8>,
        /// Seconds from now.
        expiration: u64,
    },
    /// Remove a value.
    Remove {
        /// Its key.
        key: Vec<u8>,
    },
}

/// An operation on SideVM programs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub enum SidevmOperation {
    /// Start one.
    Start {
        /// For which contract.
        contract: Bytes32,
        /// Which program.
        code_hash: Bytes32,
        /// Where.
        workers: Workers,
        /// Within which limits.
        config: SidevmConfig,
    },
    /// Let one end.
    SetDeadline {
        /// Whose.
        contract: Bytes32,
        /// At which block.
        deadline: u32,
    },
}

/// Which workers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub enum Workers {
    /// All of the cluster.
    All,
    /// These.
    List(Vec<Bytes32>),
}

/// Limits of a SideVM program.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "scale-info", derive(scale_info::TypeInfo))]
pub struct SidevmConfig {
    /// Longest code, bytes.
    pub max_code_size: u32,
    /// Most memory, pages of 64 KiB.
    pub max_memory_pages: u32,
    /// Gas between two rests.
    pub vital_capacity: u64,
    /// Block at which it ends.
    pub deadline: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_those_of_the_interface() {
        assert_eq!(PinkEvent::StopSidevm.encode(), [6]);
        assert_eq!(
            PinkEvent::UpgradeRuntimeTo { version: (1, 2) }.encode(),
            [10, 1, 0, 0, 0, 2, 0, 0, 0]
        );
        let remove = CacheOp::Remove {
            key: b"key".to_vec(),
        };
        assert_eq!(
            PinkEvent::CacheOp(remove).encode(),
            [5, 2, 12, b'k', b'e', b'y']
        );
        assert_eq!(&TOPIC[..17], b"\x40phala.pink.event");
    }
}
