//! `phat worker`.

use super::{
    mine,
    pool::Sender,
};
use crate::{
    context,
    output::{self, Output},
};
use anyhow::{Context as _, Result, bail, ensure};
use chain_facts::{DeclaredPlace, WorkerOffer, WorkerPlace, keys};
use clap::{Args, Subcommand};
use client::Transaction;
use primitives::{ClusterId, WorkerId, bounds::CITY_BYTES_MAX};
use serde_json::json;
use std::process::ExitCode;

/// A check failed.
const CHECK_FAILED: u8 = 3;

/// Look at workers, say whom yours may serve, and let them earn.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the workers that the chain has.
    List,
    /// Say which cluster's owner may take a worker in, by the account that operates it.
    Offer {
        /// The worker.
        worker: WorkerId,
        /// A cluster, `anybody`, or `nobody`.
        to: String,
        /// The account that operates the worker.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
    /// Show where a worker stands, or declare it, by the account that operates it. Nothing checks it; maps show it.
    Place(Place),
    /// Take a worker out of its cluster, by the account that operates it.
    Leave {
        /// The worker.
        worker: WorkerId,
        /// The account that operates the worker.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
    /// Show a worker's benchmark, and how much may be staked for it.
    Score {
        /// The worker.
        worker: WorkerId,
    },
    /// Show what a worker earns in a day, and why.
    Income {
        /// The worker.
        worker: WorkerId,
    },
    /// Find out what keeps a worker from earning, and what to do about it; exits with 3 where something is wrong.
    Doctor {
        /// The worker.
        worker: WorkerId,
    },
    /// Give a worker to a pool, by who owns the pool and operates the worker.
    Bind {
        /// The worker.
        worker: WorkerId,
        /// The stake pool.
        #[arg(long)]
        pool: u64,
        #[command(flatten)]
        sender: Sender,
    },
    /// Take a worker out of its pool, by its operator; or by the pool's owner, if nothing is at stake.
    Unbind {
        /// The worker.
        worker: WorkerId,
        #[command(flatten)]
        sender: Sender,
    },
    /// Put money of its pool behind a worker, or more than there is, by the pool's owner.
    Start {
        /// The worker.
        worker: WorkerId,
        /// How much in all, PHA: phat worker score tells the bounds.
        stake: String,
        #[command(flatten)]
        sender: Sender,
    },
    /// Stop a worker, by its pool's owner: its stake cools down.
    Stop {
        /// The worker.
        worker: WorkerId,
        #[command(flatten)]
        sender: Sender,
    },
    /// Take a worker's stake back that has cooled down; anybody may.
    Reclaim {
        /// The worker.
        worker: WorkerId,
        #[command(flatten)]
        sender: Sender,
    },
    /// Pay what the subsidy pool owes to a worker's pool; anybody may.
    ClaimOwed {
        /// The worker.
        worker: WorkerId,
        #[command(flatten)]
        sender: Sender,
    },
}

/// Where a worker stands.
#[derive(Debug, Args)]
pub struct Place {
    /// The worker.
    worker: WorkerId,
    /// Its country: two letters, ISO 3166-1 alpha-2.
    #[arg(long, value_parser = country, requires = "city")]
    country: Option<[u8; 2]>,
    /// Its city.
    #[arg(long, value_parser = city, requires = "latitude")]
    city: Option<String>,
    /// Degrees north; kept to a tenth.
    #[arg(long, allow_hyphen_values = true, value_parser = |text: &str| decidegrees(text, 90.0), requires = "longitude")]
    latitude: Option<i16>,
    /// Degrees east; kept to a tenth.
    #[arg(long, allow_hyphen_values = true, value_parser = |text: &str| decidegrees(text, 180.0), requires = "country")]
    longitude: Option<i16>,
    /// Take the declaration back.
    #[arg(long, conflicts_with = "country")]
    remove: bool,
    /// The account that operates the worker; only to declare or take back.
    #[arg(long = "as", value_name = "ACCOUNT")]
    account: Option<String>,
}

pub async fn run(
    command: Command,
    network: &context::Network,
    output: &Output,
) -> Result<ExitCode> {
    match command {
        Command::Doctor { worker } => {
            let chain = network.connect().await?;
            let healthy = mine::doctor(&chain, output, &worker).await?;
            return Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) });
        }
        Command::List => list(network, output).await,
        Command::Score { worker } => mine::score(&network.connect().await?, output, &worker).await,
        Command::Income { worker } => {
            mine::income(&network.connect().await?, output, &worker).await
        }
        Command::Bind { worker, pool, sender } => {
            mine::bind(&network.connect().await?, output, worker, pool, &sender).await
        }
        Command::Unbind { worker, sender } => {
            mine::unbind(&network.connect().await?, output, worker, &sender).await
        }
        Command::Start { worker, stake, sender } => {
            mine::start(&network.connect().await?, output, worker, &stake, &sender).await
        }
        Command::Stop { worker, sender } => {
            mine::stop(&network.connect().await?, output, worker, &sender).await
        }
        Command::Reclaim { worker, sender } => {
            mine::reclaim(&network.connect().await?, output, worker, &sender).await
        }
        Command::ClaimOwed { worker, sender } => {
            mine::claim_owed(&network.connect().await?, output, worker, &sender).await
        }
        Command::Offer { worker, to, account } => {
            let offer = parse_offer(&to)?;
            let account = context::account(&account)?;
            let chain = network.connect().await?;
            let transaction = Transaction::offer_worker(worker, offer);
            let included = chain.submit_final(&account, &transaction).await?;
            let value = json!({ "worker": worker, "offer": to, "block": included.block });
            output.result(format!("worker {worker} is offered to {to}"), &value);
            Ok(())
        }
        Command::Place(place) => place_of(place, network, output).await,
        Command::Leave { worker, account } => {
            let account = context::account(&account)?;
            let chain = network.connect().await?;
            let included =
                chain.submit_final(&account, &Transaction::leave_cluster(worker)).await?;
            let value = json!({ "worker": worker, "block": included.block });
            output.result(format!("worker {worker} has left its cluster"), &value);
            Ok(())
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn place_of(asked: Place, network: &context::Network, output: &Output) -> Result<()> {
    let worker = asked.worker;
    let Some(account) = &asked.account else {
        ensure!(
            asked.country.is_none() && !asked.remove,
            "say which account operates the worker: --as ACCOUNT"
        );
        let key = keys::worker_place(&worker);
        let chain = network.connect().await?;
        let declared: Option<DeclaredPlace> = chain.proven(&[key.clone()]).await?.read("a place", &key)?;
        let text = match &declared {
            Some(declared) => format!("{}, by the word of {}", place_text(&declared.place), declared.operator),
            None => format!("no place is declared for worker {worker}"),
        };
        output.result(text, &json!({ "worker": worker, "place": declared.map(|declared| place_json(&declared.place)) }));
        return Ok(());
    };
    let place = match (asked.country, asked.city, asked.latitude, asked.longitude) {
        (Some(country), Some(city), Some(latitude_decidegrees), Some(longitude_decidegrees)) => {
            Some(WorkerPlace { country, city, latitude_decidegrees, longitude_decidegrees })
        }
        _ if asked.remove => None,
        _ => bail!("say where: --country, --city, --latitude and --longitude; or --remove"),
    };
    let account = context::account(account)?;
    let chain = network.connect().await?;
    let transaction = Transaction::declare_worker_place(worker, place.as_ref());
    let included = chain.submit_final(&account, &transaction).await?;
    let text = match &place {
        Some(place) => format!("worker {worker} stands in {}, by your word", place_text(place)),
        None => format!("no place is declared for worker {worker} any more"),
    };
    let value =
        json!({ "worker": worker, "place": place.as_ref().map(place_json), "block": included.block });
    output.result(text, &value);
    Ok(())
}

fn place_text(place: &WorkerPlace) -> String {
    let country = String::from_utf8_lossy(&place.country);
    let [latitude, longitude] = degrees(place);
    format!("{}, {country} ({latitude:.1}, {longitude:.1})", place.city)
}

fn place_json(place: &WorkerPlace) -> serde_json::Value {
    let [latitude, longitude] = degrees(place);
    json!({
        "country": String::from_utf8_lossy(&place.country),
        "city": place.city,
        "latitude": latitude,
        "longitude": longitude,
    })
}

fn degrees(place: &WorkerPlace) -> [f64; 2] {
    [place.latitude_decidegrees, place.longitude_decidegrees].map(|tenths| f64::from(tenths) / 10.0)
}

fn country(text: &str) -> Result<[u8; 2], String> {
    match *text.to_ascii_uppercase().as_bytes() {
        [first @ b'A'..=b'Z', second @ b'A'..=b'Z'] => Ok([first, second]),
        _ => Err("expected two letters, such as CA".to_owned()),
    }
}

fn city(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.len() <= CITY_BYTES_MAX as usize && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned()).ok_or_else(|| format!("expected a name of at most {CITY_BYTES_MAX} bytes"))
}

