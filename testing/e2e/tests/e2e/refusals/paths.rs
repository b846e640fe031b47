//! Paths that are not what a command takes them for.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use anonicloud_e2e::tree::assert_same;
use anonicloud_e2e::world::World;

use super::{expect, expect_all_distinct};

#[test]
fn paths_that_do_not_fit() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    fs_err::create_dir(folder.join("inner")).unwrap();
    fs_err::write(folder.join("file"), "kept").unwrap();
    laptop.json(&[&"put", &folder, &"/"]);

    let missing = laptop.refusal(&[&"get", &"/folder/none", &world.path("x")]);
    expect(&missing, "not_found", 4);
    let is_folder = laptop.refusal(&[&"get", &"/folder", &"-"]);
    expect(&is_folder, "is_directory", 5);
    let is_file = laptop.refusal(&[&"mkdir", &"/folder/file/below"]);
    expect(&is_file, "not_directory", 5);
    let exists = laptop.refusal(&[&"mkdir", &"/folder/file"]);
    expect(&exists, "exists", 5);
    let full = laptop.refusal(&[&"rm", &"/folder"]);
    expect(&full, "not_empty", 5);
    let inside = laptop.refusal(&[&"mv", &"/folder", &"/folder/inner"]);
    expect(&inside, "into_itself", 2);
    let relative = laptop.refusal(&[&"put", &folder, &"/a/../b"]);
    expect(&relative, "usage", 2);
    let gone = OsStr::from_bytes(b"no such \xff file");
    let gone = laptop.refusal(&[&"put", &world.path(gone), &"/"]);
    expect(&gone, "local_not_found", 4);
    let target = world.path("target");
    fs_err::write(&target, "mine").unwrap();
    let in_the_way = laptop.refusal(&[&"get", &"/folder/file", &target]);
    expect(&in_the_way, "target_exists", 5);
    assert_eq!(fs_err::read_to_string(&target).unwrap(), "mine");
    expect_all_distinct(&[missing, is_folder, is_file, exists, full, inside, relative, gone, in_the_way]);

    laptop.json(&[&"get", &"/folder", &world.path("back")]);
    assert_same(&folder, &world.path("back"));
    assert_eq!(laptop.waiting(), 0);
}
