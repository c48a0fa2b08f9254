//! The command line.

use anyhow::{Context, Result, ensure};
use clap::{ArgAction, Args, Parser, Subcommand};
use http_egress::{EgressConfig, EgressPolicy};
use platform::{GramineQuotes, PlatformConfig, PlatformKind, SystemFiles, TdxQuotes};
use std::{net::SocketAddr, path::PathBuf};

/// A worker of the Phat network: runs contracts on encrypted requests and state.
#[derive(Debug, Parser)]
#[command(name = "phat-worker", version)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the worker.
    Run(RunArguments),
    /// Print the measurement of this build under the simulated platform, and exit.
    Measure,
}

/// How to run.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Raw chain specification (JSON): the network, and the root of all trust in it.
    #[arg(long, value_name = "FILE")]
    pub chain_spec: PathBuf,
    /// Multiaddress of a node, /ip4/…/tcp/…/p2p/…; may be given several times. Without one, the
    /// specification's own.
    #[arg(long, value_name = "MULTIADDRESS", value_parser = bootnode)]
    pub bootnode: Vec<String>,
    /// Where keys (sealed) and state (encrypted) are kept.
    #[arg(long, value_name = "DIRECTORY")]
    pub data_dir: PathBuf,
    /// Address to answer HTTP on.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,
    /// URL that clients reach this worker at, announced on chain; may be given several times.
    #[arg(long, value_name = "URL")]
    pub endpoint: Vec<String>,
    /// File with the secret (phrase, //Name or 0x-seed) of the account that pays for the
    /// registration. The host reads it; it guards no confidential data.
    #[arg(long, value_name = "FILE")]
    pub operator_key_file: PathBuf,
    /// Kind of TEE: tdx, gramine or insecure_simulated. The last protects nothing.
    #[arg(long, value_name = "KIND")]
    pub platform: PlatformKind,
    /// Attestation collateral as JSON, kept fresh by the operator (tdx and gramine).
    #[arg(long, value_name = "FILE")]
    pub collateral_file: Option<PathBuf>,
    /// URL of a running worker of the same operator whose identity, keys and state this process takes
    /// over, into an empty data directory. The chain must allow this build. The other one stops for good.
    #[arg(long, value_name = "URL", value_parser = http_url)]
    pub take_over_from: Option<String>,
    /// Age of the last final block from which on no query is answered, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub stale_after: u64,
    /// Mailbox entries that are run at a start; a worker that is further behind takes the cluster's state
    /// over from another worker, where there is one.
    #[arg(long, value_name = "ENTRIES", default_value_t = 2000)]
    pub snapshot_above: u64,
    /// Address to give Prometheus its figures on, at /metrics; apart from --listen, so that it can be kept
    /// inside. None are given without it.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics_listen: Option<SocketAddr>,
    /// Tell everybody who asks how many queries this worker answered in the last ten seconds, all contracts
    /// together.
    #[arg(long)]
    pub publish_traffic: bool,
    /// Whether clients of the original network may ask this worker: on or off. Their protocol is weaker;
    /// SECURITY.md says in what. A cluster's owner can switch it off as well.
    #[arg(long, value_name = "ON|OFF", default_value = "on", value_parser = on_or_off, action = ArgAction::Set)]
    pub compatible_edge: bool,
    /// Let contracts send HTTP requests to this machine and the networks around it. For development:
    /// refused on any platform but insecure_simulated.
    #[arg(long)]
    pub insecure_allow_private_http: bool,
}

/// The light client passes over an address that it cannot read, and would then find no peer.
fn bootnode(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('/').collect();
    match parts.as_slice() {
        ["", _, _, .., "p2p", peer] if !peer.is_empty() => Ok(text.to_owned()),
        _ => Err("expected a multiaddress with a peer id, /ip4/…/tcp/…/p2p/…".to_owned()),
    }
}

fn on_or_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("expected on or off".to_owned()),
    }
}

fn http_url(text: &str) -> Result<String, String> {
    if text.starts_with("http://") || text.starts_with("https://") {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    Err("expected a URL, http://… or https://…".to_owned())
}

impl RunArguments {
    /// Where contracts' HTTP may go.
    pub fn egress_config(&self) -> Result<EgressConfig> {
        ensure!(
            !self.insecure_allow_private_http || self.platform == PlatformKind::InsecureSimulated,
            "--insecure-allow-private-http is for --platform insecure_simulated alone: contracts would \
             reach this machine's network"
        );
        let mut config = EgressConfig::default();
        config.policy.insecure_allow_private_addresses = self.insecure_allow_private_http;
        Ok(config)
    }

    /// Where other operators' workers may be: on the public Internet, but for simulated platforms, whose
    /// networks are of one machine. What they announce is their word alone.
    pub fn peer_policy(&self) -> EgressPolicy {
        EgressPolicy {
            insecure_allow_private_addresses: self.platform == PlatformKind::InsecureSimulated,
            ..EgressPolicy::default()
        }
    }

    /// The platform that the operator chose.
    pub fn platform_config(&self) -> Result<PlatformConfig> {
        let collateral = || {
            self.collateral_file
                .clone()
                .context("this platform needs --collateral-file: quotes are judged with it")
        };
        Ok(match self.platform {
            PlatformKind::Tdx => PlatformConfig::Tdx {
                report_dir: TdxQuotes::<SystemFiles, platform::FileCollateral>::REPORT_DIR.into(),
                key_file: self.data_dir.join("sealing.key"),
                collateral_file: collateral()?,
            },
            PlatformKind::Gramine => PlatformConfig::Gramine {
                attestation_dir: GramineQuotes::<SystemFiles, platform::FileCollateral>::ATTESTATION_DIR
                    .into(),
                collateral_file: collateral()?,
            },
            PlatformKind::InsecureSimulated => {
                PlatformConfig::InsecureSimulated { data_dir: self.data_dir.clone() }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compatible_edge_is_on_unless_it_is_switched_off() {
        let parse = |more: &[&str]| {
            let needed = [
                "phat-worker",
                "run",
                "--chain-spec=a",
                "--data-dir=b",
                "--operator-key-file=c",
                "--platform=tdx",
            ];
            Arguments::try_parse_from(needed.iter().chain(more)).map(|arguments| {
                match arguments.command {
                    Command::Run(run) => run.compatible_edge,
                    Command::Measure => panic!("another command"),
                }
            })
        };
        assert!(parse(&[]).unwrap());
        assert!(!parse(&["--compatible-edge=off"]).unwrap());
        assert!(parse(&["--compatible-edge=perhaps"]).is_err());
    }

    #[test]
    fn an_address_without_a_peer_id_is_refused() {
        assert!(bootnode("/ip4/127.0.0.1/tcp/30333/p2p/12D3KooW").is_ok());
        assert!(bootnode("/dns/node.example/tcp/443/wss/p2p/12D3KooW").is_ok());
        for wrong in ["", "nonsense", "127.0.0.1:30333", "/ip4/127.0.0.1/tcp/30333", "/ip4/1.1.1.1/tcp/1/p2p/"] {
            assert!(bootnode(wrong).is_err(), "{wrong}");
        }
    }
}
