//! Where things are kept. Enters: typed rows and bytes. Leaves: the same, durable when a method says so.
//! Never: a rule of the service, HTTP, or a key that opens content.

pub(crate) mod blob;
pub(crate) mod meta;

use core::fmt;
use core::str::FromStr;
use core::sync::atomic::{AtomicU64, Ordering};

use data_encoding::HEXLOWER;

use crate::random::random;

/// Days since 1970-01-01, the finest time that is ever kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(pub(crate) u32);

/// Names stored bytes inside this server: random, so that no space can meet another's and no id reaches the disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectId([u8; 16]);

impl ObjectId {
    /// The id with these bytes.
    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Objects that come one after another have the same first byte, so that one sync of their folder serves several.
const RUN: u64 = 64;

/// Draws ids of objects.
#[derive(Debug)]
pub(crate) struct ObjectIds {
    first: u8,
    drawn: AtomicU64,
}

impl ObjectIds {
    /// Begins at a random first byte.
    pub(crate) fn new() -> Self {
        let [first] = random();
        Self { first, drawn: AtomicU64::new(0) }
    }

    /// The next id: random but for its first byte.
    pub(crate) fn draw(&self) -> ObjectId {
        let run = (self.drawn.fetch_add(1, Ordering::Relaxed) / RUN).to_le_bytes()[0];
        let mut bytes: [u8; 16] = random();
        let [first, ..] = &mut bytes;
        *first = self.first.wrapping_add(run);
        ObjectId(bytes)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

/// A file name that names no object.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("not the name of an object")]
pub(crate) struct NotAnObject;

impl FromStr for ObjectId {
    type Err = NotAnObject;

    fn from_str(text: &str) -> Result<Self, NotAnObject> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| NotAnObject)?;
        bytes.try_into().map(Self).map_err(|_| NotAnObject)
    }
}
