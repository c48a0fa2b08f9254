use super::*;

/// Exported by @polkadot/keyring 13.5.9: the development account //Wallet.
const EXPORTED: &str = include_str!("../../fixtures/development-wallet.json");
const PASSPHRASE: &str = "correct horse battery";
const SEED: &str = "0x0101010101010101010101010101010101010101010101010101010101010101";

fn changed(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut value = serde_json::from_str(EXPORTED).unwrap();
    change(&mut value);
    value.to_string()
}

/// The export, with other bytes of its secret.
fn with_bytes(change: impl FnOnce(&mut Vec<u8>)) -> String {
    changed(|value| {
        let mut bytes = STANDARD.decode(value["encoded"].as_str().unwrap()).unwrap();
        change(&mut bytes);
        value["encoded"] = STANDARD.encode(bytes).into();
    })
}

#[test]
fn an_export_of_a_wallet_opens_to_its_address() {
    let keystore = Keystore::from_json(EXPORTED).unwrap();
    assert_eq!(keystore.name(), Some("development wallet"));
    let account = keystore.open(PASSPHRASE).unwrap();
    assert_eq!(account.id(), keystore.account());
    // What it signs is its own.
    let signature = subxt::transactions::Signer::sign(&account, b"text");
    let subxt::utils::MultiSignature::Sr25519(signature) = signature else { panic!("sr25519") };
    let public = subxt_signer::sr25519::PublicKey(account.id().0);
    let signature = subxt_signer::sr25519::Signature(signature);
    assert!(subxt_signer::sr25519::verify(&signature, b"text", &public));
    assert_eq!(account.id(), Account::from_uri("//Wallet").unwrap().id());
    assert_eq!(crate::address(&account.id()), "41huXHS6mM8UWYJ6V9qdF9frEewsDCm5QM37xUEHymNufwpi");
}

#[test]
fn a_written_keystore_opens_with_its_passphrase_alone() {
    let written = Keystore::seal(SEED, PASSPHRASE, "carol").unwrap();
    assert!(!written.json().contains(&SEED[2..]));
    let read = Keystore::from_json(written.json()).unwrap();
    assert_eq!(read.name(), Some("carol"));
    assert_eq!(read.open(PASSPHRASE).unwrap().id(), Account::from_uri(SEED).unwrap().id());
    let wrong = read.open("correct horse batter");
    assert!(matches!(wrong, Err(KeystoreError::WrongPassphrase)));
    // Neither salt nor nonce is used twice.
    let again = Keystore::seal(SEED, PASSPHRASE, "carol").unwrap();
    assert_ne!(written.json(), again.json());
}

#[test]
fn a_changed_or_cut_keystore_does_not_open() {
    let flipped = with_bytes(|bytes| *bytes.last_mut().unwrap() ^= 1);
    let opened = Keystore::from_json(&flipped).unwrap().open(PASSPHRASE);
    assert!(matches!(opened, Err(KeystoreError::WrongPassphrase)));
    let cut = with_bytes(|bytes| bytes.truncate(40));
    assert!(matches!(Keystore::from_json(&cut), Err(KeystoreError::Damaged(_))));
    let text = changed(|value| value["encoded"] = "%".into());
    assert!(matches!(Keystore::from_json(&text), Err(KeystoreError::Damaged(_))));
    let elsewhere = changed(|value| {
        value["address"] = crate::address(&Account::from_uri("//Bob").unwrap().id()).into();
    });
    let opened = Keystore::from_json(&elsewhere).unwrap().open(PASSPHRASE);
    assert!(matches!(opened, Err(KeystoreError::Damaged(_))));
    for text in ["", "{}", "0x01", "[]"] {
        assert!(matches!(Keystore::from_json(text), Err(KeystoreError::NotAKeystore)), "{text}");
    }
}

#[test]
fn a_keystore_cannot_ask_for_unbounded_work() {
    for (n, p, r) in [(1 << 30, 1, 8), (1 << 17, 1000, 8), (1 << 15, 1, 1 << 20), (0, 0, 0)] {
        let costly = with_bytes(|bytes| {
            for (place, number) in [n, p, r].into_iter().enumerate() {
                bytes[32 + place * 4..][..4].copy_from_slice(&u32::to_le_bytes(number));
            }
        });
        assert!(matches!(Keystore::from_json(&costly), Err(KeystoreError::Cost { .. })));
    }
}

#[test]
fn unknown_encodings_are_named() {
    let others = [
        changed(|value| value["encoding"]["version"] = "4".into()),
        changed(|value| value["encoding"]["content"][1] = "ed25519".into()),
        changed(|value| value["encoding"]["type"] = serde_json::json!(["none"])),
    ];
    for other in others {
        let error = Keystore::from_json(&other).unwrap_err();
        assert!(matches!(error, KeystoreError::UnknownEncoding { .. }));
        assert!(error.to_string().contains("export the account again"), "{error}");
    }
}

#[test]
fn short_passphrases_and_phrases_are_not_sealed() {
    assert!(matches!(Keystore::seal(SEED, "short", "x"), Err(KeystoreError::ShortPassphrase)));
    assert!(matches!(Keystore::seal("//Alice", PASSPHRASE, "x"), Err(KeystoreError::NotASeed)));
}
