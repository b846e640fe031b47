//! Pieces that were brought elsewhere: nobody sees it, and no side of a merge takes it for a change.

use anonicloud_proto::codec::{Decode as _, Writer};

use super::memory::{Memory, NAMING, PLAIN, Seeded, path_of, put, put_over, remove, rename, version};
use super::merges::{Merge, merged, puts};
use crate::content::reference::VersionRef;
use crate::tree::edit::{Before, Edit, MissingParents, Rules, apply};
use crate::tree::node::{Attributes, EntryContent, TreeRoot};

/// Version `number`, its record in another pack.
fn moved(number: u8) -> VersionRef {
    let mut id = [number; 16];
    id[12..].fill(0xff);
    let mut out = Writer::default();
    out.u16(1);
    out.fixed(&id);
    out.fixed(&[number; 32]);
    out.u16(1);
    out.fixed(&[0xee; 32]);
    out.u32(0);
    out.u32(100);
    out.fixed(&[number ^ 0x80; 32]);
    VersionRef::from_bytes(&out.into_bytes()).unwrap()
}

/// A change, and what is there when both sides are merged.
type Case<'a> = (fn() -> Edit, &'a [&'a str]);

fn move_record(path: &str, number: u8) -> Edit {
    Edit::MoveRecord { path: path_of(path), from: *version(number).hash(), version: moved(number) }
}

fn is_moved(store: &mut Memory, root: Option<&TreeRoot>, path: &str) -> bool {
    let entry = store.entry(root, path);
    let EntryContent::File { version, .. } = &entry.content else { panic!("{path} is a file") };
    version.record().blob.as_bytes() == &[0xee; 32]
}

#[test]
fn a_record_moves_where_it_is_and_nothing_else_changes() {
    let mut store = Memory::new();
    let base = store.edit(None, &puts(1, &[("/d/a", 1), ("/d/b", 2)]));
    let before = store.entry(base.as_ref(), "/d/a");
    let edits = [move_record("/d/a", 1), move_record("/d/b", 3), move_record("/gone", 1), move_record("/d/a/b", 1)];
    let after = store.try_edit(base.as_ref(), &edits, MissingParents::Refuse).unwrap();
    assert_eq!(store.show(base.as_ref()), store.show(after.as_ref()));
    let entry = store.entry(after.as_ref(), "/d/a");
    assert_eq!((entry.id, entry.attributes), (before.id, before.attributes));
    assert!(is_moved(&mut store, after.as_ref(), "/d/a"));
    assert!(!is_moved(&mut store, after.as_ref(), "/d/b"), "it has another record by now");
    // What was moved is not moved out of the place it had before.
    let again = store.try_edit(after.as_ref(), &edits, MissingParents::Refuse).unwrap();
    assert_eq!(again.unwrap().child.hash, after.unwrap().child.hash);
}

#[test]
fn a_node_is_sealed_anew_with_those_above_it_and_no_other() {
    let mut store = Memory::new();
    let base = store.edit(None, &puts(1, &[("/d/a", 1), ("/e/b", 2)])).unwrap();
    let edits = [Edit::Reseal { path: path_of("/d/x") }, Edit::Reseal { path: path_of("/gone/x") }];
    let after = store.try_edit(Some(&base), &edits, MissingParents::Refuse).unwrap().unwrap();
    let mut node_of = |root: &TreeRoot, path| match &store.entry(Some(root), path).content {
        EntryContent::Directory { child, .. } => child.hash,
        _ => panic!("{path} is a folder"),
    };
    assert_ne!(node_of(&base, "/d"), node_of(&after, "/d"));
    assert_eq!(node_of(&base, "/e"), node_of(&after, "/e"));
    assert_ne!(base.child.hash, after.child.hash);
    assert_eq!(store.show(Some(&base)), store.show(Some(&after)));
}

/// Whoever planned an edit on what was moved meanwhile has planned it on just that.
#[test]
fn an_edit_of_what_was_moved_meanwhile_makes_no_conflict() {
    let mut store = Memory::new();
    let base = store.edit(None, &puts(1, &[("/a", 1)]));
    let there = store.edit(base.as_ref(), &[move_record("/a", 1)]);
    let before = Before::File(version(1).version());
    let touched = Attributes { mtime: 9, mode: 0o600 };
    for (edit, left) in [
        (put_over("/a", 2, before.clone(), &mut Seeded(7 << 40)), "/a v2"),
        (Edit::SetAttributes { path: path_of("/a"), attributes: touched, before }, "/a v1"),
        (put_over("/a", 1, Before::Nothing, &mut Seeded(7 << 40)), "/a v1"),
    ] {
        let rules = Rules { parents: MissingParents::Create(PLAIN), naming: NAMING };
        let edits = [edit];
        let edited = store.run(|source, random| apply(there.as_ref(), &edits, rules, source, random)).unwrap();
        assert_eq!(edited.conflicts, []);
        let after = store.seal(edited.tree).0;
        assert_eq!(store.show(after.as_ref()), [left]);
    }
}

/// Edits, moves and removals of one side, and the other side brings all elsewhere: whichever comes first, the change stands.
#[test]
fn a_merge_takes_no_move_of_pieces_for_a_change() {
    let base = puts(1, &[("/d/a", 1), ("/d/b", 2), ("/e/c", 3)]);
    let moves = [move_record("/d/a", 1), move_record("/d/b", 2), move_record("/e/c", 3)];
    let touched = Attributes { mtime: 9, mode: 0o600 };
    let set = || Edit::SetAttributes { path: path_of("/d/b"), attributes: touched, before: Before::Anything };
    let changes: [Case<'_>; 6] = [
        (|| put("/d/a", 11, &mut Seeded(2 << 40)), &["/d dir", "/d/a v11", "/d/b v2", "/e dir", "/e/c v3"]),
        (|| rename("/d/a", "/e/x"), &["/d dir", "/d/b v2", "/e dir", "/e/c v3", "/e/x v1"]),
        (|| rename("/d", "/e/d"), &["/e dir", "/e/c v3", "/e/d dir", "/e/d/a v1", "/e/d/b v2"]),
        (|| remove("/d/a"), &["/d dir", "/d/b v2", "/e dir", "/e/c v3"]),
        (|| remove("/d"), &["/e dir", "/e/c v3"]),
        (|| put("/d/n", 12, &mut Seeded(3 << 40)), &["/d dir", "/d/a v1", "/d/b v2", "/d/n v12", "/e dir", "/e/c v3"]),
    ];
    for (change, left) in changes {
        for is_moved_first in [false, true] {
            let change = [change()];
            let (ours, theirs) = if is_moved_first { (&change[..], &moves[..]) } else { (&moves[..], &change[..]) };
            let mut merge = Merge::of(&base, ours, theirs);
            let (lines, notes) = merge.run();
            assert_eq!((lines, notes), (left.iter().map(|line| (*line).to_owned()).collect(), Vec::new()));
        }
    }
    let mut merge = Merge::of(&base, &[set()], &moves);
    let root = merged(&mut merge.store, merge.base.as_ref(), merge.ours.as_ref(), merge.theirs.as_ref()).0;
    assert_eq!(merge.store.entry(root.as_ref(), "/d/b").attributes, touched);
    assert!(is_moved(&mut merge.store, root.as_ref(), "/d/b"), "it stays where the newest tree has it");
}