fn decidegrees(text: &str, most: f64) -> Result<i16, String> {
    let degrees: f64 = text.parse().map_err(|_| "expected degrees, such as 45.5".to_owned())?;
    if degrees.is_finite() && degrees.abs() <= most {
        // At most 1800, so it fits.
        return Ok((degrees * 10.0).round() as i16);
    }
    Err(format!("expected degrees from -{most} to {most}"))
}

fn parse_offer(to: &str) -> Result<WorkerOffer> {
    Ok(match to {
        "nobody" => WorkerOffer::Nobody,
        "anybody" => WorkerOffer::Anybody,
        cluster => WorkerOffer::Cluster(cluster.parse::<ClusterId>().ok().with_context(|| {
            format!("{cluster:?} is neither a cluster's id, nor anybody, nor nobody")
        })?),
    })
}

async fn list(network: &context::Network, output: &Output) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_a_cluster_or_a_word() {
        let id = ClusterId([3; 32]);
        assert_eq!(parse_offer(&id.to_string()).unwrap(), WorkerOffer::Cluster(id));
        assert_eq!(parse_offer("anybody").unwrap(), WorkerOffer::Anybody);
        assert_eq!(parse_offer("nobody").unwrap(), WorkerOffer::Nobody);
        let error = parse_offer("everybody").unwrap_err().to_string();
        assert!(error.contains("nor anybody"), "{error}");
    }

    #[test]
    fn a_place_is_read_as_people_write_it() {
        assert_eq!(country("ca"), Ok(*b"CA"));
        assert!(country("CAN").is_err() && country("C1").is_err());
        assert_eq!(decidegrees("-73.58", 180.0), Ok(-736));
        assert_eq!(decidegrees("90", 90.0), Ok(900));
        for wrong in ["90.1", "north", "NaN", "inf", ""] {
            assert!(decidegrees(wrong, 90.0).is_err(), "{wrong}");
        }
        assert_eq!(city(" Montr\u{e9}al "), Ok("Montr\u{e9}al".to_owned()));
        assert!(city("  ").is_err() && city(&"a".repeat(65)).is_err() && city("a\nb").is_err());
        let place = WorkerPlace {
            country: *b"CA",
            city: "Montreal".to_owned(),
            latitude_decidegrees: 455,
            longitude_decidegrees: -736,
        };
        assert_eq!(place_text(&place), "Montreal, CA (45.5, -73.6)");
    }
}
