//! The worker-registry pallet
