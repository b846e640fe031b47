//! Files of this device: what is there to send, and where what was fetched goes.

pub(crate) mod filter;
pub(crate) mod lock;
pub(crate) mod scan;
pub(crate) mod sieve;
pub(crate) mod source;
