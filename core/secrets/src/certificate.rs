//! Checking and issuing certificates: an account's word for a session key.

use crate::{Sr25519Secret, verify_ed25519, verify_sr25519};
use primitives::{AccountId, GenesisHash, HpkePublicKey, UnixMillis};
use wire::certificate::{Certificate, LIFETIME_MS_MAX, SignatureKind, signed_bytes};

/// Why a certificate does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Its time has passed.
    #[error("the certificate has expired; sign a new one")]
    Expired,
    /// It would hold for longer than is allowed.
    #[error("the certificate ends more than 30 days from now; sign a shorter one")]
    TooLong,
    /// Who sent the message does not hold the key that the certificate names.
    #[error("the certificate is for another session key than the message was sealed with")]
    WrongSessionKey,
    /// The account did not sign this, on this network.
    #[error("the account's signature on the certificate does not hold on this network")]
    BadSignature,
}

/// Checks a certificate that came with a message authenticated by `session_key`; gives the account.
///
/// # Errors
/// See [`CertificateError`].
pub fn verify_certificate(
    certificate: &Certificate,
    genesis: &GenesisHash,
    now_ms: UnixMillis,
    session_key: &HpkePublicKey,
) -> Result<AccountId, CertificateError> {
    if certificate.expires_at_ms <= now_ms {
        return Err(CertificateError::Expired);
    }
    if certificate.expires_at_ms - now_ms > LIFETIME_MS_MAX {
        return Err(CertificateError::TooLong);
    }
    if certificate.session_key != *session_key {
        return Err(CertificateError::WrongSessionKey);
    }
    let verify = match certificate.kind {
        SignatureKind::Sr25519 => verify_sr25519,
        SignatureKind::Ed25519 => verify_ed25519,
    };
    let text = certificate.signed_bytes(genesis);
    if verify(
        certificate.account.as_bytes(),
        text.as_bytes(),
        &certificate.signature,
    ) {
        Ok(certificate.account)
    } else {
        Err(CertificateError::BadSignature)
    }
}

/// Signs a certificate with a local key, for programs that have no wallet.
pub fn issue_certificate(
    account: &Sr25519Secret,
    genesis: &GenesisHash,
    session_key: HpkePublicKey,
    expires_at_ms: UnixMillis,
) -> Certificate {
    let id = AccountId(account.public());
    let text = signed_bytes(genesis, &id, &session_key, expires_at_ms);
    Certificate {
        account: id,
        session_key,
        expires_at_ms,
        kind: SignatureKind::Sr25519,
        signature: account.sign(text.as_bytes()),
    }
}
