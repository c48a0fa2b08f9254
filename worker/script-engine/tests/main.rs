//! The engine through its interface: what scripts get and give, hostile ones, and many at once.

mod bounds;
mod isolation;
mod values;
mod world;
