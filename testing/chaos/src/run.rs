//! One run, from the first process to the report.

use crate::{
    RunArguments,
    faults::{self, Happened},
    lie,
    load::{Book, Deed, Notes, Visitor, note},
    network::{Journal, Network, Programs, Size, client_account, until},
    oracle::{self, Answer, Client, Head, Sent},
    plan::{Draw, Role},
    report::{Report, longest_outage, served_after},
    rotation::{self, Rotated},
    watch::Watcher,
};
use anyhow::{Context, Result, ensure};
use client::{Chain, Cluster, QueryOptions, Standing, call_request};
use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{process::Command, sync::watch, task::JoinHandle};

/// Time without a new transaction of a client, after which none is on its way any more.
const SETTLED: Duration = Duration::from_secs(12);
/// How long workers may take to have one state, once nothing is sent.
const AGREE_WITHIN: Duration = Duration::from_secs(90);
/// Pause between two looks.
const POLL: Duration = Duration::from_millis(500);

/// Runs, and writes the report; whether nothing was wrong.
///
/// # Errors
/// When the network does not start, or what is needed for judging is not there.
pub async fn run(arguments: &RunArguments) -> Result<bool> {
    let seed = arguments.seed.unwrap_or_else(client::random_seed);
    let size = if arguments.small {
        Size::SMALL
    } else {
        Size::FULL
    };
    let started = Instant::now();
    let say = move |text: &str| eprintln!("[{:6.1} s] {text}", started.elapsed().as_secs_f32());
    say(&format!("seed {seed}"));
    let directory = arguments.out.join(format!("seed-{seed}"));
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    let directory = directory.canonicalize()?;
    let programs = Programs {
        binaries: arguments.binaries.clone(),
        journal: arguments.journal.clone(),
    };
    let network = Network::start(size, &programs, &directory, &mut |text: &str| say(text)).await;
    let network = Arc::new(network.with_context(|| format!("logs: {}/logs", directory.display()))?);
    let outcome = chaos(arguments, seed, &network, say).await;
    network.stop().await;
    if arguments.keep {
        keep_disks(&network).await?;
    }
    let report = outcome.with_context(|| format!("logs: {}/logs", directory.display()))?;
    fs::write(
        directory.join("report.json"),
        serde_json::to_vec_pretty(&report)?,
    )?;
    fs::write(directory.join("report.txt"), report.text())?;
    println!("{}", report.text());
    println!("report: {}", directory.join("report.json").display());
    let passed = report.wrong.is_empty();
    if passed && !arguments.keep {
        fs::remove_dir_all(directory.join("logs"))?;
    }
    Ok(passed)
}

/// Disks lie in memory, in this run's namespace.
async fn keep_disks(network: &Network) -> Result<()> {
    for machine in &network.machines {
        let disk = machine.lock().await.disk.clone();
        let kept = network.directory.join("kept");
        fs::create_dir_all(&kept)?;
        Command::new("cp")
            .arg("--archive")
            .arg(&disk)
            .arg(&kept)
            .status()
            .await?;
    }
    Ok(())
}

/// What runs beside the faults.
struct Running {
    stop: watch::Sender<bool>,
    book: Book,
    beside: Vec<JoinHandle<()>>,
    rotation: JoinHandle<Rotated>,
    clients: Vec<(usize, usize, JoinHandle<Result<Vec<Sent>>>)>,
}

impl Running {
    fn start(network: &Arc<Network>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let book = Book::default();
        let mut beside = vec![tokio::spawn(faults::supervise(
            network.clone(),
            stopped.clone(),
        ))];
        let rotation = tokio::spawn(rotation::rotate(network.clone(), stopped.clone()));
        let mut clients = Vec::new();
        for cluster in 0..network.size.clusters {
            let visitor =
                |node| Visitor::new(network.clone(), book.clone(), cluster, cluster + node);
            beside.push(tokio::spawn(visitor(0).probe(stopped.clone())));
            for client in 0..network.size.clients_each {
                let task = tokio::spawn(visitor(client + 1).run(client, stopped.clone()));
                clients.push((cluster, client, task));
            }
        }
        Self {
            stop,
            book,
            beside,
            rotation,
            clients,
        }
    }
}

