//! Directory nodes as bytes: canonical encoding and the rules that every node keeps (spec: 3-spaces, "Directories").

use std::borrow::Cow;
use std::sync::Arc;

use anonicloud_proto::codec::{Decode as _, DecodeError, Encode as _, Reader, Writer};
use thiserror::Error;

use super::name::{EntryName, NAME_MAX, NameError};
use super::node::{
    Attributes, ChildRef, Entry, EntryContent, LIST_MAX, MODE_BITS, NodeBody, NodeId, Shards, TARGET_MAX,
};
use super::shard::{LEVELS_MAX, NameKey, ShardPlace};
use crate::content::encoding::encode_secret;
use crate::content::reference::{Totals, VersionRef};
use crate::crypto::secret::SecretBytes;

/// Which rule of the format a directory node breaks: whoever wrote it is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MalformedNode {
    /// It is not a canonical encoding.
    #[error("a directory node is not canonical")]
    Encoding(#[from] DecodeError),
    /// It holds a refused name.
    #[error("a directory node holds a refused name")]
    Name(#[from] NameError),
    /// Its names are not strictly ascending.
    #[error("the names of a directory node are out of order or occur twice")]
    Order,
    /// Two of its names are equal under NFC.
    #[error("two names of a directory node are the same text")]
    Collision,
    /// Two of its entries have the same id, or one has the root's or the directory's own.
    #[error("a node id occurs twice in a directory node")]
    NodeId,
    /// An entry or a shard is not where the keyed hash puts it.
    #[error("a part of a directory is in the wrong shard")]
    Shard,
}

const ENTRY_FIXED_LEN: usize = 16 + 4 + 8 + 2 + 1;

/// Length of an entry's encoding in bytes, from that of its content.
pub(super) fn entry_len(name: &EntryName, content_len: usize) -> usize {
    content_len.saturating_add(name.as_bytes().len()).saturating_add(ENTRY_FIXED_LEN)
}

/// Length of a directory's content in its entry, in bytes.
pub(super) const DIRECTORY_LEN: usize = Totals::ENCODED_LEN + ChildRef::ENCODED_LEN;

impl EntryContent {
    /// Length of the encoding in bytes, without the byte that tells what it is.
    pub(super) fn encoded_len(&self) -> usize {
        match self {
            Self::File { .. } => 8 + VersionRef::ENCODED_LEN,
            Self::Directory { .. } => DIRECTORY_LEN,
            Self::Symlink { target } => target.len().saturating_add(4),
        }
    }
}

/// Length of a list's encoding before its entries, in bytes.
pub(super) const LIST_HEAD_LEN: usize = 1 + 4;
const SHARDS_MAX_LEN: usize = 1 + 1 + 32 + 16 * (1 + ChildRef::ENCODED_LEN);

/// Encodes a node. It holds keys.
pub(super) fn encode_body(body: &NodeBody) -> SecretBytes {
    match body {
        NodeBody::List(entries) => {
            let lens = entries.iter().map(|entry| entry_len(&entry.name, entry.content.encoded_len()));
            encode_secret(lens.fold(LIST_HEAD_LEN, usize::saturating_add), |out| {
                out.u8(0);
                out.count(entries.len());
                for entry in entries {
                    encode_entry(entry, out);
                }
            })
        }
        NodeBody::Shards(shards) => encode_secret(SHARDS_MAX_LEN, |out| {
            out.u8(1);
            out.u8(shards.level);
            out.fixed(&shards.name_key.0);
            for child in &*shards.children {
                out.u8(u8::from(child.is_some()));
                if let Some(child) = child {
                    child.encode(out);
                }
            }
        }),
    }
}

fn encode_entry(entry: &Entry, out: &mut Writer) {
    entry.id.encode(out);
    out.bytes(entry.name.as_bytes());
    out.i64(entry.attributes.mtime);
    out.u16(entry.attributes.mode);
    match &entry.content {
        EntryContent::File { size, version } => {
            out.u8(0);
            out.u64(*size);
            version.encode(out);
        }
        EntryContent::Directory { totals, child } => {
            out.u8(1);
            totals.encode(out);
            child.encode(out);
        }
        EntryContent::Symlink { target } => {
            out.u8(2);
            out.bytes(target);
        }
    }
}

/// Reads the node of directory `id` at `place`.
///
/// # Errors
/// [`MalformedNode`] when any rule of the format is broken.
pub(super) fn decode_body(id: NodeId, place: &ShardPlace, bytes: &[u8]) -> Result<NodeBody, MalformedNode> {
    let mut input = Reader::new(bytes);
    let body = match input.u8()? {
        0 => NodeBody::List(decode_list(id, place, &mut input)?),
        1 => NodeBody::Shards(decode_shards(place, &mut input)?),
        _ => return Err(DecodeError::UnknownVariant.into()),
    };
    input.finish()?;
    Ok(body)
}

fn decode_list(id: NodeId, place: &ShardPlace, input: &mut Reader<'_>) -> Result<Vec<Arc<Entry>>, MalformedNode> {
    let count = input.count(LIST_MAX)?;
    let mut entries = Vec::with_capacity(count.min(input.remaining() / ENTRY_FIXED_LEN));
    for _ in 0..count {
        entries.push(Arc::new(decode_entry(input)?));
    }
    if !entries.is_sorted_by(|a, b| a.name < b.name) {
        return Err(MalformedNode::Order);
    }
    let own = [id, NodeId::ROOT].into_iter().take(if id == NodeId::ROOT { 1 } else { 2 });
    let mut ids: Vec<_> = entries.iter().map(|entry| entry.id).chain(own).collect();
    ids.sort_unstable();
    if ids.array_windows().any(|[one, next]| one == next) {
        return Err(MalformedNode::NodeId);
    }
    if share_a_text(&entries) {
        return Err(MalformedNode::Collision);
    }
    if !entries.iter().all(|entry| place.holds(&entry.name)) {
        return Err(MalformedNode::Shard);
    }
    Ok(entries)
}

/// Whether two of these entries, which are ascending by name, have names that are one text.
pub(super) fn share_a_text(entries: &[Arc<Entry>]) -> bool {
    // Nearly all names are their own normal form: only the others can meet one.
    let mut normal: Vec<Vec<u8>> = Vec::new();
    for entry in entries {
        if let Cow::Owned(key) = entry.name.collision_key()
            && key != entry.name.as_bytes()
        {
            normal.push(key);
        }
    }
    normal.sort_unstable();
    let twice = normal.array_windows().any(|[one, next]| one == next);
    twice || normal.iter().any(|key| entries.binary_search_by(|entry| entry.name.as_bytes().cmp(key)).is_ok())
}

fn decode_entry(input: &mut Reader<'_>) -> Result<Entry, MalformedNode> {
    let id = NodeId::decode(input)?;
    let name = EntryName::new(input.bytes(NAME_MAX)?)?;
    let attributes = Attributes { mtime: input.i64()?, mode: input.u16()? };
    if attributes.mode & !MODE_BITS != 0 {
        return Err(DecodeError::NotCanonical.into());
    }
    let content = match input.u8()? {
        0 => EntryContent::File { size: input.u64()?, version: VersionRef::decode(input)? },
        1 => EntryContent::Directory { totals: Totals::decode(input)?, child: ChildRef::decode(input)? },
        2 => EntryContent::Symlink { target: decode_target(input)? },
        _ => return Err(DecodeError::UnknownVariant.into()),
    };
    Ok(Entry { id, name, attributes, content })
}

fn decode_target(input: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    let target = input.bytes(TARGET_MAX)?;
    if target.is_empty() || target.contains(&0) {
        return Err(DecodeError::NotCanonical);
    }
    Ok(target.to_vec())
}

fn decode_shards(place: &ShardPlace, input: &mut Reader<'_>) -> Result<Shards, MalformedNode> {
    let level = input.u8()?;
    let name_key = NameKey(input.fixed()?);
    let same_key = place.name_key().is_none_or(|above| above == name_key);
    if level != place.level() || level >= LEVELS_MAX || !same_key {
        return Err(MalformedNode::Shard);
    }
    let mut children = Box::new([const { None }; 16]);
    for child in &mut *children {
        *child = match input.u8()? {
            0 => None,
            1 => Some(ChildRef::decode(input)?),
            _ => return Err(DecodeError::UnknownVariant.into()),
        };
    }
    Ok(Shards { level, name_key, children })
}
