//! Receipts that were altered must not hold, wherever they were altered.

use anyhow::{Result, bail, ensure};
use client::receipt::{Expected, ReceiptFile};
use primitives::GenesisHash;

/// Bytes altered in each part of the file.
const PLACES: usize = 24;

fn verify(
    bytes: &[u8],
    genesis: GenesisHash,
) -> Result<client::receipt::Verified, client::receipt::VerifyError> {
    let expected = Expected { genesis: Some(genesis), ..Expected::default() };
    client::receipt::verify(bytes, &expected)
}

/// Alters one byte at a time, over all parts of a receipt file that holds. Gives how many it tried.
pub fn check_tampering(bytes: &[u8], genesis: GenesisHash) -> Result<usize> {
    ensure!(verify(bytes, genesis).is_ok(), "the receipt does not hold to begin with");
    let file: ReceiptFile = serde_json::from_slice(bytes)?;
    let mut tried = 0;
    type Part = (&'static str, fn(&mut ReceiptFile) -> &mut String);
    let parts: [Part; 6] = [
        ("request", |file| &mut file.request),
        ("answer", |file| &mut file.answer),
        ("receipt", |file| &mut file.receipt),
        ("evidence", |file| &mut file.evidence),
        ("registration", |file| &mut file.registration),
        ("chain proof", |file| &mut file.chain_proof),
    ];
    for (name, part) in parts {
        let length = part(&mut file.clone()).len() / 2;
        for step in 0..PLACES {
            let place = step * length.saturating_sub(1) / (PLACES - 1);
            let mut altered = file.clone();
            let mut raw = hex::decode(part(&mut altered))?;
            raw[place] ^= 1;
            *part(&mut altered) = hex::encode(raw);
            if verify(&serde_json::to_vec(&altered)?, genesis).is_ok() {
                bail!("a receipt with byte {place} of its {name} altered still holds");
            }
            tried += 1;
        }
    }
    let mut other_asker = file.clone();
    other_asker.origin = Some(primitives::AccountId([7; 32]));
    let mut other_network = file.clone();
    other_network.genesis = GenesisHash([7; 32]);
    for altered in [other_asker, other_network] {
        ensure!(
            verify(&serde_json::to_vec(&altered)?, genesis).is_err(),
            "a receipt of another asker or network holds"
        );
        tried += 1;
    }
    ensure!(
        verify(bytes, GenesisHash([9; 32])).is_err(),
        "a receipt holds on a network it is not of"
    );
    ensure!(verify(&bytes[..bytes.len() / 2], genesis).is_err(), "half a receipt holds");
    Ok(tried + 2)
}
