//! The client library of AnoniCloud: session, transfer engine, durable queue.
//!
//! Enters: what a person wants done with files and paths. Leaves: sealed blobs and commits, verified files.
//! Never: plaintext to a [`remote::Remote`], or unsealed state to a [`state::LocalState`].
//!
//! In a browser (wasm32) there are the requests and the sealed state; what works with files of a device is native.
#![forbid(unsafe_code)]

#[cfg(not(target_arch = "wasm32"))]
mod buffers;
#[cfg(not(target_arch = "wasm32"))]
pub mod check;
#[cfg(not(target_arch = "wasm32"))]
mod client;
#[cfg(not(target_arch = "wasm32"))]
pub mod clock;
#[cfg(not(target_arch = "wasm32"))]
mod download;
#[cfg(not(target_arch = "wasm32"))]
mod error;
#[cfg(not(target_arch = "wasm32"))]
pub mod item;
#[cfg(not(target_arch = "wasm32"))]
mod local;
#[cfg(not(target_arch = "wasm32"))]
pub mod notice;
#[cfg(not(target_arch = "wasm32"))]
mod preview;
#[cfg(not(target_arch = "wasm32"))]
mod progress;
mod random;
pub mod remote;
#[cfg(not(target_arch = "wasm32"))]
mod repack;
#[cfg(not(target_arch = "wasm32"))]
pub mod session;
#[cfg(not(target_arch = "wasm32"))]
mod space;
pub mod state;
#[cfg(not(target_arch = "wasm32"))]
mod upload;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod wiped;
#[cfg(not(target_arch = "wasm32"))]
mod work;

#[cfg(not(target_arch = "wasm32"))]
pub use self::{
    client::{Client, open_state, open_state_with, stored_server},
    error::{ErrorKind, OperationError},
};

/// Paths in the tree of an account.
#[cfg(not(target_arch = "wasm32"))]
pub mod path {
    pub use anonicloud_core::tree::name::{EntryName, PathError, RemotePath};
}

/// Seeing what other devices change.
#[cfg(not(target_arch = "wasm32"))]
pub mod watch {
    pub use crate::space::changes::{Change, ChangeKind};
    pub use crate::space::watch::Watch;
}

/// What a device keeps of a server that contradicted itself.
#[cfg(not(target_arch = "wasm32"))]
pub mod halt {
    pub use anonicloud_core::space::code::StateCode;

    pub use crate::space::accept::Acceptance;
    pub use crate::space::halt::{Contradiction, Halt, Sighting};
    pub use crate::space::lost::{Loss, Losses, Lost};
}

/// Giving room back.
#[cfg(not(target_arch = "wasm32"))]
pub mod reclaim {
    pub use crate::repack::RepackReport;
    pub use crate::session::{Freeing, PasswordProof, Released};
    pub use crate::space::sweep::SweepReport;
}

/// Sending and fetching.
#[cfg(not(target_arch = "wasm32"))]
pub mod transfer {
    pub use anonicloud_core::tree::edit::Conflict;

    pub use crate::download::{BegunGet, GetItem, GetReport, GetTarget};
    pub use crate::local::filter::{Filter, FilterError};
    pub use crate::local::scan::{SkipReason, Skipped};
    pub use crate::local::sieve::Sifted;
    pub use crate::preview::{Action, Preview, PreviewStep};
    pub use crate::progress::Progress;
    pub use crate::upload::{AdoptReport, Job, JobSource, PutReport, PutSource, ResumeReport};
}
