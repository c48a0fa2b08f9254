//! All automation of the workspace: `cargo xtask COMMAND`.
//!
//! Each command is a file. Whatever a command needs and can make, it makes first; a second run does
//! only what is left to do, because cargo decides what is out of date.

mod bench;
mod build;
mod chaos;
mod client_js;
mod console;
mod dev;
mod documents;
mod economy;
mod fuzz;
mod layers;
mod lint;
mod money;
mod setup;
mod simulate;
mod test;
mod tidy;
mod wasm;
mod workspace;

use std::process::ExitCode;

use workspace::Workspace;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  dev [--once] [ARGS]  build, start a network on this machine and run an election through it;
                       --once exits after it, 0 only if every check held
  build                build the binaries phat, phat-node and phat-worker, and the web console beside them
  receipt-verifier     build the checker of receipt files for browsers (WebAssembly)
  client-js            build the TypeScript SDK, in client/client-js/dist
  test                 everything that must hold: layers, all tests, one whole election
  layers               check that no crate imports what its zone or its part forbids
  tidy                 check that the tests exist which SECURITY.md names, that links of documents lead somewhere,
                       and that the book has every page
  lint                 clippy, warnings denied
  bench [engine|query|snapshot|scale] [ARGS]
                       measure, each figure beside its anchor; or the engine, queries, snapshots, or several workers, alone
  economy [run|compare] [ARGS]
                       simulate months of mining: income, budget, treasury, pools, as CSV and plots;
                       or payments beside those of the published algorithm
  fuzz [--minutes N] [--target NAME]
                       run the fuzz targets, 10 minutes together unless told otherwise
  fuzz-money [--steps N] [--seeds N] [--from K]
                       every call that moves money in random order, the whole state checked after each
  simulate [--seeds N] [--from K] [--steps M] [--keep-going]
                       run many workers, a chain and their hosts with faults, 20 seeds unless told otherwise;
                       a seed that fails is printed with what happened and how to replay it
  chaos [--seed N] [--minutes M] [--small] [--keep]
                       run a network of real processes in network namespaces (needs root) through faults
                       drawn from a seed, and report what was seen
  setup                install the system packages that the builds need
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next();
    match run(command.as_deref(), arguments.collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Option<&str>, arguments: Vec<String>) -> anyhow::Result<()> {
    let workspace = Workspace::find()?;
    let takes_arguments =
        matches!(command, Some("dev" | "bench" | "economy" | "fuzz" | "fuzz-money" | "simulate" | "chaos"));
    if !takes_arguments && let Some(first) = arguments.first() {
        anyhow::bail!("this command takes no argument, not even `{first}`");
    }
    match command {
        Some("setup") => setup::run(),
        Some("build") => build::run(&workspace),
        Some("receipt-verifier") => build::run_receipt_verifier(&workspace),
        Some("client-js") => client_js::run(&workspace),
        Some("dev") => dev::run(&workspace, &arguments),
        Some("test") => test::run(&workspace),
        Some("layers") => layers::run(&workspace),
        Some("tidy") => tidy::run(&workspace),
        Some("lint") => lint::run(&workspace),
        Some("bench") => bench::run(&workspace, &arguments),
        Some("economy") => economy::run(&workspace, &arguments),
        Some("fuzz") => fuzz::run(&workspace, &arguments),
        Some("fuzz-money") => money::run(&workspace, &arguments),
        Some("simulate") => simulate::run(&workspace, &arguments),
        Some("chaos") => chaos::run(&workspace, &arguments),
        None | Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            Ok(())
        }
        Some(other) => anyhow::bail!("there is no command `{other}`\n\n{USAGE}"),
    }
}
