//! Files that cannot be sent: they are left out by name and reason, all others go.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use anonicloud_e2e::content;
use anonicloud_e2e::device::{Arguments, Device, refused};
use anonicloud_e2e::tree::assert_same;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;
use serde_json::Value;

use super::expect;

/// What a `put` left out that was done in part, by name and code.
fn left_out(output: &Output) -> Vec<(String, String)> {
    expect(&refused(output), "partial", 12);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("an answer beside it");
    let skipped = answer["skipped"].as_array().unwrap().iter().map(|skipped| {
        let path = skipped["path"].as_str().unwrap();
        assert!(!skipped["reason"].as_str().unwrap().is_empty());
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        (name, skipped["code"].as_str().unwrap().to_owned())
    });
    skipped.collect()
}

/// The command without the right to read what its mode forbids, which root has.
fn without_privileges(device: &Device, arguments: Arguments<'_>) -> Command {
    let plain = device.command(arguments);
    let mut command = Command::new("setpriv");
    let capabilities = "-dac_override,-dac_read_search";
    command
        .args(["--bounding-set", capabilities, "--inh-caps", capabilities])
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .env("HOME", device.state());
    command
}

#[test]
fn what_cannot_be_read_is_left_out_and_the_rest_goes() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    fs_err::write(folder.join("first"), "1").unwrap();
    fs_err::write(folder.join("closed"), "secret").unwrap();
    content::write(&folder.join("closed large"), 1, 5 << 20);
    fs_err::create_dir(folder.join("closed folder")).unwrap();
    fs_err::write(folder.join("last"), "2").unwrap();
    let pipe = Command::new("mkfifo").arg(folder.join("pipe")).status();
    assert!(pipe.unwrap().success());
    let closed = ["closed", "closed large", "closed folder"];
    let set_modes = |mode| {
        for name in closed {
            fs_err::set_permissions(folder.join(name), Permissions::from_mode(mode)).unwrap();
        }
    };
    set_modes(0o000);
    let arguments: Arguments<'_> = &[&"put", &folder, &"/", &"--json"];
    let is_privileged = fs_err::read(folder.join("closed")).is_ok();
    let output =
        if is_privileged { without_privileges(&laptop, arguments).output().unwrap() } else { laptop.run(arguments) };
    let mut skipped = left_out(&output);
    skipped.sort();
    let expected = [
        ("closed", "unreadable"),
        ("closed folder", "unreadable"),
        ("closed large", "unreadable"),
        ("pipe", "special_file"),
    ];
    let expected = expected.map(|(name, code)| (name.to_owned(), code.to_owned()));
    assert_eq!(skipped, expected);
    assert_eq!(laptop.stdout(&[&"get", &"/folder/first", &"-"]), b"1");
    assert_eq!(laptop.stdout(&[&"get", &"/folder/last", &"-"]), b"2");
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));

    set_modes(0o700);
    fs_err::remove_file(folder.join("pipe")).unwrap();
    laptop.json(&[&"put", &folder, &"/"]);
    laptop.json(&[&"get", &"/folder", &world.path("back")]);
    assert_same(&folder, &world.path("back"));
}

#[test]
fn a_cut_upload_waits_for_a_file_that_cannot_be_read() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    let film = folder.join("film");
    content::write(&film, 1, 40 << 20);
    world.wire().hold(Moment::Answer(Kind::PutBlob, 9));
    let mut run = laptop.start(&[&"put", &folder, &"/"]);
    assert!(world.wire().wait_held(&mut run));
    run.kill();
    world.wire().cut();
    fs_err::set_permissions(&film, Permissions::from_mode(0o000)).unwrap();
    let is_privileged = fs_err::read(&film).is_ok();
    let resume: Arguments<'_> = &[&"resume", &"--json"];
    let output = if is_privileged { without_privileges(&laptop, resume).output().unwrap() } else { laptop.run(resume) };
    assert_eq!(left_out(&output), [("film".to_owned(), "unreadable".to_owned())]);
    assert_eq!(laptop.waiting(), 1);
    assert!(laptop.reserved() >= 40 << 20);
    fs_err::set_permissions(&film, Permissions::from_mode(0o600)).unwrap();
    let answer = laptop.json(&[&"resume"]);
    assert!(answer["bytes_transferred"].as_u64().unwrap() < 36 << 20, "{answer}");
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
}

#[test]
fn a_file_that_never_stands_still_is_left_out_and_the_rest_goes() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    let restless = folder.join("restless");
    content::write(&restless, 1, 5 << 20);
    fs_err::write(folder.join("still"), "still").unwrap();
    let ended = AtomicBool::new(false);
    let output = thread::scope(|scope| {
        scope.spawn(|| {
            let file = fs_err::File::options().write(true).open(&restless).unwrap();
            let mut seconds = 1;
            while !ended.load(Ordering::Relaxed) {
                let time = UNIX_EPOCH + Duration::from_secs(seconds);
                file.file().set_modified(time).unwrap();
                seconds += 1;
                thread::yield_now();
            }
        });
        let output = laptop.run(&[&"put", &folder, &"/", &"--json"]);
        ended.store(true, Ordering::Relaxed);
        output
    });
    assert_eq!(left_out(&output), [("restless".to_owned(), "changed".to_owned())]);
    assert_eq!(laptop.stdout(&[&"get", &"/folder/still", &"-"]), b"still");
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));

    laptop.json(&[&"put", &folder, &"/"]);
    laptop.json(&[&"get", &"/folder", &world.path("back")]);
    assert_same(&folder, &world.path("back"));
}

#[test]
fn what_stands_in_the_way_stays() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    fs_err::create_dir(folder.join("thing")).unwrap();
    fs_err::write(folder.join("thing/inner"), "kept").unwrap();
    laptop.json(&[&"put", &folder, &"/"]);
    fs_err::remove_dir_all(folder.join("thing")).unwrap();
    fs_err::write(folder.join("thing"), "other").unwrap();
    let output = laptop.run(&[&"put", &folder, &"/", &"--json"]);
    assert_eq!(left_out(&output), [("thing".to_owned(), "in_the_way".to_owned())]);
    assert_eq!(laptop.stdout(&[&"get", &"/folder/thing/inner", &"-"]), b"kept");
}

#[test]
fn names_that_look_alike_do_not_hide_each_other() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    fs_err::write(folder.join(decomposed), "decomposed").unwrap();
    fs_err::write(folder.join(composed), "composed").unwrap();
    fs_err::write(folder.join("last"), "last").unwrap();
    let output = laptop.run(&[&"put", &folder, &"/", &"--json"]);
    let refused = vec![(composed.to_owned(), "name_refused".to_owned())];
    assert_eq!(left_out(&output), refused);
    let refusal = laptop.refusal(&[&"mkdir", &format!("/folder/{composed}")]);
    expect(&refusal, "name_collision", 5);
    for (name, content) in [(decomposed, "decomposed"), ("last", "last")] {
        let got = laptop.stdout(&[&"get", &format!("/folder/{name}"), &"-"]);
        assert_eq!(got, content.as_bytes());
    }
}
