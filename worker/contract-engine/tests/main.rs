//! The engine through its interface: guests in WebAssembly text, hostile ones, and a real ink! contract.

mod ballot;
mod behaviour;
mod fuel;
mod hostile;
mod money;
mod oracle;
mod world;
