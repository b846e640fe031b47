//! Nodes from a hostile server or writer: refused each with its own reason, never a panic.

use anonicloud_proto::codec::{DecodeError, Encode as _, Writer};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, RealmId, SpaceId};
use anonicloud_proto::suite::Suite;

use super::memory::{Memory, PLAIN, REALM, SPACE, Seeded, make_directory, name_of, path_of, put, rename, version};
use crate::content::reference::PieceRef;
use crate::crypto::rejected::Rejected;
use crate::crypto::secret::DirectoryKey;
use crate::crypto::wrap::seal_piece;
use crate::tree::edit::{Edit, MissingParents};
use crate::tree::encoding::MalformedNode;
use crate::tree::lookup::{DirectoryRef, Walk, find, list};
use crate::tree::name::{NameError, RemotePath};
use crate::tree::node::{ChildRef, DirectoryNode, EntryContent, LIST_MAX, NodeId, TreeRoot};
use crate::tree::shard::{NameKey, ShardPlace};
use crate::tree::store::{OpenNodeError, ReadTreeError, Wanted, wrap_context};

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
fn sealed(plain: &[u8], id: NodeId, place: &ShardPlace) -> (ChildRef, Vec<u8>) {
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

#[test]
fn a_node_opens_only_where_it_was_sealed_for() {
    let place = ShardPlace::TOP.below(NAME_KEY, 4);
    let (child, piece) = sealed(&list_of(&[]), DIRECTORY, &place);
    let altered = OpenNodeError::Altered(Rejected);
    assert!(Wanted::new(DIRECTORY, place, &child).open(&REALM, &SPACE, &piece).is_ok());
    for (id, place) in
        [(DIRECTORY, ShardPlace::TOP), (DIRECTORY, ShardPlace::TOP.below(NAME_KEY, 5)), (NodeId::ROOT, place)]
    {
        assert_eq!(Wanted::new(id, place, &child).open(&REALM, &SPACE, &piece).unwrap_err(), altered);
    }
    let wanted = Wanted::new(DIRECTORY, place, &child);
    assert_eq!(wanted.open(&REALM, &SpaceId::from_bytes([8; 32]), &piece).unwrap_err(), altered);
    assert_eq!(wanted.open(&RealmId::from_bytes([8; 16]), &SPACE, &piece).unwrap_err(), altered);
    let mut other_key = child.duplicate();
    other_key.key = DirectoryKey::from_bytes([9; 32]);
    assert_eq!(Wanted::new(DIRECTORY, place, &other_key).open(&REALM, &SPACE, &piece).unwrap_err(), altered);
    for bit in 0..piece.len() * 8 {
        let mut flipped = piece.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(wanted.open(&REALM, &SPACE, &flipped).unwrap_err(), altered);
    }
    assert_eq!(wanted.open(&REALM, &SPACE, &piece[..piece.len() - 1]).unwrap_err(), altered);
    assert_eq!(wanted.open(&REALM, &SPACE, &[&piece[..], &[0]].concat()).unwrap_err(), altered);
}

#[test]
fn a11_no_two_nodes_can_be_exchanged() {
    let mut store = Memory::new();
    let mut random = Seeded(1 << 40);
    let edits: Vec<_> = ["/a/x", "/b/x", "/c/d/x", "/x"].iter().map(|path| put(path, 1, &mut random)).collect();
    let root = store.edit(None, &edits).unwrap();
    let mut wanted = vec![Wanted::root(&root)];
    for (_, entry) in store.walk(Some(&root)) {
        if let EntryContent::Directory { child, .. } = &entry.content {
            wanted.push(Wanted::new(entry.id, ShardPlace::TOP, child));
        }
    }
    assert_eq!(wanted.len(), 5);
    for wanted in &wanted {
        for (hash, piece) in &store.pieces {
            let opened = wanted.open(&REALM, &SPACE, piece);
            assert_eq!(opened.is_ok(), *hash == wanted.child().hash);
        }
    }
}

#[test]
fn a_node_that_was_opened_elsewhere_is_not_taken_for_another() {
    let mut store = Memory::new();
    let mut random = Seeded(1 << 40);
    let root = store.edit(None, &[put("/a/x", 1, &mut random), put("/b/y", 2, &mut random)]);
    let [a, b] = ["/a", "/b"].map(|path| store.entry(root.as_ref(), path));
    assert!(store.run(|source, _| list(&DirectoryRef::of(&a).unwrap(), source)).is_ok());
    let EntryContent::Directory { child, totals } = &a.content else { panic!("a directory") };
    let grafted = crate::tree::node::Entry {
        id: b.id,
        name: b.name.clone(),
        attributes: b.attributes,
        content: EntryContent::Directory { totals: *totals, child: child.duplicate() },
    };
    let result = store.run(|source, _| list(&DirectoryRef::of(&grafted).unwrap(), source));
    assert_eq!(result.unwrap_err(), ReadTreeError::Misplaced);
}

#[test]
fn a_tree_that_is_too_deep_ends_a_walk() {
    let mut store = Memory::new();
    let root = store.edit(None, &[make_directory(&"/x".repeat(200)), make_directory(&"/y".repeat(200))]);
    let root = store.edit(root.as_ref(), &[rename("/y", &format!("{}/y", "/x".repeat(200)))]).unwrap();
    let mut walk = Walk::new(RemotePath::root(), DirectoryRef::root(&root));
    let error = loop {
        match store.run(|source, _| walk.next(source)) {
            Ok(step) => assert!(step.is_some(), "the walk ends without an error"),
            Err(error) => break error,
        }
    };
    assert_eq!(error, ReadTreeError::TooDeep);
    let copy = Edit::Copy { from: path_of("/x"), to: path_of("/z") };
    assert!(store.try_edit(Some(&root), &[copy], MissingParents::Create(PLAIN)).is_err());
}

#[test]
fn one_id_in_two_shards_is_refused_when_they_are_listed() {
    let mut store = Memory::new();
    let names = [name_of("a"), name_of("d")];
    let mut top = Writer::default();
    top.u8(1);
    top.u8(0);
    top.fixed(&NAME_KEY.0);
    let nibbles = names.each_ref().map(|name| NAME_KEY.nibble(name, 0));
    assert_ne!(nibbles[0], nibbles[1]);
    for nibble in 0..16 {
        let Some(name) = names.iter().find(|name| NAME_KEY.nibble(name, 0) == nibble) else {
            top.u8(0);
            continue;
        };
        let (child, piece) =
            sealed(&list_of(&[file(1, name.as_bytes())]), NodeId::ROOT, &ShardPlace::TOP.below(NAME_KEY, nibble));
        store.pieces.insert(child.hash, piece);
        top.u8(1);
        child.encode(&mut top);
    }
    let (child, piece) = sealed(&top.into_bytes(), NodeId::ROOT, &ShardPlace::TOP);
    store.pieces.insert(child.hash, piece);
    let root = TreeRoot { totals: crate::content::reference::Totals::default(), child };
    let result = store.run(|source, _| list(&DirectoryRef::root(&root), source));
    assert_eq!(result.unwrap_err(), ReadTreeError::Malformed(MalformedNode::NodeId));
    assert!(store.run(|source, _| find(Some(&root), &path_of("/a"), source)).is_ok());
}
