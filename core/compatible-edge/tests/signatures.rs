//! Who asks: all kinds of signatures, chains of certificates, and what breaks them.

use crate::fixtures::seed;
use codec::Encode;
use compatible_edge::{
    certificate::{CertificateBody, SignatureError, verify},
    prpc::{Certificate, Signature},
};
use ed25519_dalek::{Signer as _, SigningKey as Ed25519};
use k256::ecdsa::SigningKey as Secp256k1;
use primitives::AccountId;
use sha3::{Digest, Keccak256};
use wire::domain::blake2_256;

const MESSAGE: &[u8] = b"what is asked";
const BLOCK: u32 = 100;

fn keccak(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}

fn body(key: &[u8], ttl: u32) -> Vec<u8> {
    CertificateBody { pubkey: key.to_vec(), ttl, config_bits: 0 }.encode()
}

fn certificate(key: &[u8], ttl: u32) -> Option<Box<Certificate>> {
    Some(Box::new(Certificate { encoded_body: body(key, ttl), signature: None }))
}

fn secp256k1() -> (Secp256k1, [u8; 33]) {
    let key = Secp256k1::from_slice(&[7; 32]).unwrap();
    let public = key.verifying_key().to_encoded_point(true).as_bytes().try_into().unwrap();
    (key, public)
}

fn ecdsa(hash: &[u8; 32]) -> Vec<u8> {
    let (signature, recovery) = secp256k1().0.sign_prehash_recoverable(hash).unwrap();
    [&signature.to_bytes()[..], &[recovery.to_byte()]].concat()
}

fn wrapped(message: &[u8]) -> Vec<u8> {
    [&b"<Bytes>"[..], message, &b"</Bytes>"[..]].concat()
}

/// Key, signature over [`MESSAGE`] and account of each kind but typed data.
fn kinds() -> Vec<(i32, Vec<u8>, Vec<u8>, [u8; 32])> {
    let ed25519 = Ed25519::from_bytes(&[5; 32]);
    let ed25519_key = ed25519.verifying_key().to_bytes();
    let ed25519_sign = |message: &[u8]| ed25519.sign(message).to_bytes().to_vec();
    let sr25519 = seed(1);
    let sr25519_sign = |message: &[u8]| sr25519.sign(message).to_vec();
    let (key, public) = secp256k1();
    let point = key.verifying_key().to_encoded_point(false);
    let mut evm = [0; 32];
    evm[..20].copy_from_slice(&keccak(&point.as_bytes()[1..])[12..]);
    evm[20..].copy_from_slice(b"@evm_address");
    let substrate = blake2_256(&public);
    let ecdsa_sign = |message: &[u8]| ecdsa(&blake2_256(message));
    let public = public.to_vec();
    vec![
        (0, ed25519_key.to_vec(), ed25519_sign(MESSAGE), ed25519_key),
        (1, sr25519.public().to_vec(), sr25519_sign(MESSAGE), sr25519.public()),
        (2, public.clone(), ecdsa_sign(MESSAGE), substrate),
        (3, ed25519_key.to_vec(), ed25519_sign(&wrapped(MESSAGE)), ed25519_key),
        (4, sr25519.public().to_vec(), sr25519_sign(&wrapped(MESSAGE)), sr25519.public()),
        (5, public.clone(), ecdsa_sign(&wrapped(MESSAGE)), substrate),
        (7, public.clone(), ecdsa_sign(MESSAGE), evm),
        (8, public, ecdsa_sign(&wrapped(MESSAGE)), evm),
    ]
}

#[test]
fn every_kind_of_signature_gives_its_account_and_no_other() {
    for (kind, key, signature, account) in kinds() {
        let signed = |kind, key: &[u8], signature: &[u8]| Signature {
            signed_by: certificate(key, BLOCK),
            signature_type: kind,
            signature: signature.to_vec(),
        };
        let whole = signed(kind, &key, &signature);
        assert_eq!(verify(&whole, MESSAGE, BLOCK), Ok(AccountId(account)), "kind {kind}");
        assert!(verify(&whole, b"something else", BLOCK).is_err(), "kind {kind}");
        for place in 0..signature.len() {
            let mut altered = whole.clone();
            altered.signature[place] ^= 0x40;
            assert!(verify(&altered, MESSAGE, BLOCK).is_err(), "kind {kind}, byte {place}");
        }
        for other in (0..10).filter(|other| *other != kind) {
            // Both kinds of Ethereum sign alike; the account differs.
            let held = verify(&signed(other, &key, &signature), MESSAGE, BLOCK);
            assert_ne!(held, Ok(AccountId(account)), "kind {kind} as {other}");
        }
        let mut other_key = key.clone();
        other_key[8] ^= 1;
        assert!(verify(&signed(kind, &other_key, &signature), MESSAGE, BLOCK).is_err());
        let short = verify(&signed(kind, &key[1..], &signature), MESSAGE, BLOCK);
        assert_eq!(short, Err(SignatureError::InvalidPublicKey));
        let cut = verify(&signed(kind, &key, &signature[1..]), MESSAGE, BLOCK);
        assert_eq!(cut, Err(SignatureError::InvalidSignature));
    }
    let unknown = Signature { signed_by: certificate(&[1; 32], BLOCK), signature_type: 9, ..Default::default() };
    assert_eq!(verify(&unknown, MESSAGE, BLOCK), Err(SignatureError::InvalidSignatureType));
}

