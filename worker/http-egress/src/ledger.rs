//! Who holds how much of what contracts share: requests on their way, and bytes in memory.
//!
//! Nothing waits here: what does not fit is refused at once. To be fair without a queue, a contract may
//! take more only while it holds less than what is free. One contract alone gets half of all, two a
//! third each, and one that holds nothing is served as long as anything is left, however much the
//! others ask for.

use primitives::ContractId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What is held at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Requests on their way.
    pub requests: usize,
    /// Bytes of bodies and headers in memory.
    pub bytes: usize,
}

/// Most that may be held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub requests_max: usize,
    pub requests_per_contract_max: usize,
    pub bytes_max: usize,
}

pub(crate) struct Ledger {
    bounds: Bounds,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    all: Load,
    by_contract: HashMap<ContractId, Load>,
}

/// A contract's hold on one request and its bytes; given back when it is dropped.
pub(crate) struct Slot {
    ledger: Arc<Ledger>,
    contract: ContractId,
    bytes: Mutex<usize>,
}

impl Ledger {
    pub fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self {
            bounds,
            books: Mutex::default(),
        })
    }

    pub fn load(&self) -> Load {
        lock(&self.books).all
    }

    /// Room for one more request of `contract`, or `None`.
    pub fn admit(self: &Arc<Self>, contract: &ContractId) -> Option<Slot> {
        let mut books = lock(&self.books);
        let free = self.bounds.requests_max.saturating_sub(books.all.requests);
        let held = books
            .by_contract
            .get(contract)
            .map_or(0, |own| own.requests);
        if held >= free || held >= self.bounds.requests_per_contract_max {
            return None;
        }
        books.all.requests += 1;
        books.by_contract.entry(*contract).or_default().requests += 1;
        Some(Slot {
            ledger: Arc::clone(self),
            contract: *contract,
            bytes: Mutex::new(0),
        })
    }
}

impl Slot {
    /// Room for `count` more bytes, or `false`.
    pub fn take_bytes(&self, count: usize) -> bool {
        let mut books = lock(&self.ledger.books);
        let free = self.ledger.bounds.bytes_max.saturating_sub(books.all.bytes);
        let Some(own) = books.by_contract.get_mut(&self.contract) else {
            return false;
        };
        if own.bytes.saturating_add(count) > free {
            return false;
        }
        own.bytes += count;
        books.all.bytes += count;
        *lock(&self.bytes) += count;
        true
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let bytes = *lock(&self.bytes);
        let mut books = lock(&self.ledger.books);
        books.all.requests -= 1;
        books.all.bytes -= bytes;
        if let Some(own) = books.by_contract.get_mut(&self.contract) {
            own.requests -= 1;
            own.bytes -= bytes;
            if own.requests == 0 {
                books.by_contract.remove(&self.contract);
            }
        }
    }
}

/// The numbers are changed together by code that does not panic, so a poisoned lock is a sound one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
