//! Names of conflict copies: `name (conflict, device, YYYY-MM-DD).ext`, with a counter when that is taken.

use anonicloud_proto::hash::StoredHash;

use super::ConflictNaming;
use crate::tree::name::{EntryName, NAME_MAX};
use crate::tree::node::NodeId;

/// Bytes of a device's name that a conflict's name shows at most.
const DEVICE_MAX: usize = 64;
/// Bytes of an extension, its dot included, that a conflict's name keeps at the end.
const EXTENSION_MAX: usize = 32;

/// The `counter`th name, from 1, for a copy of what is called `name`.
pub(in crate::tree) fn conflict_name(name: &EntryName, naming: ConflictNaming<'_>, counter: usize) -> EntryName {
    let allowed = |letter: &char| !letter.is_control() && *letter != '/';
    let show = |text: &str| text.chars().filter(allowed).collect::<String>();
    let device = show(naming.device);
    let device = String::from_utf8_lossy(cut(device.as_bytes(), DEVICE_MAX)).into_owned();
    let date = show(naming.date);
    let date = String::from_utf8_lossy(cut(date.as_bytes(), DEVICE_MAX)).into_owned();
    let counter = if counter > 1 { format!(", {counter}") } else { String::new() };
    let mark = format!(" (conflict, {device}, {date}{counter})");
    let bytes = name.as_bytes();
    // A dot at the start makes a hidden file, not an extension.
    let dot = bytes
        .iter()
        .rposition(|byte| *byte == b'.')
        .filter(|dot| *dot > 0 && bytes.len().saturating_sub(*dot) <= EXTENSION_MAX);
    let (stem, extension) = bytes.split_at_checked(dot.unwrap_or(bytes.len())).unwrap_or((bytes, &[]));
    let room = NAME_MAX.saturating_sub(mark.len()).saturating_sub(extension.len());
    let whole = [cut(stem, room), mark.as_bytes(), extension].concat();
    EntryName::new(&whole).expect("parts of a name and a mark that were cut to fit, without separators")
}

/// The first bytes, `most` at most, without splitting a letter.
fn cut(bytes: &[u8], most: usize) -> &[u8] {
    let is_inside = |byte: &u8| byte & 0xc0 == 0x80;
    let mut end = most.min(bytes.len());
    while end > 0 && bytes.get(end).is_some_and(is_inside) {
        end = end.saturating_sub(1);
    }
    bytes.get(..end).unwrap_or_default()
}

/// The id of the copy of a version that was made on the tree `base`: the same whenever the same conflict is merged again, and
/// another one when the version comes back in a later conflict, as the target of a link may.
pub(super) fn copy_id(id: NodeId, base: &StoredHash, version: &[u8]) -> NodeId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(id.as_bytes()).update(base.as_bytes()).update(version);
    let hash = hasher.finalize();
    NodeId::from_bytes(*hash.as_bytes().first_chunk().expect("16 of 32 bytes"))
}
