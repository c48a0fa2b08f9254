//! Reading Merkle tries of Substrate from a set of nodes (state version 0 and 1, Blake2b-256).
//!
//! A node is `header ‖ partial key ‖ …`; the header's first bits tell its kind, the rest and maybe more
//! bytes the number of nibbles of the partial key:
//!
//! | bits | node |
//! |---|---|
//! | `00000000` | empty trie |
//! | `01` | leaf with value |
//! | `10` | branch |
//! | `11` | branch with value |
//! | `001` | leaf with hash of the value |
//! | `0001` | branch with hash of the value |
//!
//! A branch goes on with a bitmap of children (u16, little endian), its value, and the children, each
//! with its length before it: 32 bytes are a hash, fewer are the node itself.

use alloc::{collections::BTreeMap, vec::Vec};
use blake2::{Blake2b, Digest, digest::consts::U32};
use codec::{Compact, Decode};

/// Longest partial key of a node, nibbles.
const NIBBLES_MAX: usize = u16::MAX as usize;

/// Why a set of nodes does not tell what is at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrieError {
    /// A node on the way is not among them.
    #[error("the proof does not reach to this key; ask for one that names it")]
    MissingNode,
    /// A node is malformed.
    #[error("a node of the proof is malformed")]
    MalformedNode,
}

/// Trie nodes by their hashes. Nothing is trusted about them: what is read starts at a known root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrieNodes(BTreeMap<[u8; 32], Vec<u8>>);

fn blake2_256(bytes: &[u8]) -> [u8; 32] {
    Blake2b::<U32>::digest(bytes).into()
}

impl TrieNodes {
    /// Takes nodes in any order; nodes that nothing leads to do no harm.
    pub fn new(nodes: &[Vec<u8>]) -> Self {
        Self(
            nodes
                .iter()
                .map(|node| (blake2_256(node), node.clone()))
                .collect(),
        )
    }

    /// The value at `key` in the trie of `root`, or `None` where the nodes show that there is none.
    ///
    /// # Errors
    /// When the nodes do not reach to `key`, or are malformed.
    pub fn read(&self, root: &[u8; 32], key: &[u8]) -> Result<Option<Vec<u8>>, TrieError> {
        if *root == blake2_256(&[0]) {
            return Ok(None);
        }
        let by_hash = |hash: &[u8; 32]| {
            self.0
                .get(hash)
                .map(Vec::as_slice)
                .ok_or(TrieError::MissingNode)
        };
        let key = Nibbles {
            bytes: key,
            start: 0,
            end: key.len() * 2,
        };
        let (mut rest, mut node) = (key, by_hash(root)?);
        // Each round takes at least one nibble of the key.
        loop {
            let step = Node::decode(node)?;
            let value = match step.follow(&mut rest) {
                Follow::Nothing => return Ok(None),
                Follow::Child(child) => {
                    node = match <&[u8; 32]>::try_from(child) {
                        Ok(hash) => by_hash(hash)?,
                        Err(_) => child,
                    };
                    continue;
                }
                Follow::Value(value) => value,
            };
            return match value {
                Value::Inline(bytes) => Ok(Some(bytes.to_vec())),
                Value::Hash(hash) => by_hash(hash).map(|bytes| Some(bytes.to_vec())),
            };
        }
    }
}

/// A part of a key, in half bytes, the high one first.
#[derive(Clone, Copy)]
struct Nibbles<'a> {
    bytes: &'a [u8],
    start: usize,
    end: usize,
}

impl Nibbles<'_> {
    fn len(&self) -> usize {
        self.end - self.start
    }

    fn at(&self, place: usize) -> u8 {
        let place = self.start + place;
        let byte = self.bytes.get(place / 2).copied().unwrap_or_default();
        if place.is_multiple_of(2) {
            byte >> 4
        } else {
            byte & 0x0f
        }
    }

    fn starts_with(&self, other: &Nibbles<'_>) -> bool {
        other.len() <= self.len() && (0..other.len()).all(|place| self.at(place) == other.at(place))
    }
}

enum Value<'a> {
    Inline(&'a [u8]),
    Hash(&'a [u8; 32]),
}

/// A node, as far as reading needs it.
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack")]
enum Node<'a> {
    Empty,
    Leaf {
        partial: Nibbles<'a>,
        value: Value<'a>,
    },
    Branch {
        partial: Nibbles<'a>,
        value: Option<Value<'a>>,
        children: [Option<&'a [u8]>; 16],
    },
}

/// Where a node leads.
enum Follow<'a> {
    Nothing,
    Value(Value<'a>),
    Child(&'a [u8]),
}

fn take<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], TrieError> {
    let (taken, rest) = input
        .split_at_checked(count)
        .ok_or(TrieError::MalformedNode)?;
    *input = rest;
    Ok(taken)
}

fn take_array<'a, const N: usize>(input: &mut &'a [u8]) -> Result<&'a [u8; N], TrieError> {
    let (taken, rest) = input
        .split_first_chunk::<N>()
        .ok_or(TrieError::MalformedNode)?;
    *input = rest;
    Ok(taken)
}

