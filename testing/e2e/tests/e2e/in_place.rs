//! What a download finds at its place: what is there is kept unless `--force` was given, whenever it came.

use std::ffi::OsString;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anonicloud_e2e::content;
use anonicloud_e2e::device::Device;
use anonicloud_e2e::tree::{assert_same, list};
use anonicloud_e2e::wire::Moment;
use anonicloud_e2e::world::World;

use crate::transfer::{MIB, SEGMENT};

/// When everything is planned, and blobs of the large file come: all else together is shorter.
const IN_THE_MIDDLE: Moment = Moment::Received(3 * MIB);

fn set_mode(path: &Path, mode: u32) {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn mode_of(path: &Path) -> u32 {
    fs_err::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn mtime_of(path: &Path) -> (i64, i64) {
    let metadata = fs_err::symlink_metadata(path).unwrap();
    (metadata.mtime(), metadata.mtime_nsec())
}

fn names(folder: &Path) -> Vec<OsString> {
    list(folder).into_keys().collect()
}

/// A folder that is sent to `/folder`: enough small files for a group, a large one, a link.
fn send_folder(world: &World, laptop: &Device) -> PathBuf {
    let folder = world.folder("folder");
    for number in 0..20 {
        content::write(&folder.join(format!("small {number}")), number, 1000);
    }
    content::write(&folder.join("large"), 1, 2 * SEGMENT);
    symlink("small 1", folder.join("link")).unwrap();
    laptop.json(&[&"put", &folder, &"/"]);
    folder
}

#[test]
fn what_appears_while_a_download_runs_is_neither_replaced_nor_removed() {
    for (name, overwrite) in [("small 3", false), ("large", false), ("link", false), ("small 3", true), ("link", true)]
    {
        let world = World::new();
        let laptop = world.sign_up("laptop", "alice");
        send_folder(&world, &laptop);
        let back = world.folder("back");
        world.wire().hold(IN_THE_MIDDLE);
        let force: &str = if overwrite { "--force" } else { "--quiet" };
        let mut run = laptop.start(&[&"get", &"/folder", &back, &force]);
        assert!(world.wire().wait_held(&mut run), "the download ended");
        let place = back.join("folder").join(name);
        fs_err::write(&place, "somebody's own").unwrap();
        world.wire().release();
        let refusal = run.refusal();
        assert_eq!(refusal.code, "target_exists", "{name}: {refusal:?}");
        assert_eq!(fs_err::read(&place).unwrap(), b"somebody's own", "{name}");
    }
}

#[test]
fn a_folder_that_appears_while_a_download_runs_is_not_touched() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    send_folder(&world, &laptop);
    let back = world.folder("back");
    let place = back.join("large");
    world.wire().hold(IN_THE_MIDDLE);
    let mut run = laptop.start(&[&"get", &"/folder/large", &place]);
    assert!(world.wire().wait_held(&mut run), "the download ended");
    fs_err::create_dir(&place).unwrap();
    fs_err::write(place.join("own"), "").unwrap();
    world.wire().release();
    assert_eq!(run.refusal().code, "target_exists");
    assert_eq!(names(&place), ["own"]);
}

#[test]
fn what_is_there_is_replaced_with_force_alone() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = send_folder(&world, &laptop);
    let back = world.folder("back");
    let there = world.folder("back/folder");
    for name in ["small 3", "large"] {
        fs_err::write(there.join(name), "old").unwrap();
    }
    symlink("old", there.join("link")).unwrap();
    assert_eq!(laptop.refusal(&[&"get", &"/folder", &back]).code, "target_exists");
    assert_eq!(names(&there), ["large", "link", "small 3"]);
    laptop.json(&[&"get", &"/folder", &back, &"--force"]);
    assert_same(&folder, &there);
}

#[test]
fn folders_are_closed_to_others_until_their_rights_are_known() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = send_folder(&world, &laptop);
    let (inner, open) = (folder.join("inner"), folder.join("open"));
    for path in [&inner, &open] {
        fs_err::create_dir(path).unwrap();
        content::write(&path.join("file"), 1, 5 * MIB);
    }
    set_mode(&inner, 0o700);
    set_mode(&open, 0o755);
    set_mode(&folder, 0o750);
    laptop.json(&[&"put", &folder, &"/"]);

    let back = world.folder("back");
    world.wire().hold(IN_THE_MIDDLE);
    let mut run = laptop.start(&[&"get", &"/folder", &back]);
    assert!(world.wire().wait_held(&mut run), "the download ended");
    for path in ["folder", "folder/inner", "folder/open"] {
        assert_eq!(mode_of(&back.join(path)) & 0o777, 0o700, "{path}");
    }
    // A run that goes on finishes the folders of the one that was cut.
    run.kill();
    world.wire().cut();
    laptop.json(&[&"get", &"/folder", &back]);
    assert_same(&folder, &back.join("folder"));
    assert_eq!(mode_of(&back.join("folder")), 0o750);
}

#[test]
fn a_folder_that_was_there_keeps_its_rights_and_time_without_force() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    fs_err::create_dir(folder.join("inner")).unwrap();
    set_mode(&folder.join("inner"), 0o755);
    laptop.json(&[&"put", &folder, &"/"]);
    let back = world.folder("back");
    let there = world.folder("back/folder/inner");
    set_mode(&there, 0o700);
    let before = mtime_of(&there);
    laptop.json(&[&"get", &"/folder", &back]);
    assert_eq!((mode_of(&there), mtime_of(&there)), (0o700, before));
    laptop.json(&[&"get", &"/folder", &back, &"--force"]);
    assert_eq!((mode_of(&there), mtime_of(&there)), (0o755, mtime_of(&folder.join("inner"))));
}

#[test]
fn what_another_version_left_goes_when_the_file_is_in_place() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let source = world.path("large");
    content::write(&source, 1, 10 * SEGMENT);
    laptop.json(&[&"put", &source, &"/large"]);
    let back = world.folder("back");
    let target = back.join("large");
    let other = back.join("other");
    let cut = |place: &Path| {
        world.wire().hold(Moment::Received(5 * SEGMENT));
        let mut run = laptop.start(&[&"get", &"/large", &place]);
        assert!(world.wire().wait_held(&mut run), "the download was not cut");
        run.kill();
        world.wire().cut();
    };
    cut(&target);
    cut(&other);
    let left = names(&back);
    assert_eq!(left.len(), 2, "{left:?}");
    content::write(&source, 2, SEGMENT);
    laptop.json(&[&"put", &source, &"/large"]);
    laptop.json(&[&"get", &"/large", &target]);
    let left = names(&back);
    assert_eq!(left.len(), 2, "what was cut at another place stays: {left:?}");
    assert!(left.contains(&"large".into()), "{left:?}");
}

#[test]
fn a_link_has_no_content_to_write_to_a_stream() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    symlink("target", folder.join("link")).unwrap();
    laptop.json(&[&"put", &folder, &"/"]);
    let refusal = laptop.refusal(&[&"get", &"/folder/link", &"-"]);
    assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("is_symlink", "/folder/link is a symlink"));
    assert_eq!(laptop.refusal(&[&"get", &"/folder", &"-"]).code, "is_directory");
}
