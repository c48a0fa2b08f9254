//! Batches of receipts.

use crate::support::receipt_body;
use primitives::{GenesisHash, WorkerId};
use secrets::{
    Sr25519Secret,
    receipt::{SignBatchError, sign_batch, verify_receipt_signature},
};
use wire::receipt::BATCH_LEAVES_MAX;

pub fn worker() -> Sr25519Secret {
    Sr25519Secret::from_seed(&[40; 32])
}

pub fn worker_id() -> WorkerId {
    WorkerId(worker().public())
}

#[test]
fn each_receipt_of_a_batch_holds_on_its_own() {
    for count in [1, 2, 3, 7, 33] {
        let bodies: Vec<_> = (0..count).map(|n| receipt_body(worker_id(), n)).collect();
        let receipts = sign_batch(&worker(), bodies.clone()).unwrap();
        assert_eq!(
            receipts.iter().map(|r| r.body.clone()).collect::<Vec<_>>(),
            bodies
        );
        for receipt in receipts {
            assert!(verify_receipt_signature(&receipt));
            let mut body = receipt.clone();
            body.body.next_number += 1;
            let mut place = receipt.clone();
            place.leaf_index += 1;
            let mut size = receipt.clone();
            size.leaf_count += 1;
            let mut network = receipt.clone();
            network.body.genesis = GenesisHash([0; 32]);
            let mut signer = receipt.clone();
            signer.body.worker = WorkerId(Sr25519Secret::from_seed(&[41; 32]).public());
            let mut signature = receipt.clone();
            signature.signature[0] ^= 1;
            for forged in [body, place, size, network, signer, signature] {
                assert!(!verify_receipt_signature(&forged));
            }
        }
    }
}

#[test]
fn a_batch_is_of_one_worker_and_bounded() {
    assert_eq!(sign_batch(&worker(), vec![]), Err(SignBatchError::Size));
    let body = receipt_body(worker_id(), 0);
    let many = vec![body.clone(); BATCH_LEAVES_MAX as usize + 1];
    assert_eq!(sign_batch(&worker(), many), Err(SignBatchError::Size));
    let other = Sr25519Secret::from_seed(&[41; 32]);
    assert_eq!(
        sign_batch(&other, vec![body.clone()]),
        Err(SignBatchError::Mixed)
    );
    let foreign = receipt_body(WorkerId([9; 32]), 0);
    assert_eq!(
        sign_batch(&worker(), vec![body, foreign]),
        Err(SignBatchError::Mixed)
    );
}
