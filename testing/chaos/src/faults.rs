//! The plan is carried out: each fault begins, is there, and ends; then its machines are watched until they are
//! back.

use crate::{
    network::Network,
    plan::{Fault, Planned, Role},
    watch::Watcher,
};
use anyhow::{Context, Result};
use serde::Serialize;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// Packets that a bad line loses, of a hundred.
const LOSS_PERCENT: u32 = 10;
/// Pause between two looks at the programs.
const SUPERVISION: Duration = Duration::from_secs(1);

/// A fault that was.
#[derive(Clone, Debug, Serialize)]
pub struct Happened {
    /// What was planned.
    pub planned: Planned,
    /// Names of its machines.
    pub machines: Vec<String>,
    /// When it ended.
    #[serde(skip)]
    pub ended: Option<Instant>,
    /// Seconds from its end until all its machines were back; `None` where one was not.
    pub machines_back_after: Option<f64>,
    /// Seconds from its end until a command that was begun since had its outcome, in every cluster.
    pub commands_after: Option<f64>,
    /// The same for a query.
    pub queries_after: Option<f64>,
    /// What did not work in making it.
    pub error: Option<String>,
}

/// Starts programs again that end by themselves, until the end.
pub async fn supervise(network: Arc<Network>, stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        for machine in &network.machines {
            // Whoever has it is at work on it.
            if let Ok(mut machine) = machine.try_lock()
                && let Err(error) = machine.supervise()
            {
                machine
                    .ended
                    .push(format!("it does not start again: {error:#}"));
            }
        }
        tokio::time::sleep(SUPERVISION).await;
    }
}

/// Carries the plan out; gives what happened when the last fault has ended and its machines are back, or were
/// waited for long enough.
pub async fn conduct(
    network: &Arc<Network>,
    plan: Vec<Planned>,
    back_within: Duration,
    say: impl Fn(&str) + Clone + Send + Sync + 'static,
) -> Vec<Happened> {
    let started = Instant::now();
    let happened = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for planned in plan {
        let (network, happened, say) = (network.clone(), happened.clone(), say.clone());
        tasks.push(tokio::spawn(async move {
            let wait = planned.at.saturating_sub(started.elapsed());
            tokio::time::sleep(wait).await;
            let one = befall(&network, planned, back_within, &say).await;
            happened
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(one);
        }));
    }
    for task in tasks {
        // A task that panicked has no record; the caller counts.
        let _ = task.await;
    }
    let mut happened =
        std::mem::take(&mut *happened.lock().unwrap_or_else(PoisonError::into_inner));
    happened.sort_by_key(|one: &Happened| one.planned.at);
    happened
}

async fn befall(
    network: &Network,
    planned: Planned,
    back_within: Duration,
    say: &(impl Fn(&str) + Sync),
) -> Happened {
    let mut machines = Vec::new();
    for place in &planned.machines {
        machines.push(network.machines[*place].lock().await.name.clone());
    }
    say(&format!(
        "{} for {:.0} s: {}",
        planned.fault.name(),
        planned.lasts.as_secs_f64(),
        machines.join(", ")
    ));
    let mut errors = Vec::new();
    if let Err(error) = begin(network, &planned).await {
        errors.push(format!("{error:#}"));
    }
    tokio::time::sleep(planned.lasts).await;
    if let Err(error) = end(network, &planned).await {
        errors.push(format!("{error:#}"));
    }
    let ended = Instant::now();
    let mut watcher = Watcher::new(network);
    let back = watcher.await_back(&planned.machines, back_within).await;
    let took = ended.elapsed().as_secs_f64();
    say(&match back {
        true => format!(
            "{} is back {took:.1} s after {}",
            machines.join(", "),
            planned.fault.name()
        ),
        false => format!(
            "{} is not back after {}",
            machines.join(", "),
            planned.fault.name()
        ),
    });
    Happened {
        machines,
        ended: Some(ended),
        machines_back_after: back.then_some(took),
        commands_after: None,
        queries_after: None,
        error: (!errors.is_empty()).then(|| errors.join("; ")),
        planned,
    }
}

async fn begin(network: &Network, planned: &Planned) -> Result<()> {
    if planned.fault == Fault::Partition {
        let mut ports = Vec::new();
        for place in &planned.machines {
            ports.push(network.machines[*place].lock().await.port.clone());
        }
        return network.lan.part(&ports.iter().collect::<Vec<_>>());
    }
    let place = *planned
        .machines
        .first()
        .context("a fault that befalls nobody")?;
    let mut machine = network.machines[place].lock().await;
    match planned.fault {
        Fault::Kill => machine.kill().await,
        Fault::Pause => machine.signal("STOP").await?,
        Fault::Cut => machine.port.plug(false)?,
        Fault::Partition => {}
        Fault::Lossy => machine.port.lose(LOSS_PERCENT)?,
        Fault::Slow => network.lan.slow(&machine.port)?,
        Fault::FullDisk => machine.fill_disk()?,
        Fault::Clock(seconds) => machine.set_clock(seconds)?,
        Fault::OldCopy => {
            machine.kill().await;
            machine.take_copy().await?;
            machine.start()?;
        }
    }
    Ok(())
}

async fn end(network: &Network, planned: &Planned) -> Result<()> {
    for place in &planned.machines {
        let mut machine = network.machines[*place].lock().await;
        match planned.fault {
            Fault::Kill => machine.start()?,
            Fault::Pause => machine.signal("CONT").await?,
            Fault::Cut => machine.port.plug(true)?,
            Fault::Partition => machine.port.join()?,
            Fault::Lossy => machine.port.lose(0)?,
            Fault::Slow => machine.port.quick()?,
            Fault::FullDisk => machine.make_room()?,
            Fault::Clock(_) => machine.set_clock(0)?,
            Fault::OldCopy => {
                machine.kill().await;
                machine.put_copy_back().await?;
                machine.start()?;
            }
        }
    }
    Ok(())
}

/// The faults that this machine can make.
pub fn impossible(roles: &[Role]) -> Vec<&'static str> {
    let has_workers = roles.iter().any(|role| matches!(role, Role::Worker(_)));
    match crate::machine::faketime() {
        Some(_) if has_workers => Vec::new(),
        _ => vec!["clock"],
    }
}
