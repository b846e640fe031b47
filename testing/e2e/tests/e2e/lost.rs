//! What a server lost that was put back from a backup is told, before that is accepted and after.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anonicloud_e2e::device::Device;
use anonicloud_e2e::world::World;
use serde_json::Value;

use crate::devices::{copy, names};
use crate::halted::{put_back, refuses_to_write};

fn losses(answer: &Value) -> Vec<(&str, &str)> {
    assert_eq!(answer["lost_unnamed"], 0);
    let lost = answer["lost"].as_array().unwrap().iter();
    lost.map(|lost| (lost["path"].as_str().unwrap(), lost["loss"].as_str().unwrap())).collect()
}

/// After the backup the laptop moved, copied, changed, removed, replaced a folder and sent; the tablet read only the top folder
/// of that. Gives both, and the folder that was sent.
fn with_a_loss(world: &mut World) -> ([Device; 2], PathBuf) {
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice");
    let source = world.folder("source");
    for name in ["one", "two", "three", "four", "gone", "becomes a folder"] {
        fs_err::write(source.join(name), name).unwrap();
    }
    laptop.json(&[&"put", &source, &"/"]);
    assert_eq!(names(&tablet), ["source"]);
    world.kill_server();
    let backup = world.path("backup");
    copy(world.server().data(), &backup);
    world.start_server();
    laptop.json(&[&"mkdir", &"/new"]);
    laptop.json(&[&"mv", &"/source/one", &"/new/moved"]);
    laptop.json(&[&"cp", &"/source/two", &"/new/copied"]);
    laptop.json(&[&"rm", &"/source/gone", &"/source/becomes a folder"]);
    laptop.json(&[&"mkdir", &"/source/becomes a folder", &"/source/becomes a folder/in it"]);
    let other = world.folder("other");
    fs_err::write(other.join("sent"), "what only this device has").unwrap();
    fs_err::os::unix::fs::symlink("sent", other.join("link")).unwrap();
    laptop.json(&[&"put", &other, &"/new"]);
    fs_err::write(source.join("three"), "changed").unwrap();
    fs_err::set_permissions(source.join("four"), PermissionsExt::from_mode(0o600)).unwrap();
    laptop.json(&[&"put", &source.join("three"), &source.join("four"), &"/source"]);
    assert_eq!(names(&tablet), ["new", "source"]);
    put_back(world, &backup);
    for device in [&laptop, &tablet] {
        assert_eq!(device.refusal(&[&"ls", &"/"]).code, "rolled_back");
    }
    ([laptop, tablet], other)
}

#[test]
fn what_is_lost_is_told_before_that_is_accepted_and_after() {
    let mut world = World::new();
    let ([laptop, tablet], other) = with_a_loss(&mut world);
    let expected = [
        ("/new", "missing"),
        ("/new/copied", "missing"),
        ("/new/moved", "missing"),
        ("/new/other", "missing"),
        ("/new/other/link", "missing"),
        ("/new/other/sent", "missing"),
        ("/source/becomes a folder", "changed"),
        ("/source/becomes a folder/in it", "missing"),
        ("/source/four", "changed"),
        ("/source/three", "changed"),
    ];
    let answer = laptop.json(&[&"halt", &"--accept-loss", &"--dry-run"]);
    assert_eq!((losses(&answer).as_slice(), &answer["halted"]), (expected.as_slice(), &Value::Bool(true)));
    refuses_to_write(&world, &laptop);
    // That was looked at, and is here still.
    assert_eq!(laptop.json(&[&"ls", &"-R", &"--offline", &"/new"])["items"].as_array().unwrap().len(), 5);
    let answer = laptop.json(&[&"halt", &"--accept-loss", &"--yes"]);
    assert_eq!((losses(&answer).as_slice(), &answer["halted"]), (expected.as_slice(), &Value::Bool(false)));
    // It has not read what was in them.
    let answer = tablet.json(&[&"halt", &"--accept-loss", &"--yes"]);
    assert_eq!(losses(&answer), [("/new", "unread"), ("/source", "unread")]);
    laptop.json(&[&"mkdir", &"/new"]);
    laptop.json(&[&"put", &other, &"/new"]);
    for device in [&laptop, &tablet] {
        for (path, content) in [("/new/other/sent", "what only this device has"), ("/source/three", "three")] {
            assert_eq!(device.stdout(&[&"get", &path, &"-"]), content.as_bytes(), "{path}");
        }
        assert_eq!(device.json(&[&"check"])["findings"].as_array().map(Vec::len), Some(0));
    }
}
