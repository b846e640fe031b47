//! What is left of an account after signing out: in the memory of the process that had it open, and on its disk.
//!
//! Left out, as no code of ours reaches it (threat-model, "What is not promised"): session tokens, which stay in buffers of
//! the HTTP library and open nothing of the account any more; of a password that is chosen, what judges its strength leaves;
//! the content of files. Left out, as the test cannot make them: what OPAQUE and TLS hold while they run, and the keys of trees
//! that a later commit has replaced.

mod kept;
mod process;
mod search;
mod secrets;

use std::collections::BTreeSet;

use anonicloud_client::session::generate_passphrase;
use anonicloud_e2e::masked::{mask, unmask};
use anonicloud_e2e::world::{PASSWORD, World};
use anonicloud_testkit::random::SeededRandom;

use self::kept::Kept;
use self::process::Process;
use self::search::{Found, Held, Search, Secret};
use self::secrets::{Typed, extracted, is_account_open, of_account, of_sessions, secret};

/// What a signed-in process has to have in its memory, or the search would prove nothing. All else is derived where it is used
/// and wiped again: that it is what it is taken for is checked by what it opens, signs or hashes.
const NEEDED: [&str; 14] = [
    "admin seed",
    "append seed",
    "canary",
    "device key",
    "device's Ed25519 seed",
    "device's ML-DSA seed",
    "device's login seed",
    "directory key",
    "file key",
    "key of rows",
    "master key",
    "root key",
    "space key",
    "write seed",
];

fn names(found: &[Found]) -> BTreeSet<&'static str> {
    found.iter().map(|found| found.name).collect()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn server_of(world: &World) -> String {
    format!("http://{}", world.server().address())
}

/// All secrets of the account that is typed, and of the device whose state is in the folder of the world.
fn secrets_of(world: &World, typed: &Typed) -> Vec<Secret> {
    let (account, device) = run(async {
        let kept = Kept::read(&world.path("state")).await;
        (of_account(&server_of(world), typed, &kept).await, kept.secrets())
    });
    let mut secrets: Vec<_> = account.into_iter().chain(device).collect();
    secrets.extend(extracted(&secrets));
    secrets
}

/// Signs the process out, and looks for the secrets before and after.
fn sign_out(world: &World, mut process: Process, secrets: &[Secret]) {
    let search = Search::new(secrets);
    let before = names(&search.memory(process.id()));
    assert!(before.is_superset(&BTreeSet::from(NEEDED)), "{before:?}");
    let state = world.path("state");
    assert_eq!(names(&search.folder(&state)), BTreeSet::from(["device key"]));
    let held = Held::of(&state);
    assert_eq!(names(&search.held(&held)), BTreeSet::from(["device key"]));

    process.say("");
    assert_eq!(process.hear(), "signed out");
    let left = search.memory(process.id());
    assert_eq!(names(&left), BTreeSet::from(["canary"]), "{left:#?}");
    assert_eq!(search.folder(&state), []);
    assert_eq!(search.held(&held), [], "what had no name any more was not overwritten");
    let tokens = of_sessions(&world.wire().recorded());
    assert!(tokens.len() > 1);
    let opened = run(async { is_account_open(&server_of(world), &tokens).await });
    assert!(!opened, "a session of a device that is signed out goes on");
}

#[test]
fn after_logout_nothing_of_a_device_that_signed_up_is_in_memory_or_on_its_disk() {
    let world = World::new();
    let password = generate_passphrase().to_string();
    let canary: [u8; 32] = SeededRandom::new(&password).array();
    world.wire().record();
    let mut process = Process::start(&world, &["--sign-up"]);
    process.say(&mask(&canary));
    process.say(&mask(password.as_bytes()));
    let mut shown = || Some(String::from_utf8(unmask(&process.hear()).to_vec()).unwrap());
    let typed = Typed { handle: "alice", words: shown(), account_key: shown(), password };
    assert_eq!(process.hear(), "signed in");
    let mut secrets = secrets_of(&world, &typed);
    secrets.push(secret("canary", &canary));
    sign_out(&world, process, &secrets);
}

#[test]
fn after_logout_nothing_of_a_device_that_signed_in_is_in_memory_or_on_its_disk() {
    let world = World::new();
    world.sign_up("laptop", "alice");
    let canary: [u8; 32] = SeededRandom::new("a canary").array();
    world.wire().record();
    let mut process = Process::start(&world, &[]);
    process.say(&mask(&canary));
    process.say(&mask(PASSWORD.as_bytes()));
    assert_eq!(process.hear(), "signed in");
    let typed = Typed { handle: "alice", password: PASSWORD.to_owned(), account_key: None, words: None };
    let mut secrets = secrets_of(&world, &typed);
    secrets.extend([secret("canary", &canary), secret("password", PASSWORD.as_bytes())]);
    sign_out(&world, process, &secrets);
}

#[test]
fn after_logout_of_the_program_nothing_is_on_its_disk() {
    let world = World::new();
    let device = world.sign_up("state", "alice");
    let (up, down) = (world.path("up"), world.path("down"));
    fs_err::write(&up, "dear diary").unwrap();
    device.json(&[&"mkdir", &"/papers"]);
    device.json(&[&"put", &up, &"/papers/diary"]);
    device.json(&[&"get", &"/papers/diary", &down]);
    let words = fs_err::read_to_string(world.path("alice.words")).unwrap();
    let words = words.lines().find_map(|line| line.strip_prefix("recovery words:  ")).map(str::to_owned);
    assert!(words.is_some());
    let typed = Typed { handle: "alice", password: PASSWORD.to_owned(), account_key: None, words };
    let mut secrets = secrets_of(&world, &typed);
    secrets.push(secret("password", PASSWORD.as_bytes()));
    let search = Search::new(&secrets);
    let held = Held::of(device.state());
    assert_eq!(names(&search.folder(device.state())), BTreeSet::from(["device key"]));
    device.json(&[&"logout"]);
    assert_eq!(search.folder(device.state()), []);
    assert_eq!(search.held(&held), [], "what had no name any more was not overwritten");
}
