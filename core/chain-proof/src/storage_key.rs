//! Keys of the chain's storage, as FRAME derives them.
//!
//! A value is at `twox128(pallet) ‖ twox128(item)`; an entry of a map has its hashed keys after that.

use alloc::vec::Vec;
use blake2::{Blake2b, Digest, digest::consts::U16};

const PRIME_1: u64 = 0x9e37_79b1_85eb_ca87;
const PRIME_2: u64 = 0xc2b2_ae3d_27d4_eb4f;
const PRIME_3: u64 = 0x1656_67b1_9e37_79f9;
const PRIME_4: u64 = 0x85eb_ca77_c2b2_ae63;
const PRIME_5: u64 = 0x27d4_eb2f_1656_67c5;

fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(PRIME_2))
        .rotate_left(31)
        .wrapping_mul(PRIME_1)
}

/// xxHash64 (Yann Collet): not cryptographic, for names alone.
pub fn twox_64(bytes: &[u8], seed: u64) -> u64 {
    let (stripes, mut tail) = bytes.as_chunks::<32>();
    let mut hash = if stripes.is_empty() {
        seed.wrapping_add(PRIME_5)
    } else {
        let mut lanes = [
            seed.wrapping_add(PRIME_1).wrapping_add(PRIME_2),
            seed.wrapping_add(PRIME_2),
            seed,
            seed.wrapping_sub(PRIME_1),
        ];
        for stripe in stripes {
            for (lane, word) in lanes.iter_mut().zip(stripe.as_chunks::<8>().0) {
                *lane = round(*lane, u64::from_le_bytes(*word));
            }
        }
        let [a, b, c, d] = lanes;
        let start = a
            .rotate_left(1)
            .wrapping_add(b.rotate_left(7))
            .wrapping_add(c.rotate_left(12))
            .wrapping_add(d.rotate_left(18));
        lanes.iter().fold(start, |hash, lane| {
            (hash ^ round(0, *lane))
                .wrapping_mul(PRIME_1)
                .wrapping_add(PRIME_4)
        })
    };
    hash = hash.wrapping_add(bytes.len() as u64);
    while let Some((word, rest)) = tail.split_first_chunk::<8>() {
        hash = (hash ^ round(0, u64::from_le_bytes(*word)))
            .rotate_left(27)
            .wrapping_mul(PRIME_1)
            .wrapping_add(PRIME_4);
        tail = rest;
    }
    if let Some((word, rest)) = tail.split_first_chunk::<4>() {
        hash = (hash ^ u64::from(u32::from_le_bytes(*word)).wrapping_mul(PRIME_1))
            .rotate_left(23)
            .wrapping_mul(PRIME_2)
            .wrapping_add(PRIME_3);
        tail = rest;
    }
    for byte in tail {
        hash = (hash ^ u64::from(*byte).wrapping_mul(PRIME_5))
            .rotate_left(11)
            .wrapping_mul(PRIME_1);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(PRIME_2);
    hash = (hash ^ (hash >> 29)).wrapping_mul(PRIME_3);
    hash ^ (hash >> 32)
}

/// Two of [`twox_64`], with seeds 0 and 1, little endian.
pub fn twox_128(bytes: &[u8]) -> [u8; 16] {
    let mut hash = [0; 16];
    hash[..8].copy_from_slice(&twox_64(bytes, 0).to_le_bytes());
    hash[8..].copy_from_slice(&twox_64(bytes, 1).to_le_bytes());
    hash
}

/// How a map hashes its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hasher {
    /// The key itself.
    Identity,
    /// [`twox_64`] ‖ key.
    Twox64Concat,
    /// Blake2b-128 ‖ key.
    Blake2_128Concat,
}

impl Hasher {
    /// What stands in storage for the SCALE-encoded `key`.
    pub fn hash(self, key: &[u8]) -> Vec<u8> {
        let mut hashed = match self {
            Self::Identity => Vec::new(),
            Self::Twox64Concat => twox_64(key, 0).to_le_bytes().to_vec(),
            Self::Blake2_128Concat => Blake2b::<U16>::digest(key).to_vec(),
        };
        hashed.extend_from_slice(key);
        hashed
    }
}

/// Key of a storage value, and prefix of a map.
pub fn value(pallet: &str, item: &str) -> Vec<u8> {
    [twox_128(pallet.as_bytes()), twox_128(item.as_bytes())].concat()
}

/// Key of a map's entry; one pair of hasher and SCALE-encoded key for each of its keys, in order.
pub fn entry(pallet: &str, item: &str, keys: &[(Hasher, &[u8])]) -> Vec<u8> {
    let mut key = value(pallet, item);
    keys.iter()
        .for_each(|(hasher, part)| key.extend(hasher.hash(part)));
    key
}

/// Where `pallet-grandpa` keeps the authorities, from the first block on: `Grandpa.Authorities`.
pub fn grandpa_authorities() -> Vec<u8> {
    value("Grandpa", "Authorities")
}

/// Where `pallet-grandpa` keeps the number of the set: `Grandpa.CurrentSetId`.
pub fn grandpa_set_id() -> Vec<u8> {
    value("Grandpa", "CurrentSetId")
}
