//! Pseudo-files that behave: configfs-tsm and Gramine's `/dev/attestation`, in memory.

use platform::DeviceFiles;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Makes the quote over report data.
pub type Quoting = fn(&[u8; 64]) -> Vec<u8>;

/// configfs-tsm under `/tsm`, with switches for what can go wrong.
pub struct FakeTsm {
    pub quoting: Quoting,
    pub provider: &'static str,
    /// Bytes that are cut off the end of what is read.
    pub cut: usize,
    /// How many reads of `outblob` somebody else's write interrupts.
    pub intrusions: Mutex<u32>,
    pub reports: Mutex<BTreeMap<PathBuf, Report>>,
    pub made: Mutex<u32>,
}

#[derive(Default)]
pub struct Report {
    generation: u64,
    report_data: Option<[u8; 64]>,
}

impl FakeTsm {
    pub fn new(quoting: Quoting) -> Self {
        Self {
            quoting,
            provider: "tdx_guest\n",
            cut: 0,
            intrusions: Mutex::new(0),
            reports: Mutex::default(),
            made: Mutex::default(),
        }
    }

    /// How many report directories are there, and how many ever were.
    pub fn reports_left_and_made(&self) -> (usize, u32) {
        (
            self.reports.lock().expect("alive").len(),
            *self.made.lock().expect("alive"),
        )
    }
}

impl DeviceFiles for &FakeTsm {
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        if path.parent() != Some(Path::new("/tsm")) {
            return Err(ErrorKind::NotFound.into());
        }
        let mut reports = self.reports.lock().expect("alive");
        if reports.insert(path.into(), Report::default()).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        *self.made.lock().expect("alive") += 1;
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let removed = self.reports.lock().expect("alive").remove(path);
        removed.map(|_| ()).ok_or(ErrorKind::NotFound.into())
    }

    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        let mut reports = self.reports.lock().expect("alive");
        let (dir, attribute) = split(path);
        let report = reports.get_mut(dir).ok_or(ErrorKind::NotFound)?;
        let mut bytes = match attribute {
            "provider" => self.provider.as_bytes().to_vec(),
            "generation" => format!("{}\n", report.generation).into_bytes(),
            "outblob" => {
                let mut intrusions = self.intrusions.lock().expect("alive");
                if *intrusions > 0 {
                    *intrusions -= 1;
                    report.generation += 1;
                    report.report_data = Some([0xee; 64]);
                }
                let data = report.report_data.ok_or(ErrorKind::InvalidInput)?;
                let mut quote = (self.quoting)(&data);
                quote.truncate(quote.len() - self.cut);
                quote
            }
            _ => return Err(ErrorKind::NotFound.into()),
        };
        if bytes.len() > bytes_max {
            return Err(ErrorKind::FileTooLarge.into());
        }
        bytes.shrink_to_fit();
        Ok(bytes)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut reports = self.reports.lock().expect("alive");
        let (dir, attribute) = split(path);
        let report = reports.get_mut(dir).ok_or(ErrorKind::NotFound)?;
        if attribute != "inblob" {
            return Err(ErrorKind::PermissionDenied.into());
        }
        report.report_data = Some(bytes.try_into().map_err(|_| ErrorKind::InvalidInput)?);
        report.generation += 1;
        Ok(())
    }
}

fn split(path: &Path) -> (&Path, &str) {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a name");
    (path.parent().expect("a directory"), name)
}

/// Gramine's pseudo-files under `/attestation`.
pub struct FakeGramine {
    pub quoting: Quoting,
    pub attestation_type: &'static str,
    pub report_data: Mutex<[u8; 64]>,
}

impl FakeGramine {
    pub fn new(quoting: Quoting) -> Self {
        Self {
            quoting,
            attestation_type: "dcap",
            report_data: Mutex::new([0; 64]),
        }
    }
}

impl DeviceFiles for &FakeGramine {
    fn make_dir(&self, _path: &Path) -> io::Result<()> {
        Err(ErrorKind::PermissionDenied.into())
    }

    fn remove_dir(&self, _path: &Path) -> io::Result<()> {
        Err(ErrorKind::PermissionDenied.into())
    }

    fn read(&self, path: &Path, _bytes_max: usize) -> io::Result<Vec<u8>> {
        match path.to_str() {
            Some("/attestation/attestation_type") => Ok(self.attestation_type.into()),
            Some("/attestation/quote") => {
                Ok((self.quoting)(&self.report_data.lock().expect("alive")))
            }
            _ => Err(ErrorKind::NotFound.into()),
        }
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if path != Path::new("/attestation/user_report_data") {
            return Err(ErrorKind::NotFound.into());
        }
        *self.report_data.lock().expect("alive") =
            bytes.try_into().map_err(|_| ErrorKind::InvalidInput)?;
        Ok(())
    }
}
