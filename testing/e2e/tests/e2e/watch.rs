//! What one device does, another one that watches tells as it comes.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::time::Instant;

use anonicloud_e2e::device::{Arguments, Device};
use anonicloud_e2e::world::World;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A device that watches, line by line; killed when dropped.
pub(crate) struct Watching {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Watching {
    /// Begins to watch; when this answers, nothing is missed any more.
    pub(crate) fn begin(device: &Device, arguments: Arguments<'_>) -> Self {
        Self::begin_reading(device, arguments, Stdio::null())
    }

    /// The same, on a stdin.
    pub(crate) fn begin_reading(device: &Device, arguments: Arguments<'_>, input: impl Into<Stdio>) -> Self {
        let mut command = device.command(arguments);
        let mut process = command.arg("--json").stdin(input).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        let mut watching = Self { process, lines };
        assert_eq!(watching.next()["event"], "watching");
        watching
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no line in JSON: {line:?}"))
    }

    /// The next events, each with its paths.
    pub(crate) fn events(&mut self, count: usize) -> Vec<String> {
        let told = (0..count).map(|_| {
            let event = self.next();
            let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
            format!(
                "{} {}{}",
                text("event"),
                text("path"),
                event["from"].as_str().map_or(String::new(), |from| format!(" from {from}"))
            )
        });
        told.collect()
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.process.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    fn end(mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn a_device_that_watches_tells_what_another_one_does() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice");
    let mut watching = Watching::begin(&tablet, &[&"watch"]);
    let folder = world.folder("Photos");
    fs_err::write(folder.join("a"), "one").unwrap();
    fs_err::create_dir(folder.join("in")).unwrap();
    fs_err::write(folder.join("in/b"), "two").unwrap();
    laptop.json(&[&"put", &folder, &"/"]);
    let begun = Instant::now();
    assert_eq!(watching.events(4), ["added /Photos", "added /Photos/a", "added /Photos/in", "added /Photos/in/b"]);
    println!("told {} ms after the put had ended", begun.elapsed().as_millis());

    fs_err::write(folder.join("a"), "another").unwrap();
    laptop.json(&[&"put", &folder.join("a"), &"/Photos/a"]);
    assert_eq!(watching.events(1), ["changed /Photos/a"]);
    laptop.json(&[&"mv", &"/Photos/in", &"/in"]);
    assert_eq!(watching.events(1), ["moved /in from /Photos/in"]);
    laptop.json(&[&"mv", &"/in/b", &"/in/c"]);
    assert_eq!(watching.events(1), ["moved /in/c from /in/b"]);
    laptop.json(&[&"rm", &"-r", &"/Photos"]);
    assert_eq!(watching.events(1), ["removed /Photos"]);
    watching.signal(Signal::INT);
    assert_eq!(watching.end().code(), Some(0));
}

#[test]
fn a_device_goes_on_watching_when_the_server_comes_back() {
    let mut world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice").with_options(&["--retry-for", "0"]);
    laptop.json(&[&"mkdir", &"/inbox"]);
    let mut watching = Watching::begin(&tablet, &[&"watch", &"/inbox"]);
    world.kill_server();
    world.start_server();
    // What is not below the path is not told.
    laptop.json(&[&"mkdir", &"/else"]);
    laptop.json(&[&"mkdir", &"/inbox/a"]);
    assert_eq!(watching.events(1), ["added /inbox/a"]);
    // What came over the path's edge came, what went over it went.
    laptop.json(&[&"mv", &"/else", &"/inbox/b"]);
    assert_eq!(watching.events(1), ["added /inbox/b"]);
    laptop.json(&[&"mv", &"/inbox", &"/outbox"]);
    assert_eq!(watching.events(1), ["removed /inbox"]);
}

#[test]
fn once_is_once() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice");
    let mut watching = Watching::begin(&tablet, &[&"watch", &"--once", &"/not/yet"]);
    laptop.json(&[&"mkdir", &"-p", &"/not/yet"]);
    assert_eq!(watching.events(1), ["added /not/yet"]);
    assert_eq!(watching.end().code(), Some(0));
}

#[test]
fn once_that_is_stopped_is_not_done() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    for signal in [Signal::INT, Signal::TERM] {
        let watching = Watching::begin(&laptop, &[&"watch", &"--once"]);
        watching.signal(signal);
        assert_eq!(watching.end().code(), Some(130), "{signal:?}");
    }
}
