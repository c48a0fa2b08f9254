//! Keys that wipe themselves, key derivation, sealing and the session handshake
