//! Who asks: chains of certificates.
//!
//! The account signs a certificate for a key that a program made; that key signs the queries. A
//! certificate ends with a block, and says nothing of a network.

use crate::{
    ecdsa::{self, keccak_256},
    prpc::{Signature, SignatureKind},
};
use codec::{Decode, Encode};
use primitives::{AccountId, BlockNumber};
use secrets::{verify_ed25519, verify_sr25519};
use std::fmt;
use wire::{decode_all, domain::blake2_256};

/// Most signatures on the way from a message to the root certificate.
pub const CHAIN_LENGTH_MAX: u8 = 2;
/// Longest body of a certificate, bytes.
const BODY_BYTES_MAX: u32 = 128;
/// `name` of the typed data of a certificate.
const CERTIFICATE_DOMAIN: &str = "Phat Query Certificate";
/// `name` of the typed data of a query.
const QUERY_DOMAIN: &str = "Phat Contract Query";
/// What Ethereum wallets show above a certificate.
const CERTIFICATE_TEXT: &str = "You are signing a Certificate that can be used to query Phat \
    Contracts using your identity without further prompts.";
/// What they show above a query.
const QUERY_TEXT: &str = "You are signing a query request that would be sent to a Phat Contract.";

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CertificateBody {
    /// The key: 32 bytes, or 33 of ECDSA.
    pub pubkey: Vec<u8>,
    /// The last block that it holds for.
    pub ttl: BlockNumber,
    /// Ignored.
    pub config_bits: u32,
}

/// Why a signature does not hold. Clients see the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// No signature is of this kind.
    InvalidSignatureType,
    /// Another key signed, or something else.
    InvalidSignature,
    /// The signature does not say who made it.
    CertificateMissing,
    /// The certificate's last block has passed.
    CertificateExpired,
    /// There are more signatures than [`CHAIN_LENGTH_MAX`].
    TooLongCertificateChain,
    /// The certificate is not an encoding of one.
    DecodeFailed,
    /// The certificate's key is no key of the signature's kind.
    InvalidPublicKey,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for SignatureError {}

/// What is signed; typed data differs.
#[derive(Clone, Copy)]
enum Signed {
    Query,
    Certificate { ttl: BlockNumber },
}

/// Checks that `signature` is one over `message`, at `block`; gives the account of the root certificate.
///
/// # Errors
/// See [`SignatureError`].
pub fn verify(
    signature: &Signature,
    message: &[u8],
    block: BlockNumber,
) -> Result<AccountId, SignatureError> {
    verify_link(signature, message, Signed::Query, block, CHAIN_LENGTH_MAX)
}

fn verify_link(
    signature: &Signature,
    message: &[u8],
    signed: Signed,
    block: BlockNumber,
    links_left: u8,
) -> Result<AccountId, SignatureError> {
    let links_left = links_left.checked_sub(1).ok_or(SignatureError::TooLongCertificateChain)?;
    let certificate = signature.signed_by.as_ref().ok_or(SignatureError::CertificateMissing)?;
    let body: CertificateBody = decode_all(&certificate.encoded_body, BODY_BYTES_MAX)
        .map_err(|_| SignatureError::DecodeFailed)?;
    if body.ttl < block {
        return Err(SignatureError::CertificateExpired);
    }
    let kind = SignatureKind::from_number(signature.signature_type)
        .ok_or(SignatureError::InvalidSignatureType)?;
    let account = check(kind, &body.pubkey, message, signed, &signature.signature)?;
    match &certificate.signature {
        None => Ok(account),
        Some(above) => {
            let signed = Signed::Certificate { ttl: body.ttl };
            verify_link(above, &certificate.encoded_body, signed, block, links_left)
        }
    }
}

