//! The phat-contracts pallet
