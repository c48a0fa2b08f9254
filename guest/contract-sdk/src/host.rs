//! The way out of the contract: the pink chain extension, events, and calls of the system contract.
//!
//! Without `std` these are host functions of the engine. With `test` they go to the doubles; with `std`
//! alone there is nothing to ask, as that is how a contract's metadata is printed.

use codec::{Decode, Encode};
use contract_abi::{event::PinkEvent, extension::Function};

#[cfg(not(feature = "std"))]
pub use on_worker::{call, emit, invoke, try_call};

#[cfg(feature = "std")]
pub use off_worker::{call, emit, invoke, try_call};

/// BLAKE2b-256, by the engine.
pub fn blake2_256(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = [0; 32];
    ink::env::hash_bytes::<ink::env::hash::Blake2x256>(&parts.concat(), &mut digest);
    digest
}

#[cfg(not(feature = "std"))]
mod on_worker {
    use super::*;
    use contract_abi::extension::PINK;
    use ink::env::DefaultEnvironment;
    use ink::env::call::{ExecutionInput, Selector, build_call};
    use ink::env::chain_extension::{ChainExtensionMethod, FromStatusCode};
    use ink::env::event::{Event, TopicsBuilder, TopicsBuilderBackend, state};

    /// A status that is not zero.
    struct Status(u32);

    impl FromStatusCode for Status {
        fn from_status_code(status: u32) -> Result<(), Self> {
            match status {
                0 => Ok(()),
                status => Err(Self(status)),
            }
        }
    }

    /// Calls a function that may refuse with a status.
    pub fn try_call<I: Encode, O: Decode>(function: Function, input: &I) -> Result<O, u32> {
        ChainExtensionMethod::build(u32::from(PINK) << 16 | u32::from(function.id()))
            .input::<I>()
            .output::<O, false>()
            .handle_error_code::<Status>()
            .call(input)
            .map_err(|Status(status)| status)
    }

    /// Calls a function that has no status: the engine would be another one.
    pub fn call<I: Encode, O: Decode>(function: Function, input: &I) -> O {
        match try_call(function, input) {
            Ok(output) => output,
            Err(_) => panic!(),
        }
    }

    /// An event whose one topic makes it a side effect.
    #[derive(Encode)]
    struct Effect<'a>(&'a PinkEvent);

    impl Event for Effect<'_> {
        type RemainingTopics = [state::HasRemainingTopics; 1];
        const SIGNATURE_TOPIC: Option<[u8; 32]> = None;

        fn topics<E, B>(&self, builder: TopicsBuilder<state::Uninit, E, B>) -> B::Output
        where
            E: ink::env::Environment,
            B: TopicsBuilderBackend<E>,
        {
            builder
                .build::<Self>()
                .push_topic::<[u8; 32]>(Some(&contract_abi::event::TOPIC))
                .finish()
        }
    }

    /// Asks for a side effect.
    pub fn emit(effect: &PinkEvent) {
        ink::env::emit_event::<DefaultEnvironment, _>(Effect(effect));
    }

    /// Calls another contract; `None` where the call failed.
    pub fn invoke<I: Encode, O: Decode>(
        contract: crate::AccountId,
        selector: [u8; 4],
        input: &I,
    ) -> Option<O> {
        let result = build_call::<DefaultEnvironment>()
            .call_v1(contract)
            .exec_input(ExecutionInput::new(Selector::new(selector)).push_arg(input))
            .returns::<O>()
            .try_invoke();
        result.ok()?.ok()
    }
}

#[cfg(feature = "std")]
mod off_worker {
    use super::*;

    #[cfg(not(feature = "test"))]
    const HINT: &str = "this needs a worker; in unit tests use the feature `test` of contract-sdk";

    #[cfg(feature = "test")]
    pub fn try_call<I: Encode, O: Decode>(function: Function, input: &I) -> Result<O, u32> {
        let output = crate::test::extension::answer(function, &input.encode())?;
        Ok(O::decode(&mut &output[..]).expect("the doubles keep to the interface"))
    }

    #[cfg(not(feature = "test"))]
    pub fn try_call<I: Encode, O: Decode>(_: Function, _: &I) -> Result<O, u32> {
        panic!("{HINT}")
    }

    pub fn call<I: Encode, O: Decode>(function: Function, input: &I) -> O {
        match try_call(function, input) {
            Ok(output) => output,
            Err(status) => panic!("{function:?} has no status {status}"),
        }
    }

    #[cfg(feature = "test")]
    pub fn emit(effect: &PinkEvent) {
        crate::test::with(|state| state.emit(effect));
    }

    #[cfg(not(feature = "test"))]
    pub fn emit(_: &PinkEvent) {
        panic!("{HINT}")
    }

    #[cfg(feature = "test")]
    pub fn invoke<I: Encode, O: Decode>(
        contract: crate::AccountId,
        selector: [u8; 4],
        input: &I,
    ) -> Option<O> {
        let output = crate::test::system::answer(contract, selector, &input.encode())?;
        Some(O::decode(&mut &output[..]).expect("the doubles keep to the interface"))
    }

    #[cfg(not(feature = "test"))]
    pub fn invoke<I: Encode, O: Decode>(_: crate::AccountId, _: [u8; 4], _: &I) -> Option<O> {
        panic!("{HINT}")
    }
}
