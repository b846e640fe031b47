//! Merges: what a person would expect of each case, and what must hold for all.

use std::collections::BTreeSet;

use super::memory::{Memory, NAMING, PLAIN, Seeded, path_of, put, remove, rename, what};
use crate::tree::edit::{Before, Edit};
use crate::tree::merge::{MergeInput, MergeNote, merge};
use crate::tree::node::{Attributes, EntryContent, TreeRoot};

pub(super) struct Merge {
    pub(super) store: Memory,
    pub(super) base: Option<TreeRoot>,
    pub(super) ours: Option<TreeRoot>,
    pub(super) theirs: Option<TreeRoot>,
}

pub(super) fn merged(
    store: &mut Memory,
    base: Option<&TreeRoot>,
    ours: Option<&TreeRoot>,
    theirs: Option<&TreeRoot>,
) -> (Option<TreeRoot>, Vec<MergeNote>) {
    store.forget();
    let result = store.run(|source, _| merge(MergeInput { base, ours, theirs }, NAMING, source));
    let result = result.expect("the trees are well-formed");
    (store.seal(result.tree).0, result.notes)
}

impl Merge {
    pub(super) fn of(base: &[Edit], ours: &[Edit], theirs: &[Edit]) -> Self {
        let mut store = Memory::new();
        let base = store.edit(None, base);
        let [ours, theirs] = [ours, theirs].map(|edits| store.edit(base.as_ref(), edits));
        Self { store, base, ours, theirs }
    }

    pub(super) fn run(&mut self) -> (Vec<String>, Vec<MergeNote>) {
        let (root, notes) = merged(&mut self.store, self.base.as_ref(), self.ours.as_ref(), self.theirs.as_ref());
        (self.store.show(root.as_ref()), notes)
    }
}

/// Puts versions at paths, each drawn its own id.
pub(super) fn puts(seed: u64, files: &[(&str, u8)]) -> Vec<Edit> {
    let mut random = Seeded(seed << 40);
    files.iter().map(|(path, number)| put(path, *number, &mut random)).collect()
}

pub(super) fn conflict(path: &str, copy: &str) -> MergeNote {
    MergeNote::Conflict { path: path_of(path), copy: path_of(copy) }
}

#[test]
fn changes_of_different_entries_all_stand() {
    let base = puts(1, &[("/a", 1), ("/b", 2), ("/d/c", 3)]);
    let mut ours = puts(2, &[("/a", 11), ("/n/o", 12)]);
    ours.push(rename("/d/c", "/d/e"));
    let mut theirs = puts(3, &[("/d/c", 13), ("/n2", 14)]);
    theirs.push(remove("/b"));
    let (lines, notes) = Merge::of(&base, &ours, &theirs).run();
    assert_eq!(lines, ["/a v11", "/d dir", "/d/e v13", "/n dir", "/n/o v12", "/n2 v14"]);
    assert_eq!(notes, []);
}

#[test]
fn a_file_that_both_changed_is_there_twice() {
    let base = puts(1, &[("/a.txt", 1)]);
    let mut case = Merge::of(&base, &puts(2, &[("/a.txt", 2)]), &puts(3, &[("/a.txt", 3)]));
    let (lines, notes) = case.run();
    assert_eq!(lines, ["/a (conflict, laptop, 2026-11-23).txt v2", "/a.txt v3"]);
    assert_eq!(notes, [conflict("/a.txt", "/a (conflict, laptop, 2026-11-23).txt")]);
}

#[test]
fn two_new_files_of_one_name_are_both_kept_and_a_taken_conflict_name_is_counted() {
    let taken = "/a (conflict, laptop, 2026-11-23)";
    let base = puts(1, &[(taken, 1)]);
    let mut case = Merge::of(&base, &puts(2, &[("/a", 2)]), &puts(3, &[("/a", 3)]));
    let (lines, notes) = case.run();
    assert_eq!(lines, ["/a (conflict, laptop, 2026-11-23) v1", "/a (conflict, laptop, 2026-11-23, 2) v2", "/a v3"]);
    assert_eq!(notes, [conflict("/a", "/a (conflict, laptop, 2026-11-23, 2)")]);
    let mut same = Merge::of(&base, &puts(2, &[("/a", 2)]), &puts(3, &[("/a", 2)]));
    assert_eq!(same.run(), (vec![format!("{taken} v1"), "/a v2".to_owned()], vec![]));
}

#[test]
fn names_that_are_the_same_text_are_one_name() {
    let (composed, decomposed) = ("/caf\u{e9}", "/cafe\u{301}");
    let base = puts(1, &[("/x", 1)]);
    let mut case = Merge::of(&base, &puts(2, &[(composed, 2)]), &puts(3, &[(decomposed, 3)]));
    let copy = format!("{composed} (conflict, laptop, 2026-11-23)");
    assert_eq!(case.run().1, [conflict(decomposed, &copy)]);
}

