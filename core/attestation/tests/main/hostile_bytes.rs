// No input panics, and wire types keep their bounds.

use attestation::{AcceptedRoot, Collateral, Evidence, Policy, ROOT_CA_DER_BYTES_MAX, judge};
use codec::{Decode, Encode, MaxEncodedLen};

const NOW: u64 = 1_750_420_800;

/// A small generator (xorshift), so that a failure repeats.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

fn tdx() -> Evidence {
    Evidence {
        quote: include_bytes!("../samples/tdx_quote.bin").to_vec(),
        collateral: Collateral::from_json(include_str!("../samples/tdx_quote_collateral.json"))
            .expect("a recorded file"),
    }
}

fn refused(evidence: &Evidence) -> bool {
    let roots = [AcceptedRoot::Intel];
    let policy = Policy {
        roots: &roots,
        allowed_measurements: None,
        tier_max: 5,
    };
    judge(evidence, &[0; 64], &policy, NOW).is_err()
}

#[test]
fn random_quotes_are_refused() {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    for round in 0..300 {
        let mut evidence = tdx();
        let length = noise.below(6_000);
        evidence.quote = noise.bytes(length);
        if round % 2 == 0 {
            // A plausible header lets the parser get further.
            let header = tdx().quote[..length.min(48)].to_vec();
            evidence.quote[..header.len()].copy_from_slice(&header);
        }
        assert!(refused(&evidence));
    }
}

#[test]
fn truncated_quotes_are_refused() {
    for length in (0..tdx().quote.len()).step_by(61) {
        let mut evidence = tdx();
        evidence.quote.truncate(length);
        assert!(refused(&evidence), "{length} bytes");
    }
}

#[test]
fn mangled_collateral_is_refused() {
    let mut noise = Noise(42);
    for _ in 0..300 {
        let mut bytes = tdx().encode();
        for _ in 0..=noise.below(8) {
            let at = noise.below(bytes.len());
            bytes[at] = noise.next() as u8;
        }
        if let Ok(evidence) = Evidence::decode(&mut &bytes[..]) {
            assert!(refused(&evidence));
        }
    }
}

#[test]
fn lengths_inside_a_quote_cannot_ask_for_memory() {
    // Bytes 632..636 of a TDX quote say how long its signature part is.
    for claimed in [0u32, 1, 0x000f_ffff, 0x0010_0001, u32::MAX] {
        let mut evidence = tdx();
        evidence.quote[632..636].copy_from_slice(&claimed.to_le_bytes());
        assert!(refused(&evidence), "{claimed}");
    }
}

#[test]
fn evidence_reads_back() {
    let evidence = tdx();
    assert_eq!(Evidence::decode(&mut &evidence.encode()[..]), Ok(evidence));
}

#[test]
fn a_root_has_a_bound_in_both_directions() {
    let longest = ROOT_CA_DER_BYTES_MAX as usize;
    let root = AcceptedRoot::development(vec![1; longest]).expect("within the bound");
    assert_eq!(root.encode().len(), AcceptedRoot::max_encoded_len());
    assert_eq!(AcceptedRoot::decode(&mut &root.encode()[..]), Ok(root));

    assert!(AcceptedRoot::development(vec![1; longest + 1]).is_err());
    let mut bytes = vec![1u8];
    bytes.extend(vec![1u8; longest + 1].encode());
    assert!(AcceptedRoot::decode(&mut &bytes[..]).is_err());
}
