//! Nodes from a hostile server or writer: refused each with its own reason, never a panic.

use anonicloud_proto::codec::{DecodeError, Encode as _, Writer};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::BlobId;
use anonicloud_proto::suite::Suite;

use super::memory::{REALM, SPACE, name_of, version};
use crate::content::reference::PieceRef;
use crate::crypto::secret::DirectoryKey;
use crate::crypto::wrap::seal_piece;
use crate::tree::encoding::MalformedNode;
use crate::tree::name::NameError;
use crate::tree::node::{ChildRef, DirectoryNode, LIST_MAX, NodeId};
use crate::tree::shard::{NameKey, ShardPlace};
use crate::tree::store::{OpenNodeError, Wanted, wrap_context};

pub(super) const DIRECTORY: NodeId = NodeId::from_bytes([0xd1; 16]);
pub(super) const NAME_KEY: NameKey = NameKey([3; 32]);

/// One file of a list under construction.
pub(super) fn file(id: u8, name: &[u8]) -> Vec<u8> {
    let mut out = Writer::default();
    out.fixed(&[id; 16]);
    out.bytes(name);
    out.i64(0);
    out.u16(0o644);
    out.u8(0);
    out.u64(1);
    version(1).encode(&mut out);
    out.into_bytes()
}

pub(super) fn link(id: u8, name: &[u8], mode: u16, target: &[u8]) -> Vec<u8> {
    let mut out = Writer::default();
    out.fixed(&[id; 16]);
    out.bytes(name);
    out.i64(0);
    out.u16(mode);
    out.u8(2);
    out.bytes(target);
    out.into_bytes()
}

pub(super) fn list_of(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(0);
    out.count(entries.len());
    out.fixed(&entries.concat());
    out.into_bytes()
}

fn shards_of(level: u8, key: NameKey) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(1);
    out.u8(level);
    out.fixed(&key.0);
    out.fixed(&[0; 16]);
    out.into_bytes()
}

/// Seals what a hostile writer wrote.
pub(super) fn sealed(plain: &[u8], id: NodeId, place: &ShardPlace) -> (ChildRef, Vec<u8>) {
    let key = DirectoryKey::from_bytes([5; 32]);
    let piece = seal_piece(&key.wrap_key(), &wrap_context(&REALM, &SPACE, &id, place), plain, [6; 32]);
    let length = u32::try_from(piece.len()).unwrap();
    let place = PieceRef { suite: Suite::V1, blob: BlobId::from_bytes([7; 32]), offset: 0, length };
    (ChildRef { piece: place, hash: StoredHash::of(&piece), key }, piece)
}

fn open(plain: &[u8], place: ShardPlace) -> Result<DirectoryNode, OpenNodeError> {
    let (child, piece) = sealed(plain, DIRECTORY, &place);
    Wanted::new(DIRECTORY, place, &child).open(&REALM, &SPACE, &piece)
}

#[track_caller]
fn refused(plain: &[u8], place: ShardPlace, reason: MalformedNode) {
    assert_eq!(open(plain, place).unwrap_err(), OpenNodeError::Malformed(reason));
}

#[test]
fn every_rule_of_a_list_is_checked() {
    let at = ShardPlace::TOP;
    assert_eq!(open(&list_of(&[file(1, b"a"), file(2, b"b")]), at).unwrap().entries().unwrap().len(), 2);
    refused(&list_of(&[file(1, b"b"), file(2, b"a")]), at, MalformedNode::Order);
    refused(&list_of(&[file(1, b"a"), file(2, b"a")]), at, MalformedNode::Order);
    refused(
        &list_of(&[file(1, "cafe\u{301}".as_bytes()), file(2, "caf\u{e9}".as_bytes())]),
        at,
        MalformedNode::Collision,
    );
    refused(&list_of(&[file(1, b"a"), file(1, b"b")]), at, MalformedNode::NodeId);
    refused(&list_of(&[file(0, b"a")]), at, MalformedNode::NodeId);
    refused(&list_of(&[file(0xd1, b"a")]), at, MalformedNode::NodeId);
    for (name, error) in [
        (&b".."[..], NameError::Relative),
        (b".", NameError::Relative),
        (b"", NameError::Empty),
        (b"a/b", NameError::Separator),
        (b"\0", NameError::Nul),
    ] {
        refused(&list_of(&[file(1, name)]), at, MalformedNode::Name(error));
    }
}

#[test]
fn every_field_of_a_list_is_checked() {
    let at = ShardPlace::TOP;
    let long = [b'x'; 4096];
    let mut many = Writer::default();
    many.u8(0);
    many.count(LIST_MAX + 1);
    let cases = [
        (list_of(&[file(1, &[b'a'; 256])]), DecodeError::TooLong),
        (list_of(&[link(1, b"a", 0o10000, b"x")]), DecodeError::NotCanonical),
        (list_of(&[link(1, b"a", 0o777, b"")]), DecodeError::NotCanonical),
        (list_of(&[link(1, b"a", 0o777, b"x\0y")]), DecodeError::NotCanonical),
        (list_of(&[link(1, b"a", 0o777, &long)]), DecodeError::TooLong),
        ([list_of(&[]), vec![0]].concat(), DecodeError::Trailing),
        (vec![2], DecodeError::UnknownVariant),
        (vec![], DecodeError::Truncated),
        (many.into_bytes(), DecodeError::TooLong),
    ];
    for (plain, error) in cases {
        refused(&plain, at, MalformedNode::Encoding(error));
    }
}

#[test]
fn every_rule_of_shards_is_checked() {
    let name = name_of("a");
    let [first, second] = [NAME_KEY.nibble(&name, 0), NAME_KEY.nibble(&name, 1)];
    let inside = ShardPlace::TOP.below(NAME_KEY, first);
    let deeper = inside.below(NAME_KEY, second);
    for place in [inside, deeper] {
        assert!(open(&list_of(&[file(1, b"a")]), place).is_ok());
    }
    let beside = ShardPlace::TOP.below(NAME_KEY, first ^ 1);
    for place in [beside, beside.below(NAME_KEY, second), inside.below(NAME_KEY, second ^ 1)] {
        refused(&list_of(&[file(1, b"a")]), place, MalformedNode::Shard);
    }
    assert!(open(&shards_of(0, NAME_KEY), ShardPlace::TOP).is_ok());
    assert!(open(&shards_of(1, NAME_KEY), inside).is_ok());
    refused(&shards_of(1, NAME_KEY), ShardPlace::TOP, MalformedNode::Shard);
    refused(&shards_of(0, NAME_KEY), inside, MalformedNode::Shard);
    refused(&shards_of(1, NameKey([4; 32])), inside, MalformedNode::Shard);
    let last = (0..12).fold(ShardPlace::TOP, |place, _| place.below(NAME_KEY, 15));
    assert_eq!(last.level(), 12);
    refused(&shards_of(12, NAME_KEY), last, MalformedNode::Shard);
    let mut unknown = shards_of(0, NAME_KEY);
    unknown[40] = 2;
    refused(&unknown, ShardPlace::TOP, MalformedNode::Encoding(DecodeError::UnknownVariant));
}
