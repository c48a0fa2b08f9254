//! What ceremonies, shares and the beacon cost, measured with machines that hold real shares.

use crate::*;
use alloc::{vec, vec::Vec};
use codec::Encode;
use pallet_worker_registry::{GatekeeperSet, WorkerDirectory};
use polkadot_sdk::{
    frame_benchmarking::v2::*,
    sp_core::{crypto::KeyTypeId, sr25519},
    sp_io::crypto::{sr25519_generate, sr25519_sign},
    sp_io::hashing::blake2_256,
};
use primitives::{ClusterId, WorkerId};
use rand_core::{CryptoRng, RngCore, impls};
use threshold_keys::{
    CeremonyState, Contribution, EvaluationContext, GatekeeperMessage, HolderKey,
    JointProof, KeyShare, PerHolder, Plan, ProofNonce, ReceivingSecret, SEALED_SHARE_BYTES,
    SealedSeedShare, Sharing, Statement, VerifiedDealing, contribution_statement,
    response_statement,
};
use wire::message::MessagePayload;

/// The key that signs statements.
const KEY: KeyTypeId = KeyTypeId(*b"phat");
/// Most machines.
const MOST: u32 = 64;

/// What a runtime must do to be measured.
pub trait BenchmarkSetup: Config<Workers: GatekeeperSet> {
    /// Registers a worker that is active.
    fn register(worker: &WorkerId);
    /// Puts a worker into a cluster.
    fn assign(worker: &WorkerId, cluster: &ClusterId);
}

/// Chance that is no secret.
struct Chance(u64);

impl RngCore for Chance {
    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 += 1;
        let hash = self.0.using_encoded(blake2_256);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash[..8]);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        impls::fill_bytes_via_next(self, out);
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Chance {}

/// Machines that go through a ceremony together.
struct Net {
    keys: Vec<HolderKey>,
    secrets: Vec<ReceivingSecret>,
    shares: Vec<KeyShare>,
    chance: Chance,
    block: u32,
}

fn stop(what: &'static str) -> BenchmarkError {
    BenchmarkError::Stop(what)
}

fn state<T: Config>() -> Result<CeremonyState, BenchmarkError> {
    Ceremony::<T>::get().ok_or(stop("no ceremony goes on"))
}

fn plan<T: Config>() -> Result<Plan, BenchmarkError> {
    CeremonyPlan::<T>::get().ok_or(stop("there is no plan"))
}

fn dealings<T: Config>(plan: &Plan) -> Vec<VerifiedDealing> {
    Dealings::<T>::iter_values()
        .map(|dealing| dealing.assume_verified(plan))
        .collect()
}

fn payload(message: &GatekeeperMessage) -> MessagePayload {
    MessagePayload::Gatekeeper {
        message: message.encode(),
    }
}

fn sign(key: &HolderKey, statement: &Statement) -> Result<[u8; 64], BenchmarkError> {
    let public = sr25519::Public::from_raw(*key);
    sr25519_sign(KEY, &public, &statement.signing_bytes())
        .map(|signature| signature.0)
        .ok_or(stop("nobody signs"))
}

impl Net {
    /// So many gatekeepers, and a ceremony that has begun.
    fn new<T: BenchmarkSetup>(machines: u32) -> Result<Self, BenchmarkError> {
        let mut keys = Vec::new();
        for _ in 0..machines {
            let key = sr25519_generate(KEY, None).0;
            T::register(&WorkerId(key));
            T::Workers::appoint(&WorkerId(key))?;
            keys.push(key);
        }
        let mut net = Self {
            keys,
            secrets: Vec::new(),
            shares: Vec::new(),
            chance: Chance(0),
            block: 7,
        };
        net.pass::<T>();
        state::<T>()?;
        Ok(net)
    }

    /// The next block begins.
    fn pass<T: Config>(&mut self) {
        self.block += 1;
        polkadot_sdk::frame_system::Pallet::<T>::set_block_number(self.block.into());
        Pallet::<T>::advance_ceremony(self.block);
        Pallet::<T>::advance_beacon(self.block);
    }

    fn say<T: Config>(&self, machine: usize, message: &GatekeeperMessage) -> Result<(), BenchmarkError> {
        Pallet::<T>::handle_message(&WorkerId(self.keys[machine]), &payload(message))?;
        Ok(())
    }

