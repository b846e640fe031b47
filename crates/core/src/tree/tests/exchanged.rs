//! Nodes in another place than their own: exchanged by a server, grafted by a writer, or deeper than a reader goes.

use anonicloud_proto::codec::{Encode as _, Writer};
use anonicloud_proto::ids::{RealmId, SpaceId};

use super::hostile::{DIRECTORY, NAME_KEY, file, list_of, sealed};
use super::memory::{Memory, PLAIN, REALM, SPACE, Seeded, make_directory, name_of, path_of, put, rename};
use crate::content::reference::Totals;
use crate::crypto::rejected::Rejected;
use crate::crypto::secret::DirectoryKey;
use crate::tree::edit::{Edit, EditError, MissingParents};
use crate::tree::encoding::MalformedNode;
use crate::tree::lookup::{DirectoryRef, Walk, find, list};
use crate::tree::name::RemotePath;
use crate::tree::node::{ChildRef, EntryContent, NodeId, TreeRoot};
use crate::tree::shard::ShardPlace;
use crate::tree::store::{OpenNodeError, ReadTreeError, Wanted};

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
    let root = TreeRoot { totals: Totals::default(), child };
    let result = store.run(|source, _| list(&DirectoryRef::root(&root), source));
    assert_eq!(result.unwrap_err(), ReadTreeError::Malformed(MalformedNode::NodeId));
    assert!(store.run(|source, _| find(Some(&root), &path_of("/a"), source)).is_ok());
}

/// Two directories that both name one below them, again and again: more paths than anybody walks, out of few nodes.
#[test]
fn a_directory_in_two_places_ends_every_walk_and_copy() {
    let mut store = Memory::new();
    let id = |level: u8, side: u8| NodeId::from_bytes([side; 16].map(|side| side * 64 + level));
    let mut below: Vec<Vec<u8>> = Vec::new();
    for level in (1..60).rev() {
        let (child, piece) = sealed(&list_of(&below), id(level, 1), &ShardPlace::TOP);
        store.pieces.insert(child.hash, piece);
        let (twin, piece) = sealed(&list_of(&below), id(level, 2), &ShardPlace::TOP);
        store.pieces.insert(twin.hash, piece);
        below = vec![directory(id(level, 1), b"a", &child), directory(id(level, 2), b"b", &twin)];
    }
    let (child, piece) = sealed(&list_of(&below), NodeId::ROOT, &ShardPlace::TOP);
    store.pieces.insert(child.hash, piece);
    let root = TreeRoot { totals: Totals::default(), child };
    let mut walk = Walk::new(RemotePath::root(), DirectoryRef::root(&root));
    let refused = ReadTreeError::Malformed(MalformedNode::NodeId);
    let stopped = loop {
        match store.run(|source, _| walk.next(source)) {
            Ok(Some(_)) => {}
            other => break other.map(|listed| listed.is_none()),
        }
    };
    assert_eq!(stopped, Err(refused));
    let copy = [Edit::Copy { from: path_of("/a"), to: path_of("/c") }];
    let error = store.try_edit(Some(&root), &copy, MissingParents::Refuse).unwrap_err();
    assert_eq!(error, EditError::Read(refused));
}

fn directory(id: NodeId, name: &[u8], child: &ChildRef) -> Vec<u8> {
    let mut out = Writer::default();
    id.encode(&mut out);
    out.bytes(name);
    out.i64(0);
    out.u16(0o755);
    out.u8(1);
    Totals::default().encode(&mut out);
    child.encode(&mut out);
    out.into_bytes()
}
