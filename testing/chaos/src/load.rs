//! Clients: each commands and asks, one after the other, as the SDK does it, and remembers everything. Where a
//! node does not do, they turn to the next; to whom a command went on a failure, they do not know.

use crate::{
    network::{Network, client_account},
    oracle::{Answer, Client, Head, Sent},
};
use anyhow::{Context, Result};
use client::{Account, Chain, Cluster, FlowError, Patience, QueryOptions, call_request};
use codec::Decode;
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// How long one command may take, with all that the SDK tries.
const COMMAND_PATIENCE: Duration = Duration::from_secs(75);
/// How long one query may.
const QUERY_PATIENCE: Duration = Duration::from_secs(5);
/// Queries after each command.
const QUERIES: usize = 2;
/// Pause of the prober between two queries.
const PROBE_PAUSE: Duration = Duration::from_millis(500);
/// Pause after something failed.
const FAILURE_PAUSE: Duration = Duration::from_millis(300);

/// What a client did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A command, to its outcome.
    Command,
    /// A query.
    Query,
}

/// One attempt.
#[derive(Clone, Copy, Debug)]
pub struct Tried {
    /// In which cluster.
    pub cluster: usize,
    /// What.
    pub deed: Deed,
    /// When it began.
    pub began: Instant,
    /// When it ended.
    pub ended: Instant,
    /// Whether it was served.
    pub served: bool,
}

/// What all clients noted.
#[derive(Default)]
pub struct Notes {
    /// Every attempt.
    pub tried: Vec<Tried>,
    /// Every answer, by cluster.
    pub answers: Vec<(usize, Answer)>,
    /// Why attempts failed, and how often.
    pub failures: BTreeMap<String, u64>,
    /// What must not be.
    pub wrong: Vec<String>,
}

/// Notes that clients share.
pub type Book = Arc<Mutex<Notes>>;

/// Writes into the book.
pub fn note<T>(book: &Book, write: impl FnOnce(&mut Notes) -> T) -> T {
    write(&mut book.lock().unwrap_or_else(PoisonError::into_inner))
}

fn note_failure(book: &Book, what: &str, error: &str) {
    // Names of workers and numbers would make each failure its own.
    let text: String = error
        .chars()
        .take(160)
        .filter(|letter| !letter.is_ascii_digit())
        .collect();
    note(book, |notes| {
        *notes.failures.entry(format!("{what}: {text}")).or_default() += 1
    });
}

/// A connection to a node, and through it the cluster.
struct Connected {
    chain: Chain,
    workers: Cluster,
}

/// A client, or a prober.
pub struct Visitor {
    network: Arc<Network>,
    book: Book,
    cluster: usize,
    /// The node that is asked first.
    node: usize,
    connected: Option<Connected>,
}

impl Visitor {
    /// A client of a cluster that begins at the node of that place.
    pub fn new(network: Arc<Network>, book: Book, cluster: usize, node: usize) -> Self {
        Self {
            network,
            book,
            cluster,
            node,
            connected: None,
        }
    }

    async fn connected(&mut self) -> Result<&mut Connected> {
        if self.connected.is_none() {
            let chain = self.network.connect(self.node).await?;
            let mut workers =
                Cluster::new(&chain, &self.network.journals[self.cluster].cluster).await?;
            workers.set_patience(Patience {
                deadline: QUERY_PATIENCE,
                ..Patience::default()
            });
            self.connected = Some(Connected { chain, workers });
        }
        self.connected.as_mut().context("set above")
    }

    fn turn_to_another_node(&mut self) {
        self.connected = None;
        self.node += 1;
    }

    fn tried(&self, deed: Deed, began: Instant, served: bool) {
        let (cluster, ended) = (self.cluster, Instant::now());
        note(&self.book, |notes| {
            notes.tried.push(Tried {
                cluster,
                deed,
                began,
                ended,
                served,
            })
        });
    }

    /// Asks for the journal's head; whether there was an answer.
    pub async fn ask(&mut self, account: Option<&Account>) -> bool {
        let began = Instant::now();
        let asked = self.ask_head(account).await;
        let served = asked.is_ok();
        if let Err(error) = asked {
            note_failure(&self.book, "query", &format!("{error:#}"));
        }
        self.tried(Deed::Query, began, served);
        served
    }