    fn receiving_key<T: Config>(&mut self, machine: usize) -> Result<GatekeeperMessage, BenchmarkError> {
        let target = state::<T>()?.target;
        let (network, holder) = (T::Workers::genesis_hash(), self.keys[machine]);
        let secret = ReceivingSecret::generate(&network, target, holder, &mut self.chance)
            .map_err(|_| stop("no receiving key"))?;
        let key = *secret.public();
        self.secrets.push(secret);
        Ok(GatekeeperMessage::ReceivingKey { target, key })
    }

    /// All have sent receiving keys, and the plan stands.
    fn planned<T: BenchmarkSetup>(machines: u32) -> Result<Self, BenchmarkError> {
        let mut net = Self::new::<T>(machines)?;
        for machine in 0..net.keys.len() {
            let message = net.receiving_key::<T>(machine)?;
            net.say::<T>(machine, &message)?;
        }
        net.pass::<T>();
        Ok(net)
    }

    fn dealing<T: Config>(&mut self, machine: usize) -> Result<GatekeeperMessage, BenchmarkError> {
        let plan = plan::<T>()?;
        let dealer = plan
            .recipient_index(&self.keys[machine])
            .ok_or(stop("a machine receives nothing"))?;
        let dealing = plan
            .deal_new_key(dealer, &mut self.chance)
            .map_err(|_| stop("nothing is dealt"))?;
        let plan = plan.digest();
        Ok(GatekeeperMessage::Dealing { plan, dealing })
    }

    /// All have dealt; the next block counts.
    fn dealt<T: BenchmarkSetup>(machines: u32) -> Result<Self, BenchmarkError> {
        let mut net = Self::planned::<T>(machines)?;
        for machine in 0..net.keys.len() {
            let message = net.dealing::<T>(machine)?;
            net.say::<T>(machine, &message)?;
        }
        Ok(net)
    }

    fn handover<T: Config>(&mut self, machine: usize) -> Result<GatekeeperMessage, BenchmarkError> {
        let plan = plan::<T>()?;
        let share = self.secrets[machine]
            .assemble(&plan, &dealings::<T>(&plan))
            .map_err(|_| stop("a share does not assemble"))?;
        let context = EvaluationContext::Handover {
            plan: plan.digest(),
        };
        let shown = share
            .evaluate(&context)
            .map_err(|_| stop("a share does not evaluate"))?;
        self.shares.push(share);
        Ok(GatekeeperMessage::Handover {
            plan: plan.digest(),
            share: shown,
        })
    }

    /// All have handed over; the next block puts the sharing in force.
    fn handed_over<T: BenchmarkSetup>(machines: u32) -> Result<Self, BenchmarkError> {
        let mut net = Self::dealt::<T>(machines)?;
        net.pass::<T>();
        for machine in 0..net.keys.len() {
            let message = net.handover::<T>(machine)?;
            net.say::<T>(machine, &message)?;
        }
        Ok(net)
    }

    /// The sharing is in force, and a round of the beacon has begun.
    fn in_force<T: BenchmarkSetup>(machines: u32) -> Result<Self, BenchmarkError> {
        let mut net = Self::handed_over::<T>(machines)?;
        net.pass::<T>();
        if !Beacon::<T>::exists() {
            NextBeaconAt::<T>::put(0);
            net.pass::<T>();
        }
        Ok(net)
    }

    fn contribution<T: Config>(
        &mut self,
        machine: usize,
    ) -> Result<(GatekeeperMessage, ProofNonce), BenchmarkError> {
        let round = Beacon::<T>::get().ok_or(stop("no round goes on"))?;
        let context = EvaluationContext::Beacon { round: round.round };
        let share = &self.shares[machine];
        let nonce = share
            .commit_nonce(&context, &mut self.chance)
            .map_err(|_| stop("no nonce"))?;
        let contribution = Contribution {
            share: share.evaluate(&context).map_err(|_| stop("no share"))?,
            nonce: *nonce.commitment(),
        };
        let (round, attempt) = (round.round, round.attempt);
        let network = T::Workers::genesis_hash();
        let statement = contribution_statement(network, round, attempt, &contribution);
        let message = GatekeeperMessage::BeaconContribution {
            round,
            attempt,
            contribution,
            statement_signature: sign(&self.keys[machine], &statement)?,
        };
        Ok((message, nonce))
    }

