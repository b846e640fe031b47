//! What the system lets one process have open.

use super::client::Failed;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that one client has open at most, twice what was counted: its state, its connections, what it sends.
const FILES_OF_ONE: u64 = 12;
/// Files of the process itself.
const OWN: u64 = 256;

/// Raises the limit of open files as far as so many clients need.
///
/// # Errors
/// When the system does not allow it, with what to do.
pub(super) fn raise_for(clients: u32) -> Result<(), Failed> {
    let needed = u64::from(clients) * FILES_OF_ONE + OWN;
    let limit = getrlimit(Resource::Nofile);
    let is_enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if is_enough(limit.current) {
        return Ok(());
    }
    let raised = Rlimit { current: Some(needed), maximum: limit.maximum };
    if is_enough(limit.maximum) && setrlimit(Resource::Nofile, raised).is_ok() {
        return Ok(());
    }
    Err(format!("{clients} clients open up to {needed} files: run `ulimit -n {needed}` first, or take fewer --clients")
        .into())
}
