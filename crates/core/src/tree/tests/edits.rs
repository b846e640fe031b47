//! Edits: what they do, what they refuse, and how many nodes they touch.

use super::memory::{Memory, NAMING, PLAIN, Seeded, make_directory, name_of, path_of, put, remove, rename};
use crate::tree::edit::{Before, Edit, EditError, MissingParents, Rules, apply};
use crate::tree::lookup::Found;
use crate::tree::name::RemotePath;
use crate::tree::node::{Attributes, TreeRoot};

fn small(store: &mut Memory) -> Option<TreeRoot> {
    let mut random = Seeded(1 << 40);
    let edits = [
        put("/a", 1, &mut random),
        put("/d/b", 2, &mut random),
        put("/d/e/c", 3, &mut random),
        make_directory("/empty"),
    ];
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
            "/a v1",
            "/empty dir",
            "/f dir",
            "/f/b v9",
            "/f/e dir",
            "/f/e/c v3",
            "/g dir",
            "/g/h dir",
            "/g/h/b v9",
            "/g/h/e dir",
            "/g/h/e/c v3"
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
    let rules = Rules { parents: MissingParents::Create(PLAIN), naming: NAMING };
    let edited = store.run(|source, random| apply(root.as_ref(), &edits, rules, source, random));
    let (same, pieces) = store.seal(edited.unwrap().tree);
    assert_eq!(pieces, 0);
    assert_eq!(same.unwrap().child.hash, root.unwrap().child.hash);
}

#[test]
fn attributes_and_links_are_kept() {
    let mut store = Memory::new();
    let root = small(&mut store);
    let attributes = Attributes { mtime: -5, mode: 0o1751 };
    let before = || Before::Anything;
    let link =
        |target: &[u8]| Edit::PutSymlink { path: path_of("/l"), attributes, target: target.to_vec(), before: before() };
    let set = |path| Edit::SetAttributes { path: path_of(path), attributes, before: before() };
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

/// What each edit of the small tree is refused with.
fn assert_refused(cases: impl IntoIterator<Item = (Edit, EditError)>) {
    let mut store = Memory::new();
    let root = small(&mut store);
    for (edit, error) in cases {
        let shown = format!("{edit:?}");
        let result = store.try_edit(root.as_ref(), &[edit], MissingParents::Refuse);
        assert_eq!(result.expect_err(&shown), error, "{shown}");
    }
}

#[test]
fn each_refusal_names_its_path() {
    use EditError::{Exists, IsDirectory, NotDirectory, NotEmpty, NotFound};
    let mut random = Seeded(3 << 40);
    let keep = |path: &str| Edit::Remove { path: path_of(path), recursive: false };
    assert_refused([
        (keep("/x"), NotFound(path_of("/x"))),
        (keep("/x/y"), NotFound(path_of("/x"))),
        (keep("/a/y"), NotDirectory(path_of("/a"))),
        (keep("/d"), NotEmpty(path_of("/d"))),
        (keep("/"), EditError::Root),
        (put("/d", 1, &mut random), IsDirectory(path_of("/d"))),
        (put("/x/y", 1, &mut random), NotFound(path_of("/x"))),
        (make_directory("/a"), Exists(path_of("/a"))),
        (make_directory("/d"), Exists(path_of("/d"))),
    ]);
}

#[test]
fn moves_and_copies_do_not_overwrite_or_end_in_themselves() {
    use EditError::{Exists, IsDirectory, TooDeep};
    let into = |from: &str, to: &str| EditError::IntoItself { from: path_of(from), to: path_of(to) };
    let replace = Edit::Move { from: path_of("/a"), to: path_of("/d"), replace: true };
    let too_deep = RemotePath::from(vec![name_of("x"); 257]);
    let deep = Edit::Move { from: path_of("/a"), to: too_deep.clone(), replace: false };
    assert_refused([
        (rename("/a", "/d"), Exists(path_of("/d"))),
        (rename("/a", "/d/b"), Exists(path_of("/d/b"))),
        (copy("/a", "/d/b"), Exists(path_of("/d/b"))),
        (rename("/d", "/d/e/f"), into("/d", "/d/e/f")),
        (copy("/d", "/d/e/f"), into("/d", "/d/e/f")),
        (replace, IsDirectory(path_of("/d"))),
        (deep, TooDeep(too_deep)),
    ]);
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
