//! A worker that cannot start says why, and ends.

use crate::{
    stage::Stage,
    tools::{Report, free_ports, run},
};
use anyhow::{Context, Result};
use std::{fs, net::TcpListener, path::PathBuf};

pub async fn check(stage: &Stage, report: &mut Report) {
    report.note("a worker on a port in use", port_in_use(stage).await);
    report.note(
        "a worker with a data directory that is not its own",
        directories(stage).await,
    );
    report.note("a worker without its files", files(stage).await);
    report.note(
        "a worker on a platform that is not there",
        platforms(stage).await,
    );
    report.note(
        "after failed starts the network answers as before",
        stage.unharmed().await,
    );
}

/// Arguments for one that could run, on a free port and an empty directory; `changes` replace options.
pub fn arguments(stage: &Stage, name: &str, changes: &[String]) -> Result<(Vec<String>, PathBuf)> {
    let directory = stage.home.path().join(name);
    fs::create_dir_all(&directory)?;
    let mut arguments = stage.worker_arguments(&directory, 1);
    let listen = format!("--listen=127.0.0.1:{}", free_ports(1)?);
    for change in changes
        .iter()
        .chain((!changes.iter().any(|c| c.starts_with("--listen="))).then_some(&listen))
    {
        let option = change.split('=').next().unwrap_or_default();
        let place = arguments
            .iter()
            .position(|a| a.split('=').next() == Some(option));
        match place {
            Some(place) => arguments[place].clone_from(change),
            None => arguments.push(change.clone()),
        }
    }
    Ok((arguments, directory))
}

pub async fn fails(
    stage: &Stage,
    name: &str,
    changes: &[String],
    code: i32,
    text: &str,
) -> Result<()> {
    let (arguments, _) = arguments(stage, name, changes)?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = run(&stage.tools.worker(), &arguments, stage.home.path()).await?;
    ran.expect(code, text).with_context(|| name.to_owned())
}

async fn port_in_use(stage: &Stage) -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let listen = format!("--listen={}", taken.local_addr()?);
    let text = format!(
        "cannot listen on {}: if another program has the port",
        taken.local_addr()?
    );
    fails(stage, "port", &[listen], 1, &text).await
}

async fn directories(stage: &Stage) -> Result<()> {
    let used = stage.worker_directory(1);
    let text = format!(
        "the data directory {} is in use by another worker",
        used.display()
    );
    fails(
        stage,
        "used",
        &[format!("--data-dir={}", used.display())],
        1,
        &text,
    )
    .await?;
    for (layout, text) in [
        (0, "has layout 0, this worker reads"),
        (9, "use the newer worker"),
    ] {
        let name = format!("layout-{layout}");
        let directory = stage.home.path().join(&name);
        fs::create_dir_all(&directory)?;
        let network = format!(
            "{{\"layout\":{layout},\"genesis\":\"{}\"}}",
            stage.info.genesis
        );
        fs::write(directory.join("network.json"), network)?;
        fails(stage, &name, &[], 1, text).await?;
    }
    let directory = stage.home.path().join("damaged");
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("network.json"), "{")?;
    fails(stage, "damaged", &[], 1, "network.json is damaged").await?;
    // Keys of another worker's disk, without that disk's sealing key.
    let directory = stage.home.path().join("foreign-keys");
    fs::create_dir_all(&directory)?;
    for name in ["network.json", "secrets.sealed"] {
        fs::copy(used.join(name), directory.join(name))?;
    }
    fails(
        stage,
        "foreign-keys",
        &[],
        1,
        "does not open on this machine and platform",
    )
    .await
}

async fn files(stage: &Stage) -> Result<()> {
    let missing = |option: &str| vec![format!("--{option}=/nowhere/at-all")];
    let text = "the chain specification /nowhere/at-all cannot be read";
    fails(stage, "spec", &missing("chain-spec"), 1, text).await?;
    let not_json = stage.home.path().join("not-a-spec.json");
    fs::write(&not_json, "{\"name\":")?;
    let spec = format!("--chain-spec={}", not_json.display());
    fails(stage, "spec", &[spec], 1, "chain specification").await?;
    let text = "the operator's key file /nowhere/at-all cannot be read";
    fails(stage, "operator", &missing("operator-key-file"), 1, text).await?;
    let nonsense = stage.home.path().join("nonsense.key");
    fs::write(&nonsense, "not a key")?;
    let operator = format!("--operator-key-file={}", nonsense.display());
    fails(
        stage,
        "operator",
        &[operator],
        1,
        "the operator's key cannot be used",
    )
    .await?;
    let bootnode = "--bootnode=nonsense".to_owned();
    fails(
        stage,
        "bootnode",
        &[bootnode],
        2,
        "expected a multiaddress with a peer id",
    )
    .await
}

async fn platforms(stage: &Stage) -> Result<()> {
    let platform = |kind: &str| format!("--platform={kind}");
    fails(
        stage,
        "unknown",
        &[platform("nope")],
        2,
        "no platform is called \"nope\"",
    )
    .await?;
    for kind in ["tdx", "gramine"] {
        fails(stage, kind, &[platform(kind)], 1, "needs --collateral-file").await?;
        let collateral = stage.home.path().join("collateral.json");
        fs::write(&collateral, "{}")?;
        let collateral = format!("--collateral-file={}", collateral.display());
        // The first thing that each kind needs and this machine has not.
        let text = match kind {
            "tdx" => "does this machine have the configured kind of TEE?",
            _ => "the sealing key /dev/attestation/keys/_sgx_mrenclave cannot be read",
        };
        fails(stage, kind, &[platform(kind), collateral], 1, text).await?;
    }
    Ok(())
}
