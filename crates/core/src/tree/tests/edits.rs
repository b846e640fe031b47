//! Edits: what they do, what they refuse, and how many nodes they touch.

use super::memory::{Memory, PLAIN, Seeded, make_directory, name_of, path_of, put, remove, rename, version};
use crate::tree::edit::{Edit, EditError, MissingParents};
use crate::tree::lookup::Found;
use crate::tree::node::{Attributes, EntryContent, NodeId, TreeRoot};

fn small(store: &mut Memory) -> Option<TreeRoot> {
    let mut random = Seeded(1 << 40);
    let edits = [put("/a", 1, &mut random), put("/d/b", 2, &mut random), put("/d/e/c", 3, &mut random), make_directory("/empty")];
    store.edit(None, &edits)
}

fn copy(from: &str, to: &str) -> Edit {
    Edit::Copy { from: path_of(from), to: path_of(to) }
}

#[test]
fn what_was_put_is_found_again_from_sealed_bytes() {
    let mut store = Memory::new();
    let root = small(&mut store);
    store.forget();
    assert_eq!(store.show(root.as_ref()), ["/a v1", "/d dir", "/d/b v2", "/d/e dir", "/d/e/c v3", "/empty dir"]);
    assert!(matches!(store.find(root.as_ref(), "/d/x/y"), Found::Missing(1)));
    assert!(matches!(store.find(root.as_ref(), "/a/y"), Found::NotDirectory(0)));
    assert!(matches!(store.find(root.as_ref(), "/"), Found::Root));
    assert!(matches!(store.find(None, "/a"), Found::Missing(0)));
}

#[test]
fn a_new_version_keeps_the_id_and_a_move_too_but_a_copy_does_not() {
    let mut store = Memory::new();
    let root = small(&mut store);
    let old = store.entry(root.as_ref(), "/d/b").id;
    let directory = store.entry(root.as_ref(), "/d").id;
    let mut random = Seeded(2 << 40);
    let root = store.edit(root.as_ref(), &[put("/d/b", 9, &mut random), rename("/d", "/f"), copy("/f", "/g/h")]);
    assert_eq!(store.entry(root.as_ref(), "/f/b").id, old);
    assert_eq!(store.entry(root.as_ref(), "/f").id, directory);
    assert_eq!(
        store.show(root.as_ref()),
        [
            "/a v1", "/empty dir", "/f dir", "/f/b v9", "/f/e dir", "/f/e/c v3", "/g dir", "/g/h dir", "/g/h/b v9", "/g/h/e dir", "/g/h/e/c v3"
        ]
    );
}

#[test]
fn the_last_entry_leaves_the_empty_tree() {
    let mut store = Memory::new();
    let root = small(&mut store);
    let root = store.edit(root.as_ref(), &[remove("/a"), remove("/d"), remove("/empty")]);
    assert!(root.is_none());
}

#[test]
fn a_batch_that_changes_nothing_seals_nothing() {
    let mut store = Memory::new();
    let root = small(&mut store);
    let edits = [make_directory("/d"), rename("/a", "/a")];
    let tree = store.run(|source, random| {
        crate::tree::edit::apply(root.as_ref(), &edits, MissingParents::Create(PLAIN), source, random)
    });
    let (same, pieces) = store.seal(tree.unwrap());
    assert_eq!(pieces, 0);
    assert_eq!(same.unwrap().child.hash, root.unwrap().child.hash);
}

#[test]
fn attributes_and_links_are_kept() {
    let mut store = Memory::new();
    let root = small(&mut store);
    let attributes = Attributes { mtime: -5, mode: 0o1751 };
    let link = |target: &[u8]| Edit::PutSymlink { path: path_of("/l"), attributes, target: target.to_vec() };
    let set = |path| Edit::SetAttributes { path: path_of(path), attributes };
    let root = store.edit(root.as_ref(), &[link(b"../x"), set("/d"), set("/d/e/c")]);
    for path in ["/l", "/d", "/d/e/c"] {
        assert_eq!(store.entry(root.as_ref(), path).attributes, attributes, "{path}");
    }
    for target in [vec![], b"a\0".to_vec(), vec![b'a'; 4096]] {
        let refused = store.try_edit(root.as_ref(), &[link(&target)], MissingParents::Refuse);
        assert_eq!(refused.unwrap_err(), EditError::Unrepresentable(path_of("/l")));
    }
    assert!(store.edit(root.as_ref(), &[link(&[b'a'; 4095])]).is_some());
}

