//! Notes that only their writers can read.

#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod notes {
    use ink::prelude::string::String;
    use ink::storage::Mapping;

    /// Longest note, bytes.
    pub const NOTE_BYTES_MAX: usize = 4096;

    /// Why a message is refused.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// The note is longer than [`NOTE_BYTES_MAX`].
        TooLong,
    }

    /// What the contract stores, encrypted. Each entry of a `Mapping` is loaded by itself.
    #[ink(storage)]
    #[derive(Default)]
    pub struct Notes {
        notes: Mapping<AccountId, String>,
        count: u32,
    }

    impl Notes {
        /// No notes yet.
        #[ink(constructor)]
        pub fn new() -> Self {
            Self::default()
        }

        /// Sets the caller's note. Sealed: nobody on the way reads it.
        #[ink(message)]
        pub fn set(&mut self, note: String) -> Result<(), Error> {
            if note.len() > NOTE_BYTES_MAX {
                return Err(Error::TooLong);
            }
            if self.notes.insert(self.env().caller(), &note).is_none() {
                self.count = self.count.saturating_add(1);
            }
            Ok(())
        }

        /// The caller's note. Who calls is proven: a query is signed.
        #[ink(message)]
        pub fn get(&self) -> Option<String> {
            self.notes.get(self.env().caller())
        }

        /// How many have left a note.
        #[ink(message)]
        pub fn count(&self) -> u32 {
            self.count
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{DefaultEnvironment, test};

        #[ink::test]
        fn each_sees_their_own() {
            let accounts = test::default_accounts::<DefaultEnvironment>();
            let mut notes = Notes::new();
            test::set_caller::<DefaultEnvironment>(accounts.alice);
            notes.set("milk".into()).unwrap();
            notes.set("milk, eggs".into()).unwrap();
            test::set_caller::<DefaultEnvironment>(accounts.bob);
            assert_eq!(notes.get(), None);
            assert_eq!(notes.count(), 1);
            test::set_caller::<DefaultEnvironment>(accounts.alice);
            assert_eq!(notes.get().as_deref(), Some("milk, eggs"));
        }

        #[ink::test]
        fn a_note_has_a_bound() {
            let mut notes = Notes::new();
            assert_eq!(notes.set("x".repeat(NOTE_BYTES_MAX + 1)), Err(Error::TooLong));
        }
    }
}
