//! The runtime: composition of stock pallets and ours
