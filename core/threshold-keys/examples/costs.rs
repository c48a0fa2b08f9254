//! How long each step takes on this machine.
//!
//! `cargo run --release -p threshold-keys --example costs`

use codec::{Decode, Encode};
use primitives::{ClusterId, GenesisHash};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{
    error::Error,
    hint::black_box,
    time::{Duration, Instant},
};
use threshold_keys::{
    BeaconValue, Committee, Contribution, EvaluationContext, HolderIndex, JointProof, KeyShare,
    PerHolder, Plan, ReceivingSecret, Sharing, SharingId, Source, VerifiedDealing,
};

/// Prints the shortest of nine samples, for one step.
fn time<T>(what: &str, mut step: impl FnMut() -> T) {
    const STEPS: u32 = 20;
    let mut best = Duration::MAX;
    for _ in 0..9 {
        let start = Instant::now();
        for _ in 0..STEPS {
            black_box(step());
        }
        best = best.min(start.elapsed() / STEPS);
    }
    println!("  {what:<34} {:>9.1} µs", best.as_nanos() as f64 / 1e3);
}

fn measure(threshold: u8, count: u8) -> Result<(), Box<dyn Error>> {
    println!("{threshold} of {count}");
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let network = GenesisHash([1; 32]);
    let target = SharingId {
        generation: 0,
        committee: Committee::Gatekeepers,
        epoch: 0,
    };
    let mut receivers = Vec::new();
    for name in 1..=count {
        let receiver = ReceivingSecret::generate(&network, target, [name; 32], &mut rng)?;
        receivers.push(receiver);
    }
    let keys = receivers
        .iter()
        .map(|receiver| receiver.public().verify(&network, target))
        .collect::<Result<Vec<_>, _>>()?;
    let keys = PerHolder::truncate_from(keys);
    let plan = Plan::new(network, target, threshold, Source::Generation, keys)?;
    time("verify a receiving key", || {
        receivers[0].public().verify(&network, target)
    });
    let bytes = plan.encode();
    time("decode a plan", || Plan::decode(&mut &bytes[..]));
    let mut dealings: Vec<VerifiedDealing> = Vec::new();
    for dealer in HolderIndex::all(count) {
        dealings.push(plan.deal_new_key(dealer, &mut rng)?.verify(&plan)?);
    }
    let dealer = dealings[0].dealer();
    let dealing = plan.deal_new_key(dealer, &mut rng)?;
    time("deal", || plan.deal_new_key(dealer, &mut rng));
    time("verify a dealing, as the chain", || {
        dealing.clone().verify(&plan)
    });
    time("check one's share in a dealing", || {
        receivers[0].check(&plan, &dealings[1])
    });
    let sharing = Sharing::from_dealings(&plan, &dealings)?;
    time("sharing of all dealings (new key)", || {
        Sharing::from_dealings(&plan, &dealings)
    });
    time("assemble one's share", || {
        receivers[0].assemble(&plan, &dealings)
    });
    let shares = receivers
        .iter()
        .map(|receiver| receiver.assemble(&plan, &dealings))
        .collect::<Result<Vec<KeyShare>, _>>()?;
    reshare(&shares, &sharing, &mut rng)?;
    evaluate(&shares, &sharing)?;
    prove(&shares, &sharing, &mut rng)
}

fn reshare(
    shares: &[KeyShare],
    sharing: &Sharing,
    rng: &mut ChaCha20Rng,
) -> Result<(), Box<dyn Error>> {
    let target = SharingId {
        epoch: 1,
        ..sharing.id()
    };
    let mut keys = Vec::new();
    for holder in sharing.holders() {
        let receiver = ReceivingSecret::generate(sharing.network(), target, *holder, rng)?;
        keys.push(receiver.public().verify(sharing.network(), target)?);
    }
    let source = Source::Resharing(sharing.clone());
    let keys = PerHolder::truncate_from(keys);
    let plan = Plan::new(
        *sharing.network(),
        target,
        sharing.threshold(),
        source,
        keys,
    )?;
    let mut dealings = Vec::new();
    for share in shares {
        dealings.push(share.reshare(&plan, rng)?.verify(&plan)?);
    }
    let dealing = shares[0].reshare(&plan, rng)?;
    time("verify a resharing, as the chain", || {
        dealing.clone().verify(&plan)
    });
    time("sharing of all dealings (resharing)", || {
        Sharing::from_dealings(&plan, &dealings)
    });
    Ok(())
}

fn evaluate(shares: &[KeyShare], sharing: &Sharing) -> Result<(), Box<dyn Error>> {
    let context = EvaluationContext::ClusterSeed {
        cluster: ClusterId([1; 32]),
        rotation: 0,
    };
    let evaluated = shares[..usize::from(sharing.threshold())]
        .iter()
        .map(|share| share.evaluate(&context))
        .collect::<Result<Vec<_>, _>>()?;
    time("evaluate", || shares[0].evaluate(&context));
    time("verify a share", || {
        sharing.verify_share(&context, &evaluated[0])
    });
    time("verify and combine a threshold", || {
        sharing
            .combine(&context, &evaluated)
            .map(|combined| combined.evaluation.secret())
    });
    Ok(())
}

fn prove(
    shares: &[KeyShare],
    sharing: &Sharing,
    rng: &mut ChaCha20Rng,
) -> Result<(), Box<dyn Error>> {
    let context = EvaluationContext::Beacon { round: 1 };
    let signers = &shares[..usize::from(sharing.threshold())];
    let mut nonces = Vec::new();
    let mut contributions = Vec::new();
    for share in signers {
        let nonce = share.commit_nonce(&context, rng)?;
        contributions.push(Contribution {
            share: share.evaluate(&context)?,
            nonce: *nonce.commitment(),
        });
        nonces.push(nonce);
    }
    let proof = JointProof::new(sharing, &context, &contributions)?;
    time("begin a joint proof", || {
        JointProof::new(sharing, &context, &contributions)
    });
    let mut responses = Vec::new();
    for (share, nonce) in signers.iter().zip(nonces) {
        responses.push(share.respond(nonce, &proof)?);
    }
    time("finish a joint proof", || proof.finish(&responses));
    let proven = proof.finish(&responses)?;
    let key = sharing.group_key();
    time("verify the beacon, one proof", || {
        BeaconValue::from_proof(&key, 1, &proven)
    });
    let shares: Vec<_> = contributions.iter().map(|c| c.share.clone()).collect();
    time("verify the beacon, from shares", || {
        BeaconValue::from_shares(sharing, 1, &shares)
    });
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    measure(3, 5)?;
    measure(13, 20)?;
    measure(43, 64)
}
