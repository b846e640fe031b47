//! While a passphrase is awaited: Ctrl-C ends the wait.

use std::process::Command;

use anonicloud_e2e::device::{Arguments, Device, Running};
use anonicloud_e2e::world::World;

const PASSPHRASE: &str = "nine violet herons mend a quiet drum";

/// The laptop of alice, locked, and the file with its passphrase.
fn locked_laptop(world: &World) -> (Device, String) {
    let laptop = world.sign_up("laptop", "alice");
    let file = world.path("passphrase");
    fs_err::write(&file, PASSPHRASE).unwrap();
    let file = file.to_str().unwrap().to_owned();
    laptop.json(&[&"lock", &"--passphrase-file", &file]);
    (laptop, file)
}

fn interrupt(mut run: Running) {
    run.signal("INT");
    let refusal = run.refusal();
    assert_eq!((refusal.code.as_str(), refusal.exit), ("interrupted", Some(130)), "{refusal:?}");
}

#[test]
fn ctrl_c_ends_the_wait_for_a_line_of_stdin() {
    let world = World::new();
    let (laptop, _) = locked_laptop(&world);
    let new = world.device("new");
    let commands: [(&Device, Arguments<'_>); 2] = [
        (&laptop, &[&"ls", &"/", &"--passphrase-stdin"]),
        (&new, &[&"login", &"--handle", &"alice", &"--password-stdin"]),
    ];
    for (device, command) in commands {
        let (theirs, held_open) = std::io::pipe().unwrap();
        let mut run = device.start_reading(command, theirs);
        run.wait_hearing();
        interrupt(run);
        drop(held_open);
    }
}

#[test]
fn ctrl_c_ends_the_wait_for_what_another_program_writes() {
    let world = World::new();
    let (laptop, _) = locked_laptop(&world);
    let pipe = world.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let run = laptop.start(&[&"ls", &"/", &"--passphrase-file", &pipe]);
    // Opened when the other end is, too; nothing comes.
    let held_open = fs_err::OpenOptions::new().write(true).open(&pipe).unwrap();
    interrupt(run);
    drop(held_open);
}
