//! A contract as they were written in 2022: ink! 3.4, its storage collections and events.

#![cfg_attr(not(feature = "std"), no_std)]

use ink_lang as ink;

#[ink::contract]
mod ink3 {
    use ink_lang::utils::initialize_contract;
    use ink_prelude::{string::String, vec::Vec};
    use ink_storage::{traits::SpreadAllocate, Mapping};

    #[ink(storage)]
    #[derive(SpreadAllocate)]
    pub struct Ink3 {
        value: bool,
        names: Mapping<AccountId, String>,
        calls: Vec<u64>,
    }

    #[ink(event)]
    pub struct Flipped {
        #[ink(topic)]
        by: AccountId,
        value: bool,
    }

    impl Ink3 {
        #[ink(constructor)]
        pub fn new(value: bool) -> Self {
            initialize_contract(|contract: &mut Self| contract.value = value)
        }

        #[ink(message)]
        pub fn flip(&mut self) {
            self.value = !self.value;
            self.calls.push(self.env().block_timestamp());
            self.env().emit_event(Flipped { by: self.env().caller(), value: self.value });
        }

        #[ink(message)]
        pub fn get(&self) -> (bool, u32) {
            (self.value, self.calls.len() as u32)
        }

        #[ink(message)]
        pub fn set_name(&mut self, name: String) {
            let caller = self.env().caller();
            self.names.insert(caller, &name);
        }

        #[ink(message)]
        pub fn name(&self) -> Option<String> {
            self.names.get(self.env().caller())
        }

        #[ink(message, payable)]
        pub fn pay(&mut self, to: AccountId) -> Balance {
            let given = self.env().transferred_value();
            self.env().transfer(to, given / 2).expect("a half can be given on");
            self.env().balance()
        }

        #[ink(message)]
        pub fn digest(&self, bytes: Vec<u8>) -> [u8; 32] {
            self.env().hash_bytes::<ink_env::hash::Blake2x256>(&bytes)
        }
    }
}
