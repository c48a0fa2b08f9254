//! Keys against vectors of the original network, RFC 9180 by round trip, and the key tree.

use crate::support::Seeded;
use codec::Encode;
use primitives::{ContractId, HpkePublicKey};
use secrets::{
    ClusterSeed, HpkeSecret, InvalidKey, Sr25519Secret, compat, derive,
    hpke::{open_auth, open_base, seal_auth, seal_base},
    pad, unpad, verify_ed25519, verify_sr25519,
};
use wire::domain::{CLUSTER_KEY, CONTRACT_KEY, ONE_SHOT_QUERY, ONE_SHOT_REPLY, SESSION_OPEN};

fn seed(last: u8) -> Sr25519Secret {
    let mut seed = [0; 32];
    seed[31] = last;
    Sr25519Secret::from_seed(&seed)
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

#[test]
fn keys_agree_with_the_original_network() {
    let (worker, client) = (seed(1), seed(2));
    assert_eq!(
        hex::encode(worker.public()),
        "3a3d45dc55b57bf542f4c6ff41af080ec675317f4ed50ae1d2713bf9f892692d"
    );
    assert_eq!(
        hex::encode(*worker.dump()),
        "1e4dfc9e79d85d1cc4c0ab23f966ba89cab178d31ce9515d2b3cc76f0c9f430a\
         bc545075d7ce4333786a73bd01715a14bc541d837cb8a819f6207986ad5d053a"
    );
    assert_eq!(
        hex::encode(client.public()),
        "54c71c235773b82115f0744252369c13414fd0e8bad3e8feff462c6a4bb58a0f"
    );
    assert_eq!(
        hex::encode(seed(3).public()),
        "86f0395b1e3b3f547b5fb2c6739d6c7919e7f71623e2ad8fb70baedfa2d6301d"
    );
    let agreed = "b671021e31b1c82735e8b53338e32f200df554e66640f55949f7a52ef2ec3316";
    assert_eq!(
        hex::encode(*worker.agree(&client.public()).unwrap()),
        agreed
    );
    assert_eq!(
        hex::encode(*client.agree(&worker.public()).unwrap()),
        agreed
    );
}

#[test]
fn the_original_envelope_opens_on_both_sides() {
    let (worker, client) = (seed(1), seed(2));
    let iv = array("000102030405060708090a0b");
    let sealed = compat::seal(&client, &worker.public(), iv, b"hello phat").unwrap();
    assert_eq!(
        hex::encode(sealed.encode()),
        "000102030405060708090a0b\
         54c71c235773b82115f0744252369c13414fd0e8bad3e8feff462c6a4bb58a0f\
         68a9db53705bf4e445fdb9bafcf2a332473b2cfc80d59ccdae54cf"
    );
    assert_eq!(
        compat::open(&worker, &sealed).unwrap().as_slice(),
        b"hello phat"
    );
    let opened = compat::open_from(&client, &worker.public(), &sealed).unwrap();
    assert_eq!(opened.as_slice(), b"hello phat");
    assert!(compat::open(&seed(3), &sealed).is_err());
    assert!(
        compat::seal(&client, &[0; 32], iv, b"").is_err(),
        "the neutral point is refused"
    );
    assert!(compat::seal(&client, &[0xff; 32], iv, b"").is_err());
}

#[test]
fn a_dump_restores_the_key_and_other_bytes_are_refused() {
    let key = seed(1);
    let restored = Sr25519Secret::from_dump(&key.dump()).ok().unwrap();
    assert_eq!(restored.public(), key.public());
    assert_eq!(restored.sign(b"same"), key.sign(b"same"));
    assert_eq!(
        Sr25519Secret::from_dump(&[0xff; 64]).err(),
        Some(InvalidKey)
    );
}

#[test]
fn a_signature_holds_for_its_key_and_message_alone() {
    let (key, other) = (seed(1), seed(2));
    let signature = key.sign(b"message");
    assert!(verify_sr25519(&key.public(), b"message", &signature));
    assert!(!verify_sr25519(&key.public(), b"another", &signature));
    assert!(!verify_sr25519(&other.public(), b"message", &signature));
    assert!(!verify_sr25519(&[0xff; 32], b"message", &signature));
    for place in 0..64 {
        let mut damaged = signature;
        damaged[place] ^= 1;
        assert!(
            !verify_sr25519(&key.public(), b"message", &damaged),
            "byte {place}"
        );
    }
    assert_ne!(
        key.sign(b"a")[..32],
        key.sign(b"b")[..32],
        "no nonce serves twice"
    );
}

#[test]
fn ed25519_agrees_with_rfc_8032() {
    let public = array("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    let signature = array(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    );
    assert!(verify_ed25519(&public, &[0x72], &signature));
    assert!(!verify_ed25519(&public, &[0x73], &signature));
    assert!(!verify_ed25519(&[0; 32], &[0x72], &signature));
}

#[test]
fn derivation_separates_labels_and_parts() {
    let base = *derive(CLUSTER_KEY, b"ikm", &[b"ab", b"c"]);
    for other in [
        derive(CONTRACT_KEY, b"ikm", &[b"ab", b"c"]),
        derive(CLUSTER_KEY, b"ikm", &[b"a", b"bc"]),
        derive(CLUSTER_KEY, b"ikm", &[b"abc"]),
        derive(CLUSTER_KEY, b"ikn", &[b"ab", b"c"]),
    ] {
        assert_ne!(base, *other);
    }
    assert_eq!(base, *derive(CLUSTER_KEY, b"ikm", &[b"ab", b"c"]));
}

#[test]
fn sealed_messages_open_for_their_recipient_purpose_and_data_alone() {
    let mut rng = Seeded(1);
    let (recipient, sender, other) = (
        HpkeSecret::generate(&mut rng),
        HpkeSecret::generate(&mut rng),
        HpkeSecret::generate(&mut rng),
    );
    let (sealed, exporter) = seal_base(
        &recipient.public(),
        ONE_SHOT_QUERY,
        b"aad",
        b"text",
        &mut rng,
    )
    .unwrap();
    let (enc, text) = (&sealed.encapsulated_key, &sealed.ciphertext);
    let (plain, same) = open_base(&recipient, ONE_SHOT_QUERY, b"aad", enc, text).unwrap();
    assert_eq!(plain.as_slice(), b"text");
    assert_eq!(*same.key(ONE_SHOT_REPLY), *exporter.key(ONE_SHOT_REPLY));
    assert_ne!(*same.key(ONE_SHOT_REPLY), *exporter.key(SESSION_OPEN));
    assert!(open_base(&other, ONE_SHOT_QUERY, b"aad", enc, text).is_err());
    assert!(open_base(&recipient, SESSION_OPEN, b"aad", enc, text).is_err());
    assert!(open_base(&recipient, ONE_SHOT_QUERY, b"", enc, text).is_err());
    assert!(open_base(&recipient, ONE_SHOT_QUERY, b"aad", enc, &text[1..]).is_err());
    assert!(open_base(&recipient, ONE_SHOT_QUERY, b"aad", enc, b"").is_err());
    assert!(
        open_auth(
            &sender.public(),
            &recipient,
            ONE_SHOT_QUERY,
            b"aad",
            enc,
            text
        )
        .is_err()
    );

    let (sealed, _) = seal_auth(
        &sender,
        &recipient.public(),
        ONE_SHOT_QUERY,
        b"aad",
        b"text",
        &mut rng,
    )
    .unwrap();
    let (enc, text) = (&sealed.encapsulated_key, &sealed.ciphertext);
    let opened = open_auth(
        &sender.public(),
        &recipient,
        ONE_SHOT_QUERY,
        b"aad",
        enc,
        text,
    );
    assert_eq!(opened.ok().unwrap().0.as_slice(), b"text");
    assert!(
        open_auth(
            &other.public(),
            &recipient,
            ONE_SHOT_QUERY,
            b"aad",
            enc,
            text
        )
        .is_err()
    );
    assert!(open_base(&recipient, ONE_SHOT_QUERY, b"aad", enc, text).is_err());
    let neutral = HpkePublicKey([0; 32]);
    assert!(seal_base(&neutral, ONE_SHOT_QUERY, b"", b"", &mut rng).is_err());
}

#[test]
fn the_key_tree_gives_each_its_own_and_the_same_each_time() {
    let cluster = ClusterSeed::from_bytes(&[1; 32]);
    let again = ClusterSeed::from_bytes(cluster.expose());
    let other = ClusterSeed::from_bytes(&[2; 32]);
    assert_eq!(cluster.signing_key().public(), again.signing_key().public());
    let contract = ContractId([3; 32]);
    let mut all = vec![
        *cluster.expose(),
        *other.expose(),
        other.signing_key().public(),
        cluster.signing_key().public(),
        cluster.contract_key(&contract).public(),
        cluster.contract_key(&ContractId([4; 32])).public(),
        cluster.contract_hpke_key(&contract).public().0,
        *cluster.state_key().derive(CLUSTER_KEY, &[]),
        *cluster.contract_user_root().expose(),
        *cluster
            .contract_user_root()
            .contract_user_key(&contract, b"")
            .first_chunk()
            .unwrap(),
        *cluster
            .contract_user_root()
            .contract_user_key(&contract, b"salt")
            .first_chunk()
            .unwrap(),
        *cluster
            .contract_user_root()
            .contract_user_key(&ContractId([4; 32]), b"salt")
            .first_chunk()
            .unwrap(),
    ];
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 12);
    let user = cluster.contract_user_root().contract_user_key(&contract, b"salt");
    assert!(Sr25519Secret::from_dump(&user).is_ok());
}

#[test]
fn padding_hides_the_length_and_is_strict() {
    for length in [0, 1, 251, 252, 253, 256, 508, 509, 1000] {
        let bytes = vec![7; length];
        let padded = pad(&bytes).unwrap();
        assert_eq!(padded.len() % 256, 0);
        assert!(padded.len() < length + 4 + 256);
        assert_eq!(unpad(&padded), Ok(bytes.as_slice()));
        assert!(unpad(&padded[1..]).is_err());
        assert!(
            unpad(&[padded.as_slice(), &[0; 256]].concat()).is_err(),
            "more than needed"
        );
    }
    let mut padded = pad(b"x").unwrap();
    padded[255] = 1;
    assert!(unpad(&padded).is_err());
    assert!(unpad(&[0xff; 256]).is_err());
    assert!(unpad(&[]).is_err());
}
