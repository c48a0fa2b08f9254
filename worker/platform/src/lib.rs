//! Entropy, clock, sealing and quotes, one module per kind of TEE
