//! ed25519, the public side: accounts may sign certificates with it.

use ed25519_dalek::{Signature, VerifyingKey};

/// Whether `signature` is one of `public` over `message`; keys of small order and signatures of more
/// than one form are refused.
pub fn verify_ed25519(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(public).is_ok_and(|key| {
        key.verify_strict(message, &Signature::from_bytes(signature))
            .is_ok()
    })
}
