//! The worker's side of the original network's protocol, against bytes that a client chose.

use codec::Encode;
use compatible_edge::{
    envelope::open,
    method::{Encoding, QUERY_BYTES_MAX},
    prpc::{ContractParameters, ContractQueryRequest, Empty, GetContractInfoRequest},
};
use secrets::{Sr25519Secret, compat};

/// The block at which certificates must hold.
const BLOCK: u32 = 100;

/// Requests as protobuf and JSON, and queries, raw and sealed so that they open.
pub fn compatible(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let worker = Sr25519Secret::from_seed(&[3; 32]);
    let encoding = match choice & 0x80 {
        0 => Encoding::Protobuf,
        _ => Encoding::Json,
    };
    match choice % 4 {
        // What is read is written to what reads the same.
        0 => {
            let Ok(request) = encoding.read::<ContractQueryRequest>(bytes, QUERY_BYTES_MAX) else {
                return;
            };
            let written = encoding.write(&request);
            let again = encoding.read::<ContractQueryRequest>(&written, written.len());
            assert!(again.is_ok_and(|again| again == request), "a message changes");
            if let Ok(opened) = open(&worker, &request, BLOCK) {
                assert!(opened.origin.is_none(), "a signature was forged");
            }
        }
        1 => {
            let _ids = encoding.read::<GetContractInfoRequest>(bytes, QUERY_BYTES_MAX);
            let _id = encoding.read::<ContractParameters>(bytes, QUERY_BYTES_MAX);
            let _empty = encoding.read::<Empty>(bytes, QUERY_BYTES_MAX);
        }
        // An envelope that nobody sealed.
        2 => {
            let request = ContractQueryRequest {
                encoded_encrypted_data: bytes.to_vec(),
                signature: None,
            };
            assert!(open(&worker, &request, BLOCK).is_err(), "a forgery opens");
        }
        _ => {
            let client = Sr25519Secret::from_seed(&[4; 32]);
            let sealed = compat::seal(&client, &worker.public(), [5; 12], bytes);
            let request = ContractQueryRequest {
                encoded_encrypted_data: sealed.expect("sealing to a whole key works").encode(),
                signature: None,
            };
            if let Ok(opened) = open(&worker, &request, BLOCK) {
                assert_eq!(opened.query.encode(), bytes, "two encodings of one query");
            }
        }
    }
}