fn take_prefixed<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], TrieError> {
    let length = Compact::<u32>::decode(input)
        .map_err(|_| TrieError::MalformedNode)?
        .0;
    take(input, length as usize)
}

/// The number of nibbles: the low bits of the first byte, and where all are set, bytes that add up.
fn take_nibble_count(input: &mut &[u8], first: u8, kind_bits: u32) -> Result<usize, TrieError> {
    let most = usize::from(u8::MAX >> kind_bits);
    let mut count = usize::from(first) & most;
    if count < most {
        return Ok(count);
    }
    loop {
        let [more] = *take_array::<1>(input)?;
        count += usize::from(more);
        if count > NIBBLES_MAX {
            return Err(TrieError::MalformedNode);
        }
        if more < u8::MAX {
            return Ok(count);
        }
    }
}

fn take_partial<'a>(input: &mut &'a [u8], count: usize) -> Result<Nibbles<'a>, TrieError> {
    let bytes = take(input, count.div_ceil(2))?;
    let start = count % 2;
    if start == 1 && bytes.first().is_some_and(|byte| byte >> 4 != 0) {
        return Err(TrieError::MalformedNode);
    }
    Ok(Nibbles {
        bytes,
        start,
        end: start + count,
    })
}

impl<'a> Node<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, TrieError> {
        let input = &mut &bytes[..];
        let [first] = *take_array::<1>(input)?;
        let (is_leaf, has_value, is_hashed, kind_bits) = match first {
            0 => {
                return if input.is_empty() {
                    Ok(Self::Empty)
                } else {
                    Err(TrieError::MalformedNode)
                };
            }
            0x40..=0x7f => (true, true, false, 2),
            0x80..=0xbf => (false, false, false, 2),
            0xc0..=0xff => (false, true, false, 2),
            0x20..=0x3f => (true, true, true, 3),
            0x10..=0x1f => (false, true, true, 4),
            _ => return Err(TrieError::MalformedNode),
        };
        let count = take_nibble_count(input, first, kind_bits)?;
        let partial = take_partial(input, count)?;
        let bitmap = if is_leaf {
            0
        } else {
            u16::from_le_bytes(*take_array(input)?)
        };
        if !is_leaf && bitmap == 0 {
            return Err(TrieError::MalformedNode);
        }
        let value = match (has_value, is_hashed) {
            (false, _) => None,
            (true, true) => Some(Value::Hash(take_array(input)?)),
            (true, false) => Some(Value::Inline(take_prefixed(input)?)),
        };
        let mut children = [None; 16];
        for (place, child) in children.iter_mut().enumerate() {
            if bitmap & (1 << place) != 0 {
                let bytes = take_prefixed(input)?;
                if bytes.len() > 32 {
                    return Err(TrieError::MalformedNode);
                }
                *child = Some(bytes);
            }
        }
        if !input.is_empty() {
            return Err(TrieError::MalformedNode);
        }
        match (is_leaf, value) {
            (true, Some(value)) => Ok(Self::Leaf { partial, value }),
            (true, None) => Err(TrieError::MalformedNode),
            (false, value) => Ok(Self::Branch {
                partial,
                value,
                children,
            }),
        }
    }

    /// Follows `rest` of a key through this node, and takes from it what the node covers.
    fn follow(self, rest: &mut Nibbles<'_>) -> Follow<'a> {
        match self {
            Self::Empty => Follow::Nothing,
            Self::Leaf { partial, value } => {
                if partial.len() == rest.len() && rest.starts_with(&partial) {
                    Follow::Value(value)
                } else {
                    Follow::Nothing
                }
            }
            Self::Branch {
                partial,
                value,
                children,
            } => {
                if !rest.starts_with(&partial) {
                    return Follow::Nothing;
                }
                rest.start += partial.len();
                if rest.len() == 0 {
                    return value.map_or(Follow::Nothing, Follow::Value);
                }
                let child = children[usize::from(rest.at(0))];
                rest.start += 1;
                child.map_or(Follow::Nothing, Follow::Child)
            }
        }
    }
}
