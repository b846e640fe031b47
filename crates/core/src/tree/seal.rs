//! New nodes for what changed, children before their parents (spec: 3-spaces, "Directories").
//!
//! Every rewritten node gets a fresh key; what did not change keeps its reference.

use core::fmt;
use std::sync::Arc;

use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{RealmId, SpaceId};
use anonicloud_proto::limits::PACKED_PIECE_MAX;
use thiserror::Error;

use super::dirty::{DirtyDirectory, DirtyTree};
use super::encoding::{LIST_HEAD_LEN, MalformedNode, decode_body, encode_body, entry_len, share_a_text};
use super::name::EntryName;
use super::node::{ChildRef, DirectoryNode, Entry, EntryContent, LIST_MAX, NodeBody, NodeId, Shards, TreeRoot};
use super::opened::{DirtyBody, DirtyEntry, DirtyList, DirtyNode, DirtyShards, difference, sum};
use super::shard::{FAN_OUT, LEVELS_MAX, NameKey, ShardPlace};
use super::store::wrap_context;
use crate::content::reference::{PieceRef, Totals};
use crate::crypto::random::{Random, make_bytes};
use crate::crypto::secret::{DirectoryKey, NamesKey};
use crate::crypto::wrap::{PIECE_OVERHEAD, seal_piece};

/// Bytes a node's encoding may have, so that its piece fits a pack.
pub(super) const NODE_LEN_MAX: usize = PACKED_PIECE_MAX - PIECE_OVERHEAD;

/// A tree whose nodes are all sealed.
#[derive(Debug)]
pub struct SealedTree {
    /// The new root; `None` when the tree is empty.
    pub root: Option<TreeRoot>,
    /// The nodes that were sealed, under the hashes of their pieces: they need not be fetched to be read.
    pub nodes: Vec<(StoredHash, Arc<DirectoryNode>)>,
}

/// Why a tree cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealTreeError {
    /// The names of a directory crowd in one shard at the last level: its names or its name key were chosen for that.
    #[error("a directory cannot be split any further")]
    Crowded,
    /// A directory would be one that no reader accepts: two of its entries have one id, or a field is out of its range.
    #[error("a directory cannot be sealed: {0}")]
    Malformed(#[from] MalformedNode),
}

/// Where a tree is sealed into.
pub struct TreeSealer<'a> {
    /// The installation.
    pub realm: &'a RealmId,
    /// The space the tree is of.
    pub space: &'a SpaceId,
    /// Splits directories that become large; those that are split keep the key they have.
    pub names: &'a NamesKey,
    /// Keys and salts come from here.
    pub random: &'a mut dyn Random,
    /// Puts a sealed piece into a pack and tells where it lies.
    pub place: &'a mut dyn FnMut(Vec<u8>) -> PieceRef,
}

impl fmt::Debug for TreeSealer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreeSealer({}, {})", self.realm, self.space)
    }
}

impl DirtyTree {
    /// Seals all that changed.
    ///
    /// # Errors
    /// [`SealTreeError`] when a directory cannot be split into nodes that are small enough.
    pub fn seal(self, sealer: &mut TreeSealer<'_>) -> Result<SealedTree, SealTreeError> {
        let mut work = Work { sealer, nodes: Vec::new() };
        let id = self.root.id;
        let sealed = work.node(id, ShardPlace::TOP, self.root.top)?;
        let totals = sum(self.root.totals, sealed.change);
        let root = sealed.child.map(|child| TreeRoot { totals, child });
        Ok(SealedTree { root, nodes: work.nodes })
    }
}

struct Work<'a, 'b> {
    sealer: &'a mut TreeSealer<'b>,
    nodes: Vec<(StoredHash, Arc<DirectoryNode>)>,
}

/// A node after its turn.
struct Sealed {
    /// `None` when it holds nothing.
    child: Option<ChildRef>,
    /// What its entries add up to now, less what they did when it was opened.
    change: Totals,
    is_new: bool,
}

impl Work<'_, '_> {
    fn node(&mut self, id: NodeId, place: ShardPlace, node: DirtyNode) -> Result<Sealed, SealTreeError> {
        match node.body {
            DirtyBody::Closed => Ok(Sealed { child: node.sealed, change: Totals::default(), is_new: false }),
            DirtyBody::List(list) => self.list(id, place, node.sealed, list),
            DirtyBody::Shards(shards) => self.shards(id, place, node.sealed, shards),
        }
    }

