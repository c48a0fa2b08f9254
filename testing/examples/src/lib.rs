//! Servers that the example contracts talk to: sources of prices that behave well or badly, and stores of
//! other people's making; and a contract for whoever needs a load.

mod burner;
mod sources;
mod stores;

pub use burner::BURNER;
pub use sources::{Behaviour, Source};
pub use stores::{S3_BUCKET, S3_KEY, Stores};
