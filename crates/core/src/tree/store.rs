//! Reading without I/O: opened nodes come out of a [`NodeSource`], missing ones go out as [`Wanted`].
//!
//! A function that meets a missing node gives [`Step::Need`]; whoever called it fetches and opens the pieces, puts them where its source
//! finds them, and calls again.

use std::collections::HashSet;
use std::sync::Arc;

use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{RealmId, SpaceId};
use anonicloud_proto::label::Label;
use thiserror::Error;

use super::encoding::{MalformedNode, decode_body};
use super::name::DEPTH_MAX;
use super::node::{ChildRef, DirectoryNode, NodeBody, NodeId, TreeRoot};
use super::shard::{FAN_OUT, ShardPlace};
use crate::crypto::rejected::Rejected;
use crate::crypto::wrap::{WrapContext, open_piece};

/// Where opened nodes are kept.
pub trait NodeSource {
    /// The node whose sealed piece has this hash, if it was opened before.
    fn node(&self, hash: &StoredHash) -> Option<Arc<DirectoryNode>>;
}

/// The answer of a function that is called again until it is done.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller goes on until done, there is no third way")]
pub enum Step<T> {
    /// The answer.
    Done(T),
    /// These nodes are missing, each once and at least one: open them, then call again.
    Need(Vec<Wanted>),
}

/// A node that is missing, with all it takes to open its piece.
#[derive(Debug)]
pub struct Wanted {
    child: ChildRef,
    id: NodeId,
    place: ShardPlace,
}

/// Why a piece is not the node that was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenNodeError {
    /// Its length or hash is not the one its parent vouches for, or its wrap does not open: the stored bytes are wrong.
    #[error("a directory node was altered or exchanged")]
    Altered(#[from] Rejected),
    /// It is what its parent vouches for, but breaks the format: its writer is at fault.
    #[error("open directory node")]
    Malformed(#[from] MalformedNode),
}

/// Why a tree cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadTreeError {
    /// A node is referred to from a place it was not sealed for.
    #[error("a directory node is not the one its place asks for")]
    Misplaced,
    /// The tree is deeper than [`DEPTH_MAX`] directories.
    #[error("the tree is more than {DEPTH_MAX} directories deep")]
    TooDeep,
    /// A directory's shards hold something that its list may not hold.
    #[error("read sharded directory")]
    Malformed(#[from] MalformedNode),
}

impl Wanted {
    /// The top node of the tree at `root`.
    pub fn root(root: &TreeRoot) -> Self {
        Self::new(NodeId::ROOT, ShardPlace::TOP, &root.child)
    }

    pub(super) fn new(id: NodeId, place: ShardPlace, child: &ChildRef) -> Self {
        Self { child: child.duplicate(), id, place }
    }

    /// What tells it from the other nodes of its tree: its directory, and which node of that one.
    pub(super) const fn name(&self) -> (NodeId, u64) {
        (self.id, self.place.version())
    }

    /// Where its piece lies, and the hash of the piece.
    pub const fn child(&self) -> &ChildRef {
        &self.child
    }

    /// Opens its sealed piece: length and hash first, then the wrap, then the encoding and the rules of its place.
    ///
    /// # Errors
    /// [`OpenNodeError`], which tells altered bytes from a writer's mistake.
    pub fn open(&self, realm: &RealmId, space: &SpaceId, piece: &[u8]) -> Result<DirectoryNode, OpenNodeError> {
        self.child.piece.check(&self.child.hash, piece)?;
        let context = wrap_context(realm, space, &self.id, &self.place);
        let plain = open_piece(self.child.piece.suite, &self.child.key.wrap_key(), &context, piece)?;
        let body = decode_body(self.id, &self.place, plain.expose_bytes())?;
        Ok(DirectoryNode { id: self.id, place: self.place, body })
    }
}

/// What the wrap of a node is bound to.
pub(super) fn wrap_context<'a>(
    realm: &'a RealmId,
    space: &'a SpaceId,
    id: &'a NodeId,
    place: &ShardPlace,
) -> WrapContext<'a> {
    WrapContext {
        label: Label::WrapDirectory,
        realm,
        owner: space.as_bytes(),
        object: id.as_bytes(),
        version: place.version(),
    }
}

/// Why work on a tree stopped before its end.
pub(super) enum Stop<E> {
    /// Nodes are missing.
    Need(Vec<Wanted>),
    /// It cannot be done.
    Fail(E),
}

impl<E: From<ReadTreeError>> From<ReadTreeError> for Stop<E> {
    fn from(error: ReadTreeError) -> Self {
        Self::Fail(error.into())
    }
}

/// Turns work that may have stopped into the answer of a step.
pub(super) fn step<T, E>(work: Result<T, Stop<E>>) -> Result<Step<T>, E> {
    match work {
        Ok(value) => Ok(Step::Done(value)),
        Err(Stop::Need(wanted)) => Ok(Step::Need(wanted)),
        Err(Stop::Fail(error)) => Err(error),
    }
}

/// Reads nodes and gathers the missing ones, each once.
pub(super) struct Fetch<'a> {
    source: &'a dyn NodeSource,
    wanted: Vec<Wanted>,
    hashes: HashSet<StoredHash>,
}

impl<'a> Fetch<'a> {
    pub(super) fn new(source: &'a dyn NodeSource) -> Self {
        Self { source, wanted: Vec::new(), hashes: HashSet::new() }
    }

    /// The node, or `None` when it is missing and now wanted.
    pub(super) fn node(
        &mut self,
        id: NodeId,
        place: ShardPlace,
        child: &ChildRef,
    ) -> Result<Option<Arc<DirectoryNode>>, ReadTreeError> {
        let Some(node) = self.source.node(&child.hash) else {
            if self.hashes.insert(child.hash) {
                self.wanted.push(Wanted::new(id, place, child));
            }
            return Ok(None);
        };
        if node.id == id && node.place == place { Ok(Some(node)) } else { Err(ReadTreeError::Misplaced) }
    }

    /// Ends the round: [`Stop::Need`] when anything was missing.
    pub(super) fn finish<E>(&mut self) -> Result<(), Stop<E>> {
        if self.wanted.is_empty() { Ok(()) } else { Err(Stop::Need(core::mem::take(&mut self.wanted))) }
    }

    /// The lists of a directory, or of a part of it, as far as its shards are there, from left to right.
    pub(super) fn lists(
        &mut self,
        id: NodeId,
        place: ShardPlace,
        child: &ChildRef,
    ) -> Result<Vec<Arc<DirectoryNode>>, ReadTreeError> {
        let mut lists = Vec::new();
        let mut open = vec![(place, child.duplicate())];
        while let Some((place, child)) = open.pop() {
            let Some(node) = self.node(id, place, &child)? else {
                continue;
            };
            if let NodeBody::Shards(shards) = &node.body {
                let below = (0..FAN_OUT).zip(&*shards.children).rev();
                open.extend(below.filter_map(|(nibble, child)| {
                    Some((place.below(shards.name_key, nibble), child.as_ref()?.duplicate()))
                }));
            } else {
                lists.push(node);
            }
        }
        Ok(lists)
    }
}

/// One node, now.
pub(super) fn load<E: From<ReadTreeError>>(
    source: &dyn NodeSource,
    id: NodeId,
    place: ShardPlace,
    child: &ChildRef,
) -> Result<Arc<DirectoryNode>, Stop<E>> {
    let mut fetch = Fetch::new(source);
    let node = fetch.node(id, place, child)?;
    fetch.finish()?;
    node.ok_or_else(|| Stop::Need(vec![Wanted::new(id, place, child)]))
}
