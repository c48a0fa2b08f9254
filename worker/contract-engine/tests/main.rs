//! The engine through its interface: guests in WebAssembly text, hostile ones, and a real ink! contract.

mod ballot;
mod behaviour;
mod cache;
mod calls;
mod effects;
mod extension;
mod fuel;
mod hostile;
mod money;
mod oracle;
mod system;
mod time;
mod world;
