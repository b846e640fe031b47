//! The metadata store: accounts, spaces, sweeps, uploads. Every method is one transaction.
//!
//! A method that changes something is durable when it answers, except where it says "soon": then it is durable with the
//! next durable one, or after [`UploadStore::flush`].

mod accounts;
#[cfg(test)]
pub(crate) mod conformance;
mod door;
mod spaces;
mod sqlite;
mod sweeps;
mod uploads;

use core::fmt::Debug;

use futures::future::BoxFuture;
use thiserror::Error;

pub(crate) use accounts::{AccountRow, AccountStore, Appended, LoginRecord, NewAccount, NewLink, Registered};
pub(crate) use door::{DoorStore, SignUp};
pub(crate) use spaces::{CommitOutcome, HeadRow, LogRow, NewCommit, SpaceRow, SpaceStore};
pub(crate) use sqlite::{Admin, Audit, InviteId, NewInvite, SqliteMeta, WholeBlob};
pub(crate) use sweeps::{Doom, Doomed, Released, SweepStore, Through};
pub(crate) use uploads::{
    Begun, BlobRow, CommittedBlob, EndedBlob, NewBlob, OpenedUpload, RemovedBlob, TicketKept, UploadLimits,
    UploadRequest, UploadStore,
};

/// What a method answers, later.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, MetaError>>;

/// The whole metadata store.
pub(crate) trait MetaStore: AccountStore + DoorStore + SpaceStore + SweepStore + UploadStore {}

/// Why the store could not answer.
#[derive(Debug, Error)]
pub(crate) enum MetaError {
    /// No space is left for it; nothing changed.
    #[error("the disk of the metadata store is full")]
    Full,
    /// The store is closing.
    #[error("the metadata store is closed")]
    Closed,
    /// The transaction with which this one was grouped could not be made durable.
    #[error("a group of transactions was rolled back")]
    RolledBack,
    /// A row holds what it cannot hold.
    #[error("a row of the metadata store is damaged: {0}")]
    Damaged(&'static str),
    /// A number does not fit the store's integers.
    #[error("a number is too large to store")]
    TooLarge,
    /// The tables could not be brought up to date.
    #[error("the metadata store could not be migrated")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The tables are those of an older or newer server.
    #[error("the data folder is one of another version of the server")]
    OtherVersion,
    /// The engine failed.
    #[error("the metadata store failed")]
    Engine(#[source] sqlx::Error),
}
