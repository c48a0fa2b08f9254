//! Taking a running worker's place: asking for its keys, and fetching its state.

use crate::{
    data_dir::DataDir,
    service::PlatformRng,
    snapshot::{self, Wanted},
    store::FileStore,
};
use anyhow::{Context, Result, bail, ensure};
use chain_facts::{WorkerInfo, view::{Peer, Watch}};
use chain_view::{ChainView, OperatorKey};
use codec::Encode;
use contract_state::{ImportTarget, StateDb, StoreIdentity};
use platform::Platform;
use primitives::WorkerId;
use std::{sync::Arc, time::Duration};
use wire::handover::{
    HANDOVER_ANSWER_BYTES_MAX, HANDOVER_OFFER_BYTES_MAX, HandoverRequest, SignedHandoverRequest,
};
use worker_core::{ClusterStore as _, Departed, Identity, Successor, TakenOver};

/// How long the light client may take to find a final block.
const SYNC_TIME_MAX: Duration = Duration::from_secs(120);
/// How long the running worker may take to answer: it may wait for a block.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
/// How often a worker that is busy, or an answer that got lost, is asked again in a row.
const TRIES_MAX: u32 = 5;
/// Between two of them.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The process that takes the place of another.
pub struct NewSide<'a> {
    pub chain: &'a ChainView,
    pub data_dir: &'a DataDir,
    pub platform: Arc<dyn Platform>,
    pub operator: &'a OperatorKey,
}

/// Why one attempt came to nothing.
enum Failure {
    /// It may be otherwise in a moment.
    Passing(anyhow::Error),
    /// It will not.
    Final(anyhow::Error),
}

