//! Verdicts on files.

use crate::scene::{Facts, NOW_MS, Scene, scene};
use chain_proof::{PORTABLE_BYTES_AIM, Start};
use codec::Encode;
use primitives::{AccountId, BlockHash, GenesisHash};
use receipt::{Expected, ReceiptFile, TrustedSetFile, report, verify};

/// A file of this version, byte for byte; the browser's test reads it too.
const FIXTURE: &[u8] = include_bytes!("fixtures/receipt.json");
const LINKS: [&str; 11] = [
    "file", "network", "question", "answer", "signature", "finality", "block", "registration",
    "build", "hardware", "log",
];

fn bytes(file: &ReceiptFile) -> Vec<u8> {
    serde_json::to_vec_pretty(file).unwrap()
}

fn pinned(scene: &Scene) -> Expected<'static> {
    Expected {
        genesis: Some(scene.genesis),
        logged: true,
        now_ms: Some(NOW_MS + 90_000),
        ..Expected::default()
    }
}

fn failed(scene: &Scene, file: &ReceiptFile) -> (&'static str, String) {
    let error = verify(&bytes(file), &pinned(scene)).err().unwrap();
    (error.link, error.reason)
}

#[test]
fn a_file_of_a_thousand_set_changes_holds_and_is_short() {
    let scene = scene(1000, false, &Facts::default());
    let proof_bytes = scene.file.chain_proof.len() / 2;
    let whole = bytes(&scene.file).len();
    println!("1000 set changes: proof {proof_bytes} bytes, file {whole}");
    assert!(proof_bytes < PORTABLE_BYTES_AIM);
    let verified = verify(&bytes(&scene.file), &pinned(&scene)).unwrap();
    let names: Vec<_> = verified.links.iter().map(|link| link.name).collect();
    let mut sorted = (names.clone(), LINKS.to_vec());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    assert_eq!(sorted.0, sorted.1);
    assert!(verified.warning.unwrap().contains("DEVELOPMENT"));
    let finality = verified.links.iter().find(|link| link.name == "finality").unwrap();
    assert!(finality.finding.ends_with("30 seconds ago"), "{}", finality.finding);
    assert_eq!(verified.answer.unwrap().data, b"answer");
}

#[test]
fn the_format_is_that_of_the_fixture() {
    let scene = scene(20, true, &Facts::default());
    let made = bytes(&scene.file);
    if std::env::var_os("PHAT_WRITE_FIXTURE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/receipt.json");
        std::fs::write(path, &made).unwrap();
        return;
    }
    assert!(made == FIXTURE, "the format has changed: PHAT_WRITE_FIXTURE=1 writes the file anew");
    assert!(verify(FIXTURE, &pinned(&scene)).is_ok());
    println!("20 turnovers: proof {} bytes, file {}", scene.file.chain_proof.len() / 2, made.len());
}

#[test]
fn what_the_chain_does_not_say_fails_at_its_link() {
    let facts = |facts: Facts| {
        let scene = scene(3, true, &facts);
        failed(&scene, &scene.file).0
    };
    assert_eq!(facts(Facts { registered: false, ..Facts::default() }), "registration");
    assert_eq!(facts(Facts { allowed: false, ..Facts::default() }), "build");
    assert_eq!(facts(Facts { block_hash: BlockHash([1; 32]), ..Facts::default() }), "block");
    assert_eq!(facts(Facts { logged: false, ..Facts::default() }), "log");
    assert_eq!(facts(Facts { log_root: Some([1; 32]), ..Facts::default() }), "log");
    // Validators whose keys are used on two networks sign for both: the state tells them apart.
    assert_eq!(facts(Facts { first_block: Some(BlockHash([1; 32])), ..Facts::default() }), "finality");
}

#[test]
fn a_receipt_that_is_not_logged_holds_and_says_what_to_do_where_it_must_be() {
    let scene = scene(3, true, &Facts { logged: false, ..Facts::default() });
    let mut file = scene.file.clone();
    file.log = None;
    let (link, reason) = failed(&scene, &file);
    assert_eq!(link, "log");
    assert!(reason.contains("phat receipt log FILE"), "{reason}");
    let expected = Expected { logged: false, ..pinned(&scene) };
    let verified = verify(&bytes(&file), &expected).unwrap();
    assert!(verified.links.iter().all(|link| link.name != "log"));
}