    async fn ask_head(&mut self, account: Option<&Account>) -> Result<()> {
        let network = self.network.clone();
        let contract = network.journals[self.cluster].contract;
        let input = network
            .contract
            .encode_values(network.contract.message("head")?, &[])?;
        let options = QueryOptions {
            receipt: true,
            ..QueryOptions::default()
        };
        let request = call_request(contract, input, options);
        let asked = self
            .connected()
            .await?
            .workers
            .ask(account, request)
            .await?;
        let output = asked.reply.result.map_err(client::WorkerError::Query)?;
        let head = Head::decode(&output.data).context("an answer that is none of a journal")?;
        let receipt = asked
            .reply
            .receipt
            .context("an answer without its receipt")?;
        let answer = Answer {
            head,
            next_number: receipt.body.next_number,
        };
        note(&self.book, |notes| {
            notes.answers.push((self.cluster, answer))
        });
        Ok(())
    }

    /// Sends one entry, and tells what is known of its fate.
    async fn command(&mut self, account: &Account, entry: u64) -> Sent {
        let began = Instant::now();
        let commanded = tokio::time::timeout(COMMAND_PATIENCE, self.append(account, entry)).await;
        let mut sent = Sent {
            entry,
            number: None,
            place: None,
        };
        let error = match commanded {
            Ok(Ok((number, place))) => {
                self.tried(Deed::Command, began, true);
                return Sent {
                    entry,
                    number: Some(number),
                    place: Some(place),
                };
            }
            Ok(Err(error)) => {
                if let Some(FlowError::TimedOut(number)) = error.downcast_ref() {
                    sent.number = Some(*number);
                }
                format!("{error:#}")
            }
            Err(_) => "not within its time".to_owned(),
        };
        note_failure(&self.book, "command", &error);
        self.tried(Deed::Command, began, false);
        self.turn_to_another_node();
        sent
    }

    /// Number and place of an entry, once it is run.
    async fn append(&mut self, account: &Account, entry: u64) -> Result<(u64, u64)> {
        let network = self.network.clone();
        let contract = network.journals[self.cluster].contract;
        let message = network.contract.message("append")?;
        let input = network.contract.encode_values(message, &[json!(entry)])?;
        let Connected { chain, workers } = self.connected().await?;
        let done = client::command(chain, workers, account, contract, input).await?;
        let place = match &done.outcome.result {
            Ok((0, data)) => Result::<u64, u8>::decode(&mut data.as_slice())
                .ok()
                .and_then(Result::ok),
            _ => None,
        };
        if place.is_none() {
            let line = format!("entry {entry}: its outcome is {:?}", done.outcome.result);
            note(&self.book, |notes| notes.wrong.push(line));
        }
        Ok((done.number, place.unwrap_or_default()))
    }

    /// Asks again and again, until the end.
    pub async fn probe(mut self, stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            if !self.ask(None).await {
                self.turn_to_another_node();
            }
            tokio::time::sleep(PROBE_PAUSE).await;
        }
    }

    /// Commands and asks until the end; gives what was sent.
    ///
    /// # Errors
    /// Never in practice.
    pub async fn run(mut self, client: usize, stop: watch::Receiver<bool>) -> Result<Vec<Sent>> {
        let account = client_account(self.cluster, client)?;
        // No two commands of the run have one entry.
        let base = ((self.cluster as u64) << 48) + ((client as u64 + 1) << 32);
        let mut sent = Vec::new();
        for entry in base.. {
            if *stop.borrow() {
                break;
            }
            let one = self.command(&account, entry).await;
            let failed = one.number.is_none();
            sent.push(one);
            for _ in 0..QUERIES {
                self.ask(Some(&account)).await;
            }
            if failed {
                tokio::time::sleep(FAILURE_PAUSE).await;
            }
        }
        Ok(sent)
    }

    /// What the chain and the journal have of a client in the end.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn look_back(&mut self, client: usize, sent: Vec<Sent>) -> Result<Client> {
        let network = self.network.clone();
        let account = client_account(self.cluster, client)?;
        let name = format!("client {client} of cluster {}", self.cluster);
        let contract = network.journals[self.cluster].contract;
        let message = network.contract.message("place")?;
        let Connected { chain, workers } = self.connected().await?;
        workers.demand_newest().await?;
        let mut places = BTreeMap::new();
        for one in &sent {
            let input = network
                .contract
                .encode_values(message, &[json!(one.entry)])?;
            let request = call_request(contract, input, QueryOptions::default());
            let asked = workers.ask(None, request).await?;
            let data = asked.reply.result.map_err(client::WorkerError::Query)?.data;
            let place = Result::<Option<u64>, u8>::decode(&mut data.as_slice())?;
            if let Ok(Some(place)) = place {
                places.insert(one.entry, place);
            }
        }
        Ok(Client {
            name,
            sent,
            accepted: chain.final_nonce(&account.id()).await?,
            places,
        })
    }
}
