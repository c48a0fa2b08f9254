//! What others have published works unchanged: the SDKs of the original network, clients of Substrate
//! chains, and wallets in a real browser, against one network of real processes.
//!
//! Where a program is missing (node.js, Python, Chromium), what needs it says that it was skipped. The
//! network's programs are taken from the directory that `PHAT_BINARIES` names, else from where cargo puts
//! them.

mod stage;

use anyhow::{Context as _, Result, ensure};
use compat::{Packages, has_node, is_there};
use primitives::{AccountId, GenesisHash, HpkePublicKey};
use serde_json::Value;
use stage::Stage;
use wire::certificate::{Certificate, SignatureKind};

/// Names of the browser, the first that there is.
const BROWSERS: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn published_clients_work_unchanged() -> Result<()> {
    let mut stage = Stage::start().await?;
    if has_node() {
        for sdk in ["sdk-0.5.8", "sdk-0.6.0"] {
            let held = npm(&stage, sdk, "sdk.mjs").await.map(drop);
            stage.note(sdk, held);
        }
        for (packages, script) in
            [("sdk-0.5.8", "polkadot.mjs"), ("polkadot-api", "polkadot.mjs"), ("papi", "papi.mjs")]
        {
            let held = npm(&stage, packages, script).await.map(drop);
            stage.note(&format!("{script} of {packages}"), held);
        }
        let held = keystore(&stage).await;
        stage.note("a wallet opens a keystore of phat", held);
        let held = closed(&stage).await;
        stage.note("the owner closes the edge and opens it again", held);
        match stage.browser {
            Some(_) => {
                let held = wallet(&stage).await;
                stage.note("wallets in a browser", held);
            }
            None => stage.say("SKIPPED: wallets in a browser, for there is no Chromium"),
        }
    } else {
        stage.say("SKIPPED: packages of npm, for npm is missing, or Node.js is, or is older than 20");
    }
    if is_there("python3") {
        let held = python(&stage).await;
        stage.note("substrate-interface of PyPI", held);
    } else {
        stage.say("SKIPPED: packages of PyPI, for python3 is missing");
    }
    stage.end().await
}

async fn npm(stage: &Stage, packages: &str, script: &str) -> Result<String> {
    let packages = Packages::npm(packages, &stage.cache).await?;
    packages.run(script, &stage.network_json()).await
}

async fn python(stage: &Stage) -> Result<()> {
    let packages = Packages::python(&stage.cache).await?;
    packages.run("substrate.py", &stage.network_json()).await.map(drop)
}

/// What `phat account new` writes under a passphrase, the newest keyring of wallets opens.
async fn keystore(stage: &Stage) -> Result<()> {
    let made = stage.new_account("wallets", "a passphrase of four words").await?;
    let packages = Packages::npm("polkadot-api", &stage.cache).await?;
    packages.run("keystore.mjs", &made.to_string()).await.map(drop)
}

/// The cluster's owner switches the edge off, and on again.
async fn closed(stage: &Stage) -> Result<()> {
    stage.set_edge("off").await?;
    let held = npm(stage, "sdk-0.5.8", "closed.mjs").await;
    stage.set_edge("on").await?;
    held.map(drop)
}

/// The certificate that a wallet in the browser signs is one that workers take.
async fn wallet(stage: &Stage) -> Result<()> {
    let printed = npm(stage, "wallet", "wallet.mjs").await?;
    let line = printed.lines().find_map(|line| line.strip_prefix("certificate: "));
    let signed: Value = serde_json::from_str(line.context("no certificate was printed")?)?;
    let text = |name: &str| signed[name].as_str().context("a field is missing");
    let mut signature = [0; 64];
    hex::decode_to_slice(text("signature")?.trim_start_matches("0x"), &mut signature)?;
    let parsed = |error: primitives::IdParseError| anyhow::anyhow!(error);
    let session_key: HpkePublicKey = text("sessionKey")?.parse().map_err(parsed)?;
    let account: AccountId = text("account")?.parse().map_err(parsed)?;
    let genesis: GenesisHash = text("genesis")?.parse().map_err(parsed)?;
    let expires_at_ms = signed["expiresAtMs"].as_u64().context("no end")?;
    let kind = SignatureKind::Sr25519;
    let certificate = Certificate { account, session_key, expires_at_ms, kind, signature };
    let now_ms = expires_at_ms - 1;
    let judge = |genesis, certificate: &Certificate| {
        secrets::certificate::verify_certificate(certificate, &genesis, now_ms, &session_key)
    };
    ensure!(judge(genesis, &certificate) == Ok(account), "the certificate does not hold");
    ensure!(judge(GenesisHash([1; 32]), &certificate).is_err(), "it holds on another network");
    let longer = Certificate { expires_at_ms: expires_at_ms + 1, ..certificate };
    ensure!(judge(genesis, &longer).is_err(), "it holds for longer than was signed");
    Ok(())
}
