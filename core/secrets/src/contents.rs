//! A hash of a set of keys and values that changes with each of them: add and remove, in any order.
//!
//! It is LtHash (Bellare and Micciancio 1997; Lewi et al., *Securing Update Propagation with Homomorphic
//! Hashing*, 2019) with 1024 lanes of 16 bits, for which more than 200 bits of security against
//! collisions are claimed. Each pair becomes 2048 bytes of keyed BLAKE3; the set is their sum, lane by
//! lane. The key is the contract's audit secret: without it a hash tells nothing, not even of values
//! that can be guessed.

use codec::{Decode, Encode};
use wire::domain::{CONTRACT_CONTENTS, tagged_hash};

const LANES: usize = 1024;
const BYTES: usize = 2 * LANES;

/// All that a contract holds, as a sum.
#[derive(Clone, PartialEq, Eq)]
pub struct Contents(Box<[u16; LANES]>);

impl Default for Contents {
    /// Of nothing.
    fn default() -> Self {
        Self(Box::new([0; LANES]))
    }
}

impl Contents {
    /// Adds a key with its value. A key is added once, and removed with the value it was added with.
    pub fn add(&mut self, secret: &[u8; 32], key: &[u8], value: &[u8]) {
        for (lane, more) in self.0.iter_mut().zip(lanes(secret, key, value)) {
            *lane = lane.wrapping_add(more);
        }
    }

    /// Takes a key and its value out again.
    pub fn remove(&mut self, secret: &[u8; 32], key: &[u8], value: &[u8]) {
        for (lane, less) in self.0.iter_mut().zip(lanes(secret, key, value)) {
            *lane = lane.wrapping_sub(less);
        }
    }

    /// 32 bytes that stand for it.
    pub fn digest(&self, secret: &[u8; 32]) -> [u8; 32] {
        tagged_hash(CONTRACT_CONTENTS, &[secret, &self.to_bytes()])
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|lane| lane.to_le_bytes()).collect()
    }
}

impl Encode for Contents {
    fn encode_to<O: codec::Output + ?Sized>(&self, output: &mut O) {
        output.write(&self.to_bytes());
    }

    fn size_hint(&self) -> usize {
        BYTES
    }
}

impl Decode for Contents {
    fn decode<I: codec::Input>(input: &mut I) -> Result<Self, codec::Error> {
        let mut bytes = [0; BYTES];
        input.read(&mut bytes)?;
        let mut contents = Self::default();
        for (lane, pair) in contents.0.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *lane = u16::from_le_bytes(*pair);
        }
        Ok(contents)
    }
}

fn lanes(secret: &[u8; 32], key: &[u8], value: &[u8]) -> impl Iterator<Item = u16> {
    let mut hasher = blake3::Hasher::new_keyed(secret);
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(value);
    let mut bytes = [0; BYTES];
    hasher.finalize_xof().fill(&mut bytes);
    (0..LANES).map(move |lane| u16::from_le_bytes([bytes[2 * lane], bytes[2 * lane + 1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [9; 32];

    fn of(pairs: &[(&[u8], &[u8])]) -> Contents {
        let mut contents = Contents::default();
        pairs.iter().for_each(|(key, value)| contents.add(&SECRET, key, value));
        contents
    }

    #[test]
    fn a_set_has_one_hash_however_it_came_to_be() {
        let direct = of(&[(b"a", b"1"), (b"b", b"2")]);
        let mut detour = of(&[(b"b", b"2"), (b"c", b"3"), (b"a", b"0")]);
        detour.remove(&SECRET, b"c", b"3");
        detour.remove(&SECRET, b"a", b"0");
        detour.add(&SECRET, b"a", b"1");
        assert!(direct == detour);
        assert_eq!(direct.digest(&SECRET), detour.digest(&SECRET));
        let decoded = Contents::decode(&mut &direct.encode()[..]).unwrap();
        assert!(decoded == direct);
        assert_eq!(direct.encode().len(), BYTES);
    }

    #[test]
    fn other_sets_and_other_secrets_have_other_hashes() {
        let hash = of(&[(b"a", b"1")]).digest(&SECRET);
        for other in [of(&[]), of(&[(b"a", b"2")]), of(&[(b"a1", b"")]), of(&[(b"a", b"1"), (b"b", b"")])] {
            assert_ne!(other.digest(&SECRET), hash);
        }
        assert_ne!(of(&[(b"a", b"1")]).digest(&[8; 32]), hash);
        // The bounds between key and value are part of it.
        assert_ne!(of(&[(b"ab", b"c")]).digest(&SECRET), of(&[(b"a", b"bc")]).digest(&SECRET));
    }

    #[test]
    fn the_format_is_fixed() {
        let digest = of(&[(b"key", b"value"), (b"other", b"")]).digest(&SECRET);
        assert_eq!(hex::encode(digest), include_str!("../tests/fixtures/contents.hex").trim());
    }
}
