//! The verifier says the same on this machine, in Node.js and in Chromium.
//!
//! The last two need the `.wasm` (`PHAT_RECEIPT_VERIFIER` names it; `cargo xtask test` builds it), and the
//! program. Where one is missing the test says that it was skipped.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chain_proof::{PortableProof, decode_portable};
use codec::{Decode as _, Encode as _};
use primitives::{BlockHash, GenesisHash, StateRoot};
use receipt_verifier::{
    Wanted,
    proof::{self, Beginning, PortableQuestion, ProveQuestion, ReadQuestion, SetParts},
    verdict,
};
use serde_json::{Value, json};
use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

const FIXTURE: &[u8] = include_bytes!("../../../core/receipt/tests/fixtures/receipt.json");
const LOADER: &str = include_str!("../web/verifier.js");
const CHECK: &str = include_str!("check.js");
/// When the fixtures are checked, milliseconds since 1970.
const NOW_MS: u64 = 1_800_000_090_000;
/// Names of the browser, the first that there is.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// A file to check, and how.
struct Case {
    file: Vec<u8>,
    genesis: Option<GenesisHash>,
    trusted: Vec<u8>,
    logged: bool,
}

fn cases() -> Vec<Case> {
    let whole: Value = serde_json::from_slice(FIXTURE).unwrap();
    let genesis = whole["genesis"].as_str().unwrap().parse().ok();
    let case = |file: Vec<u8>| Case { file, genesis, trusted: Vec::new(), logged: true };
    let mut cases = vec![
        case(FIXTURE.to_vec()),
        Case { genesis: None, logged: false, ..case(FIXTURE.to_vec()) },
        Case { genesis: Some(GenesisHash([9; 32])), ..case(FIXTURE.to_vec()) },
        Case { trusted: b"{}".to_vec(), ..case(FIXTURE.to_vec()) },
        case(Vec::new()),
        case(FIXTURE[..FIXTURE.len() / 2].to_vec()),
    ];
    // Every part altered at its start, in its middle and at its end.
    for part in ["request", "answer", "receipt", "evidence", "registration", "chain_proof", "log"] {
        let raw = hex::decode(whole[part].as_str().unwrap()).unwrap();
        for place in [0, raw.len() / 2, raw.len() - 1] {
            let (mut altered, mut raw) = (whole.clone(), raw.clone());
            raw[place] ^= 1;
            altered[part] = json!(hex::encode(raw));
            cases.push(case(altered.to_string().into_bytes()));
        }
    }
    let mut unlogged = whole;
    unlogged.as_object_mut().unwrap().remove("log");
    cases.push(case(unlogged.to_string().into_bytes()));
    cases
}

fn here(cases: &[Case]) -> Vec<Value> {
    let verdict_of = |case: &Case| {
        let wanted = Wanted {
            genesis: case.genesis,
            trusted: &case.trusted,
            logged: case.logged,
            now_ms: Some(NOW_MS),
        };
        serde_json::from_slice(&verdict(&case.file, &wanted)).unwrap()
    };
    cases.iter().map(verdict_of).collect()
}

/// The cases for the script: what goes into `check.js`.
fn input(wasm: &[u8], cases: &[Case]) -> String {
    let case = |case: &Case| {
        json!({
            "file": STANDARD.encode(&case.file),
            "genesis": case.genesis,
            "trustedSet": STANDARD.encode(&case.trusted),
            "logged": case.logged,
            "nowMs": NOW_MS,
        })
    };
    let cases: Vec<Value> = cases.iter().map(case).collect();
    json!({ "wasm": STANDARD.encode(wasm), "cases": cases }).to_string()
}

