//! An upload that was cut waits for its source: nothing of it is given up while the source cannot be looked at.

use std::path::{Path, PathBuf};

use anonicloud_e2e::content::{self, Generated};
use anonicloud_e2e::device::{Arguments, Device};
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;

use crate::transfer::{MIB, assert_content};

const SIZE: u64 = 80 * MIB;
/// Held at the answer to the 13th segment: those before are there.
const CUT: Moment = Moment::Answer(Kind::PutBlob, 13);
const LEFT: u64 = SIZE - 5 * 4 * MIB;

struct Stick {
    world: World,
    laptop: Device,
    folder: PathBuf,
    elsewhere: PathBuf,
}

impl Stick {
    fn new() -> Self {
        let world = World::new();
        let laptop = world.sign_up("laptop", "alice");
        let (folder, elsewhere) = (world.folder("stick"), world.path("elsewhere"));
        content::write(&folder.join("film"), 7, SIZE);
        Self { world, laptop, folder, elsewhere }
    }

    fn cut(&self, put: Arguments<'_>) {
        self.world.wire().hold(CUT);
        let mut run = self.laptop.start(put);
        assert!(self.world.wire().wait_held(&mut run));
        run.kill();
        self.world.wire().cut();
    }

    fn ended(&self) -> usize {
        self.world.wire().requests().iter().filter(|seen| seen.kind == Kind::EndUpload).count()
    }

    fn assert_waits(&self) {
        let refusal = self.laptop.refusal(&[&"resume"]);
        assert_eq!((refusal.exit, refusal.code.as_str()), (Some(4), "local_not_found"));
        assert_eq!((self.ended(), self.laptop.waiting()), (0, 1));
        assert!(self.laptop.reserved() >= SIZE);
    }

    fn assert_goes_on(&self, path: &str) {
        let answer = self.laptop.json(&[&"resume"]);
        let sent = answer["bytes_transferred"].as_u64().unwrap();
        assert!(sent <= LEFT, "{answer}");
        assert_eq!((self.laptop.waiting(), self.laptop.reserved()), (0, 0));
        assert_content(&self.laptop, path, Generated::new(7, SIZE));
    }
}

#[test]
fn a_file_that_is_not_there_now() {
    let stick = Stick::new();
    let film = stick.folder.join("film");
    stick.cut(&[&"put", &film, &"/film"]);
    fs_err::rename(&film, &stick.elsewhere).unwrap();
    stick.assert_waits();
    fs_err::rename(&stick.elsewhere, &film).unwrap();
    stick.assert_goes_on("/film");
}

#[test]
fn a_folder_that_is_not_there_or_empty_now() {
    let stick = Stick::new();
    stick.cut(&[&"put", &stick.folder, &"/"]);
    fs_err::rename(&stick.folder, &stick.elsewhere).unwrap();
    stick.assert_waits();
    fs_err::create_dir(&stick.folder).unwrap();
    stick.assert_waits();
    fs_err::remove_dir(&stick.folder).unwrap();
    fs_err::rename(&stick.elsewhere, &stick.folder).unwrap();
    stick.assert_goes_on("/stick/film");
}

#[test]
fn a_file_that_is_gone_from_a_folder_that_is_there_is_given_up() {
    let stick = Stick::new();
    stick.cut(&[&"put", &stick.folder, &"/"]);
    fs_err::remove_file(stick.folder.join("film")).unwrap();
    fs_err::write(stick.folder.join("note"), "gone").unwrap();
    stick.laptop.json(&[&"resume"]);
    assert_eq!((stick.laptop.waiting(), stick.laptop.reserved()), (0, 0));
    assert_eq!(stick.laptop.stdout(&[&"get", &"/stick/note", &"-"]), b"gone");
}

#[test]
fn a_transfer_that_cannot_go_on_holds_no_other_up() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice").with_options(&["--retry-for", "0"]);
    let sources = ["first", "second", "third", "fourth"].map(|name| world.path(name));
    let target = |source: &Path| format!("/{}", source.file_name().unwrap().display());
    for source in &sources {
        content::write(source, 1, 5 * MIB);
        world.wire().hold(Moment::Arrives(Kind::PutBlob, 1));
        let mut run = laptop.start(&[&"put", source, &target(source)]);
        assert!(world.wire().wait_held(&mut run));
        run.kill();
        world.wire().cut();
    }
    let [first, second, third, fourth] = &sources;
    for missing in [first, second] {
        fs_err::remove_file(missing).unwrap();
    }
    assert_eq!(laptop.refusal(&[&"resume"]).code, "local_not_found");
    assert_eq!(laptop.waiting(), 2);
    for source in [third, fourth] {
        assert_content(&laptop, &target(source), Generated::new(1, 5 * MIB));
    }
}