async fn chaos(
    arguments: &RunArguments,
    seed: u64,
    network: &Arc<Network>,
    say: impl Fn(&str) + Clone + Send + Sync + 'static,
) -> Result<Report> {
    let back_within = Duration::from_secs(arguments.back_within);
    let sets_before = network.connect(0).await?.validators().await?.set_id;
    let without = faults::impossible(&network.roles);
    for missing in &without {
        say(&format!(
            "no fault of the kind {missing}: libfaketime is not installed"
        ));
    }
    let whole = Duration::from_secs_f64(arguments.minutes * 60.0);
    let plan = Draw::new(seed, network.roles.clone()).plan(whole, &without);
    ensure!(
        !plan.is_empty(),
        "so short a run has no fault: --minutes 1 is the least"
    );
    say(&format!(
        "the network serves; {} faults are planned",
        plan.len()
    ));
    let planned = plan.len();
    let running = Running::start(network);
    let load_began = Instant::now();
    let mut happened = faults::conduct(network, plan, back_within, say.clone()).await;
    let mut wrong = Vec::new();
    if happened.len() != planned {
        wrong.push(format!(
            "of {planned} faults, {} were carried out",
            happened.len()
        ));
    }

    let last = happened
        .iter()
        .filter_map(|one| one.ended)
        .max()
        .unwrap_or(load_began);
    say("the last fault is over; waiting for service");
    let clusters = network.size.clusters;
    let service_back_after = await_service(&running.book, last, clusters, back_within).await;
    let mut watcher = Watcher::new(network);
    let places: Vec<usize> = (0..network.machines.len()).collect();
    let machines_back = watcher.await_back(&places, back_within).await;
    let machines_back_after = machines_back.then(|| last.elapsed().as_secs_f64());
    if service_back_after.is_none() {
        wrong.push(format!(
            "no service {} s after the last fault",
            back_within.as_secs()
        ));
    }
    if !machines_back {
        wrong.push(format!(
            "a machine is not back {} s after the last fault",
            back_within.as_secs()
        ));
    }
    let load_ended = Instant::now();
    say("ending the load");
    let (clients, rotated, book) = end_load(network, running).await?;
    let notes = note(&book, std::mem::take);
    fill_in(&mut happened, &notes, clusters);
    for one in &happened {
        if one.machines_back_after.is_none() {
            let kind = one.planned.fault.name();
            wrong.push(format!(
                "{} did not come back after {kind}",
                one.machines.join(", ")
            ));
        }
    }

    say("judging");
    let mut heads = Vec::new();
    for cluster in 0..clusters {
        let of: Vec<Client> = clients
            .iter()
            .filter(|(c, _)| *c == cluster)
            .map(|(_, client)| client.clone())
            .collect();
        let answers: Vec<Answer> = notes
            .answers
            .iter()
            .filter(|(c, _)| *c == cluster)
            .map(|(_, answer)| *answer)
            .collect();
        match agreed_head(network, cluster).await {
            Ok(head) => {
                wrong.extend(oracle::judge(head, &of, &answers));
                heads.push(Some(head));
            }
            Err(error) => {
                wrong.push(format!("cluster {cluster}: {error:#}"));
                heads.push(None);
            }
        }
    }
    wrong.extend(notes.wrong.clone());
    let receipt_proof_bytes = noted(&mut wrong, "a receipt", receipt(network).await);
    say("letting a worker lie");
    let liar = match heads.first() {
        Some(Some(head)) => noted(
            &mut wrong,
            "the lie",
            lie::is_named(network, 0, *head).await,
        ),
        _ => None,
    };
    let sets_after = network.connect(0).await?.validators().await?.set_id;
    let unserved = |deed| {
        notes
            .tried
            .iter()
            .filter(|tried| tried.deed == deed && !tried.served)
            .count() as u64
    };
    let window = [load_began, load_ended];
    Ok(Report {
        seed,
        minutes: arguments.minutes,
        size: network.size,
        slow_lines: network.lan.slowness(),
        faults: happened,
        commands_accepted: clients.iter().map(|(_, client)| client.accepted).sum(),
        commands_unseen: unserved(Deed::Command),
        answers: notes.answers.len() as u64,
        queries_unanswered: unserved(Deed::Query),
        longest_outage: [Deed::Query, Deed::Command]
            .map(|deed| longest_outage(&notes.tried, deed, clusters, window)),
        failures: notes.failures,
        authority_sets: sets_after - sets_before,
        rotations: rotated.taken,
        ended: ended(network).await,
        service_back_after,
        machines_back_after,
        liar,
        receipt_proof_bytes,
        wrong,
    })
}

fn noted<T>(wrong: &mut Vec<String>, what: &str, found: Result<T>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(error) => {
            wrong.push(format!("{what}: {error:#}"));
            None
        }
    }
}

async fn ended(network: &Network) -> Vec<String> {
    let mut all = Vec::new();
    for machine in &network.machines {
        let machine = machine.lock().await;
        all.extend(
            machine
                .ended
                .iter()
                .map(|how| format!("{}: {how}", machine.name)),
        );
    }
    all
}

fn fill_in(happened: &mut [Happened], notes: &Notes, clusters: usize) {
    for one in happened {
        let Some(ended) = one.ended else { continue };
        one.commands_after = served_after(&notes.tried, ended, Deed::Command, clusters);
        one.queries_after = served_after(&notes.tried, ended, Deed::Query, clusters);
    }
}

