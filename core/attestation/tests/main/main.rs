//! The judgement at its boundary.

mod hostile_bytes;
mod intel_samples;
