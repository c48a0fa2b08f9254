//! A bit that anybody can flip: the least that is a contract.

#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod flipper {
    use contract_sdk::info;

    /// What the contract stores, encrypted.
    #[ink(storage)]
    pub struct Flipper {
        value: bool,
    }

    impl Flipper {
        /// Runs once, when the contract is deployed. Its arguments are public.
        #[ink(constructor)]
        pub fn new(value: bool) -> Self {
            Self { value }
        }

        /// Flips the bit: send it with `phat call`.
        #[ink(message)]
        pub fn flip(&mut self) {
            self.value = !self.value;
            info!("flipped to {}", self.value);
        }

        /// The bit: ask for it with `phat query`.
        #[ink(message)]
        pub fn get(&self) -> bool {
            self.value
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use contract_sdk::test::Worker;

        #[ink::test]
        fn flipping_twice_gives_the_same() {
            let worker = Worker::new();
            let mut flipper = Flipper::new(false);
            flipper.flip();
            assert!(flipper.get());
            flipper.flip();
            assert!(!flipper.get());
            assert_eq!(worker.logs().len(), 2);
        }
    }
}
