//! A whole life with the server: an account, two devices, files that come, move and go, transfers that are cut.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anonicloud_e2e::content;
use anonicloud_e2e::device::Device;
use anonicloud_e2e::wire::{CLIENT_ADDRESS, Conversation, Kind, Moment};
use anonicloud_e2e::world::{PASSWORD, World};
use data_encoding::BASE64URL_NOPAD;

use super::http;
use super::search::{Needle, Place};

/// The one thing that may show.
pub(super) const HANDLE: &str = "marmoset.watcher";
const FOLDER: &str = "holiday-zebrafinch";
const INNER: &str = "inner-pangolin";
const NOTE: &str = "tax-return-quokka.txt";
const FILM: &str = "wedding-film-axolotl.mkv";
const LINK: &str = "shortcut-narwhal";
const LINK_TARGET: &str = "elsewhere/ocelot-target";
const MOVED: &str = "renamed-capybara";
const MADE: &str = "made-later-tapir";
const COPIED: &str = "copied-wombat.txt";
const LEFT: &str = "unfinished-kakapo.iso";
const CONTENT: &str = "the meeting with dr. tamarin is on thursday at nine";
const FILM_SEED: u64 = 77;
const FILM_LEN: u64 = (5 << 20) + 321;
/// What strangers send: it is theirs, and none of it is kept.
const AGENT: &str = "canary-agent/9.1 (quetzal)";
const STRANGE_PATH: &str = "/v1/strange-path-caracal";

/// What is left of it.
pub(super) struct Life {
    pub(super) world: World,
    /// All that passed in plaintext between the devices and the server.
    pub(super) tap: Vec<Conversation>,
    /// Time since 1970 before the first request and after the last one.
    pub(super) span: (Duration, Duration),
    device_keys: [Vec<u8>; 2],
}

/// Lives it; the server is dead at the end, by SIGKILL, so that its write-ahead log is as it was.
pub(super) fn live() -> Life {
    let began = UNIX_EPOCH.elapsed().unwrap();
    let mut world = World::as_it_is(&[]);
    for options in [&["invite"][..], &["invite", "--quota", "1GiB"]] {
        world.server().administer(options);
    }
    world.wire().record();
    let laptop = world.sign_up("laptop", HANDLE);
    let folder = make_folder(&world);
    cut_and_resume(&world, &laptop, &folder);
    laptop.json(&[&"mv", &format!("/{FOLDER}/{INNER}"), &format!("/{MOVED}")]);
    laptop.json(&[&"cp", &format!("/{MOVED}/{NOTE}"), &format!("/{FOLDER}/{COPIED}")]);
    laptop.json(&[&"rm", &format!("/{FOLDER}/{LINK}")]);
    laptop.json(&[&"reclaim", &"--now", &"--yes", &"--password-file", &world.password_file()]);
    let phone = world.log_in("phone", HANDLE);
    let device_keys = [&laptop, &phone].map(|device| fs_err::read(device.state().join("device.key")).unwrap());
    phone.json(&[&"get", &"/", &world.path("back")]);
    let back = world.path("back").join(MOVED).join(NOTE);
    assert_eq!(fs_err::read_to_string(back).unwrap(), CONTENT);
    // More than one commit behind, so that it asks for the log.
    laptop.json(&[&"rm", &format!("/{FOLDER}/{COPIED}")]);
    laptop.json(&[&"cp", &format!("/{MOVED}/{NOTE}"), &format!("/{FOLDER}/{COPIED}")]);
    phone.json(&[&"ls", &"/"]);
    phone.json(&[&"quota"]);
    phone.json(&[&"logout"]);
    laptop.json(&[&"mkdir", &format!("/{MADE}")]);
    laptop.json(&[&"rm", &format!("/{MADE}")]);
    laptop.json(&[&"reclaim"]);
    leave_unfinished(&world, &laptop);
    let tap = world.wire().recorded();
    meet_stranger(&world);
    world.kill_server();
    let ended = UNIX_EPOCH.elapsed().unwrap();
    Life { world, tap, span: (began, ended), device_keys }
}

fn make_folder(world: &World) -> PathBuf {
    let folder = world.folder(FOLDER);
    let inner = world.folder(Path::new(FOLDER).join(INNER));
    fs_err::write(inner.join(NOTE), CONTENT).unwrap();
    content::write(&folder.join(FILM), FILM_SEED, FILM_LEN);
    std::os::unix::fs::symlink(LINK_TARGET, folder.join(LINK)).unwrap();
    folder
}

fn cut_and_resume(world: &World, laptop: &Device, folder: &Path) {
    // In a segment of the film or in the pack with the note, whichever comes first.
    world.wire().hold(Moment::Body(Kind::PutBlob, 1, 10_000));
    let mut run = laptop.start(&[&"put", &folder, &"/"]);
    assert!(world.wire().wait_held(&mut run), "it ended before the cut");
    run.kill();
    world.wire().cut();
    let resumed = laptop.json(&[&"resume"]);
    assert_eq!(resumed["transfers"], 1, "{resumed}");
}

