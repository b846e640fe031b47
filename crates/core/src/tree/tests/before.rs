//! Edits that were planned on an older tree: what came since stays.

use super::memory::{Memory, NAMING, PLAIN, Seeded, make_directory, path_of, put, put_over, remove, version};
use crate::tree::edit::{Before, Conflict, Edit, MissingParents, Rules, apply};
use crate::tree::node::{Attributes, TreeRoot};

const COPY: &str = "/d/a (conflict, laptop, 2026-11-23).txt";

/// A tree with version `there` at `/d/a.txt`.
fn with(store: &mut Memory, there: u8) -> Option<TreeRoot> {
    let mut random = Seeded(1 << 40);
    store.edit(None, &[put("/d/a.txt", there, &mut random)])
}

fn planned_on(before: Before, number: u8) -> Edit {
    put_over("/d/a.txt", number, before, &mut Seeded(u64::from(number) << 40))
}

fn edit(store: &mut Memory, root: Option<&TreeRoot>, edits: &[Edit]) -> (Option<TreeRoot>, Vec<Conflict>) {
    let rules = Rules { parents: MissingParents::Create(PLAIN), naming: NAMING };
    let edited = store.run(|source, random| apply(root, edits, rules, source, random)).unwrap();
    let conflicts = edited.conflicts;
    (store.seal(edited.tree).0, conflicts)
}

#[test]
fn a_version_that_came_meanwhile_stays_beside_the_new_one() {
    for before in [Before::Nothing, Before::File(version(1).version()), Before::Symlink(b"x".to_vec())] {
        let mut store = Memory::new();
        let root = with(&mut store, 2);
        let (root, conflicts) = edit(&mut store, root.as_ref(), &[planned_on(before, 3)]);
        assert_eq!(store.show(root.as_ref()), ["/d dir", &format!("{COPY} v3"), "/d/a.txt v2"]);
        assert_eq!(conflicts, [Conflict { path: path_of("/d/a.txt"), copy: path_of(COPY) }]);
    }
}

#[test]
fn what_the_edit_was_planned_on_is_replaced() {
    let mut store = Memory::new();
    let root = with(&mut store, 2);
    let id = store.entry(root.as_ref(), "/d/a.txt").id;
    let (root, conflicts) = edit(&mut store, root.as_ref(), &[planned_on(Before::File(version(2).version()), 3)]);
    assert_eq!(store.show(root.as_ref()), ["/d dir", "/d/a.txt v3"]);
    assert_eq!((store.entry(root.as_ref(), "/d/a.txt").id, conflicts), (id, Vec::new()));
}

#[test]
fn an_edit_that_is_applied_again_adds_nothing() {
    let mut store = Memory::new();
    let root = with(&mut store, 2);
    let (once, _) = edit(&mut store, root.as_ref(), &[planned_on(Before::Nothing, 3)]);
    let (twice, conflicts) = edit(&mut store, once.as_ref(), &[planned_on(Before::Nothing, 3)]);
    assert_eq!((store.show(once.as_ref()), conflicts), (store.show(twice.as_ref()), Vec::new()));
    // Nor does one whose version is there under its own name.
    let (same, conflicts) = edit(&mut store, root.as_ref(), &[planned_on(Before::Nothing, 2)]);
    assert_eq!((store.show(root.as_ref()), conflicts), (store.show(same.as_ref()), Vec::new()));
}

#[test]
fn one_version_of_two_contents_loses_neither() {
    let mut store = Memory::new();
    let root = with(&mut store, 2);
    let sealed_again = || {
        let mut edit = planned_on(Before::Nothing, 2);
        let Edit::PutFile { size, .. } = &mut edit else { panic!("a file") };
        *size += 1;
        edit
    };
    let (root, conflicts) = edit(&mut store, root.as_ref(), &[sealed_again()]);
    assert_eq!(store.show(root.as_ref()), ["/d dir", &format!("{COPY} v2"), "/d/a.txt v2"]);
    assert_eq!(conflicts, [Conflict { path: path_of("/d/a.txt"), copy: path_of(COPY) }]);
    let (twice, conflicts) = edit(&mut store, root.as_ref(), &[sealed_again()]);
    assert_eq!((store.show(root.as_ref()), conflicts), (store.show(twice.as_ref()), Vec::new()));
}

#[test]
fn conflict_names_that_are_taken_are_counted() {
    let mut store = Memory::new();
    let root = with(&mut store, 2);
    let (root, _) = edit(&mut store, root.as_ref(), &[planned_on(Before::Nothing, 3)]);
    let (root, _) = edit(&mut store, root.as_ref(), &[planned_on(Before::Nothing, 4)]);
    let second = "/d/a (conflict, laptop, 2026-11-23, 2).txt v4";
    assert_eq!(store.show(root.as_ref()), ["/d dir", &format!("{COPY} v3"), second, "/d/a.txt v2"]);
}

#[test]
fn a_removed_file_comes_back_under_its_name() {
    let mut store = Memory::new();
    let root = with(&mut store, 2);
    let root = store.edit(root.as_ref(), &[remove("/d/a.txt")]);
    let (root, conflicts) = edit(&mut store, root.as_ref(), &[planned_on(Before::File(version(2).version()), 3)]);
    assert_eq!(
        (store.show(root.as_ref()), conflicts),
        (vec!["/d dir".to_owned(), "/d/a.txt v3".to_owned()], Vec::new())
    );
}

#[test]
fn a_link_that_changed_meanwhile_stays() {
    let mut store = Memory::new();
    let link = |target: &[u8], before| {
        let (path, target) = (path_of("/d/a.txt"), target.to_vec());
        Edit::PutSymlink { path, attributes: PLAIN, target, before }
    };
    let root = store.edit(None, &[link(b"theirs", Before::Nothing)]);
    let (root, conflicts) = edit(&mut store, root.as_ref(), &[link(b"ours", Before::Symlink(b"old".to_vec()))]);
    assert_eq!(conflicts.len(), 1);
    assert_eq!(store.show(root.as_ref()).len(), 3);
    let (_, conflicts) = edit(&mut store, root.as_ref(), &[link(b"ours", Before::Symlink(b"theirs".to_vec()))]);
    assert!(conflicts.is_empty());
}

#[test]
fn attributes_are_those_of_the_version_that_they_were_planned_for() {
    let mut store = Memory::new();
    let root = with(&mut store, 2);
    let attributes = Attributes { mtime: 9, mode: 0o600 };
    let set = |before| [Edit::SetAttributes { path: path_of("/d/a.txt"), attributes, before }];
    let (same, _) = edit(&mut store, root.as_ref(), &set(Before::File(version(1).version())));
    assert_eq!(store.entry(same.as_ref(), "/d/a.txt").attributes, PLAIN);
    let (set, _) = edit(&mut store, root.as_ref(), &set(Before::File(version(2).version())));
    assert_eq!(store.entry(set.as_ref(), "/d/a.txt").attributes, attributes);
    let folder = [Edit::SetAttributes { path: path_of("/d"), attributes, before: Before::Directory }];
    let (set, _) = edit(&mut store, set.as_ref(), &folder);
    assert_eq!(store.entry(set.as_ref(), "/d").attributes, attributes);
}

#[test]
fn a_folder_in_the_way_is_refused() {
    let mut store = Memory::new();
    let root = store.edit(None, &[make_directory("/d/a.txt")]);
    let refused = store.try_edit(root.as_ref(), &[planned_on(Before::Anything, 3)], MissingParents::Create(PLAIN));
    assert!(refused.is_err());
}