/// A session key's signature with a certificate that the account signed in `kind`.
fn chain(kind: i32, account: &[u8], ttl: u32, sign: impl Fn(&[u8]) -> Vec<u8>) -> Signature {
    let session = seed(2);
    let encoded_body = body(&session.public(), ttl);
    let by_account = Signature {
        signed_by: certificate(account, ttl),
        signature_type: kind,
        signature: sign(&encoded_body),
    };
    Signature {
        signed_by: Some(Box::new(Certificate {
            encoded_body,
            signature: Some(Box::new(by_account)),
        })),
        signature_type: 1,
        signature: session.sign(MESSAGE).to_vec(),
    }
}

#[test]
fn the_root_of_a_chain_is_who_asks() {
    let account = seed(1);
    let wallet = |ttl| {
        chain(4, &account.public(), ttl, |message| account.sign(&wrapped(message)).to_vec())
    };
    assert_eq!(verify(&wallet(BLOCK), MESSAGE, BLOCK), Ok(AccountId(account.public())));
    let expired = verify(&wallet(BLOCK - 1), MESSAGE, BLOCK);
    assert_eq!(expired, Err(SignatureError::CertificateExpired));

    // Typed data, as an Ethereum wallet signs it: the parts put together by hand.
    let (_, public) = secp256k1();
    let typed = |message: &[u8]| {
        let text = "You are signing a Certificate that can be used to query Phat Contracts using \
            your identity without further prompts.";
        let structure = keccak(
            &[
                keccak(
                    b"IssueQueryCertificate(string description,string timeToLive,bytes encodedCert)",
                ),
                keccak(text.as_bytes()),
                keccak(b"The Certificate will be valid till block 100."),
                keccak(message),
            ]
            .concat(),
        );
        let domain = keccak(
            &[
                keccak(b"EIP712Domain(string name,string version,bytes32 salt)"),
                keccak(b"Phat Query Certificate"),
                keccak(b"1"),
                keccak(b"phala/phat-contract"),
            ]
            .concat(),
        );
        let mut signature = ecdsa(&keccak(&[&b"\x19\x01"[..], &domain, &structure].concat()));
        signature[64] += 27;
        signature
    };
    let held = verify(&chain(6, &public, BLOCK, typed), MESSAGE, BLOCK);
    assert_eq!(held, Ok(AccountId(blake2_256(&public))));
    // The text names the last block.
    let held = verify(&chain(6, &public, BLOCK + 1, typed), MESSAGE, BLOCK);
    assert_eq!(held, Err(SignatureError::InvalidSignature));
}

#[test]
fn broken_chains_are_refused() {
    let account = seed(1);
    let sign = |message: &[u8]| account.sign(message).to_vec();
    let whole = chain(1, &account.public(), BLOCK, sign);
    assert!(verify(&whole, MESSAGE, BLOCK).is_ok());
    // Another account's signature on the certificate.
    let stranger = chain(1, &account.public(), BLOCK, |message| seed(3).sign(message).to_vec());
    assert_eq!(verify(&stranger, MESSAGE, BLOCK), Err(SignatureError::InvalidSignature));
    let nameless = Signature { signed_by: None, ..whole.clone() };
    assert_eq!(verify(&nameless, MESSAGE, BLOCK), Err(SignatureError::CertificateMissing));
    let mut garbled = whole.clone();
    garbled.signed_by.as_mut().unwrap().encoded_body.push(0);
    assert_eq!(verify(&garbled, MESSAGE, BLOCK), Err(SignatureError::DecodeFailed));
    // A third link.
    let mut long = whole;
    let link = long.signed_by.as_mut().unwrap();
    let root = link.signature.as_mut().unwrap().signed_by.as_mut().unwrap();
    let signature = seed(3).sign(&root.encoded_body).to_vec();
    root.signature = Some(Box::new(Signature {
        signed_by: certificate(&seed(3).public(), BLOCK),
        signature_type: 1,
        signature,
    }));
    assert_eq!(verify(&long, MESSAGE, BLOCK), Err(SignatureError::TooLongCertificateChain));
}
