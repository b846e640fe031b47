//! What the fuzz targets do with hostile bytes.
//!
//! Enters: bytes of libFuzzer's choice. Leaves: nothing; what does not hold is a panic, and an allocation that is too large is an
//! abort. Where the product checks a hash, a tag or a signature first, the target makes one over the hostile bytes: it plays a
//! device that has the keys and breaks the rules.

pub mod commits;
pub mod encodings;
pub mod json;
pub mod links;
pub mod nodes;
pub mod pages;
pub mod records;
pub mod texts;
pub mod tickets;
mod world;

/// All that a target may have allocated at any time, in bytes, what it keeps between inputs included: far more than an input and
/// all that is made of it take, and far less than a length asks for that is believed before it is checked.
const ALLOCATED_MAX: usize = 64 << 20;

#[global_allocator]
static ALLOCATOR: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, ALLOCATED_MAX);
