//! Authenticated, encrypted, crash-safe contract state
