//! Keys, certificates and revocation lists of the development PKI.

use crate::der;
use base64::Engine;
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use sha2::{Digest, Sha256};

/// 1970-01-01: simulated networks may start at any time.
const NOT_BEFORE: u64 = 0;
/// 2099-12-31T23:59:59Z.
pub(crate) const NOT_AFTER: u64 = 4_102_444_799;

/// A P-256 key that everybody can derive.
pub(crate) struct Key(SigningKey);

impl Key {
    /// The key of one purpose under one seed: SHA-256 of label, purpose, seed and a counter, the
    /// first that is a scalar.
    pub(crate) fn derive(seed: &[u8; 32], purpose: &str) -> Self {
        let candidate = |counter: u32| {
            let scalar = Sha256::new()
                .chain_update(b"phat/v1/insecure-development-pki/")
                .chain_update(purpose)
                .chain_update([0])
                .chain_update(seed)
                .chain_update(counter.to_le_bytes())
                .finalize();
            SigningKey::from_slice(&scalar).ok()
        };
        #[expect(
            clippy::expect_used,
            reason = "2^32 hashes do not all miss the group order"
        )]
        let key = (0..=u32::MAX).find_map(candidate).expect("a scalar");
        Self(key)
    }

    /// Both coordinates, 64 bytes.
    pub(crate) fn public(&self) -> [u8; 64] {
        let point = self.0.verifying_key().to_sec1_point(false);
        let mut bytes = [0; 64];
        bytes.copy_from_slice(&point.as_bytes()[1..]);
        bytes
    }

    /// Signature as r and s, 32 bytes each; the nonce is derived (RFC 6979).
    pub(crate) fn sign_raw(&self, message: &[u8]) -> [u8; 64] {
        let signature: Signature = self.0.sign(message);
        signature.to_bytes().into()
    }

    fn sign_der(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.0.sign(message);
        signature.to_der().as_bytes().to_vec()
    }
}

/// What a certificate's key is for.
pub(crate) enum Usage {
    /// Signs certificates and revocation lists.
    Authority,
    /// Signs anything else.
    Signer,
}

/// A name to certify and who certifies it.
pub(crate) struct CertificateRequest<'a> {
    pub subject: &'a str,
    pub subject_key: &'a Key,
    pub issuer: &'a str,
    pub issuer_key: &'a Key,
    pub serial: u8,
    pub usage: Usage,
    /// A further extension: its id and content.
    pub extension: Option<(&'a [u64], Vec<u8>)>,
}

/// A certificate in DER.
pub(crate) fn certificate(request: &CertificateRequest<'_>) -> Vec<u8> {
    let (constraints, usage) = match request.usage {
        Usage::Authority => (
            der::sequence(&[der::boolean_true()]),
            der::bits_unused(1, &[0b0000_0110]), // keyCertSign, cRLSign
        ),
        Usage::Signer => (der::sequence(&[]), der::bits_unused(7, &[0b1000_0000])),
    };
    let mut extensions = vec![
        critical_extension(der::OID_BASIC_CONSTRAINTS, &constraints),
        critical_extension(der::OID_KEY_USAGE, &usage),
    ];
    if let Some((id, content)) = &request.extension {
        extensions.push(der::sequence(&[der::object_id(id), der::octets(content)]));
    }
    let to_be_signed = der::sequence(&[
        der::explicit(0, &der::integer(&[2])), // version 3
        der::integer(&[request.serial]),
        signature_algorithm(),
        name(request.issuer),
        der::sequence(&[der::time(NOT_BEFORE), der::time(NOT_AFTER)]),
        name(request.subject),
        public_key_info(request.subject_key),
        der::explicit(3, &der::sequence(&extensions)),
    ]);
    signed(to_be_signed, request.issuer_key)
}

/// A revocation list in DER.
pub(crate) fn revocation_list(
    issuer: &str,
    issuer_key: &Key,
    this_update: u64,
    next_update: u64,
    revoked_serials: &[u8],
) -> Vec<u8> {
    let revoked = |serial: &u8| der::sequence(&[der::integer(&[*serial]), der::time(this_update)]);
    let mut parts = vec![
        der::integer(&[1]), // version 2
        signature_algorithm(),
        name(issuer),
        der::time(this_update),
        der::time(next_update),
    ];
    if !revoked_serials.is_empty() {
        parts.push(der::sequence(
            &revoked_serials.iter().map(revoked).collect::<Vec<_>>(),
        ));
    }
    let number = der::octets(&der::integer(&[1]));
    let number = der::sequence(&[der::object_id(der::OID_CRL_NUMBER), number]);
    parts.push(der::explicit(0, &der::sequence(&[number])));
    signed(der::sequence(&parts), issuer_key)
}

/// Certificates as PEM, one after the other.
pub(crate) fn pem(certificates: &[&[u8]]) -> String {
    let mut text = String::new();
    for certificate in certificates {
        let base64 = base64::engine::general_purpose::STANDARD.encode(certificate);
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for line in base64.as_bytes().chunks(64) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

fn signed(to_be_signed: Vec<u8>, key: &Key) -> Vec<u8> {
    let signature = der::bits(&key.sign_der(&to_be_signed));
    der::sequence(&[to_be_signed, signature_algorithm(), signature])
}

fn signature_algorithm() -> Vec<u8> {
    der::sequence(&[der::object_id(der::OID_ECDSA_SHA256)])
}

fn public_key_info(key: &Key) -> Vec<u8> {
    let point = [&[0x04], &key.public()[..]].concat();
    let algorithm = der::sequence(&[
        der::object_id(der::OID_EC_PUBLIC_KEY),
        der::object_id(der::OID_P256),
    ]);
    der::sequence(&[algorithm, der::bits(&point)])
}

fn name(common_name: &str) -> Vec<u8> {
    let part = |id, text| der::set(&[der::sequence(&[der::object_id(id), der::utf8(text)])]);
    der::sequence(&[
        part(der::OID_COMMON_NAME, common_name),
        part(der::OID_ORGANIZATION, "Phat development, INSECURE"),
    ])
}

fn critical_extension(id: &[u64], content: &[u8]) -> Vec<u8> {
    der::sequence(&[
        der::object_id(id),
        der::boolean_true(),
        der::octets(content),
    ])
}
