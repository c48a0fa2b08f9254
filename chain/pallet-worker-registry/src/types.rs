//! What the registry stores.

use alloc::vec::Vec;
use attestation::{RootKind, TeeKind};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
    frame_support::BoundedVec,
    sp_core::{Bytes, ConstU32, sr25519},
};
use primitives::bounds::{CITY_BYTES_MAX, ENDPOINT_BYTES_MAX, ENDPOINTS_MAX};
use primitives::{HpkePublicKey, Measurement, WorkerId};
use scale_info::TypeInfo;
use wire::registration::VersionedWorkerEndpoints;

/// A registered worker.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct WorkerInfo<AccountId> {
    /// Its identity key.
    pub worker: sr25519::Public,
    /// The key that requests are sealed to.
    pub hpke_public_key: HpkePublicKey,
    /// Version of the worker program: major << 16 | minor << 8 | patch.
    pub runtime_version: u32,
    /// Who operates the machine, if the worker was told.
    pub operator: Option<AccountId>,
    /// Who paid the deposit.
    pub registrant: AccountId,
    /// The measured build.
    pub measurement: Measurement,
    /// The kind of TEE.
    pub tee: TeeKind,
    /// Who vouches for it.
    pub root: RootKind,
    /// Confidence, 1 best to 5 worst.
    pub confidence_level: u8,
    /// Hash of the evidence, `attestation::evidence_hash`.
    pub evidence_hash: [u8; 32],
    /// Hash of the registration, as in the quote's report data.
    pub registration_hash: [u8; 32],
    /// When the worker made its quote, milliseconds since 1970, by its own clock.
    pub made_at_ms: u64,
    /// The chain's time of the last registration, milliseconds since 1970.
    pub last_updated_ms: u64,
    /// When the registration ends, milliseconds since 1970.
    pub expires_at_ms: u64,
    /// Score of its first benchmark; wiped when the build or the operator changes.
    pub initial_score: Option<u32>,
}

/// A worker's endpoints, bounded; encodes as `wire::registration::VersionedWorkerEndpoints`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen)]
pub enum BoundedEndpoints {
    /// URLs in UTF-8.
    V1(BoundedVec<BoundedVec<u8, ConstU32<ENDPOINT_BYTES_MAX>>, ConstU32<ENDPOINTS_MAX>>),
}

/// Clients see the unbounded type with texts, which has the same encoding.
impl TypeInfo for BoundedEndpoints {
    type Identity = VersionedWorkerEndpoints;

    fn type_info() -> scale_info::Type {
        VersionedWorkerEndpoints::type_info()
    }
}

impl BoundedEndpoints {
    /// Bounds the endpoints; `None` when there are none or too many, or one is empty, too long or
    /// holds a character that is no printable ASCII.
    pub fn new(endpoints: VersionedWorkerEndpoints) -> Option<Self> {
        let VersionedWorkerEndpoints::V1(urls) = endpoints;
        if urls.is_empty() {
            return None;
        }
        let bounded: Option<Vec<_>> = urls
            .into_iter()
            .map(|url| {
                let printable = !url.is_empty() && url.bytes().all(|byte| byte.is_ascii_graphic());
                printable
                    .then(|| url.into_bytes().try_into().ok())
                    .flatten()
            })
            .collect();
        bounded?.try_into().ok().map(Self::V1)
    }
}

/// Farthest north or south, tenths of a degree.
const LATITUDE_MAX: i16 = 900;
/// Farthest east or west, tenths of a degree.
const LONGITUDE_MAX: i16 = 1800;

/// Where a worker stands. A tenth of a degree is some eleven kilometres: a city, not a house.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct WorkerPlace {
    /// ISO 3166-1 alpha-2: two capital letters.
    pub country: [u8; 2],
    /// The city's name, UTF-8.
    pub city: BoundedVec<u8, ConstU32<CITY_BYTES_MAX>>,
    /// Tenths of a degree north.
    pub latitude_decidegrees: i16,
    /// Tenths of a degree east.
    pub longitude_decidegrees: i16,
}

impl WorkerPlace {
    /// Whether it could be a place on Earth: two letters, a city's name, and degrees that there are.
    pub fn is_valid(&self) -> bool {
        let city = core::str::from_utf8(&self.city);
        self.country.iter().all(u8::is_ascii_uppercase)
            && city.is_ok_and(|city| !city.trim().is_empty() && !city.chars().any(char::is_control))
            && (-LATITUDE_MAX..=LATITUDE_MAX).contains(&self.latitude_decidegrees)
            && (-LONGITUDE_MAX..=LONGITUDE_MAX).contains(&self.longitude_decidegrees)
    }
}

/// Where an operator says that a worker stands. Nothing checks it. It holds while that account operates
/// the worker.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct DeclaredPlace<AccountId> {
    /// Who says it.
    pub operator: AccountId,
    /// Where.
    pub place: WorkerPlace,
}

/// The process that speaks for a worker: the last one that started.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct Instance<BlockNumber> {
    /// The number that it made up.
    pub nonce: [u8; 32],
    /// The block that took the number in.
    pub at: BlockNumber,
}

/// The key that a cluster is to use next.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct NextClusterKey {
    /// By which of its seeds.
    pub rotation: u32,
    /// The cluster's sr25519 public key by that seed.
    pub public_key: [u8; 32],
    /// Which worker told it.
    pub told_by: WorkerId,
    /// Whether another worker told another one: then it never comes in force.
    pub is_disputed: bool,
}

/// An accepted root, as a genesis configuration writes it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum GenesisRoot {
    /// Intel's root: real hardware.
    Intel,
    /// A development root's certificate: `0x` and the DER bytes in hexadecimal.
    Development(Bytes),
}
