//! One person with several accounts, on one machine: each profile is a device of its own.

use anonicloud_e2e::device::Device;
use anonicloud_e2e::world::World;

/// The laptop of a person who types no more than they must.
struct Person {
    world: World,
    laptop: Device,
}

impl Person {
    fn with_config(world: World, config: &str) -> Self {
        let home = world.folder("home");
        fs_err::create_dir_all(home.join(".config/anonicloud")).unwrap();
        fs_err::write(home.join(".config/anonicloud/config.toml"), config).unwrap();
        let laptop = Device::new(home, String::new()).by_itself();
        Self { world, laptop }
    }

    fn sign_up(&self, handle: &str, options: &[&str]) -> serde_json::Value {
        let words = self.world.path(format!("{handle}.words"));
        let laptop = self.laptop.clone().with_options(options);
        let password = self.world.password_file();
        laptop.json(&[&"signup", &"--handle", &handle, &"--password-file", &password, &"--recovery-file", &words])
    }

    fn handle(&self, options: &[&str]) -> String {
        let answer = self.laptop.clone().with_options(options).json(&[&"whoami"]);
        answer["handle"].as_str().unwrap().to_owned()
    }
}

#[test]
fn every_profile_has_an_account_a_server_and_a_state_of_its_own() {
    let (here, there) = (World::new(), World::new());
    let config = format!("server = '{}'\n[profile.work]\nserver = '{}'\n", here.wire().url(), there.wire().url());
    let person = Person::with_config(here, &config);
    let work = ["--profile", "work"];
    assert_eq!(person.sign_up("alice", &[])["server"], person.world.wire().url());
    assert_eq!(person.sign_up("alice-at-work", &work)["server"], there.wire().url());
    // A profile that the file does not name is an account at the same server.
    person.sign_up("alice-again", &["--profile", "again"]);
    person.laptop.json(&[&"mkdir", &"/private"]);
    person.laptop.clone().with_options(&work).json(&[&"mkdir", &"/office"]);
    assert_eq!(person.handle(&[]), "alice");
    assert_eq!(person.handle(&work), "alice-at-work");
    assert_eq!(person.handle(&["--profile", "again"]), "alice-again");
    let listing = person.laptop.clone().with_options(&work).json(&[&"ls", &"/"]);
    assert_eq!(listing["items"][0]["path"], "office");
    let again = person.laptop.with_options(&work).refusal(&[&"login", &"--handle", &"alice"]);
    assert_eq!((again.exit, again.code.as_str()), (Some(5), "already_signed_in"));
}

#[test]
fn a_state_folder_that_is_named_for_all_keeps_profiles_apart() {
    let person = Person::with_config(World::new(), "");
    let (url, state) = (person.world.wire().url(), person.world.path("state"));
    let state = state.to_str().unwrap();
    person.sign_up("alice", &["--server", &url, "--state-dir", state]);
    person.sign_up("other", &["--server", &url, "--state-dir", state, "--profile", "other"]);
    assert_eq!(person.handle(&["--state-dir", state]), "alice");
    assert_eq!(person.handle(&["--state-dir", state, "--profile", "other"]), "other");
}

#[test]
fn a_server_that_the_file_names_later_moves_no_account() {
    let world = World::new();
    let url = world.wire().url();
    let person = Person::with_config(world, "");
    person.sign_up("alice", &["--server", &url]);
    let config = person.world.path("home").join(".config/anonicloud/config.toml");
    fs_err::write(config, "server = 'http://127.0.0.1:1'\nretry_for = 0\n").unwrap();
    assert_eq!(person.handle(&[]), "alice");
}

#[test]
fn flags_stand_before_the_environment_and_that_before_the_file() {
    let world = World::new();
    let url = world.wire().url();
    let person = Person::with_config(world, "server = 'http://127.0.0.1:1'\nretry_for = 0\n");
    let login = |server: Option<&str>, options: &[&str]| {
        let device = person.laptop.clone().with_options(options);
        let mut command = device.command(&[&"login", &"--handle", &"nobody", &"--json", &"--password-file"]);
        command.arg(person.world.password_file());
        if let Some(server) = server {
            command.env("ANONICLOUD_SERVER", server);
        }
        let output = command.output().unwrap();
        let refusal: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        refusal["error"]["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(login(None, &[]), "unreachable");
    assert_eq!(login(Some(&url), &[]), "login_failed");
    assert_eq!(login(Some("http://127.0.0.1:1"), &["--server", &url]), "login_failed");
    assert_eq!(login(Some(&url), &["--server", "http://127.0.0.1:1"]), "unreachable");
}

#[test]
fn a_config_file_that_says_nothing_known_is_refused() {
    let person = Person::with_config(World::new(), "server = 'https://a'\n\n[profile.work]\npasword_file = 'x'\n");
    let refusal = person.laptop.refusal(&[&"whoami"]);
    assert_eq!((refusal.exit, refusal.code.as_str()), (Some(2), "config_invalid"));
    assert!(refusal.message.contains("line 4: unknown field `pasword_file`"), "{refusal:?}");
    let elsewhere = person.laptop.with_options(&["--config", "/nonexistent"]).refusal(&[&"whoami"]);
    assert_eq!(elsewhere.code, "config_invalid");
}
