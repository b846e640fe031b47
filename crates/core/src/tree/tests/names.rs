//! Names and paths: what is refused, and what a person sees.

use super::memory::{PLAIN, name_of, path_of};
use crate::tree::edit::{Edit, EditError};
use crate::tree::name::{DEPTH_MAX, EntryName, NameError, PathError, RemotePath};
use crate::tree::node::{Entry, EntryContent, NodeId};

#[test]
fn each_rule_of_names_has_its_own_refusal() {
    assert_eq!(EntryName::new(b""), Err(NameError::Empty));
    assert_eq!(EntryName::new(b"."), Err(NameError::Relative));
    assert_eq!(EntryName::new(b".."), Err(NameError::Relative));
    assert_eq!(EntryName::new(b"a/b"), Err(NameError::Separator));
    assert_eq!(EntryName::new(b"a\0b"), Err(NameError::Nul));
    assert_eq!(EntryName::new(&[b'a'; 256]), Err(NameError::TooLong));
    for fine in [&[b'a'; 255][..], b"...", b" ", b"\xff\xfe", b"-rf", b"a\nb", "caf\u{e9}".as_bytes()] {
        assert_eq!(EntryName::new(fine).unwrap().as_bytes(), fine);
    }
}

#[test]
fn paths_are_absolute_and_plain() {
    let names = |bytes: &[u8]| RemotePath::parse(bytes).map(|path| path.names().len());
    assert_eq!(names(b"/"), Ok(0));
    assert_eq!(names(b"/a"), Ok(1));
    assert_eq!(names(b"/a/b/"), Ok(2));
    assert_eq!(names(b""), Err(PathError::NotAbsolute));
    assert_eq!(names(b"a/b"), Err(PathError::NotAbsolute));
    assert_eq!(names(b"//"), Err(PathError::EmptyComponent));
    assert_eq!(names(b"/a//b"), Err(PathError::EmptyComponent));
    assert_eq!(names(b"/a//"), Err(PathError::EmptyComponent));
    assert_eq!(names(b"/a/../b"), Err(PathError::Name { component: 2, source: NameError::Relative }));
    assert_eq!(names(&b"/a".repeat(DEPTH_MAX)), Ok(DEPTH_MAX));
    assert_eq!(names(&b"/a".repeat(DEPTH_MAX + 1)), Err(PathError::TooDeep));
}

#[test]
fn a_path_is_what_it_was_parsed_from() {
    for text in ["/", "/a", "/a/b c", "/caf\u{e9}/x"] {
        let path = path_of(text);
        assert_eq!(path.to_bytes(), text.as_bytes());
        assert_eq!(path.to_string(), text);
        assert_eq!(
            path.split().map(|(above, name)| above.join(name)),
            Some(path.clone()).filter(|path| !path.is_root())
        );
    }
    assert!(path_of("/a").contains(&path_of("/a/b")));
    assert!(path_of("/").contains(&path_of("/a")));
    assert!(!path_of("/a").contains(&path_of("/ab")));
}

#[test]
fn what_could_steer_a_terminal_is_escaped() {
    assert_eq!(name_of("a\u{1b}[2Jb").to_string(), "a\\u{1b}[2Jb");
    assert_eq!(name_of("a\nb\\").to_string(), "a\\nb\\\\");
    assert_eq!(name_of("x\u{202e}gpj.exe").to_string(), "x\\u{202e}gpj.exe");
    for unseen in ["\u{ad}", "\u{61c}", "\u{180e}", "\u{fff9}", "\u{fffb}", "\u{e0001}", "\u{e007f}"] {
        assert_eq!(name_of(unseen).to_string(), unseen.escape_unicode().to_string());
    }
    assert_eq!(EntryName::new(b"a\xff").unwrap().to_string(), "a\\xff");
    assert_eq!(name_of("\u{fc}\u{6f22}\u{1f600}").to_string(), "\u{fc}\u{6f22}\u{1f600}");
}

#[test]
fn debug_shows_no_name_no_path_and_no_target() {
    let content = EntryContent::Symlink { target: b"secret".to_vec() };
    let entry = Entry { id: NodeId::ROOT, name: name_of("secret"), attributes: PLAIN, content };
    let edit = Edit::Remove { path: path_of("/secret"), recursive: false };
    let target = format!("{:?}", b"secret");
    for shown in [format!("{entry:?}"), format!("{edit:?}"), format!("{:?}", EditError::NotFound(path_of("/secret")))] {
        assert!(!shown.contains("secret") && !shown.contains(&target), "{shown}");
    }
}

#[test]
fn names_collide_by_their_composed_form() {
    assert_eq!(name_of("cafe\u{301}").collision_key(), name_of("caf\u{e9}").collision_key());
    assert_eq!(name_of("\u{212a}").collision_key(), name_of("K").collision_key());
    assert_ne!(name_of("a").collision_key(), name_of("A").collision_key());
    assert_eq!(&*EntryName::new(b"\xff").unwrap().collision_key(), b"\xff");
}
