//! Framing and bounds: HTTP bytes to inputs, effects to bytes