#[test]
fn no_changed_byte_of_any_part_goes_unnoticed() {
    let scene = scene(12, false, &Facts::default());
    let file = &scene.file;
    type Part = fn(&mut ReceiptFile) -> &mut String;
    let parts: [(&str, Part, usize); 7] = [
        ("request", |file| &mut file.request, 1),
        ("answer", |file| &mut file.answer, 1),
        ("receipt", |file| &mut file.receipt, 1),
        ("registration", |file| &mut file.registration, 1),
        ("log", |file| file.log.as_mut().unwrap(), 1),
        ("chain proof", |file| &mut file.chain_proof, 3),
        ("evidence", |file| &mut file.evidence, 61),
    ];
    let mut tried = 0;
    for (name, part, stride) in parts {
        let raw = hex::decode(part(&mut file.clone())).unwrap();
        for place in (0..raw.len()).step_by(stride) {
            let mut altered = file.clone();
            let mut raw = raw.clone();
            raw[place] ^= 1 << (place % 8);
            *part(&mut altered) = hex::encode(raw);
            assert!(
                verify(&bytes(&altered), &pinned(&scene)).is_err(),
                "byte {place} of the {name} of {tried}"
            );
            tried += 1;
        }
    }
    assert!(tried > 2000, "{tried}");
    let mut asker = file.clone();
    asker.origin = Some(AccountId([9; 32]));
    assert_eq!(failed(&scene, &asker).0, "question");
    let mut network = file.clone();
    network.genesis = GenesisHash([9; 32]);
    assert_eq!(failed(&scene, &network).0, "network");
    let mut version = file.clone();
    version.version = 1;
    assert_eq!(failed(&scene, &version).0, "file");
    let other = Expected { genesis: Some(GenesisHash([9; 32])), ..Expected::default() };
    assert_eq!(verify(&bytes(file), &other).err().unwrap().link, "network");
}

#[test]
fn a_proof_from_a_set_needs_that_set() {
    let scene = scene(3, true, &Facts::default());
    let state = chain_proof::verify_portable(&scene.genesis, None, &scene.proof).unwrap();
    let mut proof = scene.proof.clone();
    proof.start = Start::Set(3);
    proof.steps.drain(..3);
    let mut file = scene.file.clone();
    file.chain_proof = hex::encode(proof.encode());
    let (link, reason) = failed(&scene, &file);
    assert_eq!(link, "finality");
    assert!(reason.contains("authority set 3"), "{reason}");
    let trusted = TrustedSetFile::new(scene.genesis, 70, state.authority_set());
    let text = serde_json::to_vec(&trusted).unwrap();
    let trusted = TrustedSetFile::parse(&text).unwrap();
    let expected = Expected { trusted: Some(&trusted), ..pinned(&scene) };
    let verified = verify(&bytes(&file), &expected).unwrap();
    assert!(verified.links.iter().any(|link| link.finding.contains("which YOU trust")));
    let of_another = TrustedSetFile { genesis: GenesisHash([1; 32]), ..trusted.clone() };
    let expected = Expected { trusted: Some(&of_another), ..pinned(&scene) };
    assert_eq!(verify(&bytes(&file), &expected).err().unwrap().link, "finality");
    assert!(TrustedSetFile::parse(b"{}").is_err());
    let mut bad = trusted;
    bad.authorities[0].key = "12".to_owned();
    assert!(bad.set().is_err());
}

#[test]
fn a_report_names_what_held_what_failed_and_what_was_not_looked_at() {
    let scene = scene(3, true, &Facts { allowed: false, ..Facts::default() });
    let found = report(&bytes(&scene.file), &pinned(&scene));
    assert!(!found.holds);
    assert_eq!(found.failed, Some("build"));
    assert_eq!(found.links.len() + found.unchecked.len() + 1, LINKS.len());
    assert_eq!(found.unchecked.last(), Some(&"log"));
    let nothing = report(b"", &pinned(&scene));
    assert_eq!((nothing.failed, nothing.links.len()), (Some("file"), 0));
    for length in [0usize, 1, 100] {
        assert!(!report(&vec![b'{'; length], &Expected::default()).holds);
    }
}
