//! The mailbox pallet