    /// All have contributed and those who were picked have answered but for the last, whose answer is given; the
    /// next block after it finishes the proof.
    fn answered<T: BenchmarkSetup>(machines: u32) -> Result<(Self, usize, GatekeeperMessage), BenchmarkError> {
        let mut net = Self::in_force::<T>(machines)?;
        let mut nonces = Vec::new();
        for machine in 0..net.keys.len() {
            let (message, nonce) = net.contribution::<T>(machine)?;
            net.say::<T>(machine, &message)?;
            nonces.push(Some(nonce));
        }
        net.pass::<T>();
        let state = Beacon::<T>::get().ok_or(stop("no round goes on"))?;
        let picked: PerHolder<Contribution> = BeaconContributions::<T>::get();
        let sharing: Sharing = CurrentSharing::<T>::get().ok_or(stop("no sharing"))?;
        let context = EvaluationContext::Beacon { round: state.round };
        let proof =
            JointProof::new(&sharing, &context, &picked).map_err(|_| stop("no proof"))?;
        let mut answers = Vec::new();
        for contribution in &picked {
            let holder = sharing
                .holder(contribution.share.holder)
                .ok_or(stop("no holder"))?;
            let machine = net
                .keys
                .iter()
                .position(|key| key == holder)
                .ok_or(stop("no machine"))?;
            let nonce = nonces[machine].take().ok_or(stop("no nonce"))?;
            let response = net.shares[machine]
                .respond(nonce, &proof)
                .map_err(|_| stop("no answer"))?;
            let network = T::Workers::genesis_hash();
            let statement = response_statement(
                network,
                state.sharing,
                state.round,
                state.attempt,
                &response,
            );
            let message = GatekeeperMessage::BeaconResponse {
                round: state.round,
                attempt: state.attempt,
                response,
                statement_signature: sign(&net.keys[machine], &statement)?,
            };
            answers.push((machine, message));
        }
        let (machine, last) = answers.pop().ok_or(stop("nobody was picked"))?;
        for (machine, message) in &answers {
            net.say::<T>(*machine, message)?;
        }
        Ok((net, machine, last))
    }
}

#[benchmarks(where T: BenchmarkSetup)]
mod measured {
    use super::*;

    #[benchmark]
    fn receiving_key(h: Linear<1, MOST>) -> Result<(), BenchmarkError> {
        let mut net = Net::new::<T>(h)?;
        let last = net.keys.len() - 1;
        for machine in 0..last {
            let message = net.receiving_key::<T>(machine)?;
            net.say::<T>(machine, &message)?;
        }
        let message = payload(&net.receiving_key::<T>(last)?);
        let worker = WorkerId(net.keys[last]);

        #[block]
        {
            Pallet::<T>::check_message(&worker, &message)?;
            Pallet::<T>::handle_message(&worker, &message)?;
        }

        assert_eq!(ReceivingKeys::<T>::iter_keys().count(), h as usize);
        Ok(())
    }

    #[benchmark]
    fn make_plan(h: Linear<1, MOST>) -> Result<(), BenchmarkError> {
        let mut net = Net::new::<T>(h)?;
        for machine in 0..net.keys.len() {
            let message = net.receiving_key::<T>(machine)?;
            net.say::<T>(machine, &message)?;
        }
        let now = net.block + 1;

        #[block]
        {
            Pallet::<T>::advance_ceremony(now);
        }

        assert!(CeremonyPlan::<T>::exists());
        Ok(())
    }

    #[benchmark]
    fn dealing(h: Linear<1, MOST>) -> Result<(), BenchmarkError> {
        let mut net = Net::planned::<T>(h)?;
        let message = payload(&net.dealing::<T>(0)?);
        let worker = WorkerId(net.keys[0]);

        #[block]
        {
            Pallet::<T>::check_message(&worker, &message)?;
            Pallet::<T>::handle_message(&worker, &message)?;
        }

        Ok(())
    }

    /// As many dealers as recipients.
    #[benchmark]
    fn outcome(h: Linear<1, MOST>) -> Result<(), BenchmarkError> {
        let net = Net::dealt::<T>(h)?;
        let now = net.block + 1;

        #[block]
        {
            Pallet::<T>::advance_ceremony(now);
        }

        assert!(PendingSharing::<T>::exists());
        Ok(())
    }

