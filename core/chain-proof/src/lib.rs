//! Finality and storage proofs for receipts
