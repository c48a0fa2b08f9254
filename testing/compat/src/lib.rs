//! Packages of npm and PyPI as their registries have them, and scripts that use them.
//!
//! Packages are installed once into a cache, without install scripts, in the versions of the lock files of
//! this crate. The scripts lie beside them and say `ok: …` for each check that holds; the first that does
//! not ends a script.

use anyhow::{Context as _, Result, bail, ensure};
use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::process::Command;

/// How long a script may run; far beyond what any needs.
const SCRIPT_PATIENCE: Duration = Duration::from_secs(600);

/// Scripts of npm packages, which go beside each package.
const SCRIPTS: [&str; 11] = [
    "checks.mjs",
    "closed.mjs",
    "flow.mjs",
    "keystore.mjs",
    "papi.mjs",
    "polkadot.mjs",
    "sdk.mjs",
    "wallet.mjs",
    "wallet-extension.mjs",
    "wallet-page.mjs",
    "wallet-shims.mjs",
];

/// Whether a program is on the path.
pub fn is_there(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// The oldest major version of Node.js that today's packages run on.
const NODE_MAJOR_MIN: u32 = 20;

/// Whether npm is on the path, and Node.js in a version that the packages run on.
pub fn has_node() -> bool {
    let said = std::process::Command::new("node").arg("--version").output();
    let major = said.ok().and_then(|said| {
        let text = String::from_utf8(said.stdout).ok()?;
        text.trim().strip_prefix('v')?.split('.').next()?.parse::<u32>().ok()
    });
    major >= Some(NODE_MAJOR_MIN) && is_there("npm")
}

/// Installed packages.
pub struct Packages {
    folder: PathBuf,
    program: PathBuf,
}

impl Packages {
    /// Installs the packages of `npm/<name>` into `cache`, unless they are there; one process at a time.
    ///
    /// # Errors
    /// When they cannot be installed.
    pub async fn npm(name: &str, cache: &Path) -> Result<Self> {
        let sources = Path::new("npm");
        let folder = cache.join(name);
        let _lock = lock(&folder)?;
        for script in SCRIPTS {
            fs::copy(sources.join(script), folder.join(script)).with_context(|| script.to_owned())?;
        }
        let lock_file = sources.join(name).join("package-lock.json");
        let wanted = fs::read(&lock_file).with_context(|| lock_file.display().to_string())?;
        let installed = folder.join("installed");
        if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
            return Ok(Self { folder, program: PathBuf::from("node") });
        }
        fs::write(folder.join("package-lock.json"), &wanted)?;
        fs::copy(sources.join(name).join("package.json"), folder.join("package.json"))?;
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        run(Command::new("npm").args(arguments).current_dir(&folder), &format!("npm ci of {name}"))
            .await?;
        fs::write(&installed, &wanted)?;
        Ok(Self { folder, program: PathBuf::from("node") })
    }

    /// Installs what `python/requirements.txt` names into `cache`, unless it is there.
    ///
    /// # Errors
    /// When it cannot be installed.
    pub async fn python(cache: &Path) -> Result<Self> {
        let sources = Path::new("python");
        let folder = cache.join("python");
        let _lock = lock(&folder)?;
        fs::copy(sources.join("substrate.py"), folder.join("substrate.py"))?;
        let wanted = fs::read(sources.join("requirements.txt"))?;
        let program = folder.join("venv/bin/python");
        let installed = folder.join("installed");
        if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
            return Ok(Self { folder, program });
        }
        fs::write(folder.join("requirements.txt"), &wanted)?;
        run(
            Command::new("python3").args(["-m", "venv", "--clear", "venv"]).current_dir(&folder),
            "python3 -m venv",
        )
        .await?;
        let arguments = ["-m", "pip", "install", "--quiet", "--no-deps", "-r", "requirements.txt"];
        run(
            Command::new(&program)
                .args(arguments)
                .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
                .current_dir(&folder),
            "pip install",
        )
        .await?;
        fs::write(&installed, &wanted)?;
        Ok(Self { folder, program })
    }

    /// Runs a script, which gets `network` as JSON, and gives what it printed.
    ///
    /// # Errors
    /// When a check did not hold, with all that was printed.
    pub async fn run(&self, script: &str, network: &str) -> Result<String> {
        let mut command = Command::new(&self.program);
        command
            .arg(script)
            .current_dir(&self.folder)
            .env("PHAT_COMPAT_NETWORK", network)
            .env("NODE_NO_WARNINGS", "1");
        let output = run(&mut command, script).await?;
        ensure!(output.contains("ok: "), "{script} has checked nothing:\n{output}");
        Ok(output)
    }
}

fn lock(folder: &Path) -> Result<File> {
    fs::create_dir_all(folder)?;
    let lock = File::create(folder.join("install.lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// Runs a program to its end; gives what it printed.
async fn run(command: &mut Command, what: &str) -> Result<String> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(SCRIPT_PATIENCE, command.output())
        .await
        .with_context(|| format!("{what} does not end"))?
        .with_context(|| format!("{what} cannot be started"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{what} failed:\n{text}{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(text)
}
