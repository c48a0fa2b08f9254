//! A vault: its members keep files at somebody else's, who sees neither contents nor names.
//!
//! The owner tells the contract where a store is and how to get in, by a sealed command: the keys of the store
//! are part of the encrypted state and leave the contract in no form. A member's query hands in a file; the
//! contract pads and encrypts it under a key that belongs to that member alone, and puts it into an
//! S3-compatible store, signed as S3 asks for it (AWS Signature Version 4), or into IPFS. A second query
//! gets it back and decrypts it. Nothing is written to the contract's state.
//!
//! # Who may what
//! Owner: configure stores, admit and dismiss members. Member: put and get their own files. A member cannot name
//! another's file: the name in the store and the key are derived from the caller. The owner, who can
//! empty the store, cannot read it either.
//!
//! # What the store learns
//! That a member of the vault keeps something, how often, and its size rounded up to a kilobyte. It may lose a
//! file or give back an old version of it; it cannot give another file or a changed one. With IPFS not
//! even an old one: the content id names the very bytes, and the contract checks it.

#![cfg_attr(not(feature = "std"), no_std, no_main)]
#![deny(missing_docs)]

mod file;
mod ipfs;
mod s3;

pub use s3::S3;

#[ink::contract]
mod vault {
    use crate::file::Compartment;
    use crate::{S3, ipfs};
    use contract_sdk::info;
    use ink::prelude::string::String;
    use ink::prelude::vec::Vec;
    use ink::storage::Mapping;

    /// Longest file, bytes: what goes out and comes in shares ink!'s buffer of 256 KiB.
    pub const FILE_BYTES_MAX: usize = 64 * 1024;
    /// Longest name, bytes.
    pub const NAME_BYTES_MAX: usize = 256;
    /// Longest text of a configuration, bytes.
    pub const TEXT_BYTES_MAX: usize = 255;

