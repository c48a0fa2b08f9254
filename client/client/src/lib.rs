//! Rust SDK: sessions, identity check, queries, commands, receipts
