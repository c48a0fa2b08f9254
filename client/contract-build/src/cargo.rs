//! Runs cargo and passes on what it writes.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::process::{Command, Stdio};

use crate::BuildError;

/// Lines of compiler output kept for an error.
const OUTPUT_LINES_MAX: usize = 400;
/// Most that a generated program may print, bytes.
const STDOUT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Variables that would make a build differ from one typed at a prompt.
const FOREIGN_VARIABLES: [&str; 11] = [
    "CARGO",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MANIFEST_DIR",
    "CARGO_TARGET_DIR",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
];

/// Frees `command` of what an outer cargo, if there is one, put into the environment.
pub fn without_outer_build(mut command: Command) -> Command {
    for variable in FOREIGN_VARIABLES {
        command.env_remove(variable);
    }
    command
}

/// Runs `command`, passes its error output line by line to `progress`, and returns its output.
pub fn run(
    mut command: Command,
    step: &'static str,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, BuildError> {
    let failed = |output: String| BuildError::Compile { step, output };
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => BuildError::CargoMissing,
        _ => failed(error.to_string()),
    })?;
    let stdout = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout
            .map(|stdout| stdout.take(STDOUT_BYTES_MAX).read_to_end(&mut bytes))
            .transpose()?;
        Ok::<_, std::io::Error>(bytes)
    });
    let mut last_lines = VecDeque::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).split(b'\n') {
            let line = line.map_err(|error| failed(error.to_string()))?;
            let line = String::from_utf8_lossy(&line).into_owned();
            progress(&line);
            if last_lines.len() == OUTPUT_LINES_MAX {
                last_lines.pop_front();
            }
            last_lines.push_back(line);
        }
    }
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    let stdout = reader
        .join()
        .map_err(|_| failed("the reader of its output stopped".into()))?
        .map_err(|error| failed(error.to_string()))?;
    match status.success() {
        true => Ok(stdout),
        false => Err(failed(Vec::from(last_lines).join("\n"))),
    }
}