#[test]
fn each_refusal_names_its_path() {
    let mut store = Memory::new();
    let root = small(&mut store);
    let mut random = Seeded(3 << 40);
    let mut refused = |edit: Edit| {
        let result = store.try_edit(root.as_ref(), &[edit], MissingParents::Refuse);
        result.expect_err("it is refused")
    };
    let keep = |path: &str| Edit::Remove { path: path_of(path), recursive: false };
    assert_eq!(refused(keep("/x")), EditError::NotFound(path_of("/x")));
    assert_eq!(refused(keep("/x/y")), EditError::NotFound(path_of("/x")));
    assert_eq!(refused(keep("/a/y")), EditError::NotDirectory(path_of("/a")));
    assert_eq!(refused(keep("/d")), EditError::NotEmpty(path_of("/d")));
    assert_eq!(refused(keep("/")), EditError::Root);
    assert_eq!(refused(put("/d", 1, &mut random)), EditError::IsDirectory(path_of("/d")));
    assert_eq!(refused(put("/x/y", 1, &mut random)), EditError::NotFound(path_of("/x")));
    assert_eq!(refused(make_directory("/a")), EditError::Exists(path_of("/a")));
    assert_eq!(refused(make_directory("/d")), EditError::Exists(path_of("/d")));
    assert_eq!(refused(rename("/a", "/d")), EditError::Exists(path_of("/d")));
    assert_eq!(refused(rename("/a", "/d/b")), EditError::Exists(path_of("/d/b")));
    assert_eq!(refused(copy("/a", "/d/b")), EditError::Exists(path_of("/d/b")));
    let into = |from: &str, to: &str| EditError::IntoItself { from: path_of(from), to: path_of(to) };
    assert_eq!(refused(rename("/d", "/d/e/f")), into("/d", "/d/e/f"));
    assert_eq!(refused(copy("/d", "/d/e/f")), into("/d", "/d/e/f"));
    let replace = Edit::Move { from: path_of("/a"), to: path_of("/d"), replace: true };
    assert_eq!(refused(replace), EditError::IsDirectory(path_of("/d")));
    let deep = "/x".repeat(256);
    let edits = [rename("/a", &deep)];
    assert!(store.try_edit(root.as_ref(), &edits, MissingParents::Create(PLAIN)).is_ok());
}

#[test]
fn a_move_may_replace_a_file() {
    let mut store = Memory::new();
    let root = small(&mut store);
    let id = store.entry(root.as_ref(), "/a").id;
    let root = store.edit(root.as_ref(), &[Edit::Move { from: path_of("/a"), to: path_of("/d/b"), replace: true }]);
    assert_eq!(store.entry(root.as_ref(), "/d/b").id, id);
    assert_eq!(store.show(root.as_ref()), ["/d dir", "/d/b v1", "/d/e dir", "/d/e/c v3", "/empty dir"]);
}

#[test]
fn names_that_are_the_same_text_collide() {
    let mut store = Memory::new();
    let (composed, decomposed) = ("/d/caf\u{e9}", "/d/cafe\u{301}");
    let mut random = Seeded(4 << 40);
    for (first, second) in [(composed, decomposed), (decomposed, composed)] {
        let root = store.edit(None, &[put(first, 1, &mut random)]);
        for edit in [put(second, 2, &mut random), make_directory(second)] {
            let refused = store.try_edit(root.as_ref(), &[edit], MissingParents::Refuse);
            let existing = name_of(first.trim_start_matches("/d/"));
            assert_eq!(refused.unwrap_err(), EditError::NameCollision { path: path_of(second), existing });
        }
        let root = store.edit(root.as_ref(), &[rename(first, second)]);
        assert_eq!(store.show(root.as_ref()), ["/d dir".to_owned(), format!("{second} v1")]);
    }
}

