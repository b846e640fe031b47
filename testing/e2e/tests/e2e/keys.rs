//! The device key under a passphrase: without it this device tells nothing, and nothing is lost.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use anonicloud_e2e::content;
use anonicloud_e2e::device::{Device, Refusal};
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;

const PASSPHRASE: &str = "nine violet herons mend a quiet drum";
const OTHER: &str = "four copper beetles sort the winter mail";

/// The laptop of alice, locked, and the same with the passphrase at hand.
fn locked_laptop(world: &World) -> (Device, Device) {
    let laptop = world.sign_up("laptop", "alice");
    laptop.json(&[&"mkdir", &"/Photos"]);
    let given = with_passphrase(world, &laptop, PASSPHRASE);
    assert_eq!(given.json(&[&"lock"])["device_key"], "passphrase");
    (laptop, given)
}

/// The device with a file that holds `passphrase` in the environment of a person.
fn with_passphrase(world: &World, device: &Device, passphrase: &str) -> Device {
    let file = world.path(format!("passphrase {}", passphrase.len()));
    fs_err::write(&file, format!("{passphrase}\n")).unwrap();
    device.clone().with_options(&["--passphrase-file", file.to_str().unwrap()])
}

fn expect(refusal: &Refusal, code: &str, exit: i32) {
    assert_eq!((refusal.code.as_str(), refusal.exit), (code, Some(exit)), "{refusal:?}");
    assert!(!refusal.hint.is_empty(), "{refusal:?}");
}

/// Whether a file of the folder holds `key` as it is.
fn holds(folder: &Path, key: &[u8]) -> bool {
    let files = anonicloud_e2e::tree::list(folder).into_values();
    files.filter(|path| path.is_file()).any(|path| {
        let bytes = fs_err::read(path).unwrap();
        bytes.windows(key.len()).any(|window| window == key)
    })
}

#[test]
fn every_command_takes_the_passphrase_and_refuses_at_once_without_it() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    laptop.json(&[&"mkdir", &"/Photos"]);
    assert_eq!(laptop.json(&[&"whoami"])["device_key"], "file");
    let key = fs_err::read(laptop.state().join("device.key")).unwrap();
    assert!(key.len() == 32 && holds(laptop.state(), &key));
    let given = with_passphrase(&world, &laptop, PASSPHRASE);
    given.json(&[&"lock"]);
    assert!(!holds(laptop.state(), &key), "the key is there as it was");

    for command in [&["whoami"][..], &["ls", "/"], &["status"], &["ls", "--offline", "/"], &["logout"], &["unlock"]] {
        let words: Vec<&dyn AsRef<std::ffi::OsStr>> = command.iter().map(|word| word as _).collect();
        expect(&laptop.refusal(&words), "locked", 3);
    }
    expect(
        &laptop.refusal(&[&"login", &"--handle", &"alice", &"--password-file", &world.password_file()]),
        "locked",
        3,
    );
    assert_eq!(given.json(&[&"whoami"])["device_key"], "passphrase");
    assert_eq!(given.json(&[&"ls", &"/"])["items"][0]["path"], "Photos");
    let mut by_environment = laptop.command(&[&"ls", &"/"]);
    by_environment.env("ANONICLOUD_PASSPHRASE_FILE", world.path(format!("passphrase {}", PASSPHRASE.len())));
    assert!(by_environment.output().unwrap().status.success());

    let guessed = with_passphrase(&world, &laptop, OTHER);
    expect(&guessed.refusal(&[&"ls", &"/"]), "passphrase_wrong", 3);
    expect(&guessed.refusal(&[&"unlock"]), "passphrase_wrong", 3);
    assert_eq!(given.json(&[&"unlock"])["device_key"], "file");
    assert_eq!(laptop.json(&[&"whoami"])["device_key"], "file");
    assert_eq!(fs_err::read(laptop.state().join("device.key")).unwrap(), key);
}

#[test]
fn a_new_passphrase_takes_the_place_of_the_old_one() {
    let world = World::new();
    let (laptop, given) = locked_laptop(&world);
    let new = world.path("new");
    fs_err::write(&new, OTHER).unwrap();
    // Nobody is there to type one, and the old one is none.
    expect(&given.refusal(&[&"lock"]), "new_passphrase_missing", 2);
    expect(&laptop.refusal(&[&"lock", &"--new-passphrase-file", &new]), "locked", 3);
    given.json(&[&"lock", &"--new-passphrase-file", &new]);
    expect(&given.refusal(&[&"ls", &"/"]), "passphrase_wrong", 3);
    with_passphrase(&world, &laptop, OTHER).json(&[&"ls", &"/"]);
}

