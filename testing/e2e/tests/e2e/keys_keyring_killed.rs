//! SIGKILL at every step between the keyring of the system and the file: what the file needs is kept, always.

use anonicloud_e2e::desktop::Desktop;
use anonicloud_e2e::device::{Arguments, Device, refused};
use anonicloud_e2e::traced::{inject, report};
use anonicloud_e2e::world::World;

/// What a command asks of the system when it talks to the keyring and replaces a file.
const STEPS: [&str; 4] = ["sendmsg", "sync", "rename", "unlink"];

/// A command at the desktop, which succeeds.
fn succeeds(desktop: &Desktop, device: &Device, arguments: Arguments<'_>) {
    let output = desktop.around(device.command(arguments)).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a command at the desktop and kills it as it begins this `step` for the time `number`; gives whether it came to its end instead.
fn run_to_step(desktop: &Desktop, device: &Device, arguments: Arguments<'_>, step: &str, number: usize) -> bool {
    let run = desktop.around(device.command(arguments));
    inject(&run, step, &format!("signal=KILL:when={number}")).output().expect("strace is installed").status.success()
}

/// Runs `command` from what `begin` makes, again and again, killed at each step in turn; gives how many kills left the key's file as it
/// was, and how many came when it was replaced. After each the key is opened.
fn kill_at_every_step(
    desktop: &Desktop,
    device: &Device,
    begin: Arguments<'_>,
    command: Arguments<'_>,
) -> (usize, usize) {
    let path = device.state().join("device.key");
    let (mut before, mut after) = (0, 0);
    for step in STEPS {
        for number in 1.. {
            assert!(number < 100, "{step} never comes to its end");
            succeeds(desktop, device, begin);
            let begun = fs_err::read(&path).unwrap();
            if run_to_step(desktop, device, command, step, number) {
                break;
            }
            // What the keyring has in its memory alone is lost with it.
            desktop.end_keyring();
            let left = fs_err::read(&path).unwrap();
            *if left == begun { &mut before } else { &mut after } += 1;
            succeeds(desktop, device, &[&"status"]);
        }
    }
    (before, after)
}

#[test]
fn a_kill_between_the_keyring_and_the_file_loses_no_key() {
    let (world, desktop) = (World::new(), Desktop::new());
    let laptop = world.sign_up("laptop", "alice");
    let (lock, unlock): (Arguments<'_>, Arguments<'_>) = (&[&"lock", &"--keyring"], &[&"unlock"]);
    for (begin, command) in [(unlock, lock), (lock, unlock), (lock, lock)] {
        let (before, after) = kill_at_every_step(&desktop, &laptop, begin, command);
        assert!(before > 5 && after > 0, "{before} kills before and {after} after the file was replaced");
    }
    succeeds(&desktop, &laptop, &[&"ls", &"/"]);
}

#[test]
fn a_sign_out_that_is_killed_leaves_no_file_without_its_entry() {
    let (world, desktop) = (World::new(), Desktop::new());
    let laptop = world.sign_up("laptop", "alice");
    let path = laptop.state().join("device.key");
    for step in ["unlink", "sendmsg"] {
        for number in 1.. {
            assert!(number < 100, "it never comes to its end");
            succeeds(&desktop, &laptop, &[&"lock", &"--keyring"]);
            let ended = run_to_step(&desktop, &laptop, &[&"logout"], step, number);
            if path.exists() {
                // It has an account or none any more, but it opens.
                let again = desktop.around(laptop.command(&[&"logout", &"--json"])).output().unwrap();
                assert!(again.status.success() || refused(&again).code == "not_signed_in");
            }
            fs_err::remove_dir_all(laptop.state()).unwrap();
            world.log_in("laptop", "alice");
            if ended {
                break;
            }
        }
    }
}

#[test]
fn the_entry_is_on_the_disk_before_the_file_that_needs_it() {
    let (world, desktop) = (World::new(), Desktop::new());
    let laptop = world.sign_up("laptop", "alice");
    let calls = world.path("calls");
    let run = desktop.around(laptop.command(&[&"lock", &"--keyring"]));
    assert!(report(&run, "sync,rename", &calls).output().unwrap().status.success());
    let calls = fs_err::read_to_string(calls).unwrap();
    let (synced, replaced) = (calls.find("sync()").unwrap(), calls.find("device.key").unwrap());
    assert!(synced < replaced, "{calls}");
}
