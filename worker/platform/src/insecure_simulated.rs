//! **Insecure.** Evidence without a TEE: the development PKI signs that "a TD" runs this
//! executable.
//!
//! MRTD is the SHA-384 of the executable file, so that another build measures differently and a
//! development network's allow-list works as a real one does. Anybody can sign the same for
//! any program; no policy of a public network accepts the root.

use crate::{QuoteError, QuoteSource, system};
use attestation::Evidence;
use mock_attestation::{DevelopmentPki, MockTd};
use primitives::Measurement;
use sha2::{Digest, Sha384};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Name of the key file in the data directory.
pub(crate) const KEY_FILE: &str = "insecure-sealing-key";
/// The running executable, also after its file was replaced.
const RUNNING_EXECUTABLE: &str = "/proc/self/exe";

/// **Insecure.** Signs evidence itself.
pub struct InsecureSimulatedQuotes {
    pki: DevelopmentPki,
    td: MockTd,
}

impl InsecureSimulatedQuotes {
    /// Evidence of the program that calls this, under the well-known development root.
    pub fn of_running_executable() -> io::Result<Self> {
        Ok(Self {
            pki: DevelopmentPki::insecure_well_known(),
            td: td_of(Path::new(RUNNING_EXECUTABLE))?,
        })
    }

    /// Evidence of a pretended TD of the caller's choice.
    pub fn new(pki: DevelopmentPki, td: MockTd) -> Self {
        Self { pki, td }
    }

    /// What the evidence will be measured as.
    pub fn measurement(&self) -> Measurement {
        self.td.measurement()
    }
}

impl QuoteSource for InsecureSimulatedQuotes {
    fn quote(&self, report_data: [u8; 64]) -> Result<Evidence, QuoteError> {
        let now_unix_seconds = system::unix_millis() / 1000;
        Ok(self
            .pki
            .tdx_evidence(&self.td, &report_data, now_unix_seconds))
    }
}

/// What a worker's executable file is measured as when it runs on the insecure platform: for the
/// allow-list of a development network.
pub fn insecure_simulated_measurement(executable: &Path) -> io::Result<Measurement> {
    Ok(td_of(executable)?.measurement())
}

fn td_of(executable: &Path) -> io::Result<MockTd> {
    const PIECE_BYTES: usize = 64 * 1024;
    let mut file = File::open(executable)?;
    let mut hasher = Sha384::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(MockTd::of_build(hasher.finalize().into())),
            read => hasher.update(&piece[..read]),
        }
    }
}
