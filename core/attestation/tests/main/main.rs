//! The judgement at its boundary.

#![allow(clippy::expect_used, reason = "a test stops at the first surprise")]

mod hostile_bytes;
mod intel_samples;
