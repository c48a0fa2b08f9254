//! Writes the well-known development root certificate, DER, to standard output.

use std::io::{Result, Write};

fn main() -> Result<()> {
    let root = mock_attestation::DevelopmentPki::insecure_well_known().root_ca_der();
    std::io::stdout().write_all(&root)
}
