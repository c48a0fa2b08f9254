//! A public network must not trust development keys.
//!
//! The genesis state is read, not the specification's words: a specification of type `Live` whose
//! storage says that it is a development network, or whose registry accepts a development root, does
//! not start.

use attestation::{AcceptedRoot, RootKind};
use codec::DecodeAll;
use polkadot_sdk::{sc_service::ChainType, sp_core::storage::Storage, sp_io::hashing::twox_128};

const PALLET: &str = "PhalaRegistry";

/// Why a specification is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsafeSpec {
    /// Its genesis state says that it is a development network.
    DevelopmentNetwork,
    /// Its genesis state accepts evidence that anybody can make.
    DevelopmentRoot,
    /// Its genesis state cannot be read.
    Unreadable,
}

impl std::fmt::Display for UnsafeSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::DevelopmentNetwork => {
                "the chain specification is of type Live, but its genesis state is that of a \
                 development network: anybody could register a worker; set developmentNetwork to \
                 false in its genesis, or its chainType to Development or Local"
            }
            Self::DevelopmentRoot => {
                "the chain specification is of type Live, but its genesis state accepts a \
                 development attestation root, whose keys are public; remove it from acceptedRoots"
            }
            Self::Unreadable => {
                "the genesis state's accepted attestation roots cannot be read; was the \
                 specification made for another runtime?"
            }
        })
    }
}

impl std::error::Error for UnsafeSpec {}

fn key(item: &str) -> Vec<u8> {
    [twox_128(PALLET.as_bytes()), twox_128(item.as_bytes())].concat()
}

/// Refuses a live chain that trusts development keys.
///
/// # Errors
/// See [`UnsafeSpec`]. Chains of other types pass.
pub fn check(chain_type: &ChainType, genesis: &Storage) -> Result<(), UnsafeSpec> {
    if *chain_type != ChainType::Live {
        return Ok(());
    }
    let value = |item| genesis.top.get(&key(item)).map(Vec::as_slice);
    if value("DevelopmentNetwork").is_some_and(|flag| flag != [0]) {
        return Err(UnsafeSpec::DevelopmentNetwork);
    }
    let roots = match value("AcceptedRoots") {
        Some(mut bytes) => {
            Vec::<AcceptedRoot>::decode_all(&mut bytes).map_err(|_| UnsafeSpec::Unreadable)?
        }
        None => Vec::new(),
    };
    if roots.iter().all(|root| root.kind() == RootKind::Intel) {
        Ok(())
    } else {
        Err(UnsafeSpec::DevelopmentRoot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Encode;
    use mock_attestation::DevelopmentPki;

    fn genesis(flag: bool, roots: &[AcceptedRoot]) -> Storage {
        let mut storage = Storage::default();
        storage.top.insert(key("DevelopmentNetwork"), flag.encode());
        storage
            .top
            .insert(key("AcceptedRoots"), roots.to_vec().encode());
        storage
    }

    #[test]
    fn a_live_chain_that_trusts_development_keys_is_refused() {
        let development = DevelopmentPki::insecure_well_known().accepted_root();
        let flagged = genesis(true, &[AcceptedRoot::Intel]);
        assert_eq!(
            check(&ChainType::Live, &flagged),
            Err(UnsafeSpec::DevelopmentNetwork)
        );
        let rooted = genesis(false, &[AcceptedRoot::Intel, development]);
        assert_eq!(
            check(&ChainType::Live, &rooted),
            Err(UnsafeSpec::DevelopmentRoot)
        );
        let mut foreign = genesis(false, &[]);
        foreign.top.insert(key("AcceptedRoots"), vec![0xff]);
        assert_eq!(
            check(&ChainType::Live, &foreign),
            Err(UnsafeSpec::Unreadable)
        );
        for unsafe_genesis in [flagged, rooted, foreign] {
            assert_eq!(check(&ChainType::Development, &unsafe_genesis), Ok(()));
        }
    }

    #[test]
    fn a_live_chain_of_real_hardware_passes() {
        assert_eq!(
            check(&ChainType::Live, &genesis(false, &[AcceptedRoot::Intel])),
            Ok(())
        );
        assert_eq!(check(&ChainType::Live, &Storage::default()), Ok(()));
    }
}
