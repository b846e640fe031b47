//! Directory nodes and their entries (spec: 3-spaces, "Directories").
//!
//! An entry holds keys (of a file version or of a directory node): it is shared behind an [`Arc`], never copied, and prints no key.

use core::fmt;
use std::sync::Arc;

use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};
use anonicloud_proto::hash::StoredHash;

use super::name::EntryName;
use super::shard::{NameKey, ShardPlace};
use crate::content::reference::{PieceRef, Totals, VersionRef};
use crate::crypto::random::{Random, make_bytes};
use crate::crypto::secret::{DirectoryKey, RootKey};

/// Most entries in one list; more are split over shards.
pub const LIST_MAX: usize = 2048;
/// Longest target of a symbolic link in bytes.
pub const TARGET_MAX: usize = 4095;
/// The permission bits a mode may hold.
pub const MODE_BITS: u16 = 0o7777;

/// One entry for as long as it lives: it stays the same when the entry is moved or its content changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId([u8; 16]);

impl NodeId {
    /// The root directory.
    pub const ROOT: Self = Self([0; 16]);

    /// A fresh random id.
    pub fn make(random: &mut dyn Random) -> Self {
        Self(make_bytes(random))
    }

    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for NodeId {
    /// Lower-case hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

impl Encode for NodeId {
    fn encode(&self, out: &mut Writer) {
        out.fixed(&self.0);
    }
}

impl Decode for NodeId {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.fixed().map(Self)
    }
}

/// Where a directory node is, what its piece hashes to, and the key that opens it.
#[derive(Debug)]
pub struct ChildRef {
    /// Where the piece lies.
    pub piece: PieceRef,
    /// BLAKE3-256 of the piece as it is stored.
    pub hash: StoredHash,
    /// DK, or RK of the root.
    pub key: DirectoryKey,
}

impl ChildRef {
    /// Length of the encoding in bytes.
    pub const ENCODED_LEN: usize = PieceRef::ENCODED_LEN + 32 + DirectoryKey::LEN;

    /// A second copy, where two owners need one each.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self { piece: self.piece, hash: self.hash, key: self.key.duplicate() }
    }
}

impl Encode for ChildRef {
    fn encode(&self, out: &mut Writer) {
        self.piece.encode(out);
        self.hash.encode(out);
        out.fixed(self.key.expose_bytes());
    }
}

impl Decode for ChildRef {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { piece: PieceRef::decode(input)?, hash: StoredHash::decode(input)?, key: DirectoryKey::read(input)? })
    }
}

/// The root directory of a tree that is not empty, as a commit names it.
#[derive(Debug)]
pub struct TreeRoot {
    /// Everything in the tree.
    pub totals: Totals,
    /// The root's node; RK is its key.
    pub child: ChildRef,
}

impl TreeRoot {
    /// The root that a commit's body names, with RK unwrapped.
    pub fn new(totals: Totals, piece: PieceRef, hash: StoredHash, key: &RootKey) -> Self {
        // RK seals the root node exactly as a DK seals any other.
        let key = DirectoryKey::copy_of(key.expose_bytes());
        Self { totals, child: ChildRef { piece, hash, key } }
    }

    /// RK, to be wrapped for the commit that names this root.
    pub fn root_key(&self) -> RootKey {
        RootKey::copy_of(self.child.key.expose_bytes())
    }

    /// A second copy, where two owners need one each.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self { totals: self.totals, child: self.child.duplicate() }
    }
}

/// What an entry is.
#[expect(clippy::exhaustive_enums, reason = "the format has these three; a fourth must stop every reader")]
pub enum EntryContent {
    /// A file.
    File {
        /// Content bytes.
        size: u64,
        /// Its newest version.
        version: VersionRef,
    },
    /// A directory.
    Directory {
        /// Everything below it.
        totals: Totals,
        /// Its node.
        child: ChildRef,
    },
    /// A symbolic link.
    Symlink {
        /// What it points to: 1 to 4,095 bytes, never followed here.
        target: Vec<u8>,
    },
}

impl fmt::Debug for EntryContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { version, .. } => f.debug_tuple("File").field(version).finish(),
            Self::Directory { child, .. } => f.debug_tuple("Directory").field(child).finish(),
            Self::Symlink { target } => write!(f, "Symlink({} bytes)", target.len()),
        }
    }
}

impl EntryContent {
    /// A second copy, where two owners need one each.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        match self {
            Self::File { size, version } => Self::File { size: *size, version: version.duplicate() },
            Self::Directory { totals, child } => Self::Directory { totals: *totals, child: child.duplicate() },
            Self::Symlink { target } => Self::Symlink { target: target.clone() },
        }
    }

    /// What this adds to the totals of the directories above.
    pub const fn totals(&self) -> Totals {
        match self {
            Self::File { size, .. } => Totals { files: 1, bytes: *size },
            Self::Directory { totals, .. } => *totals,
            Self::Symlink { .. } => Totals { files: 0, bytes: 0 },
        }
    }

    /// Whether this is a directory.
    pub const fn is_directory(&self) -> bool {
        matches!(self, Self::Directory { .. })
    }
}

/// When an entry was last changed and who may do what with it, as its owner's system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// Nanoseconds since 1970.
    pub mtime: i64,
    /// Permission bits, at most [`MODE_BITS`].
    pub mode: u16,
}

/// One name in a directory.
#[derive(Debug)]
pub struct Entry {
    /// Its id.
    pub id: NodeId,
    /// Its name.
    pub name: EntryName,
    /// Its times and rights.
    pub attributes: Attributes,
    /// What it is.
    pub content: EntryContent,
}

/// An opened directory node: all checks of its own bytes and of its place are behind it.
pub struct DirectoryNode {
    pub(super) id: NodeId,
    pub(super) place: ShardPlace,
    pub(super) body: NodeBody,
}

/// What a node holds.
pub(super) enum NodeBody {
    /// Entries, ascending by name.
    List(Vec<Arc<Entry>>),
    /// 16 shards by the nibble of the keyed hash of the name.
    Shards(Shards),
}

/// The shards of a directory that has too many entries for one list.
pub(super) struct Shards {
    pub(super) level: u8,
    pub(super) name_key: NameKey,
    pub(super) children: Box<[Option<ChildRef>; 16]>,
}

impl DirectoryNode {
    /// The directory it belongs to.
    pub const fn id(&self) -> NodeId {
        self.id
    }

    /// Its entries, ascending by name; `None` when it is split over shards.
    pub fn entries(&self) -> Option<&[Arc<Entry>]> {
        match &self.body {
            NodeBody::List(entries) => Some(entries),
            NodeBody::Shards(_) => None,
        }
    }
}

impl fmt::Debug for DirectoryNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DirectoryNode({}, {:?}, ", self.id, self.place)?;
        match &self.body {
            NodeBody::List(entries) => write!(f, "{} entries)", entries.len()),
            NodeBody::Shards(shards) => write!(f, "shards at level {})", shards.level),
        }
    }
}