    #[benchmark]
    fn handover(h: Linear<1, MOST>) -> Result<(), BenchmarkError> {
        let mut net = Net::dealt::<T>(h)?;
        net.pass::<T>();
        let message = payload(&net.handover::<T>(0)?);
        let worker = WorkerId(net.keys[0]);

        #[block]
        {
            Pallet::<T>::check_message(&worker, &message)?;
            Pallet::<T>::handle_message(&worker, &message)?;
        }

        Ok(())
    }

    #[benchmark]
    fn complete(h: Linear<1, MOST>) -> Result<(), BenchmarkError> {
        let net = Net::handed_over::<T>(h)?;
        let now = net.block + 1;

        #[block]
        {
            Pallet::<T>::advance_ceremony(now);
        }

        assert!(CurrentSharing::<T>::exists());
        Ok(())
    }

    #[benchmark]
    fn seed_share(h: Linear<1, MOST>) -> Result<(), BenchmarkError> {
        let net = Net::in_force::<T>(h)?;
        let (worker, cluster) = (WorkerId([77; 32]), ClusterId([4; 32]));
        T::register(&worker);
        T::assign(&worker, &cluster);
        let share = &net.shares[0];
        let context = EvaluationContext::ClusterSeed {
            cluster,
            rotation: 0,
        };
        let shown = share.evaluate(&context).map_err(|_| stop("no share"))?;
        let mut sealed = SealedSeedShare {
            cluster,
            rotation: 0,
            worker,
            sealed_to: T::Workers::hpke_public_key(&worker).ok_or(stop("no key"))?,
            sharing: share.sharing().id(),
            holder: share.index(),
            encapsulated_key: [1; 32],
            ciphertext: vec![2; SEALED_SHARE_BYTES]
                .try_into()
                .map_err(|_| stop("a sealed share has another length"))?,
            payload: Statement::payload_digest(&shown.encode()),
            statement_signature: [0; 64],
        };
        let statement = sealed.statement(T::Workers::genesis_hash());
        sealed.statement_signature = sign(&net.keys[0], &statement)?;
        let message = payload(&GatekeeperMessage::SeedShare(sealed));
        let sender = WorkerId(net.keys[0]);

        #[block]
        {
            Pallet::<T>::check_message(&sender, &message)?;
            Pallet::<T>::handle_message(&sender, &message)?;
        }

        assert!(SeedShares::<T>::contains_key(cluster, worker));
        Ok(())
    }

    #[benchmark]
    fn beacon_share(h: Linear<1, MOST>) -> Result<(), BenchmarkError> {
        let mut net = Net::in_force::<T>(h)?;
        let last = net.keys.len() - 1;
        for machine in 0..last {
            let (message, _) = net.contribution::<T>(machine)?;
            net.say::<T>(machine, &message)?;
        }
        let (message, _) = net.contribution::<T>(last)?;
        let (message, sender) = (payload(&message), WorkerId(net.keys[last]));

        #[block]
        {
            Pallet::<T>::check_message(&sender, &message)?;
            Pallet::<T>::handle_message(&sender, &message)?;
        }

        assert_eq!(BeaconContributions::<T>::get().len(), h as usize);
        Ok(())
    }

    #[benchmark]
    fn beacon_response(h: Linear<1, MOST>) -> Result<(), BenchmarkError> {
        let (net, machine, message) = Net::answered::<T>(h)?;
        let (message, sender) = (payload(&message), WorkerId(net.keys[machine]));

        #[block]
        {
            Pallet::<T>::check_message(&sender, &message)?;
            Pallet::<T>::handle_message(&sender, &message)?;
        }

        Ok(())
    }

    /// More than half of so many holders have proven a value.
    #[benchmark]
    fn finish_beacon(h: Linear<1, MOST>) -> Result<(), BenchmarkError> {
        let (net, machine, message) = Net::answered::<T>(h)?;
        net.say::<T>(machine, &message)?;
        let now = net.block + 1;

        #[block]
        {
            Pallet::<T>::advance_beacon(now);
        }

        assert!(LatestBeacon::<T>::get().is_some_and(|output| output.proof.is_some()));
        Ok(())
    }
}