/// Checks one signature; gives the account of its key.
fn check(
    kind: SignatureKind,
    public: &[u8],
    message: &[u8],
    signed: Signed,
    signature: &[u8],
) -> Result<AccountId, SignatureError> {
    use SignatureKind as Kind;
    let wrapped = matches!(
        kind,
        Kind::Ed25519WrapBytes
            | Kind::Sr25519WrapBytes
            | Kind::EcdsaWrapBytes
            | Kind::EvmEcdsaWrapBytes
    );
    let wrapped_message;
    let message = if wrapped {
        wrapped_message = [&b"<Bytes>"[..], message, &b"</Bytes>"[..]].concat();
        &wrapped_message[..]
    } else {
        message
    };
    let (holds, account) = match kind {
        Kind::Ed25519 | Kind::Ed25519WrapBytes => {
            let public = key(public)?;
            (verify_ed25519(&public, message, &signature_of(signature)?), Some(public))
        }
        Kind::Sr25519 | Kind::Sr25519WrapBytes => {
            let public = key(public)?;
            (verify_sr25519(&public, message, &signature_of(signature)?), Some(public))
        }
        Kind::Ecdsa | Kind::EcdsaWrapBytes | Kind::Eip712 => {
            let public: [u8; 33] = key(public)?;
            let hash = match kind {
                Kind::Eip712 => typed_data_hash(message, signed),
                _ => blake2_256(message),
            };
            let holds = ecdsa::verify(&public, &hash, &signature_of(signature)?);
            (holds, Some(blake2_256(&public)))
        }
        Kind::EvmEcdsa | Kind::EvmEcdsaWrapBytes => {
            let public: [u8; 33] = key(public)?;
            let holds = ecdsa::verify(&public, &blake2_256(message), &signature_of(signature)?);
            (holds, ecdsa::evm_account(&public))
        }
    };
    match (holds, account) {
        (true, Some(account)) => Ok(AccountId(account)),
        _ => Err(SignatureError::InvalidSignature),
    }
}

fn key<const N: usize>(bytes: &[u8]) -> Result<[u8; N], SignatureError> {
    bytes.try_into().map_err(|_| SignatureError::InvalidPublicKey)
}

fn signature_of<const N: usize>(bytes: &[u8]) -> Result<[u8; N], SignatureError> {
    bytes.try_into().map_err(|_| SignatureError::InvalidSignature)
}

/// The EIP-712 hash of what an Ethereum wallet signs.
fn typed_data_hash(message: &[u8], signed: Signed) -> [u8; 32] {
    let hash_of = |text: &str| keccak_256(text.as_bytes());
    let domain = |name: &str| {
        keccak_256(
            &[
                hash_of("EIP712Domain(string name,string version,bytes32 salt)"),
                hash_of(name),
                hash_of("1"),
                hash_of("phala/phat-contract"),
            ]
            .concat(),
        )
    };
    let (domain, structure) = match signed {
        Signed::Certificate { ttl } => {
            let valid = format!("The Certificate will be valid till block {ttl}.");
            let type_of = "IssueQueryCertificate(string description,string timeToLive,\
                bytes encodedCert)";
            let parts =
                [hash_of(type_of), hash_of(CERTIFICATE_TEXT), hash_of(&valid), keccak_256(message)];
            (domain(CERTIFICATE_DOMAIN), keccak_256(&parts.concat()))
        }
        Signed::Query => {
            let type_of = "PhatContractQuery(string description,bytes encodedQuery)";
            let parts = [hash_of(type_of), hash_of(QUERY_TEXT), keccak_256(message)];
            (domain(QUERY_DOMAIN), keccak_256(&parts.concat()))
        }
    };
    keccak_256(&[b"\x19\x01".as_slice(), &domain, &structure].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn typed_data_hashes_to_the_known_values() {
        assert_eq!(
            hex(&typed_data_hash(b"Hello", Signed::Certificate { ttl: 42 })),
            "dab3c1073ec2a5ab6a4b98cd76051541d48672409bba6d23bb9eafc9b954c17a"
        );
        assert_eq!(
            hex(&typed_data_hash(b"Hello", Signed::Query)),
            "2f77da1de54e22c205842fcaf29b9c31c424d4701d6eb6b805fca23c937937d0"
        );
    }

    #[test]
    fn an_ethereum_address_becomes_the_known_account() {
        let mut public = [0; 33];
        let digits = "029df1e69b8b7c2da2efe0069dc141c2cec0317bf3fd135abaeb69ee33801f5970";
        for (byte, place) in public.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&digits[place..place + 2], 16).unwrap();
        }
        let account = ecdsa::evm_account(&public).unwrap();
        assert_eq!(hex(&account[..20]), "77bb3d64ea13e4f0beafdd5d92508d4643bb09cb");
        assert_eq!(&account[20..], b"@evm_address");
    }
}
