//! The account's private space: its session, its head, its tree.

pub(crate) mod accept;
pub(crate) mod access;
pub(crate) mod changes;
pub(crate) mod commit;
mod follow;
pub(crate) mod halt;
pub(crate) mod head;
mod kept;
mod log;
pub(crate) mod lost;
pub(crate) mod nodes;
pub(crate) mod reached;
pub(crate) mod sweep;
mod tree;
pub(crate) mod watch;
