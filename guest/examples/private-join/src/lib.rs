//! A private join: two parties each have a list, and learn how many entries are on both. Nobody learns more, and
//! nobody else learns that.
//!
//! Each party submits its list once, by a sealed command. The contract stores no entry: only a digest of each,
//! keyed with a secret of its own, so that even its decrypted state tells nothing to those who
//! guess entries. When both have submitted, [`private_join::PrivateJoin::overlap`] tells the parties the
//! number.
//!
//! # Against probing
//! A number can tell about a single entry: whoever submits one real entry among made-up ones learns
//! whether it is on the other's list. So a party submits once and cannot withdraw, lists have a least
//! size, and an overlap below a floor is not told. The floor is agreed on in the constructor: who knows fewer
//! than k - 1 entries of the other's list cannot try a single one under a floor of k. What remains is
//! between the two parties: a party can always put false entries on its list.
//!
//! # What is public
//! Who the parties are, the sizes agreed on, when each submits and about how long its list is in
//! bytes, as the chain shows it. Pad short lists with entries that cannot match.

#![cfg_attr(not(feature = "std"), no_std, no_main)]
#![deny(missing_docs)]

#[ink::contract]
mod private_join {
    use contract_sdk::signing::derive_secret;
    use ink::env::hash::{Blake2x256, HashOutput};
    use ink::prelude::vec::Vec;
    use ink::storage::Mapping;

    /// Longest list, entries: a list's digests are one stored value.
    pub const ENTRIES_MAX: usize = 4_096;
    /// Longest entry, bytes.
    pub const ENTRY_BYTES_MAX: usize = 256;
    /// Bytes of a digest that are kept: two of 8192 entries collide by chance once in 2^103.
    const DIGEST_BYTES: usize = 16;
    /// What the key of the digests is derived from.
    const KEY_SALT: &[u8] = b"private-join/digest";

    type Digest = [u8; DIGEST_BYTES];

