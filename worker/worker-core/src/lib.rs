//! The worker as one state machine: inputs in, effects out