#[test]
fn a_passphrase_that_is_guessed_or_missing_locks_nothing() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    expect(&with_passphrase(&world, &laptop, "password1").refusal(&[&"lock"]), "weak_passphrase", 2);
    expect(&with_passphrase(&world, &laptop, "").refusal(&[&"lock"]), "secret_empty", 2);
    expect(&laptop.refusal(&[&"lock"]), "new_passphrase_missing", 2);
    assert_eq!(laptop.json(&[&"whoami"])["device_key"], "file");
    assert_eq!(laptop.json(&[&"unlock"])["device_key"], "file");
    for command in ["lock", "unlock"] {
        expect(&world.device("fresh").refusal(&[&command]), "not_signed_in", 3);
    }
}

#[test]
fn stdin_gives_the_passphrase_and_then_what_the_command_reads() {
    let world = World::new();
    let (laptop, _) = locked_laptop(&world);
    let content = content::bytes(3, 100_000);
    let piped = laptop.with_options(&["--passphrase-stdin"]);
    let mut command = piped.command(&[&"put", &"-", &"/note", &"--json"]);
    let mut put = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut stdin = put.stdin.take().unwrap();
    stdin.write_all(format!("{PASSPHRASE}\n").as_bytes()).unwrap();
    stdin.write_all(&content).unwrap();
    drop(stdin);
    assert!(put.wait().unwrap().success());
    let mut command = piped.command(&[&"get", &"/note", &"-"]);
    let mut get = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    get.stdin.take().unwrap().write_all(PASSPHRASE.as_bytes()).unwrap();
    assert_eq!(get.wait_with_output().unwrap().stdout, content);
}

#[test]
fn a_transfer_that_was_cut_goes_on_after_the_key_was_locked() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let file = world.path("film");
    content::write(&file, 7, 20 << 20);
    let moment = Moment::Answer(Kind::PutBlob, 3);
    world.wire().hold(moment);
    let mut run = laptop.start(&[&"put", &file, &"/"]);
    assert!(world.wire().wait_held(&mut run), "it never came");
    // While it runs, under the key that it has opened.
    let given = with_passphrase(&world, &laptop, PASSPHRASE);
    given.json(&[&"lock"]);
    run.kill();
    world.wire().cut();
    expect(&laptop.refusal(&[&"resume"]), "locked", 3);
    given.json(&[&"resume"]);
    assert_eq!(given.stdout(&[&"get", &"/film", &"-"]), content::bytes(7, 20 << 20));
}

#[test]
fn a_locked_device_signs_out_and_another_one_knows_nothing_of_the_passphrase() {
    let world = World::new();
    let (laptop, given) = locked_laptop(&world);
    world.log_in("phone", "alice").json(&[&"ls", &"/"]);
    given.json(&[&"logout"]);
    assert!(!laptop.state().join("device.key").exists());
    let laptop = world.log_in("laptop", "alice");
    assert_eq!(laptop.json(&[&"whoami"])["device_key"], "file");
}

#[test]
fn a_locked_key_that_was_damaged_is_told_and_never_made_anew() {
    let world = World::new();
    let (laptop, given) = locked_laptop(&world);
    let path = laptop.state().join("device.key");
    let whole = fs_err::read(&path).unwrap();
    let changed = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let last = whole.len() - 1;
    for (bytes, code, exit) in [
        (changed(0), "state_corrupt", 7),
        (changed(2), "state_corrupt", 7),
        (whole[..last].to_vec(), "state_corrupt", 7),
        ([&whole[..], &[0; 5000]].concat(), "state_corrupt", 7),
        // These are as if the passphrase were another one.
        (changed(3), "passphrase_wrong", 3),
        (changed(last), "passphrase_wrong", 3),
    ] {
        fs_err::write(&path, &bytes).unwrap();
        expect(&given.refusal(&[&"ls", &"/"]), code, exit);
        assert_eq!(fs_err::read(&path).unwrap(), bytes);
    }
    fs_err::write(&path, &whole).unwrap();
    given.json(&[&"ls", &"/"]);
}

#[test]
fn a_link_in_the_place_of_the_key_leads_nowhere() {
    let world = World::new();
    let (laptop, given) = locked_laptop(&world);
    let (path, draft) = (laptop.state().join("device.key"), laptop.state().join("device.key.0123456789abcdef"));
    // Beside the key, where a draft is overwritten and removed: what is named stays, whatever it is.
    let own = world.path("own file");
    fs_err::write(&own, "content").unwrap();
    for named in [own.as_path(), Path::new("/nonexistent")] {
        std::os::unix::fs::symlink(named, &draft).unwrap();
        given.json(&[&"ls", &"/"]);
        assert!(!draft.is_symlink(), "{}", named.display());
    }
    assert_eq!(fs_err::read(&own).unwrap(), b"content");
    // In its place.
    let moved = world.path("moved key");
    fs_err::rename(&path, &moved).unwrap();
    let key = fs_err::read(&moved).unwrap();
    std::os::unix::fs::symlink(&moved, &path).unwrap();
    for command in ["status", "unlock", "lock", "whoami"] {
        expect(&given.refusal(&[&command]), "state_unusable", 7);
    }
    assert!(path.is_symlink() && fs_err::read(&moved).unwrap() == key);
}
