//! Chains made here, with real signatures and real tries, proven and then tampered with.

mod portable;
mod proofs;
