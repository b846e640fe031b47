//! A batch of edits on a tree, applied in order and all or none (spec: 3-spaces, "Directories").

mod apply;
mod before;
mod copy;
mod elsewhere;

use anonicloud_proto::hash::StoredHash;
use thiserror::Error;

pub use self::before::Before;
use super::dirty::DirtyTree;
use super::lookup::trace;
use super::merge::ConflictNaming;
use super::name::{DEPTH_MAX, EntryName, RemotePath};
use super::node::{Attributes, NodeId, TreeRoot};
use super::store::{Fetch, NodeSource, ReadTreeError, Step, Stop, step};
use crate::content::reference::VersionRef;
use crate::crypto::random::Random;

/// One change of a tree.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "callers build it; a new kind of edit is no break")]
pub enum Edit {
    /// Puts a file version at a path: a new entry, or the new content of the file or link that is there, whose id it keeps.
    /// What came there since the edit was planned stays; then the version gets the name of a conflict copy.
    PutFile {
        /// Where.
        path: RemotePath,
        /// Its times and rights.
        attributes: Attributes,
        /// Content bytes.
        size: u64,
        /// The version.
        version: VersionRef,
        /// Its id, if the entry is new.
        id: NodeId,
        /// What it replaces.
        before: Before,
    },
    /// Makes a directory.
    MakeDirectory {
        /// Where.
        path: RemotePath,
        /// Its times and rights.
        attributes: Attributes,
    },
    /// Puts a symbolic link at a path, as [`Edit::PutFile`] does.
    PutSymlink {
        /// Where.
        path: RemotePath,
        /// Its times and rights.
        attributes: Attributes,
        /// What it points to: 1 to 4,095 bytes without NUL.
        target: Vec<u8>,
        /// What it replaces.
        before: Before,
    },
    /// Takes an entry out.
    Remove {
        /// Which.
        path: RemotePath,
        /// Whether a directory goes with all that is below it.
        recursive: bool,
    },
    /// Gives an entry another name or place; it keeps its id.
    Move {
        /// Which.
        from: RemotePath,
        /// Its new path.
        to: RemotePath,
        /// Whether a file or link at the new path makes room.
        replace: bool,
    },
    /// Puts a second entry beside the first: the same file versions under new ids, directories with all below them.
    Copy {
        /// Which.
        from: RemotePath,
        /// The path of the second.
        to: RemotePath,
    },
    /// Sets times and rights; of an entry that holds something else by now, nothing.
    SetAttributes {
        /// Of which entry.
        path: RemotePath,
        /// To what.
        attributes: Attributes,
        /// What it holds.
        before: Before,
    },
    /// Names the record of a file that was brought elsewhere. An entry that has another record by now stays as it is.
    MoveRecord {
        /// Of which file.
        path: RemotePath,
        /// The hash of the record that it has.
        from: StoredHash,
        /// The same content, sealed and stored anew.
        version: VersionRef,
    },
    /// Seals a node of a directory anew, with those above it, though nothing in it changes. Of a directory that is gone, none.
    Reseal {
        /// A name that is in the node, or would be.
        path: RemotePath,
    },
}

/// What to do about directories that a path goes through and that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "they are made or not")]
pub enum MissingParents {
    /// The edit fails.
    Refuse,
    /// They are made with these attributes, and making a directory that is there already succeeds.
    Create(Attributes),
}

/// Why a batch was refused. Nothing of it was done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EditError {
    /// Nothing is at the path.
    #[error("{0} is not there")]
    NotFound(RemotePath),
    /// A file or link is asked for, but a directory is there.
    #[error("{0} is a directory")]
    IsDirectory(RemotePath),
    /// A directory is asked for, but something else is there.
    #[error("{0} is not a directory")]
    NotDirectory(RemotePath),
    /// Something is at the path already.
    #[error("{0} is there already")]
    Exists(RemotePath),
    /// The directory has entries.
    #[error("{0} is not empty")]
    NotEmpty(RemotePath),
    /// Another name in the directory is the same text, encoded in another way.
    #[error("{path} is the same text as the name {existing} that is there already")]
    NameCollision {
        /// The path that was asked for.
        path: RemotePath,
        /// The name that is there.
        existing: EntryName,
    },
    /// A directory would come to be under itself.
    #[error("{from} cannot go into itself ({to})")]
    IntoItself {
        /// What was to be moved or copied.
        from: RemotePath,
        /// Where to.
        to: RemotePath,
    },
    /// The root directory cannot be changed as a whole.
    #[error("the root directory cannot be made, moved, copied or removed")]
    Root,
    /// More than [`DEPTH_MAX`] directories would be above the entry.
    #[error("{0} would be more than {DEPTH_MAX} directories deep")]
    TooDeep(RemotePath),
    /// A link's target is empty, too long or contains NUL, or a mode has bits that are no permissions.
    #[error("{0} has a target or a mode that the format does not hold")]
    Unrepresentable(RemotePath),
    /// The tree itself cannot be read.
    #[error("read tree")]
    Read(#[from] ReadTreeError),
}

/// What a batch does where the tree is not as an edit has it.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "callers decide all of it")]
pub struct Rules<'a> {
    /// About directories that are not there.
    pub parents: MissingParents,
    /// Of what conflict copies are called.
    pub naming: ConflictNaming<'a>,
}

/// A tree with its edits.
#[derive(Debug)]
#[non_exhaustive]
pub struct Edited {
    /// The tree, not sealed yet.
    pub tree: DirtyTree,
    /// What got the name of a conflict copy.
    pub conflicts: Vec<Conflict>,
}

/// Two versions of a file or link that both stay.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two versions have two paths")]
pub struct Conflict {
    /// The path of the one that was there first.
    pub path: RemotePath,
    /// The path of the other one.
    pub copy: RemotePath,
}

/// Applies `edits` in order to the tree at `root` (`None` is the empty tree). Ids of new entries are drawn from `random`.
///
/// # Errors
/// [`EditError`] of the first edit that is refused.
pub fn apply(
    root: Option<&TreeRoot>,
    edits: &[Edit],
    rules: Rules<'_>,
    source: &dyn NodeSource,
    random: &mut dyn Random,
) -> Result<Step<Edited>, EditError> {
    step(apply_all(root, edits, rules, source, random))
}

fn apply_all(
    root: Option<&TreeRoot>,
    edits: &[Edit],
    rules: Rules<'_>,
    source: &dyn NodeSource,
    random: &mut dyn Random,
) -> Result<Edited, Stop<EditError>> {
    // All paths first, so that one round of fetching serves the whole batch.
    let mut fetch = Fetch::new(source);
    for edit in edits {
        let (first, second) = edit.paths();
        for path in core::iter::once(first).chain(second) {
            trace(root, path, &mut fetch)?;
        }
    }
    fetch.finish()?;
    let mut tree = DirtyTree::open(root);
    let mut conflicts = Vec::new();
    for edit in edits {
        let conflicts = &mut conflicts;
        apply::Editor { tree: &mut tree, rules, source, random, conflicts }.apply(edit)?;
    }
    tree.settle(source)?;
    Ok(Edited { tree, conflicts })
}

impl Edit {
    fn paths(&self) -> (&RemotePath, Option<&RemotePath>) {
        match self {
            Self::PutFile { path, .. }
            | Self::MakeDirectory { path, .. }
            | Self::PutSymlink { path, .. }
            | Self::Remove { path, .. }
            | Self::SetAttributes { path, .. }
            | Self::MoveRecord { path, .. }
            | Self::Reseal { path } => (path, None),
            Self::Move { from, to, .. } | Self::Copy { from, to } => (from, Some(to)),
        }
    }
}
