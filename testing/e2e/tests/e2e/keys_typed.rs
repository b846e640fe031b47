//! The passphrase typed on a terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Output, Stdio};

use anonicloud_e2e::device::Device;
use anonicloud_e2e::world::World;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

const PASSPHRASE: &str = "nine violet herons mend a quiet drum";

/// A run with a terminal of its own, at whose other end the test sits.
struct Typed {
    run: Child,
    terminal: File,
    shown: String,
}

impl Typed {
    fn start(device: &Device, words: &[&str]) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
        let theirs = fs_err::OpenOptions::new().read(true).write(true).open(name).unwrap();
        let ours = device.command(&[]);
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(ours.get_program()).args(ours.get_args()).args(words).env_clear();
        command.envs(ours.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
        // setsid makes what is on stdin the terminal of the run.
        command.stdin(theirs.file().try_clone().unwrap()).stderr(theirs.into_file()).stdout(Stdio::piped());
        let run = command.spawn().expect("setsid of util-linux is installed");
        Self { run, terminal: File::from(terminal), shown: String::new() }
    }

    /// Waits for a question, and until what is typed is not shown.
    fn asked(mut self, question: &str) -> Self {
        loop {
            let mut bytes = [0; 1];
            self.terminal.read_exact(&mut bytes).unwrap_or_else(|error| panic!("{error}: {}", self.shown));
            self.shown.push(char::from(bytes[0]));
            if self.shown.ends_with(question) {
                break;
            }
        }
        while tcgetattr(&self.terminal).unwrap().local_modes.contains(LocalModes::ECHO) {
            std::thread::yield_now();
        }
        self
    }

    fn answer(self, question: &str, typed: &str) -> Self {
        self.asked(question).typed(typed)
    }

    fn typed(mut self, typed: &str) -> Self {
        self.terminal.write_all(format!("{typed}\n").as_bytes()).unwrap();
        self
    }

    fn end(mut self) -> (Output, String) {
        let mut bytes = Vec::new();
        // The other end is closed with the last process that has it, which is an error to who reads here.
        self.terminal.read_to_end(&mut bytes).ok();
        let shown = self.shown + &String::from_utf8_lossy(&bytes);
        (self.run.wait_with_output().unwrap(), shown)
    }
}

#[test]
fn a_passphrase_is_typed_twice_to_lock_and_once_to_open() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    laptop.json(&[&"mkdir", &"/Photos"]);
    let locked = Typed::start(&laptop, &["lock"])
        .answer("new passphrase: ", PASSPHRASE)
        .answer("the same once more: ", "something else")
        .answer("new passphrase: ", PASSPHRASE)
        .answer("the same once more: ", PASSPHRASE);
    let (output, shown) = locked.end();
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("These were two different passphrases.") && !shown.contains(PASSPHRASE), "{shown}");

    let mistyped = Typed::start(&laptop, &["ls", "/"]).answer("passphrase: ", "wrong");
    let (output, shown) = mistyped.answer("passphrase: ", PASSPHRASE).end();
    assert!(output.status.success(), "{shown}");
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "Photos");
    assert!(shown.contains("That is not the passphrase.") && !shown.contains(PASSPHRASE), "{shown}");

    let guessed = ["one", "two", "three"].iter();
    let guessed = guessed.fold(Typed::start(&laptop, &["ls", "/"]), |run, word| run.answer("passphrase: ", word));
    let (output, shown) = guessed.end();
    assert_eq!(output.status.code(), Some(3), "{shown}");
    assert!(shown.contains("the passphrase does not open the device key"), "{shown}");

    let unlocked = Typed::start(&laptop, &["unlock"]).answer("passphrase: ", PASSPHRASE).end();
    assert!(unlocked.0.status.success(), "{}", unlocked.1);
    laptop.json(&[&"ls", &"/"]);
}

#[test]
fn a_key_that_another_process_replaced_while_the_passphrase_was_typed_stays() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    laptop.json(&[&"mkdir", &"/Photos"]);
    let lock = Typed::start(&laptop, &["lock"]).asked("new passphrase: ");
    laptop.json(&[&"logout"]);
    let laptop = world.log_in("laptop", "alice");
    let key = fs_err::read(laptop.state().join("device.key")).unwrap();
    let (output, shown) = lock.typed(PASSPHRASE).answer("the same once more: ", PASSPHRASE).end();
    assert_eq!(output.status.code(), Some(5), "{shown}");
    assert!(shown.contains("another process has replaced the device key meanwhile"), "{shown}");
    assert_eq!(fs_err::read(laptop.state().join("device.key")).unwrap(), key);
    laptop.json(&[&"ls", &"/"]);
}
