//! What a row acts on: a lying server, devices of one account, and files with something secret in them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anonicloud_adversary::{Exchange, HttpsLiar, Kind, Liar, Lie, LyingRemote};
use anonicloud_client::Client;
use anonicloud_client::remote::{HttpRemote, Patience, Retry, ServerAddress};
use anonicloud_client::session::{NewAccount, SignUpDraft};
use anonicloud_client::state::{DeviceKey, SealedState};
use anonicloud_e2e::world::PASSWORD;
use anonicloud_testkit::clock::FakeClock;
use anonicloud_testkit::memory_remote::MemoryRemote;
use anonicloud_testkit::memory_state::MemoryState;
use anonicloud_testkit::random::SeededRandom;
use zeroize::Zeroizing;

use crate::device::{Device, Library, Outcome, Program};
use crate::leaks;

/// 2026-11-30.
const DAY: u32 = 20_787;
const QUOTA: u64 = 1 << 30;
/// Something that stands at the begin of every file, and in every name.
pub(crate) const CANARY: &str = "canary-in-a-coal-mine";
/// Full length of a segment.
pub(crate) const SEGMENT: usize = 4 << 20;

/// Which client a row is run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum With {
    /// The library, in front of a server in memory.
    Library,
    /// The program, in front of the real server, over HTTPS.
    Program,
}

/// What stands behind the lies.
enum Honest {
    Memory(MemoryRemote),
    Real(Box<(anonicloud_e2e::world::World, HttpsLiar)>),
}

/// A lying server and what its devices have on this machine.
pub(crate) struct World {
    name: &'static str,
    honest: Honest,
    liar: Liar,
    folder: tempfile::TempDir,
}

