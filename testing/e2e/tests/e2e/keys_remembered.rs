//! A passphrase that the kernel spares a person for a while.

use std::process::{Command, Output};

use anonicloud_e2e::device::{Arguments, Device, refused};
use anonicloud_e2e::traced::{inject, within};
use anonicloud_e2e::world::World;

const PASSPHRASE: &str = "nine violet herons mend a quiet drum";
const OTHER: &str = "four copper beetles sort the winter mail";

fn passphrase_file(world: &World, name: &str, passphrase: &str) -> String {
    let file = world.path(name);
    fs_err::write(&file, passphrase).unwrap();
    file.to_str().unwrap().to_owned()
}

/// The laptop of alice, locked, and the same with the passphrase at hand.
fn locked_laptop(world: &World) -> (Device, Device) {
    let laptop = world.sign_up("laptop", "alice");
    let file = passphrase_file(world, "passphrase", PASSPHRASE);
    let given = laptop.clone().with_options(&["--passphrase-file", &file]);
    given.json(&[&"lock"]);
    (laptop, given)
}

/// Whether this kernel remembers keys for the user of the test; a container may forbid it, and then only what is said about that is
/// tested.
fn kernel_remembers() -> bool {
    let tried = Command::new("keyctl").args(["rlist", "@u"]).output().expect("keyctl of keyutils is installed");
    if !tried.status.success() {
        eprintln!("no keyctl here, so not tested: {}", String::from_utf8_lossy(&tried.stderr));
    }
    tried.status.success()
}

/// What the kernel calls a key of the lock of the device.
fn name_of_lock(device: &Device) -> String {
    let file = fs_err::read(device.state().join("device.key")).unwrap();
    format!("anonicloud:lock:{}", data_encoding::HEXLOWER.encode(&file[3..19]))
}

/// The number of the key that the kernel has under this name for all shells of the user.
fn kernel_key(name: &str) -> Option<u32> {
    let found = Command::new("keyctl").args(["search", "@u", "user", name]).output().expect("keyctl is installed");
    found.status.success().then(|| String::from_utf8(found.stdout).unwrap().trim().parse().unwrap())
}

/// The time that a key has left, as `/proc/keys` shows it.
fn time_left(key: u32) -> String {
    let keys = fs_err::read_to_string("/proc/keys").unwrap();
    let line = keys.lines().find(|line| line.starts_with(&format!("{key:08x}"))).unwrap();
    line.split_whitespace().nth(3).unwrap().to_owned()
}

/// Runs a command of the device under strace, which does `what` to each of its calls of `calls`.
fn run_with(device: &Device, arguments: Arguments<'_>, calls: &str, what: &str) -> Output {
    let mut run = device.command(arguments);
    inject(run.arg("--json"), calls, what).output().expect("strace is installed")
}

#[test]
fn the_kernel_remembers_for_a_while_in_every_shell_and_forgets_when_told() {
    let world = World::new();
    let (laptop, given) = locked_laptop(&world);
    if !kernel_remembers() {
        return;
    }
    assert_eq!(given.json(&[&"unlock", &"--for", &"15m"])["device_key"], "passphrase");
    let name = name_of_lock(&laptop);
    let key = kernel_key(&name).expect("it is remembered");
    assert_ne!(time_left(key), "perm");
    // What opens the lock is on no disk meanwhile.
    let lock_key = Command::new("keyctl").args(["pipe", &key.to_string()]).output().unwrap().stdout;
    assert_eq!(lock_key.len(), 32);
    for path in anonicloud_e2e::tree::list(laptop.state()).into_values().filter(|path| path.is_file()) {
        let bytes = fs_err::read(&path).unwrap();
        assert!(!bytes.windows(32).any(|window| window == lock_key), "{}", path.display());
    }
    laptop.json(&[&"ls", &"/"]);
    assert_eq!(laptop.json(&[&"whoami"])["device_key"], "passphrase");
    // Another sign-in of the same person has a session keyring of its own, from which that of the user cannot be reached.
    let mut elsewhere = Command::new("keyctl");
    elsewhere.args(["session", "-"]);
    let mut elsewhere = within(elsewhere, &laptop.command(&[&"ls", &"/"]));
    let elsewhere = elsewhere.output().unwrap();
    assert!(elsewhere.status.success(), "{}", String::from_utf8_lossy(&elsewhere.stderr));

    laptop.json(&[&"lock", &"--forget"]);
    assert_eq!(laptop.refusal(&[&"ls", &"/"]).code, "locked");
    // Nothing is there to be forgotten: as good.
    laptop.json(&[&"lock", &"--forget"]);
    given.json(&[&"ls", &"/"]);
    given.json(&[&"unlock", &"--for", &"2h"]);
    laptop.json(&[&"ls", &"/"]);
    laptop.json(&[&"logout"]);
    assert_eq!(kernel_key(&name), None);
}

