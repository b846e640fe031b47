//! What is sealed opens again: no edit, copy or merge makes a directory that readers refuse.

use super::memory::{Memory, PLAIN, Seeded, make_directory, path_of, put, remove, version};
use crate::tree::edit::{Before, Edit, EditError, MissingParents, Rules, apply};
use crate::tree::encoding::MalformedNode;
use crate::tree::merge::{ConflictNaming, MergeInput, merge};
use crate::tree::node::{Attributes, EntryContent, NodeId, TreeRoot};
use crate::tree::seal::SealTreeError;

fn link(path: &str, target: &str) -> Edit {
    Edit::PutSymlink {
        path: path_of(path),
        attributes: PLAIN,
        target: target.as_bytes().to_vec(),
        before: Before::Anything,
    }
}

fn merged_on(store: &mut Memory, date: &str, input: MergeInput<'_>) -> Option<TreeRoot> {
    let naming = ConflictNaming { device: "laptop", date };
    let merged = store.run(|source, _| merge(input, naming, source)).unwrap();
    store.seal(merged.tree).0
}

#[test]
fn a_link_that_gets_an_old_target_again_conflicts_again() {
    let mut store = Memory::new();
    let mut base = store.edit(None, &[link("/current", "0")]);
    for (date, theirs) in [("2026-11-23", "b"), ("2026-11-24", "c"), ("2026-11-24", "d")] {
        let ours = store.edit(base.as_ref(), &[link("/current", "a")]);
        let theirs = store.edit(base.as_ref(), &[link("/current", theirs)]);
        let input = MergeInput { base: base.as_ref(), ours: ours.as_ref(), theirs: theirs.as_ref() };
        let once = merged_on(&mut store, date, input);
        let again = merged_on(&mut store, date, MergeInput { theirs: once.as_ref(), ..input });
        assert_eq!(again.unwrap().child.hash, once.as_ref().unwrap().child.hash);
        base = once;
    }
    store.forget();
    let names =
        ["2026-11-23", "2026-11-24", "2026-11-24, 2"].map(|mark| format!("/current (conflict, laptop, {mark}) -> a"));
    assert_eq!(store.show(base.as_ref()), [&names[0], &names[1], &names[2], "/current -> d"]);
}

/// A directory of so many entries, two of them with names that are one text: the second one is written where the first one is
/// not looked for.
fn same_text_in_two_shards(store: &mut Memory, entries: usize) -> Option<TreeRoot> {
    let mut random = Seeded(1 << 50);
    let mut edits: Vec<_> = (0..2_100).map(|number| put(&format!("/d/{number}"), 1, &mut random)).collect();
    edits.push(put("/d/\u{fa19}", 2, &mut random));
    let root = store.edit(None, &edits);
    let root = store.edit(root.as_ref(), &[put("/d/\u{795e}", 3, &mut random)]);
    let gone: Vec<_> = (entries - 2..2_100).map(|number| remove(&format!("/d/{number}"))).collect();
    store.forget();
    store.edit(root.as_ref(), &gone)
}

#[test]
fn shards_with_two_names_of_one_text_stay_apart_when_they_become_few() {
    let mut store = Memory::new();
    let root = same_text_in_two_shards(&mut store, 12);
    store.forget();
    assert_eq!(store.walk(root.as_ref()).len(), 1 + 12);
    for (name, number) in [("/d/\u{fa19}", 2), ("/d/\u{795e}", 3)] {
        let entry = store.entry(root.as_ref(), name);
        assert!(
            matches!(&entry.content, EntryContent::File { version: found, .. } if found.version() == version(number).version()),
            "{entry:?}"
        );
    }
    // Without one of the two it is a list again.
    let root = store.edit(root.as_ref(), &[remove("/d/\u{fa19}"), remove("/d/0")]);
    store.forget();
    assert_eq!(store.walk(root.as_ref()).len(), 1 + 10);
    assert_eq!(store.opened_len(), 2);
}

#[test]
fn a_copy_of_shards_with_two_names_of_one_text_opens() {
    let mut store = Memory::new();
    let root = same_text_in_two_shards(&mut store, 1_500);
    let root = store.edit(root.as_ref(), &[Edit::Copy { from: path_of("/d"), to: path_of("/e") }]);
    store.forget();
    assert_eq!(store.walk(root.as_ref()).len(), 2 * (1 + 1_500));
    assert_eq!(store.entry(root.as_ref(), "/e/\u{795e}").name, store.entry(root.as_ref(), "/d/\u{795e}").name);
}

#[test]
fn what_no_reader_accepts_is_not_sealed() {
    let mut store = Memory::new();
    let file = |path: &str, id: NodeId| Edit::PutFile {
        path: path_of(path),
        attributes: PLAIN,
        size: 1,
        version: version(1),
        id,
        before: Before::Anything,
    };
    let twice = NodeId::from_bytes([1; 16]);
    for edits in [vec![file("/a", NodeId::ROOT)], vec![file("/a", twice), file("/b", twice)]] {
        let naming = ConflictNaming { device: "laptop", date: "2026-11-23" };
        let rules = Rules { parents: MissingParents::Refuse, naming };
        let edited = store.run(|source, random| apply(None, &edits, rules, source, random)).unwrap();
        let error = store.try_seal(edited.tree).unwrap_err();
        assert_eq!(error, SealTreeError::Malformed(MalformedNode::NodeId));
    }
    let odd = Attributes { mtime: 0, mode: 0o10_000 };
    let error = store.try_edit(None, &[file("/a/b", twice)], MissingParents::Create(odd)).unwrap_err();
    assert_eq!(error, EditError::Unrepresentable(path_of("/a")));
}

#[test]
fn a_copy_does_not_go_deeper_than_a_path_may() {
    let mut store = Memory::new();
    let deep = "/d".repeat(200);
    let root = store.edit(None, &[make_directory(&deep), make_directory(&"/e".repeat(56))]);
    let to = |names: usize| path_of(&format!("{}/c", "/e".repeat(names)));
    let copy = |names| [Edit::Copy { from: path_of("/d"), to: to(names) }];
    let error = store.try_edit(root.as_ref(), &copy(57), MissingParents::Create(PLAIN)).unwrap_err();
    assert_eq!(error, EditError::TooDeep(to(57)));
    let root = store.edit(root.as_ref(), &copy(56));
    store.forget();
    assert_eq!(store.walk(root.as_ref()).len(), 200 + 56 + 200);
}
