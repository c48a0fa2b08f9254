//! Whose signature counts.

use crate::AttestationError;
use crate::evidence::check_length;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, Input, MaxEncodedLen};
use scale_info::TypeInfo;

/// Longest certificate of a development root, bytes of DER.
pub const ROOT_CA_DER_BYTES_MAX: u32 = 2048;

/// A certificate authority whose evidence a policy accepts.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum AcceptedRoot {
    /// Intel's SGX provisioning root: real hardware.
    Intel,
    /// A root that anybody may hold the key of: for development networks only.
    Development {
        /// The root's own certificate.
        root_ca_der: RootCertificate,
    },
}

impl AcceptedRoot {
    /// A development root from its certificate, at most [`ROOT_CA_DER_BYTES_MAX`] bytes of DER.
    pub fn development(root_ca_der: Vec<u8>) -> Result<Self, AttestationError> {
        Ok(Self::Development {
            root_ca_der: root_ca_der.try_into()?,
        })
    }

    /// Which kind it is.
    pub const fn kind(&self) -> RootKind {
        match self {
            Self::Intel => RootKind::Intel,
            Self::Development { .. } => RootKind::Development,
        }
    }
}

/// Which kind of root vouches for an identity.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum RootKind {
    /// Intel: real hardware.
    Intel,
    /// A development root: proves nothing about any machine.
    Development,
}

/// A root's certificate in DER, bounded where it is decoded.
#[derive(Clone, Debug, PartialEq, Eq, Encode, TypeInfo)]
pub struct RootCertificate(Vec<u8>);

impl RootCertificate {
    /// The DER bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<Vec<u8>> for RootCertificate {
    type Error = AttestationError;

    fn try_from(der: Vec<u8>) -> Result<Self, AttestationError> {
        check_length("root certificate", der.len(), ROOT_CA_DER_BYTES_MAX)?;
        Ok(Self(der))
    }
}

impl Decode for RootCertificate {
    fn decode<I: Input>(input: &mut I) -> Result<Self, codec::Error> {
        let bytes = codec::Compact::<u32>::decode(input)?.0;
        if bytes > ROOT_CA_DER_BYTES_MAX {
            return Err("root certificate longer than its bound".into());
        }
        let mut der = alloc::vec![0; bytes as usize];
        input.read(&mut der)?;
        Ok(Self(der))
    }
}

impl DecodeWithMemTracking for RootCertificate {}

impl MaxEncodedLen for RootCertificate {
    fn max_encoded_len() -> usize {
        codec::Compact(ROOT_CA_DER_BYTES_MAX).encoded_size() + ROOT_CA_DER_BYTES_MAX as usize
    }
}
