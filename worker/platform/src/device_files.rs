//! The few file operations that quote interfaces are made of, so that a test can be the kernel.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// File operations on a kernel's or library OS's pseudo-files.
pub trait DeviceFiles: Send + Sync {
    /// Makes one directory.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// Removes one directory; configfs removes the attributes in it with it.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Reads a whole file; more than `bytes_max` bytes are an error.
    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>>;
    /// Writes an existing file in one go, from its start; never makes one.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
}

/// The operating system's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemFiles;

impl DeviceFiles for SystemFiles {
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?
            .take(bytes_max as u64 + 1)
            .read_to_end(&mut bytes)?;
        if bytes.len() > bytes_max {
            let text = format!("longer than {bytes_max} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
        Ok(bytes)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        // Pseudo-files take their value in one write call; a second call would be another value.
        let written = OpenOptions::new().write(true).open(path)?.write(bytes)?;
        if written != bytes.len() {
            return Err(io::Error::new(
                io::ErrorKind::WriteZero,
                "only a part was taken",
            ));
        }
        Ok(())
    }
}
