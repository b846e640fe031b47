//! What is left of an account after signing out: in the memory of the process that had it open, and on its disk.
//!
//! Left out, as no code of ours reaches it (threat-model, "What is not promised"): session tokens, which stay in buffers of
//! the HTTP library and open nothing of the account any more; of a password that is chosen, what judges its strength leaves;
//! the content of files.

mod process;
mod search;
mod secrets;

use std::collections::BTreeSet;

use anonicloud_client::session::generate_passphrase;
use anonicloud_core::crypto::recovery::RECOVERY_WORDS;
use anonicloud_core::crypto::secret::RecoveryEntropy;
use anonicloud_e2e::masked::{mask, unmask};
use anonicloud_e2e::world::{PASSWORD, World};
use anonicloud_testkit::random::SeededRandom;

use self::process::Process;
use self::search::{Found, Held, Search, Secret};
use self::secrets::{extracted, is_account_open, of_account, of_device, of_sessions, secret};

/// What a signed-in process has to have in its memory, or the search would prove nothing.
const NEEDED: [&str; 5] = ["canary", "device key", "master key", "space key", "write seed"];

fn names(found: &[Found]) -> BTreeSet<&'static str> {
    found.iter().map(|found| found.name).collect()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn server_of(world: &World) -> String {
    format!("http://{}", world.server().address())
}

/// All secrets of the account of the password, and of the device whose state is in the folder of the world.
fn secrets_of(world: &World, password: &str, more: Vec<Secret>) -> Vec<Secret> {
    let (account, device) =
        run(async { (of_account(&server_of(world), "alice", password).await, of_device(&world.path("state")).await) });
    let mut secrets: Vec<_> = more.into_iter().chain(account).chain(device).collect();
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
    let password = generate_passphrase();
    let canary: [u8; 32] = SeededRandom::new(&password).array();
    world.wire().record();
    let mut process = Process::start(&world, &["--sign-up"]);
    process.say(&mask(&canary));
    process.say(&mask(password.as_bytes()));
    let words = unmask(&process.hear());
    assert_eq!(process.hear(), "signed in");
    let words = std::str::from_utf8(&words).unwrap();
    assert_eq!(words.split(' ').count(), RECOVERY_WORDS);
    let entropy = RecoveryEntropy::from_words(words).unwrap();
    let more = vec![
        secret("canary", &canary),
        secret("recovery words", words.as_bytes()),
        secret("recovery entropy", entropy.expose_bytes()),
    ];
    sign_out(&world, process, &secrets_of(&world, &password, more));
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
    let more = vec![secret("canary", &canary), secret("password", PASSWORD.as_bytes())];
    sign_out(&world, process, &secrets_of(&world, PASSWORD, more));
}

#[test]
fn after_logout_of_the_program_nothing_is_on_its_disk() {
    let world = World::new();
    let device = world.sign_up("state", "alice");
    let (up, down) = (world.path("up"), world.path("down"));
    fs_err::write(&up, "dear diary").unwrap();
    device.json(&[&"put", &up, &"/diary"]);
    device.json(&[&"get", &"/diary", &down]);
    let words = fs_err::read_to_string(world.path("alice.words")).unwrap();
    let words = words.lines().find_map(|line| line.strip_prefix("recovery words:  ")).unwrap();
    let entropy = RecoveryEntropy::from_words(words).unwrap();
    let more = vec![
        secret("password", PASSWORD.as_bytes()),
        secret("recovery words", words.as_bytes()),
        secret("recovery entropy", entropy.expose_bytes()),
    ];
    let search = Search::new(&secrets_of(&world, PASSWORD, more));
    let held = Held::of(device.state());
    assert_eq!(names(&search.folder(device.state())), BTreeSet::from(["device key"]));
    device.json(&[&"logout"]);
    assert_eq!(search.folder(device.state()), []);
    assert_eq!(search.held(&held), [], "what had no name any more was not overwritten");
}