impl NewSide<'_> {
    /// Takes everything over from the worker at `url`; whether it did, which it does not where the data
    /// directory has keys. May be repeated after a crash at any point.
    ///
    /// # Errors
    /// With the reason, which is the running worker's own where it refuses.
    pub async fn take_over(&self, url: &str) -> Result<bool> {
        let begun = self.data_dir.load_successor(&*self.platform)?;
        if begun.is_none() && self.data_dir.has_secrets() {
            tracing::info!("the data directory has a worker's keys: nothing is taken over");
            return Ok(false);
        }
        let successor = match begun {
            Some(successor) => successor,
            None => {
                let successor = Successor::generate(&mut PlatformRng(&*self.platform));
                self.data_dir.keep_successor(&*self.platform, &successor)?;
                successor
            }
        };
        let http = reqwest::Client::builder()
            .timeout(ANSWER_TIME_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let mut tries = 0;
        let taken = loop {
            tries += 1;
            match self.ask(&http, url, &successor).await {
                Ok(taken) => break taken,
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(error)) if tries == TRIES_MAX => return Err(error),
                Err(Failure::Passing(error)) => tracing::warn!("{error:#}; it is tried again"),
            }
            tokio::time::sleep(TRY_AGAIN_AFTER).await;
        };
        self.data_dir.keep_secrets(&*self.platform, &taken.kept.to_bytes())?;
        tracing::info!("the keys of the worker at {url} are this process's now");
        self.fetch_state(url, taken).await.context(
            "the keys are here, the state is not: start again with the same arguments while the old \
             process runs, or without --take-over-from to take the state from elsewhere",
        )?;
        self.data_dir.forget_successor()?;
        Ok(true)
    }

    async fn ask(
        &self,
        http: &reqwest::Client,
        url: &str,
        successor: &Successor,
    ) -> Result<TakenOver, Failure> {
        let address = format!("{url}/v1/handover");
        let offer = exchange(http.get(&address), HANDOVER_OFFER_BYTES_MAX).await?;
        let request = successor
            .request(self.chain.genesis(), &offer)
            .map_err(|error| Failure::Final(error.into()))?;
        let registered = self.registered(request.worker).await.map_err(Failure::Final)?;
        let signed = self.sign(&request).await.map_err(Failure::Final)?;
        let answer =
            exchange(http.post(&address).body(signed), HANDOVER_ANSWER_BYTES_MAX).await?;
        successor
            .open(&request, &registered, &answer)
            .map_err(|error| Failure::Final(error.into()))
    }

    /// What a proven final block has for the worker.
    async fn registered(&self, worker: WorkerId) -> Result<WorkerInfo> {
        let mut blocks = self.chain.blocks().await?;
        let block = blocks.next(SYNC_TIME_MAX).await?;
        let view = block.view(&Watch { worker, ..Watch::default() }).await?;
        let registered = view
            .registration
            .with_context(|| format!("the chain has no registration of worker {worker}"))?;
        let (own, theirs) = (self.operator.account(), registered.operator);
        ensure!(
            theirs == Some(own),
            "worker {worker} is operated by {}, the operator's key file is of {own}",
            theirs.map_or_else(|| "nobody".to_owned(), |account| account.to_string())
        );
        Ok(registered)
    }

    async fn sign(&self, request: &HandoverRequest) -> Result<Vec<u8>> {
        let (platform, report_data) = (self.platform.clone(), request.report_data());
        let evidence =
            tokio::task::spawn_blocking(move || platform.quote(report_data)).await??;
        let operator_signature = self.operator.sign(&request.consent_bytes());
        let request = request.clone();
        Ok(SignedHandoverRequest { request, operator_signature, evidence: evidence.encode() }
            .encode())
    }

    async fn fetch_state(&self, url: &str, taken: TakenOver) -> Result<()> {
        let TakenOver { kept, state } = taken;
        let Some((state, key)) = state else {
            return Ok(());
        };
        let file = self.data_dir.state_file(&state.cluster);
        if file.exists() {
            // From before a crash: it is put there only when it is whole.
            return Ok(());
        }
        let genesis = self.chain.genesis();
        let identity = Identity::new(genesis, &kept.signing_seed, &kept.hpke_seed);
        let worker = identity.worker();
        let wanted = Wanted {
            identity: Arc::new(identity),
            store: StoreIdentity { genesis, cluster: state.cluster },
            // Who hands its keys over has one state, by whatever seed.
            keys: vec![(0, key)],
            target: ImportTarget {
                next_number: state.next_number,
                state_root: state.state_root,
            },
            block: (state.block_number, state.block_hash),
            peers: vec![Peer { worker, endpoints: vec![url.to_owned()] }],
            // The operator named the place himself.
            policy: None,
            file,
        };
        snapshot::fetch(wanted).await.map(drop)
    }
}

/// Sends a request and reads at most `bytes_max` of the answer.
async fn exchange(request: reqwest::RequestBuilder, bytes_max: u32) -> Result<Vec<u8>, Failure> {
    let asked = async {
        let mut response = request.send().await.context("the running worker is not reached")?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await? {
            if body.len() + part.len() > bytes_max as usize {
                bail!("the running worker's answer is longer than it can be");
            }
            body.extend_from_slice(&part);
        }
        Ok::<_, anyhow::Error>((status, body))
    };
    let (status, body) = asked.await.map_err(Failure::Passing)?;
    if status.is_success() {
        return Ok(body);
    }
    let text: String = String::from_utf8_lossy(&body).chars().take(500).collect();
    let error = anyhow::anyhow!("the running worker answers {status}: {text}");
    Err(if status.is_server_error() { Failure::Passing(error) } else { Failure::Final(error) })
}

/// Lets a worker whose keys were handed over hand its state out again, after a restart.
pub fn with_state(departed: Departed, data_dir: &DataDir) -> Departed {
    let Some((state, key)) = departed.state() else {
        return departed;
    };
    let identity = StoreIdentity { genesis: departed.genesis(), cluster: state.cluster };
    match StateDb::open(&data_dir.state_file(&state.cluster), key, &identity) {
        Ok(db) => {
            let file = data_dir.state_file(&state.cluster);
            departed.with_records(Some(FileStore::of(db, &file, 0).records()))
        }
        Err(error) => {
            tracing::warn!("the state cannot be handed out: {error}");
            departed
        }
    }
}
