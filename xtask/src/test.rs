//! Everything that must hold, in the order in which failures are cheap.

use crate::build::{Build, GUESTS};
use crate::workspace::{Workspace, progress, run as run_command};
use crate::{client_js, console, dev, layers, setup, tidy};

/// Names the example contract's built file for tests that start a network.
const BALLOT_VARIABLE: &str = "PHAT_BALLOT_CONTRACT";
/// Names the folder of the other examples' built files, for tests that run them.
const EXAMPLES_VARIABLE: &str = "PHAT_EXAMPLE_CONTRACTS";
/// Names the folder of the wasm toolchain, for tests that build contracts.
const TOOLCHAINS_VARIABLE: &str = "PHAT_TOOLCHAINS";
/// Names the folder that contracts are compiled in, for the same tests.
const CONTRACT_TARGET_VARIABLE: &str = "PHAT_CONTRACT_TARGET";
/// Names the folder of the built binaries, for the same tests.
const BINARIES_VARIABLE: &str = "PHAT_BINARIES";
/// Names the receipt verifier's wasm, for the test that runs it in Node.js and a browser.
const RECEIPT_VERIFIER_VARIABLE: &str = "PHAT_RECEIPT_VERIFIER";
/// Names the runtime with the next version's number, for the rehearsal of an upgrade.
const NEXT_RUNTIME_VARIABLE: &str = "PHAT_NEXT_RUNTIME";
/// First port of the networks that are tested: not that of a network somebody is using.
const PORT_BASE: &str = "19944";
/// The same for the network that the web console is tested on.
const CONSOLE_PORT_BASE: &str = "19964";

/// Checks layers, builds, runs the tests of all crates, and whole elections.
///
/// # Errors
/// At the first thing that does not hold.
pub fn run(workspace: &Workspace) -> anyhow::Result<()> {
    setup::run_for_tests()?;
    layers::run(workspace)?;
    tidy::run(workspace)?;
    let build = Build::prepare(workspace)?;
    let (ballot, examples) = (build.ballot()?, build.examples()?);
    let receipt_verifier = build.receipt_verifier()?;
    let next_runtime = build.next_runtime()?;
    progress("building binaries and tests");
    // Together: the features that tests add would otherwise compile much of it twice.
    run_command(
        build.cargo("build").args(["--bins", "--tests"]),
        "building binaries and tests",
    )?;

    progress("testing the automation");
    run_command(
        workspace
            .cargo()
            .args(["test", "--release", "--locked", "-p", "xtask"]),
        "the tests of xtask",
    )?;
    for guest in GUESTS {
        progress(format!("testing {guest}"));
        run_command(&mut build.guest_cargo(guest, "test"), guest)?;
    }

    let runs: [(&str, &[&str]); 2] = [
        ("an election", &[]),
        ("an election while processes are killed", &["--disturb"]),
    ];
    for (what, arguments) in runs {
        progress(format!("running {what}"));
        run_command(
            dev::election(workspace, &ballot)
                .args(["--once", "--port-base", PORT_BASE])
                .args(arguments),
            what,
        )?;
    }

    build.console()?;
    console::test(workspace, &ballot, &receipt_verifier, CONSOLE_PORT_BASE)?;

    progress("testing all crates");
    run_command(
        build
            .cargo("test")
            // One failing binary must not hide what the others say.
            .arg("--no-fail-fast")
            .env(BALLOT_VARIABLE, &ballot)
            .env(EXAMPLES_VARIABLE, &examples)
            .env(NEXT_RUNTIME_VARIABLE, &next_runtime)
            .env(RECEIPT_VERIFIER_VARIABLE, &receipt_verifier)
            .env(TOOLCHAINS_VARIABLE, workspace.toolchain_dir())
            .env(CONTRACT_TARGET_VARIABLE, workspace.beside_target("contract"))
            .env(BINARIES_VARIABLE, workspace.binaries_dir()),
        "the tests",
    )?;

    progress("testing the TypeScript SDK");
    let binaries = workspace.binaries_dir();
    client_js::test(&build, workspace, &[(BALLOT_VARIABLE, &ballot), (BINARIES_VARIABLE, &binaries)])
}