fn leave_unfinished(world: &World, laptop: &Device) {
    let file = world.path(LEFT);
    content::write(&file, FILM_SEED + 1, FILM_LEN);
    world.wire().hold(Moment::Done(Kind::PutBlob, 1));
    let mut run = laptop.start(&[&"put", &file, &"/"]);
    assert!(world.wire().wait_held(&mut run), "it ended before the cut");
    run.kill();
    world.wire().cut();
}

/// A request with all that a browser would tell.
fn meet_stranger(world: &World) {
    let mut stream = TcpStream::connect(world.wire().url().trim_start_matches("http://")).unwrap();
    let request = format!(
        "GET {STRANGE_PATH} HTTP/1.1\r\nhost: x\r\nanonicloud-api: 1\r\nuser-agent: {AGENT}\r\n\
         x-forwarded-for: {CLIENT_ADDRESS}\r\nforwarded: for={CLIENT_ADDRESS}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

fn needle(what: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Needle {
    Needle { what: what.into(), bytes: bytes.into() }
}

impl Life {
    /// What must show nowhere.
    pub(super) fn secrets(&self) -> Vec<Needle> {
        let names = [FOLDER, INNER, NOTE, FILM, LINK, LINK_TARGET, MOVED, MADE, COPIED, LEFT];
        let mut all: Vec<Needle> = names.iter().map(|name| needle(format!("the name {name}"), *name)).collect();
        all.push(needle("the text of a file", CONTENT));
        let film = content::bytes(FILM_SEED, FILM_LEN);
        for at in [0, film.len() / 2, film.len() - 32] {
            all.push(needle(format!("the film's bytes from {at}"), &film[at..at + 32]));
        }
        all.push(needle("the password", PASSWORD));
        let words: Vec<_> = PASSWORD.split(' ').collect();
        for pair in words.windows(2) {
            all.push(needle("two words of the password", pair.join(" ")));
        }
        for key in &self.device_keys {
            assert_eq!(key.len(), 32);
            all.push(needle("the key of a device", key.clone()));
        }
        all.extend(self.recovery());
        let place = self.world.path(FOLDER);
        all.push(needle("where the folder is on the laptop", place.to_str().unwrap()));
        all.push(needle("the client's address", CLIENT_ADDRESS.to_string()));
        all
    }

    fn recovery(&self) -> Vec<Needle> {
        let sheet = fs_err::read_to_string(self.world.path(format!("{HANDLE}.words"))).unwrap();
        let words: Vec<_> = sheet
            .lines()
            .find_map(|line| line.strip_prefix("recovery words:"))
            .expect("the sheet has the words")
            .split_whitespace()
            .collect();
        assert_eq!(words.len(), 24);
        let entropy = bip39::Mnemonic::parse_in(bip39::Language::English, words.join(" ")).unwrap().to_entropy();
        let pairs = words.windows(2).map(|pair| needle("two recovery words", pair.join(" ")));
        pairs.chain([needle("the recovery entropy", entropy)]).collect()
    }

    /// What passes the wire by its nature and must not stay.
    pub(super) fn fleeting(&self) -> Vec<Needle> {
        let mut all = vec![needle("a stranger's user agent", AGENT), needle("a stranger's path", STRANGE_PATH)];
        let tokens = self.tap.iter().flat_map(http::exchanges);
        for token in tokens.filter_map(|exchange| exchange.token) {
            let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
            all.push(needle("a session token", bytes));
        }
        assert!(all.len() > 4, "accounts and spaces have sessions");
        all
    }

    /// All that passed the wire.
    pub(super) fn wire(&self) -> Vec<Place> {
        let both = |(number, connection): (usize, &Conversation)| {
            [
                Place { name: format!("connection {number}, to the server"), bytes: connection.to_server.clone() },
                Place { name: format!("connection {number}, from the server"), bytes: connection.to_client.clone() },
            ]
        };
        self.tap.iter().enumerate().flat_map(both).collect()
    }

    /// All that stays at the server: its files, their names, its log.
    pub(super) fn kept(&self) -> Vec<Place> {
        let data = self.world.server().data();
        let mut places = vec![Place { name: "the log".to_owned(), bytes: self.world.server().log().into_bytes() }];
        let mut names = String::new();
        for path in files(data) {
            let name = path.strip_prefix(data).unwrap().display().to_string();
            names.push_str(&name);
            names.push('\n');
            places.push(Place { bytes: fs_err::read(&path).unwrap(), name });
        }
        places.push(Place { name: "the names of the files".to_owned(), bytes: names.into_bytes() });
        places
    }
}

/// All files below `folder`, in order.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in anonicloud_e2e::tree::list(folder).into_values() {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
