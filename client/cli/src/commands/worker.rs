//! `phat worker`.

use crate::{
    context,
    output::{self, Output},
};
use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

/// Look at workers.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the workers that the chain has.
    List,
}

pub async fn run(command: Command, network: &context::Network, output: &Output) -> Result<()> {
    let Command::List = command;
    let chain = network.connect().await?;
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for record in chain.workers().await? {
        let info = &record.info;
        let url = record.endpoints.first().cloned().unwrap_or_else(|| "-".to_owned());
        let said = match record.endpoints.first() {
            Some(url) => client::fetch_info(url).await.ok(),
            None => None,
        };
        let state = match &said {
            Some(said) if said.get("serving").is_some_and(|serving| !serving.is_null()) => "serving",
            Some(_) => "not serving",
            None if record.endpoints.is_empty() => "no endpoint",
            None => "unreachable",
        };
        let lapsed = info.expires_at_ms <= client::now_ms();
        rows.push(vec![
            info.worker.to_string(),
            format!("{:?}/{:?}", info.tee, info.root),
            info.confidence_level.to_string(),
            if lapsed { "lapsed".to_owned() } else { "active".to_owned() },
            state.to_owned(),
            url,
        ]);
        values.push(json!({
            "worker": info.worker,
            "tee": format!("{:?}", info.tee),
            "root": format!("{:?}", info.root),
            "tier": info.confidence_level,
            "measurement": info.measurement,
            "expiresAtMs": info.expires_at_ms,
            "active": !lapsed,
            "endpoints": record.endpoints,
            "state": state,
        }));
    }
    let header = ["worker", "tee/root", "tier", "registration", "state", "endpoint"];
    output.result(output::table(&header, &rows), &json!(values));
    Ok(())
}