#[test]
fn what_is_remembered_ends_with_its_time_and_with_the_lock_it_opened() {
    let world = World::new();
    let (laptop, given) = locked_laptop(&world);
    if !kernel_remembers() {
        return;
    }
    given.json(&[&"unlock", &"--for", &"15m"]);
    let other = passphrase_file(&world, "other", OTHER);
    // Who sits at the open device may still not change how the key is kept.
    assert_eq!(laptop.refusal(&[&"lock", &"--new-passphrase-file", &other]).code, "locked");
    assert_eq!(laptop.refusal(&[&"unlock"]).code, "locked");
    assert_eq!(laptop.refusal(&[&"unlock", &"--for", &"24h"]).code, "locked");
    given.json(&[&"lock", &"--new-passphrase-file", &other]);
    assert_eq!(laptop.refusal(&[&"ls", &"/"]).code, "locked");
    let given = laptop.clone().with_options(&["--passphrase-file", &other]);
    given.json(&[&"unlock", &"--for", &"1s"]);
    // It is there until the kernel takes it away, which it does by itself.
    while laptop.run(&[&"ls", &"/"]).status.success() {}
    assert_eq!(laptop.refusal(&[&"ls", &"/"]).code, "locked");
    given.json(&[&"ls", &"/"]);
}

#[test]
fn a_kill_at_any_step_leaves_no_key_without_an_end() {
    let world = World::new();
    let (laptop, given) = locked_laptop(&world);
    if !kernel_remembers() {
        return;
    }
    let mut kills = 0;
    for call in ["add_key", "keyctl"] {
        for number in 1.. {
            assert!(number < 20, "it never comes to its end");
            let what = format!("signal=KILL:when={number}");
            if run_with(&given, &[&"unlock", &"--for", &"15m"], call, &what).status.success() {
                break;
            }
            kills += 1;
            if let Some(key) = kernel_key(&name_of_lock(&laptop)) {
                assert_ne!(time_left(key), "perm", "{call} {number}");
            }
            laptop.run(&[&"lock", &"--forget"]);
        }
        laptop.json(&[&"lock", &"--forget"]);
    }
    assert!(kills >= 5, "{kills}");
}

#[test]
fn a_kernel_that_remembers_nothing_is_told_of_and_the_passphrase_does_as_ever() {
    let world = World::new();
    let (laptop, given) = locked_laptop(&world);
    for (calls, error) in [("add_key,keyctl", "error=ENOSYS"), ("keyctl", "error=EPERM"), ("add_key", "error=EDQUOT")] {
        let refusal = refused(&run_with(&given, &[&"unlock", &"--for", &"15m"], calls, error));
        assert_eq!((refusal.code.as_str(), refusal.exit), ("kernel_keyring_unavailable", Some(1)), "{refusal:?}");
        assert_eq!(refused(&run_with(&laptop, &[&"ls", &"/"], calls, error)).code, "locked");
        assert!(run_with(&given, &[&"ls", &"/"], calls, error).status.success());
    }
    // Whether it forgot is not known.
    assert_eq!(
        refused(&run_with(&laptop, &[&"lock", &"--forget"], "keyctl", "error=EPERM")).code,
        "kernel_keyring_unavailable"
    );
}

#[test]
fn a_wrong_passphrase_is_not_remembered() {
    let world = World::new();
    let (laptop, _) = locked_laptop(&world);
    let other = passphrase_file(&world, "other", OTHER);
    let guessed = laptop.clone().with_options(&["--passphrase-file", &other]);
    assert_eq!(guessed.refusal(&[&"unlock", &"--for", &"15m"]).code, "passphrase_wrong");
    assert_eq!(laptop.refusal(&[&"ls", &"/"]).code, "locked");
    assert_eq!(world.sign_up("phone", "bob").json(&[&"unlock", &"--for", &"15m"])["device_key"], "file");
}
