//! One pure judgement of attestation evidence: evidence, collateral, policy, time
