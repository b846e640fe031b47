//! While a passphrase is awaited, and after it came: Ctrl-C ends the wait, and a command that goes on does not keep it.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::process::{Command, Stdio};

use anonicloud_e2e::device::{Arguments, Device, Running};
use anonicloud_e2e::world::World;

use crate::watch::Watching;

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

/// Whether `text` is in the memory that a process may write to.
fn remembers(process: u32, text: &str) -> bool {
    let maps = fs_err::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mut memory = fs_err::File::open(format!("/proc/{process}/mem")).unwrap();
    maps.lines().filter(|line| line.contains(" rw")).any(|line| {
        let (begin, rest) = line.split_once('-').unwrap();
        let end = rest.split_once(' ').unwrap().0;
        let [begin, end] = [begin, end].map(|place| u64::from_str_radix(place, 16).unwrap());
        let mut bytes = Vec::new();
        memory.seek(SeekFrom::Start(begin)).unwrap();
        // Some of it cannot be read by anybody.
        (&memory).take(end - begin).read_to_end(&mut bytes).ok();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn who_watches_does_not_keep_the_passphrase() {
    let world = World::new();
    let (laptop, file) = locked_laptop(&world);
    let (theirs, mut ours) = std::io::pipe().unwrap();
    writeln!(ours, "{PASSPHRASE}").unwrap();
    let watching = Watching::begin_reading(&laptop, &[&"watch", &"--upkeep", &"--passphrase-stdin"], theirs);
    assert!(remembers(watching.id(), laptop.state().to_str().unwrap()) && !remembers(watching.id(), PASSPHRASE));
    let given: Arguments<'_> = &[&"watch", &"--passphrase-file", &file];
    let watching = Watching::begin_reading(&laptop, given, Stdio::null());
    assert!(!remembers(watching.id(), PASSPHRASE));
    // What is needed no more was needed: without it nothing is watched.
    assert_eq!(laptop.refusal(&[&"watch"]).code, "locked");
}