    /// Why a message is refused, or what went wrong at the store.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// Only the owner may do this.
        NotOwner,
        /// Only members may do this.
        NotMember,
        /// The owner has not configured this store.
        NoStore,
        /// A text of the configuration is empty, too long, or has letters that do not belong there.
        BadConfiguration,
        /// The file is longer than [`FILE_BYTES_MAX`], or the name empty or longer than
        /// [`NAME_BYTES_MAX`].
        TooLong,
        /// Files are put and got by queries: a transaction reaches no network.
        QueryOnly,
        /// The store has no such file of the caller's.
        NotFound,
        /// The store did not answer.
        Unreachable,
        /// The store refused, with this status.
        Refused(u16),
        /// What came back is not what the contract put there.
        Damaged,
    }

    /// The vault.
    #[ink(storage)]
    pub struct Vault {
        owner: AccountId,
        members: Mapping<AccountId, ()>,
        s3: Option<S3>,
        /// The URL of an IPFS node's RPC interface, up to `/api`.
        ipfs: Option<String>,
    }

    impl Vault {
        /// A vault of the caller's, who is its first member.
        #[ink(constructor)]
        pub fn new() -> Self {
            let owner = Self::env().caller();
            let mut members = Mapping::new();
            members.insert(owner, &());
            Self {
                owner,
                members,
                s3: None,
                ipfs: None,
            }
        }

        /// Sets the S3 store. The owner only; the command is sealed.
        ///
        /// # Errors
        /// [`Error::NotOwner`] or [`Error::BadConfiguration`].
        #[ink(message)]
        pub fn configure_s3(&mut self, s3: S3) -> Result<(), Error> {
            self.ensure_owner()?;
            match s3.is_sound() {
                true => self.s3 = Some(s3),
                false => return Err(Error::BadConfiguration),
            }
            Ok(())
        }

        /// Sets the IPFS node: the URL of its RPC interface without `/api/v0`. The owner only.
        ///
        /// # Errors
        /// [`Error::NotOwner`] or [`Error::BadConfiguration`].
        #[ink(message)]
        pub fn configure_ipfs(&mut self, url: String) -> Result<(), Error> {
            self.ensure_owner()?;
            match ipfs::is_sound(&url) {
                true => self.ipfs = Some(url),
                false => return Err(Error::BadConfiguration),
            }
            Ok(())
        }

        /// Admits a member. The owner only.
        ///
        /// # Errors
        /// [`Error::NotOwner`].
        #[ink(message)]
        pub fn admit(&mut self, member: AccountId) -> Result<(), Error> {
            self.ensure_owner()?;
            self.members.insert(member, &());
            Ok(())
        }

        /// Dismisses a member, whose files stay at the store. The owner only.
        ///
        /// # Errors
        /// [`Error::NotOwner`].
        #[ink(message)]
        pub fn dismiss(&mut self, member: AccountId) -> Result<(), Error> {
            self.ensure_owner()?;
            self.members.remove(member);
            Ok(())
        }

        /// Puts a file of the caller's into the S3 store, in place of one of the same name. A query.
        ///
        /// # Errors
        /// Every [`Error`] but those of the owner's messages.
        #[ink(message)]
        pub fn put_s3(&self, name: String, data: Vec<u8>) -> Result<(), Error> {
            let compartment = self.ensure_member()?;
            ensure_sizes(&name, &data)?;
            let s3 = self.s3.as_ref().ok_or(Error::NoStore)?;
            let sealed = compartment.seal(&name, &data)?;
            s3.put(&compartment.object_of(&name), sealed)?;
            info!("put {} bytes into S3", data.len());
            Ok(())
        }

        /// Gets a file of the caller's from the S3 store. A query.
        ///
        /// # Errors
        /// Every [`Error`] but those of the owner's messages.
        #[ink(message)]
        pub fn get_s3(&self, name: String) -> Result<Vec<u8>, Error> {
            let compartment = self.ensure_member()?;
            let s3 = self.s3.as_ref().ok_or(Error::NoStore)?;
            let sealed = s3.get(&compartment.object_of(&name))?;
            compartment.open(&name, &sealed)
        }

        /// Puts a file of the caller's into IPFS and gives its content id, which is new each time. A query.
        ///
        /// # Errors
        /// Every [`Error`] but those of the owner's messages.
        #[ink(message)]
        pub fn put_ipfs(&self, name: String, data: Vec<u8>) -> Result<String, Error> {
            let compartment = self.ensure_member()?;
            ensure_sizes(&name, &data)?;
            let url = self.ipfs.as_ref().ok_or(Error::NoStore)?;
            let sealed = compartment.seal(&name, &data)?;
            let cid = ipfs::put(url, &sealed)?;
            info!("put {} bytes into IPFS", data.len());
            Ok(cid)
        }

        /// Gets a file of the caller's from IPFS. A query.
        ///
        /// # Errors
        /// Every [`Error`] but those of the owner's messages.
        #[ink(message)]
        pub fn get_ipfs(&self, name: String, cid: String) -> Result<Vec<u8>, Error> {
            let compartment = self.ensure_member()?;
            let url = self.ipfs.as_ref().ok_or(Error::NoStore)?;
            let sealed = ipfs::get(url, &cid)?;
            compartment.open(&name, &sealed)
        }

        fn ensure_owner(&self) -> Result<(), Error> {
            match self.env().caller() == self.owner {
                true => Ok(()),
                false => Err(Error::NotOwner),
            }
        }

        /// The caller's compartment, if they are a member.
        fn ensure_member(&self) -> Result<Compartment, Error> {
            let caller = self.env().caller();
            match self.members.contains(caller) {
                true => Ok(Compartment::of(&caller)),
                false => Err(Error::NotMember),
            }
        }
    }

    impl Default for Vault {
        fn default() -> Self {
            Self::new()
        }
    }

    fn ensure_sizes(name: &str, data: &[u8]) -> Result<(), Error> {
        let named = (1..=NAME_BYTES_MAX).contains(&name.len());
        match named && data.len() <= FILE_BYTES_MAX {
            true => Ok(()),
            false => Err(Error::TooLong),
        }
    }
}

#[cfg(test)]
mod tests;
