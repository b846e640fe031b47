//! How a wire breaks: by a seed, so that a failure can be had again.

use std::time::Duration;

use crate::content::Generated;

/// How long a connection stalls before it ends.
pub(super) const STALL: Duration = Duration::from_millis(700);

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Both sides see its end.
    Drop,
    /// The client sees a reset.
    Reset,
    /// Nothing moves for a while, then it ends.
    Stall,
}

/// Breaks connection after connection.
#[derive(Debug)]
pub struct Faults {
    random: Generated,
    at_least: u64,
    at_most: u64,
    only: Option<Fault>,
}

impl Faults {
    /// Each connection breaks after `at_least` to `at_most` bytes, both ways together, in one of the ways: it drops, resets or stalls.
    pub const fn new(seed: u64, at_least: u64, at_most: u64) -> Self {
        Self { random: Generated::new(seed, 0), at_least, at_most, only: None }
    }

    /// Each connection drops after `bytes`, both ways together. What was passed on arrives: after a reset it may not.
    pub const fn drops(bytes: u64) -> Self {
        Self { random: Generated::new(0, 0), at_least: bytes, at_most: bytes, only: Some(Fault::Drop) }
    }

    /// What becomes of the next connection, and after how many bytes.
    pub(super) fn next_fault(&mut self) -> (u64, Fault) {
        let after = self.at_least + self.random.below(self.at_most - self.at_least + 1);
        let fault = match self.random.below(3) {
            0 => Fault::Drop,
            1 => Fault::Reset,
            _ => Fault::Stall,
        };
        (after, self.only.unwrap_or(fault))
    }
}
