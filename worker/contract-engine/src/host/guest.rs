//! A host function's view of the contract that called it: memory, fuel and frame.

use codec::{Decode as _, Encode};
use primitives::{AccountId, Balance};
use wasmtime::Caller;

use super::code::SENTINEL;
use crate::execution::Execution;
use crate::frame::Frame;
use crate::limits::cost;
use crate::pace::SLICE_FUEL;
use crate::stop::Stop;

/// What runs the contract. With one variant, as in a worker, it costs nothing to ask which.
pub enum Machine<'a> {
    /// wasmtime.
    Compiled(Caller<'a, Frame>),
    /// wasmi, beside which results are compared.
    #[cfg(feature = "oracle")]
    Interpreted(wasmi::Caller<'a, Frame>),
}

impl<'a> From<Caller<'a, Frame>> for Machine<'a> {
    fn from(caller: Caller<'a, Frame>) -> Self {
        Self::Compiled(caller)
    }
}

#[cfg(feature = "oracle")]
impl<'a> From<wasmi::Caller<'a, Frame>> for Machine<'a> {
    fn from(caller: wasmi::Caller<'a, Frame>) -> Self {
        Self::Interpreted(caller)
    }
}

/// The contract, as a host function sees it. Making one charges for the call.
pub struct Guest<'a> {
    machine: Machine<'a>,
}

impl<'a> Guest<'a> {
    pub fn new(machine: impl Into<Machine<'a>>) -> Result<Self, Stop> {
        let machine = machine.into();
        let mut guest = Self { machine };
        guest.charge(cost::HOST_CALL)?;
        Ok(guest)
    }

    pub fn frame(&mut self) -> &mut Frame {
        match &mut self.machine {
            Machine::Compiled(caller) => caller.data_mut(),
            #[cfg(feature = "oracle")]
            Machine::Interpreted(caller) => caller.data_mut(),
        }
    }

    pub fn execution(&mut self) -> Result<&mut Execution, Stop> {
        self.frame()
            .execution
            .as_deref_mut()
            .ok_or_else(no_execution)
    }

    /// Stops a function that changes something in a frame that may not.
    pub fn mutates(&mut self) -> Result<(), Stop> {
        match self.frame().read_only {
            true => Err(Stop::trap("a read-only call tried to change something")),
            false => Ok(()),
        }
    }

    /// Takes the execution for a frame that this one calls; it must be given back.
    pub fn take_execution(&mut self) -> Result<Box<Execution>, Stop> {
        self.frame().execution.take().ok_or_else(no_execution)
    }

    pub fn give_back(&mut self, execution: Box<Execution>) {
        self.frame().execution = Some(execution);
    }

