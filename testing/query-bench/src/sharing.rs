//! Whether contracts get the processor that their weights say, over the whole path: HTTP, sessions,
//! scheduler, engine.

use crate::{
    load::{Connection, request, session_on},
    median,
    server::{BURNER_WEIGHTS, burner},
};
use anyhow::{Context as _, Result};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Turns of a query of about a millisecond and a half.
const TURNS: u32 = 1_500_000;
/// Of a contract that floods.
const FLOOD_CONNECTIONS: usize = 24;
/// How long one scene is watched, after as long a start that does not count.
const WATCHED: Duration = Duration::from_secs(4);
const START: Duration = Duration::from_millis(500);
/// The neighbour asks as often as leaves it a quarter of a processor.
const NEIGHBOUR_REST: u32 = 3;

/// What a contract's clients do.
#[derive(Clone, Copy)]
struct Clients {
    contract: usize,
    connections: usize,
    /// Rests so many times as long as a query takes when nothing else runs.
    rest: Duration,
}

/// Times of all queries that began within the scene, seconds.
async fn client(
    address: SocketAddr,
    clients: Clients,
    from: Instant,
    until: Instant,
) -> Result<Vec<f64>> {
    let mut connection = Connection::open(address).await?;
    let session = session_on(&mut connection).await?;
    let contract = burner(clients.contract)?;
    let mut times = Vec::new();
    for number in 0.. {
        let asked = Instant::now();
        if asked > until {
            break;
        }
        let (envelope, _) =
            session.seal(&request(contract, TURNS.to_le_bytes().to_vec(), number))?;
        connection.ask(&envelope).await?;
        if asked > from {
            times.push(asked.elapsed().as_secs_f64());
        }
        if !clients.rest.is_zero() {
            tokio::time::sleep(clients.rest).await;
        }
    }
    Ok(times)
}

/// All that `scene` asks at once: the times of each contract's queries.
async fn watch(address: SocketAddr, scene: &[Clients]) -> Result<Vec<Vec<f64>>> {
    let from = Instant::now() + START;
    let until = from + WATCHED;
    let mut asking = JoinSet::new();
    for (place, clients) in scene.iter().copied().enumerate() {
        for _ in 0..clients.connections {
            asking.spawn(async move { (place, client(address, clients, from, until).await) });
        }
    }
    let mut times = vec![Vec::new(); scene.len()];
    while let Some(asked) = asking.join_next().await {
        let (place, asked) = asked?;
        times.get_mut(place).context("a place of the scene")?.extend(asked?);
    }
    Ok(times)
}

/// The time that 99 of 100 queries do not exceed, seconds.
fn p99(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() * 99 / 100).copied().unwrap_or(f64::NAN)
}

/// Measures and prints both: shares under full load, and what a flood does to a neighbour.
///
/// # Errors
/// When the server does not answer.
pub fn measure(address: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let flood = |contract| Clients { contract, connections: FLOOD_CONNECTIONS, rest: Duration::ZERO };
    runtime.block_on(async {
        let counts: Vec<f64> = watch(address, &[flood(0), flood(1)])
            .await?
            .iter()
            .map(|times| times.len() as f64)
            .collect();
        let (heavy, light) = (counts.first().unwrap_or(&0.0), counts.get(1).unwrap_or(&0.0));
        let fair = f64::from(BURNER_WEIGHTS[0]) / f64::from(BURNER_WEIGHTS[1]);
        println!(
            "\nweights {} : {}, both flooding     {heavy:.0} and {light:.0} queries of equal work, {:.3} : 1; {:+.1} % off",
            BURNER_WEIGHTS[0],
            BURNER_WEIGHTS[1],
            heavy / light,
            (heavy / light / fair - 1.0) * 100.0
        );

        let alone = watch(address, &[Clients { connections: 1, ..flood(1) }]).await?;
        let work = Duration::from_secs_f64(median(alone.first().context("no times")?));
        let neighbour = Clients { contract: 1, connections: 1, rest: work * NEIGHBOUR_REST };
        let quiet = watch(address, &[neighbour]).await?;
        let beside = watch(address, &[neighbour, flood(2)]).await?;
        let quiet = p99(quiet.first().context("no times")?);
        let beside = p99(beside.first().context("no times")?);
        println!(
            "a neighbour of equal weight floods    p99 {:.2} ms; alone {:.2} ms; at its fair half {:.2} ms: {:.2} of that",
            beside * 1e3,
            quiet * 1e3,
            quiet * 2e3,
            beside / quiet / 2.0
        );
        Ok(())
    })
}