#[test]
fn an_edit_wins_over_a_removal_with_the_directories_it_needs() {
    let base = puts(1, &[("/d/e/a", 1), ("/d/e/b", 2), ("/d/c", 3)]);
    let edit = puts(2, &[("/d/e/a", 9)]);
    for (ours, theirs) in [(&[remove("/d")][..], &edit[..]), (&edit[..], &[remove("/d")][..])] {
        let (lines, notes) = Merge::of(&base, ours, theirs).run();
        assert_eq!(lines, ["/d dir", "/d/e dir", "/d/e/a v9"]);
        assert_eq!(notes, []);
    }
}

#[test]
fn a_directory_that_one_side_moved_and_the_other_removed_stays_with_its_content() {
    let base = puts(1, &[("/d/e/a", 1), ("/d/c", 3), ("/x", 4)]);
    let moves = [rename("/d", "/f")];
    let removes = [rename("/d/c", "/c"), remove("/d")];
    for (ours, theirs) in [(&moves[..], &removes[..]), (&removes[..], &moves[..])] {
        let (lines, notes) = Merge::of(&base, ours, theirs).run();
        assert_eq!(lines, ["/c v3", "/f dir", "/f/e dir", "/f/e/a v1", "/x v4"]);
        assert_eq!(notes, []);
    }
}

#[test]
fn where_both_moved_an_entry_theirs_stands() {
    let base = puts(1, &[("/a", 1), ("/d/b", 2)]);
    let ours = [rename("/a", "/d/a"), rename("/d", "/e")];
    let (lines, notes) = Merge::of(&base, &ours, &[rename("/a", "/c")]).run();
    assert_eq!(lines, ["/c v1", "/e dir", "/e/b v2"]);
    assert_eq!(notes, []);
}

#[test]
fn attributes_of_one_side_join_the_content_of_the_other() {
    let base = puts(1, &[("/a", 1), ("/b", 1)]);
    let attributes = Attributes { mtime: 77, mode: 0o600 };
    let set = [Edit::SetAttributes { path: path_of("/a"), attributes, before: Before::Anything }];
    for (ours, theirs) in [(&set[..], &puts(2, &[("/a", 2)])[..]), (&puts(2, &[("/a", 2)])[..], &set[..])] {
        let mut case = Merge::of(&base, ours, theirs);
        let (root, _) = merged(&mut case.store, case.base.as_ref(), case.ours.as_ref(), case.theirs.as_ref());
        let entry = case.store.entry(root.as_ref(), "/a");
        assert_eq!((what(&entry), entry.attributes), ("v2".to_owned(), attributes));
    }
}

#[test]
fn only_nodes_on_the_way_to_changes_are_read() {
    let mut files: Vec<_> = (0..40).flat_map(|number| puts(number, &[(&format!("/d{number}/e/f"), 1)])).collect();
    let mut random = Seeded(99 << 40);
    files.extend((0..5000).map(|number| put(&format!("/big/{number}"), 1, &mut random)));
    let mut case =
        Merge::of(&files, &puts(50, &[("/d1/e/f", 2), ("/big/1", 2)]), &puts(51, &[("/d2/e/f", 3), ("/big/2", 3)]));
    let (root, notes) = merged(&mut case.store, case.base.as_ref(), case.ours.as_ref(), case.theirs.as_ref());
    assert_eq!(notes, []);
    // Three roots, three times /big with two shards of each side, two directories of each side twice, and theirs of ours.
    assert!(case.store.opened_len() <= 3 + 3 + 6 + 8 + 2, "{} nodes were read", case.store.opened_len());
    assert_eq!(root.unwrap().totals.files, 5040);
}

#[test]
fn a_copy_of_a_link_survives_beside_a_changed_one() {
    let link = |target: &str| {
        let (path, target, before) = (path_of("/l"), target.as_bytes().to_vec(), Before::Anything);
        vec![Edit::PutSymlink { path, attributes: PLAIN, target, before }]
    };
    let mut case = Merge::of(&link("a"), &link("b"), &link("c"));
    let (root, _) = merged(&mut case.store, case.base.as_ref(), case.ours.as_ref(), case.theirs.as_ref());
    let targets: BTreeSet<_> = case
        .store
        .walk(root.as_ref())
        .iter()
        .map(|(_, entry)| match &entry.content {
            EntryContent::Symlink { target } => target.clone(),
            _ => Vec::new(),
        })
        .collect();
    assert_eq!(targets, BTreeSet::from([b"b".to_vec(), b"c".to_vec()]));
}