    pub fn fuel(&self) -> Result<u64, Stop> {
        match &self.machine {
            Machine::Compiled(caller) => caller.get_fuel().map_err(bug),
            #[cfg(feature = "oracle")]
            Machine::Interpreted(caller) => caller.get_fuel().map_err(bug),
        }
    }

    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), Stop> {
        match &mut self.machine {
            Machine::Compiled(caller) => caller.set_fuel(fuel).map_err(bug),
            #[cfg(feature = "oracle")]
            Machine::Interpreted(caller) => caller.set_fuel(fuel).map_err(bug),
        }
    }

    /// Takes `amount` of fuel; all of it, and stops, where there is less.
    pub fn charge(&mut self, amount: u64) -> Result<(), Stop> {
        match self.fuel()?.checked_sub(amount) {
            Some(rest) => {
                self.set_fuel(rest)?;
                self.offer(rest)
            }
            None => {
                self.set_fuel(0)?;
                Err(Stop::OutOfGas)
            }
        }
    }

    /// Looks at the clock after a slice of fuel. Code that calls the host again and again would not
    /// come to it by itself: each charge begins a slice anew.
    fn offer(&mut self, fuel: u64) -> Result<(), Stop> {
        let frame = self.frame();
        if fuel >= frame.offer_below {
            return Ok(());
        }
        frame.offer_below = fuel.saturating_sub(SLICE_FUEL);
        match self.execution()?.pace() {
            Some(pace) => pace.checkpoint(),
            None => Ok(()),
        }
    }

    /// Charges `price` for each of `count`.
    pub fn charge_each(&mut self, price: u64, count: u32) -> Result<(), Stop> {
        self.charge(price.saturating_mul(count.into()))
    }

    fn charge_copy(&mut self, bytes: u32) -> Result<(), Stop> {
        self.charge_each(cost::COPY_16_BYTES, bytes.div_ceil(16))
    }

    fn memory(&mut self) -> Result<&mut [u8], Stop> {
        match &mut self.machine {
            Machine::Compiled(caller) => {
                let memory = caller.data().memory.ok_or_else(no_memory)?;
                Ok(memory.data_mut(caller))
            }
            #[cfg(feature = "oracle")]
            Machine::Interpreted(caller) => {
                let memory = caller.data().interpreted.memory.ok_or_else(no_memory)?;
                Ok(memory.data_mut(caller))
            }
        }
    }

    fn slice(&mut self, pointer: u32, len: u32) -> Result<&mut [u8], Stop> {
        let start = pointer as usize;
        let memory = self.memory()?;
        start
            .checked_add(len as usize)
            .and_then(|end| memory.get_mut(start..end))
            .ok_or_else(|| Stop::trap("a pointer outside of the memory was given to the host"))
    }

    /// Reads `len` bytes; more than `max` trap, named `what`.
    pub fn read(&mut self, pointer: u32, len: u32, max: u32, what: &str) -> Result<Vec<u8>, Stop> {
        if len > max {
            return Err(Stop::trap(format!(
                "{what} has {len} bytes, at most {max} are allowed"
            )));
        }
        self.charge_copy(len)?;
        Ok(self.slice(pointer, len)?.to_vec())
    }

    pub fn read_array<const N: usize>(&mut self, pointer: u32) -> Result<[u8; N], Stop> {
        let slice = self.slice(pointer, N as u32)?;
        (&*slice)
            .try_into()
            .map_err(|_| Stop::bug("a slice of another length"))
    }

    pub fn read_account(&mut self, pointer: u32) -> Result<AccountId, Stop> {
        self.read_array(pointer).map(AccountId)
    }

    pub fn read_balance(&mut self, pointer: u32) -> Result<Balance, Stop> {
        self.read_array(pointer).map(Balance::from_le_bytes)
    }

    /// Reads a SCALE value that must have exactly the length its type has.
    pub fn expect_len(&self, len: u32, expected: u32) -> Result<(), Stop> {
        match len == expected {
            true => Ok(()),
            false => Err(Stop::trap(format!(
                "expected {expected} bytes, {len} were given"
            ))),
        }
    }

    pub fn write(&mut self, pointer: u32, data: &[u8]) -> Result<(), Stop> {
        let len = u32::try_from(data.len()).map_err(|_| Stop::bug("output above 4 GiB"))?;
        self.charge_copy(len)?;
        self.slice(pointer, len)?.copy_from_slice(data);
        Ok(())
    }

    /// Writes `data` into a buffer whose capacity stands at `len_pointer`, and its length there.
    /// Traps where the buffer is too small. Nothing is written on failure.
    pub fn write_output(&mut self, out: u32, len_pointer: u32, data: &[u8]) -> Result<(), Stop> {
        let capacity = u32::from_le_bytes(self.read_array(len_pointer)?);
        let len = u32::try_from(data.len()).map_err(|_| Stop::bug("output above 4 GiB"))?;
        if capacity < len {
            return Err(Stop::trap(format!(
                "the output has {len} bytes, the contract's buffer has {capacity}"
            )));
        }
        self.write(out, data)?;
        self.write(len_pointer, &len.to_le_bytes())
    }

    /// As [`Guest::write_output`], unless the contract does not want it.
    pub fn write_optional_output(
        &mut self,
        out: u32,
        len_pointer: u32,
        data: &[u8],
    ) -> Result<(), Stop> {
        match out == SENTINEL {
            true => Ok(()),
            false => self.write_output(out, len_pointer, data),
        }
    }

    pub fn write_encoded(
        &mut self,
        out: u32,
        len_pointer: u32,
        value: &impl Encode,
    ) -> Result<(), Stop> {
        self.write_output(out, len_pointer, &value.encode())
    }

    /// Reads and decodes arguments; traps where they do not decode or bytes are left.
    pub fn decode<T: codec::DecodeAll>(&self, mut bytes: &[u8]) -> Result<T, Stop> {
        T::decode_all(&mut bytes).map_err(|_| Stop::trap("arguments do not decode"))
    }
}

/// Decodes SCALE-encoded topics: at most as many as fit in `bytes`.
pub fn decode_topics(mut bytes: &[u8]) -> Result<Vec<[u8; 32]>, Stop> {
    let topics = Vec::<[u8; 32]>::decode(&mut bytes)
        .map_err(|_| Stop::trap("the topics of an event do not decode"))?;
    match bytes.is_empty() {
        true => Ok(topics),
        false => Err(Stop::trap("bytes are left after the topics of an event")),
    }
}

fn bug(error: impl ToString) -> Stop {
    Stop::bug(error.to_string())
}

fn no_memory() -> Stop {
    Stop::bug("a host function ran before the memory was known")
}

fn no_execution() -> Stop {
    Stop::bug("a frame without its execution")
}
