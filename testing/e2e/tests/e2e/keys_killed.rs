//! SIGKILL at every step of locking and unlocking: the key is there before and after, and no copy of it stays beside.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anonicloud_e2e::device::{Device, refused};
use anonicloud_e2e::traced::inject;
use anonicloud_e2e::world::World;

const PASSPHRASE: &str = "nine violet herons mend a quiet drum";
/// What a command asks of the system when it replaces a file and tells that it did.
const STEPS: [&str; 5] = ["flock", "write", "fsync", "rename", "unlink"];

/// Runs a command of the device and kills it as it begins this `step` for the time `number`; gives whether it came to its end instead.
fn run_to_step(device: &Device, command: &str, step: &str, number: usize) -> bool {
    let what = format!("signal=KILL:when={number}");
    inject(&device.command(&[&command, &"--json"]), step, &what).output().expect("strace is installed").status.success()
}

/// The device's key, and all beside it that begins as its name does.
fn key_files(state: &Path) -> Vec<PathBuf> {
    let files = fs_err::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("device.key")).collect()
}

/// Runs `command` again and again from the same beginning, killed at each step in turn; `is_done` tells from the key's file whether it
/// was done. Gives how many kills came before and after that.
fn kill_at_every_step(given: &Device, command: &str, is_done: impl Fn(&[u8]) -> bool) -> (usize, usize) {
    let path = given.state().join("device.key");
    let begun = fs_err::read(&path).unwrap();
    assert!(!is_done(&begun));
    begin_again(given, &begun);
    let (mut before, mut after) = (0, 0);
    for step in STEPS {
        for number in 1.. {
            assert!(number < 100, "{command} never comes to its end");
            if run_to_step(given, command, step, number) {
                break;
            }
            let left = fs_err::read(&path).unwrap();
            if is_done(&left) {
                after += 1;
            } else {
                before += 1;
            }
            // The passphrase is given, and taken if need be.
            given.json(&[&"status"]);
            if left.len() != 32 {
                assert_eq!(
                    key_files(given.state()),
                    core::slice::from_ref(&path),
                    "a draft of the key stays beside the locked one"
                );
            }
            begin_again(given, &begun);
        }
        assert!(is_done(&fs_err::read(&path).unwrap()));
        begin_again(given, &begun);
    }
    (before, after)
}

/// The key as it was; beside an open one the second name that is left when the first start was killed.
fn begin_again(device: &Device, key: &[u8]) {
    for path in key_files(device.state()) {
        fs_err::remove_file(path).unwrap();
    }
    let path = device.state().join("device.key");
    fs_err::write(&path, key).unwrap();
    if key.len() == 32 {
        fs_err::hard_link(&path, device.state().join("device.key.0123456789abcdef")).unwrap();
    }
}

#[test]
fn the_key_survives_a_kill_at_every_step_and_nothing_stays_beside_it() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let file = world.path("passphrase");
    fs_err::write(&file, PASSPHRASE).unwrap();
    let given = laptop.with_options(&["--passphrase-file", file.to_str().unwrap()]);
    for (command, is_done) in
        [("lock", (|key| key.len() != 32) as fn(&[u8]) -> bool), ("unlock", |key| key.len() == 32)]
    {
        let (before, after) = kill_at_every_step(&given, command, is_done);
        assert!(before > 2 && after > 1, "{command}: {before} kills before and {after} after it was done");
        given.json(&[&command]);
        let path = given.state().join("device.key");
        assert_eq!(fs_err::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(key_files(given.state()), [path]);
    }
    given.json(&[&"ls", &"/"]);
}

#[test]
fn a_key_that_was_replaced_is_told_as_such_when_what_was_there_resists() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let file = world.path("passphrase");
    fs_err::write(&file, PASSPHRASE).unwrap();
    let given = laptop.with_options(&["--passphrase-file", file.to_str().unwrap()]);
    let path = given.state().join("device.key");
    for command in ["lock", "unlock"] {
        let run = given.command(&[&command, &"--json"]);
        let output = inject(&run, "unlink", "error=EIO:when=1").output().expect("strace is installed");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        given.json(&[&"ls", &"/"]);
        if command == "lock" {
            assert_eq!(key_files(given.state()), core::slice::from_ref(&path));
        }
    }
}

#[test]
fn a_sign_out_that_is_killed_leaves_no_key_that_anybody_knows() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    laptop.json(&[&"mkdir", &"/Photos"]);
    let is_secret = |path: &Path| fs_err::read(path).ok().is_none_or(|key| key.iter().any(|byte| *byte != 0));
    let path = laptop.state().join("device.key");
    for step in ["unlink", "fsync", "write"] {
        for number in 1.. {
            assert!(number < 100, "it never comes to its end");
            let ended = run_to_step(&laptop, "logout", step, number);
            assert!(is_secret(&path), "{step} {number}");
            // As a person goes on, who does not know how far it came.
            let again = laptop.run(&[&"logout", &"--json"]);
            assert!(again.status.success() || refused(&again).code == "not_signed_in");
            world.log_in("laptop", "alice").json(&[&"ls", &"/"]);
            assert!(path.exists() && is_secret(&path), "{step} {number}");
            if ended {
                break;
            }
        }
    }
}
