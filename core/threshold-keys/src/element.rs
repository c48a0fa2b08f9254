//! Points and scalars as they travel: 32 bytes each, checked when they are decoded.

use codec::{Decode, DecodeWithMemTracking, Encode, Error, Input, MaxEncodedLen, Output};
use core::fmt;
use curve25519_dalek::{
    ristretto::{CompressedRistretto, RistrettoPoint},
    scalar::Scalar,
    traits::IsIdentity,
};
use scale_info::{Type, TypeInfo};
use zeroize::Zeroize;

/// Bytes of an [`Element`] or a [`FieldElement`] on the wire.
pub const ELEMENT_BYTES: usize = 32;

/// A point of the Ristretto255 group that is not the neutral one.
///
/// Only canonical encodings of such points decode, so that whoever holds a value need not check
/// again.
#[derive(Clone, Copy)]
pub struct Element {
    point: RistrettoPoint,
    bytes: [u8; ELEMENT_BYTES],
}

impl Element {
    /// Wraps a point; nothing when it is the neutral one.
    pub(crate) fn new(point: RistrettoPoint) -> Option<Self> {
        (!point.is_identity()).then(|| Self {
            point,
            bytes: point.compress().to_bytes(),
        })
    }

    /// Reads the canonical encoding of a point that is not the neutral one.
    pub fn from_bytes(bytes: &[u8; ELEMENT_BYTES]) -> Option<Self> {
        let point = CompressedRistretto(*bytes).decompress()?;
        (!point.is_identity()).then_some(Self {
            point,
            bytes: *bytes,
        })
    }

    /// The canonical encoding.
    pub fn as_bytes(&self) -> &[u8; ELEMENT_BYTES] {
        &self.bytes
    }

    pub(crate) fn point(&self) -> &RistrettoPoint {
        &self.point
    }
}

impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Element {}

impl fmt::Debug for Element {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(formatter, "Element", &self.bytes)
    }
}

impl Zeroize for Element {
    fn zeroize(&mut self) {
        self.point.zeroize();
        self.bytes.zeroize();
    }
}

impl Encode for Element {
    fn size_hint(&self) -> usize {
        ELEMENT_BYTES
    }

    fn encode_to<T: Output + ?Sized>(&self, output: &mut T) {
        output.write(&self.bytes);
    }
}

impl Decode for Element {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Self::from_bytes(&Decode::decode(input)?)
            .ok_or_else(|| "not a canonical point other than the neutral one".into())
    }
}

impl DecodeWithMemTracking for Element {}

impl MaxEncodedLen for Element {
    fn max_encoded_len() -> usize {
        ELEMENT_BYTES
    }
}

impl TypeInfo for Element {
    type Identity = [u8; ELEMENT_BYTES];

    fn type_info() -> Type {
        Self::Identity::type_info()
    }
}

/// A scalar of Ristretto255 that may be public: part of a proof, or an encrypted share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FieldElement(pub(crate) Scalar);

impl FieldElement {
    /// Reads a canonical scalar.
    pub fn from_bytes(bytes: &[u8; ELEMENT_BYTES]) -> Option<Self> {
        Option::from(Scalar::from_canonical_bytes(*bytes)).map(Self)
    }

    /// The canonical encoding, little endian.
    pub fn as_bytes(&self) -> &[u8; ELEMENT_BYTES] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for FieldElement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(formatter, "FieldElement", self.as_bytes())
    }
}

impl Encode for FieldElement {
    fn size_hint(&self) -> usize {
        ELEMENT_BYTES
    }

    fn encode_to<T: Output + ?Sized>(&self, output: &mut T) {
        output.write(self.as_bytes());
    }
}

impl Decode for FieldElement {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Self::from_bytes(&Decode::decode(input)?).ok_or_else(|| "not a canonical scalar".into())
    }
}

impl DecodeWithMemTracking for FieldElement {}

impl MaxEncodedLen for FieldElement {
    fn max_encoded_len() -> usize {
        ELEMENT_BYTES
    }
}

impl TypeInfo for FieldElement {
    type Identity = [u8; ELEMENT_BYTES];

    fn type_info() -> Type {
        Self::Identity::type_info()
    }
}

fn write_hex(formatter: &mut fmt::Formatter<'_>, name: &str, bytes: &[u8]) -> fmt::Result {
    write!(formatter, "{name}(")?;
    for byte in bytes {
        write!(formatter, "{byte:02x}")?;
    }
    formatter.write_str(")")
}