    /// Why a message is refused.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// The set-up is refused: the parties are one, or the least size is 0 or above
        /// [`ENTRIES_MAX`].
        BadSetUp,
        /// Only the two parties may do this.
        NotAParty,
        /// This party has submitted: there is one submission.
        AlreadySubmitted,
        /// The list is shorter than agreed on, entries that are there twice not counted.
        TooFewEntries,
        /// The list is longer than [`ENTRIES_MAX`].
        TooManyEntries,
        /// An entry is empty or longer than [`ENTRY_BYTES_MAX`].
        BadEntry,
        /// Not both parties have submitted yet.
        NotReady,
    }

    /// What the parties agreed on, and how far they are.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub struct Status {
        /// The parties.
        pub parties: [AccountId; 2],
        /// Which of them have submitted.
        pub submitted: [bool; 2],
        /// Least size of a list.
        pub entries_min: u32,
        /// Least overlap that is told.
        pub overlap_min: u32,
    }

    /// The join.
    #[ink(storage)]
    pub struct PrivateJoin {
        parties: [AccountId; 2],
        entries_min: u32,
        overlap_min: u32,
        /// Each party's digests, sorted.
        digests: Mapping<AccountId, Vec<Digest>>,
    }

    impl PrivateJoin {
        /// A join of two parties, whose lists have at least `entries_min` entries and who are told of
        /// an overlap of at least `overlap_min`.
        ///
        /// # Errors
        /// [`Error::BadSetUp`].
        #[ink(constructor)]
        pub fn new(
            parties: [AccountId; 2],
            entries_min: u32,
            overlap_min: u32,
        ) -> Result<Self, Error> {
            let sizes = 1..=ENTRIES_MAX;
            let fits = usize::try_from(entries_min).is_ok_and(|least| sizes.contains(&least));
            if parties[0] == parties[1] || !fits {
                return Err(Error::BadSetUp);
            }
            Ok(Self {
                parties,
                entries_min,
                overlap_min,
                digests: Mapping::new(),
            })
        }

        /// Submits the caller's list. Entries are compared byte by byte: agree on how to write them.
        ///
        /// # Errors
        /// [`Error::NotAParty`], [`Error::AlreadySubmitted`], [`Error::TooManyEntries`],
        /// [`Error::BadEntry`] or [`Error::TooFewEntries`]. A refused list is not a submission.
        #[ink(message)]
        pub fn submit(&mut self, entries: Vec<Vec<u8>>) -> Result<(), Error> {
            let party = self.ensure_party()?;
            if self.digests.contains(party) {
                return Err(Error::AlreadySubmitted);
            }
            if entries.len() > ENTRIES_MAX {
                return Err(Error::TooManyEntries);
            }
            let digests = digests_of(&entries)?;
            if digests.len() < usize::try_from(self.entries_min).unwrap_or(usize::MAX) {
                return Err(Error::TooFewEntries);
            }
            self.digests.insert(party, &digests);
            Ok(())
        }

        /// How many entries are on both lists; `None` where it is fewer than was agreed to be told. The
        /// parties only, once both have submitted.
        ///
        /// # Errors
        /// [`Error::NotAParty`] or [`Error::NotReady`].
        #[ink(message)]
        pub fn overlap(&self) -> Result<Option<u32>, Error> {
            self.ensure_party()?;
            let [one, other] = self.parties.map(|party| self.digests.get(party));
            let (one, other) = one.zip(other).ok_or(Error::NotReady)?;
            let both = one.iter().filter(|digest| other.binary_search(digest).is_ok()).count();
            let both = u32::try_from(both).unwrap_or(u32::MAX);
            Ok((both >= self.overlap_min).then_some(both))
        }

        /// What was agreed on, and who has submitted. Anybody.
        #[ink(message)]
        pub fn status(&self) -> Status {
            Status {
                parties: self.parties,
                submitted: self.parties.map(|party| self.digests.contains(party)),
                entries_min: self.entries_min,
                overlap_min: self.overlap_min,
            }
        }

        fn ensure_party(&self) -> Result<AccountId, Error> {
            let caller = self.env().caller();
            match self.parties.contains(&caller) {
                true => Ok(caller),
                false => Err(Error::NotAParty),
            }
        }
    }

    /// The digests of a list, sorted, each once.
    fn digests_of(entries: &[Vec<u8>]) -> Result<Vec<Digest>, Error> {
        // The key comes first and has a fixed length: the hash is keyed.
        let mut keyed = derive_secret(KEY_SALT).to_vec();
        let key_bytes = keyed.len();
        let mut digests = Vec::with_capacity(entries.len());
        for entry in entries {
            if entry.is_empty() || entry.len() > ENTRY_BYTES_MAX {
                return Err(Error::BadEntry);
            }
            keyed.truncate(key_bytes);
            keyed.extend(entry);
            let mut hash = <Blake2x256 as HashOutput>::Type::default();
            ink::env::hash_bytes::<Blake2x256>(&keyed, &mut hash);
            let mut digest = Digest::default();
            digest.copy_from_slice(&hash[..DIGEST_BYTES]);
            digests.push(digest);
        }
        digests.sort_unstable();
        digests.dedup();
        Ok(digests)
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use contract_sdk::test::Worker;
        use ink::env::{DefaultEnvironment, test};

        const ANN: [u8; 32] = [0xa0; 32];
        const BOB: [u8; 32] = [0xb0; 32];
        const EVE: [u8; 32] = [0xe0; 32];

        fn join(entries_min: u32, overlap_min: u32) -> PrivateJoin {
            PrivateJoin::new([ANN.into(), BOB.into()], entries_min, overlap_min).unwrap()
        }

        fn call_as(caller: [u8; 32]) {
            test::set_caller::<DefaultEnvironment>(caller.into());
        }

        fn list(range: std::ops::Range<u32>) -> Vec<Vec<u8>> {
            range.map(|number| format!("patient {number}").into_bytes()).collect()
        }

        #[ink::test]
        fn both_parties_learn_the_number_once_both_have_submitted() {
            let worker = Worker::new();
            worker.enter_transaction();
            let mut join = join(10, 0);
            call_as(ANN);
            assert_eq!(join.submit(list(0..30)), Ok(()));
            assert_eq!(join.overlap(), Err(Error::NotReady));
            call_as(BOB);
            assert_eq!(join.overlap(), Err(Error::NotReady));
            assert_eq!(join.submit(list(22..60)), Ok(()));
            for party in [ANN, BOB] {
                call_as(party);
                assert_eq!(join.overlap(), Ok(Some(8)));
            }
            assert_eq!(join.status().submitted, [true, true]);
        }

        #[ink::test]
        fn others_neither_submit_nor_see() {
            let _worker = Worker::new();
            let mut join = join(1, 0);
            for party in [ANN, BOB] {
                call_as(party);
                join.submit(list(0..5)).unwrap();
            }
            call_as(EVE);
            assert_eq!(join.submit(list(0..5)), Err(Error::NotAParty));
            assert_eq!(join.overlap(), Err(Error::NotAParty));
        }

        #[ink::test]
        fn a_party_submits_once() {
            let _worker = Worker::new();
            let mut join = join(3, 0);
            call_as(ANN);
            assert_eq!(join.submit(list(0..2)), Err(Error::TooFewEntries));
            let thrice = [list(0..1), list(0..1), list(0..1)].concat();
            assert_eq!(join.submit(thrice), Err(Error::TooFewEntries), "the same is one entry");
            assert_eq!(join.submit(list(0..3)), Ok(()));
            assert_eq!(join.submit(list(3..6)), Err(Error::AlreadySubmitted));
        }

        #[ink::test]
        fn an_overlap_below_the_floor_is_not_told() {
            let _worker = Worker::new();
            for (shared, told) in [(0, None), (4, None), (5, Some(5))] {
                // A contract of its own, with its own storage.
                test::set_callee::<DefaultEnvironment>([shared as u8; 32].into());
                let mut join = join(10, 5);
                call_as(ANN);
                join.submit(list(0..20)).unwrap();
                call_as(BOB);
                join.submit(list(20 - shared..40)).unwrap();
                assert_eq!(join.overlap(), Ok(told));
            }
        }

        #[ink::test]
        fn what_is_stored_is_not_a_hash_that_others_can_make() {
            let _worker = Worker::new();
            let mut join = join(1, 0);
            call_as(ANN);
            join.submit(list(0..1)).unwrap();
            let mut plain = <Blake2x256 as HashOutput>::Type::default();
            ink::env::hash_bytes::<Blake2x256>(&list(0..1)[0], &mut plain);
            let [stored] = join.digests.get(AccountId::from(ANN)).unwrap()[..] else {
                panic!("one entry");
            };
            assert_ne!(stored, plain[..DIGEST_BYTES]);
        }

        #[ink::test]
        fn bounds_hold() {
            let _worker = Worker::new();
            let with = |parties: [[u8; 32]; 2], entries_min| {
                PrivateJoin::new(parties.map(AccountId::from), entries_min, 0).err()
            };
            assert_eq!(with([ANN, ANN], 1), Some(Error::BadSetUp));
            assert_eq!(with([ANN, BOB], 0), Some(Error::BadSetUp));
            assert_eq!(with([ANN, BOB], 4_097), Some(Error::BadSetUp));
            let mut join = join(1, 0);
            call_as(ANN);
            assert_eq!(join.submit(list(0..4_097)), Err(Error::TooManyEntries));
            assert_eq!(join.submit(vec![vec![]]), Err(Error::BadEntry));
            assert_eq!(join.submit(vec![vec![0; 257]]), Err(Error::BadEntry));
        }
    }
}