fn numbered(range: core::ops::Range<u32>) -> impl Iterator<Item = Edit> {
    range.map(|number| {
        let mut id = [7; 16];
        id[..4].copy_from_slice(&number.to_le_bytes());
        let path = path_of(&format!("/big/file {number:06}"));
        Edit::PutFile { path, attributes: PLAIN, size: 1, version: version(1), id: NodeId::from_bytes(id) }
    })
}

fn sealed_by(store: &mut Memory, root: Option<&TreeRoot>, edits: &[Edit]) -> (Option<TreeRoot>, usize) {
    let tree = store.run(|source, random| {
        crate::tree::edit::apply(root, edits, MissingParents::Create(PLAIN), source, random)
    });
    store.seal(tree.unwrap())
}

#[test]
fn a_hundred_thousand_entries_are_sharded_and_one_edit_touches_one_shard() {
    let mut store = Memory::new();
    let mut root = None;
    for start in (0..100_000).step_by(4096) {
        let edits: Vec<_> = numbered(start..(start + 4096).min(100_000)).collect();
        root = sealed_by(&mut store, root.as_ref(), &edits).0;
    }
    assert_eq!(root.as_ref().unwrap().totals.files, 100_000);
    store.forget();
    let all = store.walk(root.as_ref());
    assert_eq!(all.len(), 100_001);
    assert_eq!(all[1 + 77].0, path_of("/big/file 000077"));

    store.forget();
    let edits: Vec<_> = numbered(50_000..50_001).collect();
    let (_, pieces) = sealed_by(&mut store, root.as_ref(), &edits);
    // The root, the directory's top node, one node of shards and one list.
    assert_eq!((pieces, store.opened_len()), (4, 4));

    store.forget();
    let (_, pieces) = sealed_by(&mut store, root.as_ref(), &[remove("/big/file 050000")]);
    assert_eq!(pieces, 4);
    assert!(store.opened_len() <= 9, "{} nodes were looked at to see that the shards stay", store.opened_len());
}

#[test]
fn a_directory_splits_above_2048_and_joins_at_1024() {
    let mut store = Memory::new();
    let edits: Vec<_> = numbered(0..2048).collect();
    let (root, pieces) = sealed_by(&mut store, None, &edits);
    assert_eq!(pieces, 2);
    let edits: Vec<_> = numbered(2048..2049).collect();
    let (root, pieces) = sealed_by(&mut store, root.as_ref(), &edits);
    assert_eq!(pieces, 1 + 1 + 16);
    store.forget();
    let gone = |range: core::ops::Range<u32>| range.map(|number| remove(&format!("/big/file {number:06}"))).collect::<Vec<_>>();
    let (root, pieces) = sealed_by(&mut store, root.as_ref(), &gone(0..1024));
    assert_eq!(pieces, 1 + 1 + 16);
    assert_eq!(root.as_ref().unwrap().totals.files, 1025);
    store.forget();
    let (root, pieces) = sealed_by(&mut store, root.as_ref(), &gone(1024..1025));
    assert_eq!(pieces, 2);
    store.forget();
    assert_eq!(store.walk(root.as_ref()).len(), 1025);
}

#[test]
fn long_links_split_a_directory_before_its_node_outgrows_a_pack() {
    let mut store = Memory::new();
    let edits: Vec<_> = (0..600)
        .map(|number| Edit::PutSymlink { path: path_of(&format!("/{number}")), attributes: PLAIN, target: vec![b'x'; 4095] })
        .collect();
    let root = store.edit(None, &edits);
    assert!(store.pieces.values().all(|piece| piece.len() <= anonicloud_proto::limits::PACKED_PIECE_MAX));
    store.forget();
    let all = store.walk(root.as_ref());
    assert_eq!(all.len(), 600);
    assert!(all.iter().all(|(_, entry)| matches!(&entry.content, EntryContent::Symlink { target } if target.len() == 4095)));
}