    fn list(
        &mut self,
        id: NodeId,
        place: ShardPlace,
        kept: Option<ChildRef>,
        list: DirtyList,
    ) -> Result<Sealed, SealTreeError> {
        let mut is_new = kept.is_none();
        let mut entries = Vec::with_capacity(list.entries.len());
        let mut totals = Totals::default();
        for (name, entry) in list.entries {
            let entry = match entry {
                DirtyEntry::Kept(entry) if entry.name == name => entry,
                DirtyEntry::Kept(entry) => Arc::new(Entry {
                    id: entry.id,
                    name,
                    attributes: entry.attributes,
                    content: entry.content.duplicate(),
                }),
                DirtyEntry::Directory(directory) => {
                    let (entry, changed) = self.directory(name, *directory)?;
                    is_new |= changed;
                    entry
                }
            };
            totals = sum(totals, entry.content.totals());
            entries.push(entry);
        }
        let change = difference(totals, list.loaded);
        let child = match kept {
            Some(child) if !is_new => Some(child),
            // Shards and the root go when they are empty; other directories stay.
            _ if entries.is_empty() && (place != ShardPlace::TOP || id == NodeId::ROOT) => None,
            _ => Some(self.entries(id, place, entries)?),
        };
        Ok(Sealed { child, change, is_new })
    }

    fn directory(&mut self, name: EntryName, directory: DirtyDirectory) -> Result<(Arc<Entry>, bool), SealTreeError> {
        let DirtyDirectory { id, attributes, totals, top } = directory;
        let sealed = self.node(id, ShardPlace::TOP, top)?;
        let child = match sealed.child {
            Some(child) => child,
            None => self.entries(id, ShardPlace::TOP, Vec::new())?,
        };
        let content = EntryContent::Directory { totals: sum(totals, sealed.change), child };
        Ok((Arc::new(Entry { id, name, attributes, content }), sealed.is_new))
    }

    fn shards(
        &mut self,
        id: NodeId,
        place: ShardPlace,
        kept: Option<ChildRef>,
        // Boxed, and taken out one by one: a writer may have nested shards as deep as they go.
        mut shards: Box<DirtyShards>,
    ) -> Result<Sealed, SealTreeError> {
        let (level, name_key) = (shards.level, shards.name_key);
        let mut is_new = kept.is_none();
        let mut change = Totals::default();
        let mut refs = Box::new([const { None }; FAN_OUT as usize]);
        for ((nibble, node), child) in (0..).zip(&mut shards.children).zip(&mut *refs) {
            let node = core::mem::replace(node, DirtyNode::empty());
            let sealed = self.node(id, place.below(name_key, nibble), node)?;
            is_new |= sealed.is_new && sealed.child.is_some();
            change = sum(change, sealed.change);
            *child = sealed.child;
        }
        let child = match kept {
            Some(child) if !is_new => Some(child),
            _ if refs.iter().all(Option::is_none) => None,
            _ => Some(self.seal(id, place, NodeBody::Shards(Shards { level, name_key, children: refs }))?),
        };
        Ok(Sealed { child, change, is_new })
    }

    /// Seals a list, split over shards when it is too large, or when two of its names are one text. Such names come out of
    /// shards, where nobody saw them side by side.
    fn entries(&mut self, id: NodeId, place: ShardPlace, entries: Vec<Arc<Entry>>) -> Result<ChildRef, SealTreeError> {
        let lens = entries.iter().map(|entry| entry_len(&entry.name, entry.content.encoded_len()));
        let len = lens.fold(LIST_HEAD_LEN, usize::saturating_add);
        if entries.len() <= LIST_MAX && len <= NODE_LEN_MAX && !share_a_text(&entries) {
            return self.seal(id, place, NodeBody::List(entries));
        }
        let level = place.level();
        if level >= LEVELS_MAX {
            return Err(SealTreeError::Crowded);
        }
        let name_key = place.name_key().unwrap_or_else(|| NameKey(*self.sealer.names.expose_bytes()));
        let mut parts = [const { Vec::new() }; FAN_OUT as usize];
        for entry in entries {
            let nibble = name_key.nibble(&entry.name, level);
            parts.get_mut(usize::from(nibble)).expect("a nibble is below 16").push(entry);
        }
        let mut children = Box::new([const { None }; FAN_OUT as usize]);
        for ((nibble, part), child) in (0..).zip(parts).zip(&mut *children) {
            if !part.is_empty() {
                *child = Some(self.entries(id, place.below(name_key, nibble), part)?);
            }
        }
        self.seal(id, place, NodeBody::Shards(Shards { level, name_key, children }))
    }

    fn seal(&mut self, id: NodeId, place: ShardPlace, body: NodeBody) -> Result<ChildRef, SealTreeError> {
        let TreeSealer { realm, space, random, place: put, .. } = &mut *self.sealer;
        let key = DirectoryKey::make(*random);
        let context = wrap_context(realm, space, &id, &place);
        let plain = encode_body(&body);
        // What a reader would refuse is lost for good once it is committed.
        decode_body(id, &place, plain.expose_bytes())?;
        let sealed = seal_piece(&key.wrap_key(), &context, plain.expose_bytes(), make_bytes(*random));
        let hash = StoredHash::of(&sealed);
        self.nodes.push((hash, Arc::new(DirectoryNode { id, place, body })));
        Ok(ChildRef { piece: put(sealed), hash, key })
    }
}
