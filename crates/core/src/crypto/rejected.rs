//! The one error of every cryptographic operation.

use thiserror::Error;

/// A key, a context or a byte was not the right one. It never says which: nothing may depend on why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("rejected")]
pub struct Rejected;
