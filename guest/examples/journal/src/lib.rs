//! A journal: entries in the order of their commands, with a running digest.
//!
//! Anybody appends; an entry is a number of the sender's choice. Nothing is refused, so that what happens to
//! commands on their way shows: an entry that was lost has no place, one that was run twice has moved all
//! behind it, and two states with the same number of entries and the same digest have the same history.

#![cfg_attr(not(feature = "std"), no_std, no_main)]
#![deny(missing_docs)]

#[ink::contract]
mod journal {
    use ink::env::hash::Blake2x256;
    use ink::storage::Mapping;

    /// How far a journal is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub struct Head {
        /// Entries so far.
        pub count: u64,
        /// BLAKE2b-256 of the digest before and of the last entry, 8 bytes with the lowest first; zeros at the
        /// beginning.
        pub digest: [u8; 32],
    }

    /// The contract's state.
    #[ink(storage)]
    #[derive(Default)]
    pub struct Journal {
        count: u64,
        digest: [u8; 32],
        /// The last place of each entry, from 1 on.
        places: Mapping<u64, u64>,
    }

    impl Journal {
        /// An empty journal.
        #[ink(constructor)]
        pub fn new() -> Self {
            Self::default()
        }

        /// Appends an entry and gives its place, from 1 on.
        #[ink(message)]
        pub fn append(&mut self, entry: u64) -> u64 {
            let mut chained = [0u8; 40];
            let (digest, number) = chained.split_at_mut(32);
            digest.copy_from_slice(&self.digest);
            number.copy_from_slice(&entry.to_le_bytes());
            self.digest = self.env().hash_bytes::<Blake2x256>(&chained);
            self.count = self.count.saturating_add(1);
            self.places.insert(entry, &self.count);
            self.count
        }

        /// How far the journal is.
        #[ink(message)]
        pub fn head(&self) -> Head {
            Head {
                count: self.count,
                digest: self.digest,
            }
        }

        /// Where an entry is, from 1 on; of one that is there twice, the later place.
        #[ink(message)]
        pub fn place(&self, entry: u64) -> Option<u64> {
            self.places.get(entry)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[ink::test]
        fn entries_have_places_and_the_digest_is_of_their_order() {
            let (mut one, mut other) = (Journal::new(), Journal::new());
            assert_eq!(one.append(7), 1);
            assert_eq!(one.append(8), 2);
            assert_eq!((one.place(7), one.place(8), one.place(9)), (Some(1), Some(2), None));
            other.append(8);
            other.append(7);
            assert_eq!(one.head().count, other.head().count);
            assert_ne!(one.head().digest, other.head().digest);
        }

        #[ink::test]
        fn an_entry_that_is_run_twice_shows() {
            let mut journal = Journal::new();
            journal.append(7);
            let before = journal.head();
            journal.append(7);
            assert_eq!(journal.place(7), Some(2));
            assert_ne!(journal.head(), before);
        }
    }
}
