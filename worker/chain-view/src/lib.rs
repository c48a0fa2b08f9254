//! Thin adapter over subxt's embedded light client: verified finalized blocks, proven reads, submission