fn wasm() -> Option<Vec<u8>> {
    let Some(path) = std::env::var_os("PHAT_RECEIPT_VERIFIER").map(PathBuf::from) else {
        println!("SKIPPED: PHAT_RECEIPT_VERIFIER does not name the verifier's wasm");
        return None;
    };
    Some(fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn is_there(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn verdicts_on_this_machine() {
    let cases = cases();
    let verdicts = here(&cases);
    assert_eq!(verdicts[0]["holds"], true, "{}", verdicts[0]);
    assert_eq!(verdicts[0]["links"].as_array().map(Vec::len), Some(11));
    assert_eq!(verdicts[1]["holds"], true);
    for (place, verdict) in verdicts.iter().enumerate().skip(2) {
        assert_eq!(verdict["holds"], false, "case {place}: {verdict}");
        assert!(verdict["failed"].is_string() && verdict["reason"].is_string(), "{verdict}");
    }
    assert_eq!(verdicts[2]["failed"], "network");
    assert_eq!(verdicts.last().unwrap()["failed"], "log");
}

/// A portable proof of the fixture: real trie nodes of a real chain.
fn portable_proof() -> PortableProof {
    let whole: Value = serde_json::from_slice(FIXTURE).unwrap();
    decode_portable(&hex::decode(whole["chain_proof"].as_str().unwrap()).unwrap()).unwrap()
}

#[test]
fn values_are_read_as_the_receipt_reads_them() {
    let proof = portable_proof();
    let whole: Value = serde_json::from_slice(FIXTURE).unwrap();
    let genesis: GenesisHash = whole["genesis"].as_str().unwrap().parse().unwrap();
    let state = chain_proof::verify_portable(&genesis, None, &proof).unwrap();
    let key = chain_proof::storage_key::value("Timestamp", "Now");
    let question = |root, keys| ReadQuestion { root, nodes: proof.nodes.clone(), keys };
    let read = |root, keys| {
        let answer = proof::answer(&question(root, keys).encode(), proof::read);
        Result::<Vec<Option<Vec<u8>>>, String>::decode(&mut &answer[..]).unwrap()
    };
    assert_eq!(read(state.state_root(), vec![key.clone()]), Ok(vec![state.read(&key).unwrap()]));
    assert!(read(StateRoot([1; 32]), vec![key]).is_err());
    // Where the nodes do not lead: nothing is said of it.
    assert!(read(state.state_root(), vec![vec![0; 32], vec![255; 32]]).is_err());
}

#[test]
fn questions_of_any_bytes_are_refused_and_never_panic() {
    let proof = portable_proof();
    let set = |authorities| Beginning::Known { after: 7, set: SetParts::new(3, authorities) };
    let whole: [Vec<u8>; 4] = [
        ReadQuestion { root: StateRoot([2; 32]), nodes: proof.nodes.clone(), keys: vec![vec![1]] }.encode(),
        ProveQuestion { start: set(vec![([1; 32], 1)]), warp: vec![vec![0, 1], vec![4, 0]] }.encode(),
        ProveQuestion { start: set(Vec::new()), warp: Vec::new() }.encode(),
        PortableQuestion {
            genesis: GenesisHash([3; 32]),
            header: vec![1; 100],
            authorities: proof.nodes,
            warp: vec![vec![0, 1]],
            closed: vec![0, u32::MAX],
            sets: vec![(BlockHash([4; 32]), Vec::new())],
            headers: vec![(BlockHash([4; 32]), vec![5])],
            values: None,
        }
        .encode(),
    ];
    let refused = |answer: Vec<u8>| answer.first() == Some(&1);
    for bytes in &whole {
        let cuts = (0..bytes.len()).step_by(11).map(|end| bytes[..end].to_vec());
        for question in cuts.chain([bytes.clone(), [&bytes[..], &[0]].concat(), vec![255; 64]]) {
            assert!(refused(proof::answer(&question, proof::prove)));
            assert!(refused(proof::answer(&question, proof::read)));
            assert!(refused(proof::answer(&question, proof::portable)));
        }
    }
}

#[test]
fn nodejs_says_the_same() {
    let Some(wasm) = wasm() else { return };
    if !is_there("node") {
        println!("SKIPPED: there is no node");
        return;
    }
    let cases = cases();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("check.mjs");
    let input = input(&wasm, &cases);
    fs::write(&script, format!("{LOADER}\n{CHECK}\nconsole.log(await check({input}));")).unwrap();
    let output = Command::new("node").arg(&script).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let verdicts: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(verdicts, here(&cases));
    println!("node: {} verdicts, a wasm of {} bytes", verdicts.len(), wasm.len());
}

#[test]
fn chromium_says_the_same() {
    let Some(wasm) = wasm() else { return };
    let Some(browser) = BROWSERS.into_iter().find(|name| is_there(name)) else {
        println!("SKIPPED: there is no Chromium");
        return;
    };
    let cases = cases();
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("check.html");
    // What the script finds becomes the text of the page, which the browser prints.
    let script = format!(
        "{}\n{CHECK}\ncheck({}).catch((error) => `FAILED ${{error.stack}}`)\
         .then((text) => {{ document.body.textContent = `VERDICTS${{btoa(unescape(encodeURIComponent(text)))}}END`; }});",
        LOADER.replace("export ", ""),
        input(&wasm, &cases),
    );
    fs::write(&page, format!("<!doctype html><meta charset=utf-8><body></body><script>{script}</script>"))
        .unwrap();
    let output = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        // The browser's own clock: it prints when the page has nothing left to do, at the latest after this.
        .args(["--virtual-time-budget=600000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let found = text.split_once("VERDICTS").and_then(|(_, rest)| rest.split_once("END"));
    let (encoded, _) = found.unwrap_or_else(|| panic!("no verdicts: {}", &errors[..errors.len().min(2000)]));
    let verdicts = STANDARD.decode(encoded).unwrap();
    let verdicts = String::from_utf8(verdicts).unwrap();
    assert!(!verdicts.starts_with("FAILED"), "{verdicts}");
    let verdicts: Vec<Value> = serde_json::from_str(&verdicts).unwrap();
    assert_eq!(verdicts, here(&cases));
    println!("{browser}: {} verdicts", verdicts.len());
}