async fn await_service(
    book: &Book,
    since: Instant,
    clusters: usize,
    within: Duration,
) -> Option<f64> {
    loop {
        let after = note(book, |notes| {
            let of = |deed| served_after(&notes.tried, since, deed, clusters);
            Some(f64::max(of(Deed::Command)?, of(Deed::Query)?))
        });
        if after.is_some() || since.elapsed() > within {
            return after;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Ends the load and waits until nothing is on its way; gives what each client knows.
async fn end_load(
    network: &Arc<Network>,
    running: Running,
) -> Result<(Vec<(usize, Client)>, Rotated, Book)> {
    let Running {
        stop,
        book,
        beside,
        rotation,
        clients,
    } = running;
    let _ = stop.send(true);
    let mut sent = Vec::new();
    for (cluster, client, task) in clients {
        sent.push((cluster, client, task.await.context("a client ended")??));
    }
    for task in beside {
        task.await.context("what runs beside the clients ended")?;
    }
    let rotated = rotation.await.context("the rotation ended")?;
    settle(network).await?;
    let mut known = Vec::new();
    for (cluster, client, sent) in sent {
        let mut visitor = Visitor::new(network.clone(), book.clone(), cluster, 0);
        known.push((cluster, visitor.look_back(client, sent).await?));
    }
    Ok((known, rotated, book))
}

/// Waits until no transaction of a client comes any more: a pool may have held one back.
async fn settle(network: &Network) -> Result<()> {
    let chain = network.connect(0).await?;
    let mut last = Vec::new();
    let mut since = Instant::now();
    while since.elapsed() < SETTLED {
        let mut numbers = Vec::new();
        for cluster in 0..network.size.clusters {
            for client in 0..network.size.clients_each {
                numbers.push(
                    chain
                        .final_nonce(&client_account(cluster, client)?.id())
                        .await?,
                );
            }
        }
        if numbers != last {
            last = numbers;
            since = Instant::now();
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// The head that all workers of a cluster give, from one state; none of them is suspended.
async fn agreed_head(network: &Network, cluster: usize) -> Result<Head> {
    let journal: &Journal = &network.journals[cluster];
    let chain = network.connect(0).await?;
    let watcher = Watcher::new(network);
    let places: Vec<usize> = (0..network.roles.len())
        .filter(|place| network.roles[*place] == Role::Worker(cluster))
        .collect();
    let number: u64 = chain
        .unproven(
            "next mailbox number",
            chain_facts::keys::inbox_next(&journal.cluster),
        )
        .await?
        .unwrap_or_default();
    until(
        "one state on all workers, with all of the mailbox",
        AGREE_WITHIN,
        || async {
            let mut found = Vec::new();
            for place in &places {
                found.push(
                    watcher
                        .position(*place)
                        .await
                        .map(|(_, next, root)| (next, root)),
                );
            }
            let first = found.first().cloned().flatten()?;
            (first.0 >= number && found.iter().all(|other| other.as_ref() == Some(&first)))
                .then_some(())
        },
    )
    .await?;
    let mut workers = Cluster::new(&chain, &journal.cluster).await?;
    for member in workers.membership().members {
        let (worker, standing) = (member.record.info.worker, member.standing);
        ensure!(standing == Standing::Serves, "worker {worker}: {standing}");
    }
    workers.demand_newest().await?;
    let input = network
        .contract
        .encode_values(network.contract.message("head")?, &[])?;
    let options = QueryOptions {
        receipt: true,
        ..QueryOptions::default()
    };
    let request = call_request(journal.contract, input, options);
    let replicas = workers
        .ask_replicas(None, request, network.size.workers_each)
        .await?;
    ensure!(
        replicas.unanimous(),
        "{} of {} agree",
        replicas.agreed(),
        replicas.wanted
    );
    let asked = replicas.majority().context("nobody answered")?;
    let output = asked
        .reply
        .result
        .clone()
        .map_err(client::WorkerError::Query)?;
    Head::decode(&output.data).context("an answer that is none of a journal")
}

/// A receipt across all sets of validators, checked by the command line; gives the length of its proof.
async fn receipt(network: &Network) -> Result<usize> {
    let chain: Chain = network.connect(0).await?;
    let journal = network.journals.first().context("no journal")?;
    let mut workers = Cluster::new(&chain, &journal.cluster).await?;
    let input = network
        .contract
        .encode_values(network.contract.message("head")?, &[])?;
    let options = QueryOptions {
        receipt: true,
        ..QueryOptions::default()
    };
    let asked = workers
        .ask(None, call_request(journal.contract, input, options))
        .await?;
    let worker = workers
        .client(&asked.worker)
        .context("the worker has left")?;
    let file = client::receipt::bundle(&chain, worker, &asked, None).await?;
    let proof_bytes = file.chain_proof.len() / 2;
    let path = network.directory.join("receipt.json");
    fs::write(&path, serde_json::to_vec(&file)?)?;
    verify(network, &path).await?;
    Ok(proof_bytes)
}

async fn verify(network: &Network, path: &Path) -> Result<()> {
    let output = Command::new(&network.phat)
        .args([
            "--genesis",
            &network.genesis.to_string(),
            "receipt",
            "verify",
        ])
        .arg(path)
        .output()
        .await?;
    ensure!(
        output.status.success(),
        "phat receipt verify: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
