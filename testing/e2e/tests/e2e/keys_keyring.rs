//! The device key in the keyring of the system: a real GNOME keyring on a bus of its own.

use std::process::Output;

use anonicloud_e2e::desktop::{Desktop, outside};
use anonicloud_e2e::device::{Arguments, Device, Refusal, refused};
use anonicloud_e2e::world::World;
use serde_json::Value;

const PASSPHRASE: &str = "nine violet herons mend a quiet drum";

/// The laptop of alice, whose key the keyring of the desktop opens.
fn laptop_in(world: &World, desktop: &Desktop) -> Device {
    let laptop = world.sign_up("laptop", "alice");
    laptop.json(&[&"mkdir", &"/Photos"]);
    assert_eq!(json(desktop, &laptop, &[&"lock", &"--keyring"])["device_key"], "keyring");
    laptop
}

/// A command at the desktop, which succeeds.
fn json(desktop: &Desktop, device: &Device, arguments: Arguments<'_>) -> Value {
    let output = run(desktop, device, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn run(desktop: &Desktop, device: &Device, arguments: Arguments<'_>) -> Output {
    desktop.around(device.command(arguments)).arg("--json").output().unwrap()
}

/// A command where no desktop is, which is refused.
fn refusal_outside(device: &Device, arguments: Arguments<'_>) -> Refusal {
    refused(&outside(device.command(arguments)).arg("--json").output().unwrap())
}

fn expect(refusal: &Refusal, code: &str) {
    assert_eq!((refusal.code.as_str(), refusal.exit), (code, Some(3)), "{refusal:?}");
    assert!(!refusal.hint.is_empty(), "{refusal:?}");
}

fn key_file(device: &Device) -> Vec<u8> {
    fs_err::read(device.state().join("device.key")).unwrap()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn the_keyring_opens_the_key_and_nobody_is_asked() {
    let (world, desktop) = (World::new(), Desktop::new());
    let laptop = world.sign_up("laptop", "alice");
    let plain = key_file(&laptop);
    laptop.json(&[&"mkdir", &"/Photos"]);
    json(&desktop, &laptop, &[&"lock", &"--keyring"]);
    let locked = key_file(&laptop);
    assert!(!holds(&locked, &plain));
    assert_eq!(desktop.entries(), 1);
    assert_eq!(json(&desktop, &laptop, &[&"whoami"])["device_key"], "keyring");
    assert_eq!(json(&desktop, &laptop, &[&"ls", &"/"])["items"][0]["path"], "Photos");
    // The keyring has something on its disk, which neither the device key nor a part of the locked one is in.
    let kept = desktop.kept();
    assert!(holds(&kept, b"GnomeKeyring") && !holds(&kept, &plain) && !holds(&kept, &locked[locked.len() - 32..]));
    // It survives a kill of the keyring.
    desktop.end_keyring();
    json(&desktop, &laptop, &[&"ls", &"/"]);
    assert_eq!(json(&desktop, &laptop, &[&"unlock"])["device_key"], "file");
    assert_eq!((key_file(&laptop), desktop.entries()), (plain, 0));
    laptop.json(&[&"ls", &"/"]);
}

#[test]
fn without_the_keyring_it_is_said_how_to_go_on_and_no_key_is_made() {
    let (world, desktop) = (World::new(), Desktop::new());
    let laptop = laptop_in(&world, &desktop);
    let locked = key_file(&laptop);
    // No session at all, and one without a keyring.
    expect(&refusal_outside(&laptop, &[&"ls", &"/"]), "keyring_unavailable");
    let bare = Desktop::without_keyring();
    for command in [&["ls", "/"][..], &["unlock"], &["logout"], &["lock", "--keyring"]] {
        let words: Vec<&dyn AsRef<std::ffi::OsStr>> = command.iter().map(|word| word as _).collect();
        expect(&refused(&run(&bare, &laptop, &words)), "keyring_unavailable");
    }
    // A keyring that nobody opens.
    desktop.end_keyring();
    desktop.offer_keyring(false);
    expect(&refused(&run(&desktop, &laptop, &[&"ls", &"/"])), "keyring_locked");
    expect(&refused(&run(&desktop, &laptop, &[&"unlock"])), "keyring_locked");
    desktop.end_keyring();
    desktop.offer_keyring(true);
    json(&desktop, &laptop, &[&"ls", &"/"]);
    // One that has lost what it kept.
    desktop.lose_keyring();
    let gone = refused(&run(&desktop, &laptop, &[&"ls", &"/"]));
    expect(&gone, "keyring_entry_gone");
    assert!(gone.hint.contains("`login` again"), "{gone:?}");
    assert_eq!(key_file(&laptop), locked);
    // As the hint says.
    fs_err::rename(laptop.state(), world.path("moved away")).unwrap();
    assert_eq!(world.log_in("laptop", "alice").json(&[&"ls", &"/"])["items"][0]["path"], "Photos");
}

#[test]
fn a_key_is_not_locked_by_a_keyring_that_does_not_keep_it() {
    let (world, bare, closed) = (World::new(), Desktop::without_keyring(), Desktop::new());
    let laptop = laptop_in(&world, &closed);
    json(&closed, &laptop, &[&"unlock"]);
    closed.end_keyring();
    closed.offer_keyring(false);
    let plain = key_file(&laptop);
    expect(&refusal_outside(&laptop, &[&"lock", &"--keyring"]), "keyring_unavailable");
    expect(&refused(&run(&bare, &laptop, &[&"lock", &"--keyring"])), "keyring_unavailable");
    expect(&refused(&run(&closed, &laptop, &[&"lock", &"--keyring"])), "keyring_locked");
    assert_eq!(key_file(&laptop), plain);
    laptop.json(&[&"ls", &"/"]);
}

#[test]
fn a_key_is_not_locked_by_a_keyring_that_ends_with_the_session() {
    let (world, desktop) = (World::new(), Desktop::new());
    let laptop = world.sign_up("laptop", "alice");
    let plain = key_file(&laptop);
    desktop.keep_for_session_only();
    expect(&refused(&run(&desktop, &laptop, &[&"lock", &"--keyring"])), "keyring_unavailable");
    assert_eq!(key_file(&laptop), plain);
}

#[test]
fn a_key_moves_from_a_passphrase_to_the_keyring_and_back() {
    let (world, desktop) = (World::new(), Desktop::new());
    let laptop = world.sign_up("laptop", "alice");
    let file = world.path("passphrase");
    fs_err::write(&file, PASSPHRASE).unwrap();
    let given = laptop.clone().with_options(&["--passphrase-file", file.to_str().unwrap()]);
    json(&desktop, &given, &[&"lock"]);
    assert_eq!(refused(&run(&desktop, &laptop, &[&"lock", &"--keyring"])).code, "locked");
    json(&desktop, &given, &[&"lock", &"--keyring"]);
    json(&desktop, &laptop, &[&"ls", &"/"]);
    // A fresh entry takes the place of the old one.
    let before = key_file(&laptop);
    json(&desktop, &laptop, &[&"lock", &"--keyring"]);
    assert!(key_file(&laptop) != before && desktop.entries() == 1);
    // Two devices of one person do not stand in each other's way.
    let phone = world.log_in("phone", "alice");
    json(&desktop, &phone, &[&"lock", &"--keyring"]);
    assert_eq!(desktop.entries(), 2);
    json(&desktop, &laptop, &[&"lock", &"--new-passphrase-file", &file]);
    assert_eq!(laptop.refusal(&[&"ls", &"/"]).code, "locked");
    given.json(&[&"ls", &"/"]);
    assert_eq!(desktop.entries(), 1);
    json(&desktop, &phone, &[&"logout"]);
    assert!(!phone.state().join("device.key").exists());
    assert_eq!(desktop.entries(), 0);
}
