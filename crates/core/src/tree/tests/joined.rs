//! Merges in which directories become one, or would end under themselves.

use super::memory::{make_directory, path_of, remove, rename};
use super::merges::{Merge, conflict, merged, puts};
use crate::tree::edit::Edit;
use crate::tree::merge::MergeNote;

trait ConcatEdits {
    fn concat_edits(self) -> Vec<Edit>;
}

impl<const N: usize> ConcatEdits for [Vec<Edit>; N] {
    fn concat_edits(self) -> Vec<Edit> {
        self.into_iter().flatten().collect()
    }
}

#[test]
fn a_directory_does_not_end_under_itself() {
    let base = [puts(1, &[("/a/x", 1), ("/b/y", 2)]), puts(2, &[("/c/z", 3)])].concat_edits();
    let (lines, notes) = Merge::of(&base, &[rename("/a", "/b/a")], &[rename("/b", "/a/b")]).run();
    assert_eq!(lines, ["/a dir", "/a/b dir", "/a/b/y v2", "/a/x v1", "/c dir", "/c/z v3"]);
    assert_eq!(notes, [MergeNote::MoveRefused { path: path_of("/a") }]);
}

#[test]
fn two_new_directories_of_one_name_become_one_all_the_way_down() {
    let base = puts(1, &[("/x", 1)]);
    let ours = puts(2, &[("/n/a", 2), ("/n/m/b", 3), ("/n/m/c", 4)]);
    let theirs = puts(3, &[("/n/d", 5), ("/n/m/b", 6)]);
    let (lines, notes) = Merge::of(&base, &ours, &theirs).run();
    let copy = "/n/m/b (conflict, laptop, 2026-11-23)";
    assert_eq!(
        lines,
        ["/n dir", "/n/a v2", "/n/d v5", "/n/m dir", &format!("{copy} v3"), "/n/m/b v6", "/n/m/c v4", "/x v1"]
    );
    assert_eq!(notes, [conflict("/n/m/b", copy)]);
}

#[test]
fn a_file_against_a_directory_is_renamed_whichever_is_ours() {
    let base = puts(1, &[("/x", 1)]);
    let (file, directory) = (puts(2, &[("/n", 2)]), puts(3, &[("/n/a", 3)]));
    let copy = "/n (conflict, laptop, 2026-11-23)";
    let (lines, _) = Merge::of(&base, &file, &directory).run();
    assert_eq!(lines, [&format!("{copy} v2"), "/n dir", "/n/a v3", "/x v1"]);
    let (lines, _) = Merge::of(&base, &directory, &file).run();
    assert_eq!(lines, [&format!("{copy} dir"), &format!("{copy}/a v3"), "/n v2", "/x v1"]);
}

#[test]
fn merging_again_adds_no_second_copy_below_directories_that_became_one() {
    let base = [make_directory("/a")];
    let theirs = [vec![rename("/a", "/b")], puts(3, &[("/b/b/a", 3)])].concat_edits();
    let mut case = Merge::of(&base, &[make_directory("/b/b/a")], &theirs);
    let (base, ours) = (case.base.as_ref(), case.ours.as_ref());
    let (first, notes) = merged(&mut case.store, base, ours, case.theirs.as_ref());
    assert_eq!(notes, [conflict("/b/b/a", "/b/b/a (conflict, laptop, 2026-11-23)")]);
    let (second, notes) = merged(&mut case.store, base, ours, first.as_ref());
    assert_eq!(notes, []);
    assert_eq!(second.unwrap().child.hash, first.unwrap().child.hash);
}

#[test]
fn a_moved_directory_becomes_one_with_a_new_one_all_the_way_down() {
    let base = puts(1, &[("/b/c/a/f", 1)]);
    let ours = [vec![rename("/b", "/c")], puts(2, &[("/a/f", 2)])].concat_edits();
    let (lines, notes) = Merge::of(&base, &ours, &[make_directory("/c/c")]).run();
    assert_eq!(lines, ["/a dir", "/a/f v2", "/c dir", "/c/c dir", "/c/c/a dir", "/c/c/a/f v1"]);
    assert_eq!(notes, []);
}

#[test]
fn a_directory_made_in_the_place_of_a_removed_one_stays() {
    let base = puts(1, &[("/c/f", 1), ("/x", 2)]);
    let ours = [remove("/c"), make_directory("/c")];
    let (lines, _) = Merge::of(&base, &ours, &[remove("/c/f")]).run();
    assert_eq!(lines, ["/c dir", "/x v2"]);
}
