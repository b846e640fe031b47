//! The blob store: bytes under random names, appended to until they are whole. What exists is decided by the metadata.

mod audit;
#[cfg(test)]
mod conformance;
mod direct;
mod durable;
mod files;
mod spill;
mod write;

use core::fmt::Debug;
use core::ops::Range;
use std::io;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use thiserror::Error;

use super::{Day, ObjectId};
pub(crate) use audit::ObjectFiles;
pub(crate) use files::{FileBlobs, sync_with_parent};

/// What a method answers, later.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, BlobError>>;

/// Stored bytes on their way out, in pieces.
pub(crate) type BlobReader = BoxStream<'static, Result<Bytes, BlobError>>;

/// Why the store could not answer.
#[derive(Debug, Error)]
pub(crate) enum BlobError {
    /// No space is left; what was stored before is there.
    #[error("the disk of the blob store is full")]
    Full(#[source] io::Error),
    /// An object that should be there is not, or is shorter.
    #[error("a stored object is missing or short")]
    Missing,
    /// The engine failed.
    #[error("the blob store failed")]
    Engine(#[source] io::Error),
}

/// Bytes that are durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    /// How many.
    pub(crate) len: u64,
    /// BLAKE3-256 of them all, from the first on.
    pub(crate) hash: [u8; 32],
}

/// Keeps objects. An object has one writer at a time; who calls sees to it.
pub(crate) trait BlobStore: Send + Sync + Debug {
    /// How many bytes of each object are durable, which makes durable what is stored; none if there is no such object.
    fn durable_lens(&self, objects: Vec<ObjectId>) -> Answer<'_, Vec<u64>>;

    /// Opens an object behind its first `offset` bytes; those behind are cut off. Gives none if fewer are stored.
    fn write(&self, object: ObjectId, offset: u64) -> Answer<'_, Option<Box<dyn BlobWriter>>>;

    /// Reads a range of an object.
    fn read(&self, object: ObjectId, range: Range<u64>) -> Answer<'_, BlobReader>;

    /// Removes an object, or nothing if there is none.
    fn remove(&self, object: ObjectId) -> Answer<'_, ()>;

    /// Begins bytes that are kept beside the objects until they are whole, and are gone when they are dropped.
    fn spill(&self) -> Answer<'_, Box<dyn Spill>>;

    /// Every object whose first byte is `first` and that was last written before this day.
    fn list(&self, first: u8, before: Day) -> Answer<'_, Vec<ObjectId>>;
}

/// Bytes that wait until they are whole.
pub(crate) trait Spill: Send {
    /// Appends bytes.
    fn append(&mut self, bytes: Bytes) -> Answer<'_, ()>;

    /// Gives them all.
    fn read(self: Box<Self>) -> Answer<'static, Bytes>;
}

/// An object that is being written.
pub(crate) trait BlobWriter: Send {
    /// Appends bytes; they may wait in memory for more.
    fn append(&mut self, bytes: Bytes) -> Answer<'_, ()>;

    /// Bytes of the object, those that wait included.
    fn len(&self) -> u64;

    /// Makes all of it durable.
    fn finish(self: Box<Self>) -> Answer<'static, Written>;

    /// Stores what waits, without waiting for the disk.
    fn leave(self: Box<Self>) -> Answer<'static, ()>;
}