impl World {
    /// `name` is the row's: no two draw the same keys.
    pub(crate) fn new(name: &'static str, with: With) -> Self {
        let liar = Liar::default();
        let honest = match with {
            With::Library => Honest::Memory(MemoryRemote::new(name, QUOTA, &FakeClock::at_day(DAY))),
            With::Program => {
                let world = anonicloud_e2e::world::World::new();
                let https = HttpsLiar::start(world.server().address(), &liar);
                fs_err::write(world.path("ca.pem"), https.certificate()).unwrap();
                Honest::Real(Box::new((world, https)))
            }
        };
        Self { name, honest, liar, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) const fn is_library(&self) -> bool {
        matches!(self.honest, Honest::Memory(_))
    }

    /// A device that nobody is signed in on.
    pub(crate) fn device(&self, name: &str) -> Device {
        match &self.honest {
            Honest::Memory(server) => Device::Library(Library {
                server: server.clone(),
                liar: self.liar.clone(),
                state: MemoryState::default(),
            }),
            Honest::Real(real) => {
                let (world, https) = &**real;
                let (state, ca) = (world.path(name), world.path("ca.pem"));
                let device = anonicloud_e2e::device::Device::new(state, https.url());
                let device = device.with_options(&["--retry-for", "0", "--ca-file", ca.to_str().unwrap()]);
                Device::Program(Program {
                    device,
                    password: world.password_file(),
                    words: world.path(format!("{name}.words")),
                })
            }
        }
    }

    /// A device that made the account of `handle`.
    pub(crate) async fn sign_up(&self, handle: &str) -> Device {
        let device = self.device(handle);
        device.sign_up(handle, PASSWORD).await.unwrap();
        device
    }

    /// Another device of that account; each has a name of its own.
    pub(crate) async fn log_in(&self, handle: &str, name: &str) -> Device {
        let device = self.device(name);
        device.log_in(handle, PASSWORD).await.unwrap();
        device
    }

    /// The server as the library has it, whatever stands behind it.
    pub(crate) fn http(&self) -> Option<HttpRemote> {
        let Honest::Real(real) = &self.honest else { return None };
        let (world, https) = &**real;
        let address = ServerAddress { url: https.url(), ca_file: Some(world.path("ca.pem")) };
        Some(HttpRemote::new(&address, Patience::default()).unwrap())
    }

    pub(crate) fn memory(&self) -> Option<LyingRemote<MemoryRemote>> {
        let Honest::Memory(server) = &self.honest else { return None };
        Some(LyingRemote::new(server.clone(), self.liar.clone()))
    }

    /// Content of this length that begins with the canary; `seed` tells one from another.
    pub(crate) fn content(&self, seed: &str, len: usize) -> Vec<u8> {
        let mut bytes = SeededRandom::new(&format!("{} {seed}", self.name)).bytes(len);
        let marked = CANARY.len().min(len);
        bytes[..marked].copy_from_slice(&CANARY.as_bytes()[..marked]);
        bytes
    }

    /// A path in the folder of the row.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sends content of this length to `/NAME`; gives it.
    pub(crate) async fn put(&self, device: &Device, name: &str, len: usize) -> Vec<u8> {
        let content = self.content(name, len);
        self.put_content(device, name, &content).await.unwrap();
        content
    }

    /// The same with this content, however it ends.
    pub(crate) async fn put_content(&self, device: &Device, name: &str, content: &[u8]) -> Outcome<()> {
        let source = self.path(name);
        fs_err::write(&source, content).unwrap();
        device.put(&source, &remote(name)).await
    }

    /// Fetches `/NAME`, which must be this.
    pub(crate) async fn assert_content(&self, device: &Device, name: &str, content: &[u8]) {
        let target = self.path("fetched");
        device.get(&remote(name), &target).await.unwrap();
        assert!(fs_err::read(&target).unwrap() == content, "{name} is other content");
        fs_err::remove_file(&target).unwrap();
    }

    /// Fetches `/NAME`, which must be refused with a code out of `codes`, and leave no byte that is not `content`'s.
    pub(crate) async fn assert_refused(&self, device: &Device, name: &str, content: &[u8], codes: &[&str]) {
        let folder = self.path("refused");
        fs_err::create_dir_all(&folder).unwrap();
        let refused = device.get(&remote(name), &folder.join("file")).await.unwrap_err();
        assert!(codes.contains(&refused.as_str()), "{refused}, not one of {codes:?}");
        assert!(!folder.join("file").exists(), "a file that did not verify is there");
        for entry in fs_err::read_dir(&folder).unwrap() {
            let part = fs_err::read(entry.unwrap().path()).unwrap();
            for (at, piece) in part.chunks(SEGMENT).enumerate() {
                let right = &content[at * SEGMENT..][..piece.len()];
                assert!(piece == right || piece.iter().all(|byte| *byte == 0), "a wrong byte reached the disk");
            }
        }
        fs_err::remove_dir_all(&folder).unwrap();
    }

    /// Tells a lie from now on.
    pub(crate) fn lie(&self, lie: Lie) {
        self.liar.tell(lie);
    }

    /// No more lies. At least one must have been told.
    pub(crate) fn honest(&self) {
        assert!(self.liar.stop() > 0, "the lie was never told");
    }

    /// All that passed since `begin` calls had.
    pub(crate) fn since(&self, begin: usize) -> Vec<Exchange> {
        self.liar.tape().split_off(begin)
    }

    pub(crate) fn heard(&self) -> usize {
        self.liar.heard()
    }

    /// What kinds of calls passed since `begin` calls had.
    pub(crate) fn kinds_since(&self, begin: usize) -> Vec<Kind> {
        self.since(begin).iter().map(|exchange| exchange.call.kind).collect()
    }

    /// Nothing that was secret came to the server, whatever it said.
    pub(crate) fn assert_nothing_leaked(&self) {
        leaks::assert_none(&self.liar.tape());
    }
}

/// The path `/NAME` with the canary, as all names have it.
pub(crate) fn remote(name: &str) -> String {
    format!("/{CANARY} {name}")
}

/// A device of the library: made by signing up.
pub(crate) async fn sign_up_library(library: &Library, handle: &str, password: &str) -> Outcome<()> {
    let remote = library.remote();
    let password = Zeroizing::new(password.to_owned());
    let new = NewAccount { handle: handle.to_owned(), password, account_key: false, invite: None };
    let draft = SignUpDraft::begin(&remote, new).await.map_err(|error| error.code().to_owned())?;
    let draft = draft.with_clock(Arc::new(FakeClock::at_day(DAY)));
    let words = draft.recovery_words();
    let finished = draft.finish(remote, library.sealed(), &nowhere(), &words).await;
    finished.map(drop).map_err(|error| error.code().to_owned())
}

impl Library {
    pub(crate) fn remote(&self) -> Retry<LyingRemote<MemoryRemote>> {
        Retry::new(LyingRemote::new(self.server.clone(), self.liar.clone()), Duration::ZERO)
    }

    pub(crate) fn sealed(&self) -> SealedState<MemoryState> {
        SealedState::new(self.state.clone(), &DeviceKey::copy_of(&[1; 32]))
    }

    /// The device as a program that was just started has it: nothing is remembered but what is durable.
    pub(crate) async fn open(&self) -> Outcome<Client<Retry<LyingRemote<MemoryRemote>>, MemoryState>> {
        Client::open(self.remote(), self.sealed()).await.map_err(|error| error.code().to_owned())
    }
}

pub(crate) fn nowhere() -> ServerAddress {
    ServerAddress { url: "https://memory.example".to_owned(), ca_file: None }
}
