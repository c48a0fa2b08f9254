//! A getter, a setter, and pure computations.

#![cfg_attr(not(feature = "std"), no_std, no_main)]

pub mod compute;

#[ink::contract]
mod kernels {
    use crate::compute;

    #[ink(storage)]
    pub struct Kernels {
        value: bool,
    }

    impl Kernels {
        /// Starts with `value`.
        #[ink(constructor)]
        pub fn new(value: bool) -> Self {
            Self { value }
        }

        /// The value.
        #[ink(message, selector = 0x2f865bd9)]
        pub fn get(&self) -> bool {
            self.value
        }

        /// Makes the value its opposite.
        #[ink(message, selector = 0x633aa551)]
        pub fn flip(&mut self) {
            self.value = !self.value;
        }

        /// Runs a kernel.
        #[ink(message, selector = 0x00000001)]
        pub fn compute(&self, kernel: u8, size: u32) -> u64 {
            compute::run(kernel, size)
        }
    }
}
