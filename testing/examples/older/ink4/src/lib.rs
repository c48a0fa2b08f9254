//! A contract as they were written in 2023: ink! 4.3 and the published `pink-extension`, unchanged.

#![cfg_attr(not(feature = "std"), no_std, no_main)]

extern crate alloc;

use pink_extension as pink;

#[pink::contract(env = PinkEnvironment)]
mod ink4 {
    use super::pink;
    use alloc::{string::String, vec::Vec};
    use pink::chain_extension::{HttpRequest, SigType};
    use pink::system::SystemRef;
    use pink::PinkEnvironment;
    use scale::{Decode, Encode};

    /// What the extension says about where the contract runs.
    #[derive(Debug, Encode, Decode)]
    #[cfg_attr(feature = "std", derive(scale_info::TypeInfo))]
    pub struct Surroundings {
        in_transaction: bool,
        system: AccountId,
        worker: [u8; 32],
        time: bool,
        random: [Vec<u8>; 2],
        code_exists: bool,
        total_balance: Balance,
    }

    #[ink(storage)]
    pub struct Ink4 {
        value: bool,
        names: ink::storage::Mapping<AccountId, String>,
    }

    #[ink(event)]
    pub struct Flipped {
        #[ink(topic)]
        by: AccountId,
        value: bool,
    }

    impl Ink4 {
        #[ink(constructor, payable)]
        pub fn new() -> Self {
            Self { value: false, names: Default::default() }
        }

        #[ink(message)]
        pub fn flip(&mut self) -> Result<bool, u8> {
            self.value = !self.value;
            self.env().emit_event(Flipped { by: self.env().caller(), value: self.value });
            Ok(self.value)
        }

        #[ink(message)]
        pub fn get(&self) -> Result<bool, u8> {
            Ok(self.value)
        }

        #[ink(message)]
        pub fn set_name(&mut self, name: String) -> Result<(), u8> {
            let caller = self.env().caller();
            match name.is_empty() {
                true => self.names.remove(caller),
                false => {
                    self.names.insert(caller, &name);
                }
            }
            Ok(())
        }

        #[ink(message)]
        pub fn name(&self) -> Result<Option<String>, u8> {
            Ok(self.names.get(self.env().caller()))
        }

        #[ink(message)]
        pub fn surroundings(&self) -> Result<Surroundings, u8> {
            let ext = pink::ext;
            let system = ext().system_contract_id();
            Ok(Surroundings {
                in_transaction: ext().is_in_transaction(),
                system,
                worker: ext().worker_pubkey(),
                time: ext().untrusted_millis_since_unix_epoch() > 0,
                random: [ext().getrandom(8), ext().getrandom(8)],
                code_exists: ext().code_exists([7; 32].into(), false),
                total_balance: SystemRef::instance().total_balance_of(system),
            })
        }

        /// Signs with a derived key, with each kind of signature, and checks what it signed.
        #[ink(message)]
        pub fn signatures(&self) -> Result<Vec<bool>, u8> {
            let ext = pink::ext;
            let key = ext().derive_sr25519_key(b"salt"[..].into());
            let seed = &key[..32];
            let mut found = Vec::new();
            // The kinds are enums that cannot be copied.
            let kinds: [(fn() -> SigType, &[u8]); 3] = [
                (|| SigType::Sr25519, &key[..]),
                (|| SigType::Ed25519, seed),
                (|| SigType::Ecdsa, seed),
            ];
            for (kind, key) in kinds {
                let public = ext().get_public_key(kind(), key);
                let signature = ext().sign(kind(), key, b"message");
                found.push(ext().verify(kind(), &public, b"message", &signature));
                found.push(ext().verify(kind(), &public, b"messagf", &signature));
            }
            let hash = [3; 32];
            let signature = ext().ecdsa_sign_prehashed(seed, hash);
            let public = ext().get_public_key(SigType::Ecdsa, seed);
            let public = public.try_into().map_err(|_| 1)?;
            found.push(ext().ecdsa_verify_prehashed(signature, hash, public));
            Ok(found)
        }

        #[ink(message)]
        pub fn cache(&self) -> Result<[Option<Vec<u8>>; 3], u8> {
            let ext = pink::ext;
            let before = ext().cache_get(b"key");
            ext().cache_set(b"key", b"value").map_err(|_| 1)?;
            ext().cache_set_expiration(b"key", 60);
            let between = ext().cache_get(b"key");
            ext().cache_remove(b"key");
            Ok([before, between, ext().cache_get(b"key")])
        }

        #[ink(message)]
        pub fn fetch(&self, url: String) -> Result<(u16, Vec<u8>), u8> {
            pink::info!("fetching {url}");
            let response = pink::http_get!(url);
            Ok((response.status_code, response.body))
        }

        #[ink(message)]
        pub fn fetch_all(&self, urls: Vec<String>) -> Result<Vec<Option<u16>>, u8> {
            let requests = urls
                .into_iter()
                .map(|url| HttpRequest::new(url, "GET", Default::default(), Default::default()))
                .collect();
            let answers = pink::ext().batch_http_request(requests, 5_000).map_err(|_| 2)?;
            Ok(answers.into_iter().map(|answer| answer.ok().map(|answer| answer.status_code)).collect())
        }
    }
}
