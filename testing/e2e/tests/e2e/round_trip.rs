//! What goes up comes down, whatever it is.

use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anonicloud_e2e::content;
use anonicloud_e2e::tree::assert_same;
use anonicloud_e2e::world::World;

const SEGMENT: u64 = 4 << 20;
const MIB: u64 = 1 << 20;
const KIB: u64 = 1 << 10;

fn set_mode(path: &Path, mode: u32) {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn set_mtime(path: &Path, time: SystemTime) {
    fs_err::File::open(path).unwrap().file().set_modified(time).unwrap();
}

/// A folder with everything that a folder can hold.
fn make_zoo(root: &Path) {
    let names: [&[u8]; 11] = [
        b"with spaces and \"quotes\"",
        b"line\nbreak",
        b"\x1b[31mterminal",
        b"-rf",
        b"--json",
        "\u{442}\u{435}\u{43a}\u{441}\u{442} \u{65e5}\u{672c}\u{8a9e}".as_bytes(),
        "\u{1f43a}\u{1f3fd}\u{200d}\u{1f680}".as_bytes(),
        b"not utf-8 \xff\xfe",
        b"back\\slash",
        b"...",
        &[b'x'; 255],
    ];
    for (number, name) in names.iter().enumerate() {
        let path = root.join(OsStr::from_bytes(name));
        content::write(&path, number as u64, number as u64 * 100);
    }
    let deep = root.join("a/b/c/d/e/f");
    fs_err::create_dir_all(&deep).unwrap();
    fs_err::write(deep.join("leaf"), "deep").unwrap();
    for folder in ["empty", "sticky", "closed"] {
        fs_err::create_dir(root.join(folder)).unwrap();
    }
    for (name, mode) in [("mode 600", 0o600), ("mode 755", 0o755), ("mode 444", 0o444)] {
        fs_err::write(root.join(name), name).unwrap();
        set_mode(&root.join(name), mode);
    }
    set_mode(&root.join("sticky"), 0o1777);
    set_mode(&root.join("closed"), 0o700);
    let long_ago = UNIX_EPOCH - Duration::new(86_400, 999_999_999);
    for (name, time) in [("old", long_ago), ("new", UNIX_EPOCH + Duration::new(4_000_000_000, 123_456_789))] {
        fs_err::write(root.join(name), name).unwrap();
        set_mtime(&root.join(name), time);
    }
    for (name, target) in
        [("dangling", "no/such"), ("to folder", "a/b"), ("to file", "old"), ("absolute", "/etc/hostname")]
    {
        symlink(target, root.join(name)).unwrap();
    }
    symlink(OsStr::from_bytes(b"\xff"), root.join("odd target")).unwrap();
    set_mtime(&root.join("empty"), UNIX_EPOCH + Duration::new(1_000_000_000, 1));
}

#[test]
fn every_kind_of_entry_survives() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let zoo = world.folder("zoo");
    make_zoo(&zoo);
    let sent = laptop.json(&[&"put", &zoo, &"/"]);
    assert_eq!(sent["skipped"].as_array().unwrap().len(), 0, "{sent}");

    let phone = world.log_in("phone", "alice");
    let back = world.folder("back");
    phone.json(&[&"get", &"/zoo", &back]);
    assert_same(&zoo, &back.join("zoo"));
    // Nothing of it has changed by having been away, links included.
    let returned = phone.json(&[&"put", &back.join("zoo"), &"/"]);
    assert_eq!((returned["files"].as_u64(), returned["symlinks"].as_u64()), (Some(0), Some(0)), "{returned}");

    let again = laptop.json(&[&"put", &zoo, &"/"]);
    assert_eq!((again["files"].as_u64(), again["bytes_transferred"].as_u64()), (Some(0), Some(0)), "{again}");
    let again = phone.json(&[&"get", &"/zoo", &back]);
    assert_eq!((again["files"].as_u64(), again["bytes_transferred"].as_u64()), (Some(0), Some(0)), "{again}");
}

#[test]
fn every_size_survives() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("sizes");
    let sizes = [
        0,
        1,
        16 * KIB - 1,
        16 * KIB,
        16 * KIB + 1,
        MIB - 16 * KIB,
        MIB - 1024,
        MIB - 100,
        MIB - 1,
        MIB,
        MIB + 1,
        SEGMENT - 1,
        SEGMENT,
        SEGMENT + 1,
        SEGMENT + MIB - 100,
        SEGMENT + MIB + 1,
        2 * SEGMENT,
        9 * MIB,
    ];
    for size in sizes {
        content::write(&folder.join(size.to_string()), size, size);
    }
    laptop.json(&[&"put", &folder, &"/"]);
    let phone = world.log_in("phone", "alice");
    phone.json(&[&"get", &"/sizes", &world.path("back")]);
    assert_same(&folder, &world.path("back"));
    for size in sizes {
        let bytes = phone.stdout(&[&"get", &format!("/sizes/{size}"), &"-"]);
        assert_eq!(content::compare(&content::bytes(size, size)[..], &bytes[..]), Ok(()), "{size}");
    }
}

#[test]
fn streams_come_and_go() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    for size in [0, 5, SEGMENT, SEGMENT + 5, 9 * MIB] {
        let path = format!("/streams/{size}");
        let mut child = laptop.command(&[&"put", &"-", &path]).stdin(Stdio::piped()).spawn().unwrap();
        let sent = content::bytes(size, size);
        child.stdin.take().unwrap().write_all(&sent).unwrap();
        assert!(child.wait().unwrap().success());
        let got = laptop.stdout(&[&"get", &path, &"-"]);
        assert_eq!(content::compare(&sent[..], &got[..]), Ok(()), "{size}");
    }
    assert_eq!(laptop.reserved(), 0);
}
