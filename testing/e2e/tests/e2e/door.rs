//! Who is let in: sign-up by puzzle, by invite or not at all, changed beside the running server; passwords that are tried
//! again and again.

use anonicloud_e2e::device::{Device, Refusal};
use anonicloud_e2e::world::World;
use serde_json::Value;

const HANDLE: &str = "alice";

/// What a person types to make an account on this device.
fn sign_up(world: &World, device: &Device, handle: &str, more: &[&str]) -> Result<Value, Refusal> {
    let (password, words) = (world.password_file(), device.state().with_extension("words"));
    let mut command =
        device.command(&[&"signup", &"--handle", &handle, &"--password-file", &password, &"--recovery-file", &words]);
    let output = command.args(more).arg("--json").output().expect("the client starts");
    if output.status.success() {
        return Ok(serde_json::from_slice(&output.stdout).expect("an answer in JSON"));
    }
    assert!(!words.exists(), "words of no account");
    Err(anonicloud_e2e::device::refused(&output))
}

fn refused(result: Result<Value, Refusal>, code: &str) {
    let refusal = result.expect_err("this is refused");
    assert_eq!((refusal.code.as_str(), refusal.exit), (code, Some(3)), "{refusal:?}");
    assert!(!refusal.message.is_empty() && !refusal.hint.is_empty(), "{refusal:?}");
}

/// A new invite in a file, and its id.
fn invite_file(world: &World, options: &[&str]) -> (String, String) {
    let made: Value =
        serde_json::from_str(&world.server().administer(&[&["invite", "--json"], options].concat())).unwrap();
    let made = &made["invites"][0];
    let id = made["id"].as_str().unwrap().to_owned();
    let path = world.path(format!("invite-{id}"));
    fs_err::write(&path, made["invite"].as_str().unwrap()).unwrap();
    (id, path.to_str().unwrap().to_owned())
}

fn calls(world: &World, path: &str) -> usize {
    let needle = format!("POST {path} ");
    let sent = world.wire().recorded();
    sent.iter().map(|conversation| count(&conversation.to_server, needle.as_bytes())).sum()
}

fn count(bytes: &[u8], needle: &[u8]) -> usize {
    bytes.windows(needle.len()).filter(|window| *window == needle).count()
}

#[test]
fn a_new_server_lets_in_whose_device_solves_puzzles() {
    let world = World::as_it_is(&[]);
    assert_eq!(world.server().administer(&["signup"]), "puzzle\n");
    world.wire().record();
    let laptop = world.device("laptop");
    sign_up(&world, &laptop, HANDLE, &[]).unwrap();
    // Each half of the registration was asked for a puzzle.
    assert_eq!(calls(&world, "/v1/puzzle"), 2);
    laptop.json(&[&"mkdir", &"/folder"]);
}

#[test]
fn the_door_is_closed_and_opened_beside_the_running_server() {
    let world = World::as_it_is(&["--sign-up", "closed"]);
    let laptop = world.device("laptop");
    let (_, invite) = invite_file(&world, &[]);
    refused(sign_up(&world, &laptop, HANDLE, &[]), "sign_up_closed");
    refused(sign_up(&world, &laptop, HANDLE, &["--invite-file", &invite]), "sign_up_closed");
    assert_eq!(world.server().administer(&["signup", "open"]), "open\n");
    sign_up(&world, &laptop, HANDLE, &[]).unwrap();
    assert_eq!(world.server().administer(&["signup", "closed"]), "closed\n");
    refused(sign_up(&world, &world.device("other"), HANDLE, &[]), "sign_up_closed");
    // Who has an account is not kept out.
    world.log_in("phone", HANDLE).json(&[&"ls", &"/"]);
}

#[test]
fn what_was_set_beside_the_server_outlives_it() {
    let mut world = World::as_it_is(&[]);
    world.server().administer(&["signup", "invite"]);
    world.kill_server();
    assert_eq!(world.server().administer(&["signup"]), "invite\n");
    world.start_server();
    refused(sign_up(&world, &world.device("laptop"), HANDLE, &[]), "invite_required");
}

#[test]
fn an_invite_makes_one_account() {
    let world = World::as_it_is(&["--sign-up", "invite"]);
    let laptop = world.device("laptop");
    refused(sign_up(&world, &laptop, HANDLE, &[]), "invite_required");
    let (id, invite) = invite_file(&world, &["--quota", "77MiB"]);
    let listed = world.server().administer(&["invites", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(
        (&listed["invites"][0]["id"], &listed["invites"][0]["quota"]),
        (&id.as_str().into(), &(77 << 20).into())
    );
    sign_up(&world, &laptop, HANDLE, &["--invite-file", &invite]).unwrap();
    assert_eq!(laptop.json(&[&"quota"])["quota"], 77 << 20);
    let other = world.device("other");
    refused(sign_up(&world, &other, "bob", &["--invite-file", &invite]), "invite_invalid");
    assert_eq!(world.server().administer(&["invites"]), "");
    let malformed = world.path("malformed");
    fs_err::write(&malformed, "ABCD-EFGH").unwrap();
    let refusal = sign_up(&world, &other, "bob", &["--invite-file", malformed.to_str().unwrap()]).unwrap_err();
    assert_eq!((refusal.code.as_str(), refusal.exit), ("invite_malformed", Some(2)));
}

#[test]
fn a_revoked_invite_makes_none() {
    let world = World::as_it_is(&["--sign-up", "invite"]);
    let (id, invite) = invite_file(&world, &[]);
    assert_eq!(world.server().administer(&["revoke-invite", &id]), "revoked\n");
    refused(sign_up(&world, &world.device("laptop"), HANDLE, &["--invite-file", &invite]), "invite_invalid");
    let again = world.server().admin(&["revoke-invite", &id]);
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(!again.status.success() && said.contains("error: no invite") && said.contains("hint: "), "{said}");
}

#[test]
fn the_operator_sees_accounts_by_id_and_changes_their_quota() {
    let world = World::new();
    let laptop = world.sign_up("laptop", HANDLE);
    fs_err::write(world.path("note"), vec![7; 100_000]).unwrap();
    laptop.json(&[&"put", &world.path("note"), &"/"]);
    let listed = world.server().administer(&["accounts", "--json"]);
    assert!(!listed.contains(HANDLE), "{listed}");
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let account = &listed["accounts"][0];
    let seen = laptop.json(&[&"quota"]);
    assert_eq!((&account["used"], &account["quota"]), (&seen["used"], &seen["quota"]));
    let id = account["account"].as_str().unwrap();
    assert!(world.server().administer(&["accounts"]).contains(id));
    world.server().administer(&["quota", id, "1MiB"]);
    assert_eq!(laptop.json(&[&"quota"])["quota"], 1 << 20);
    fs_err::write(world.path("large"), vec![7; 20 << 20]).unwrap();
    let full = laptop.refusal(&[&"put", &world.path("large"), &"/"]);
    assert_eq!(full.code, "quota_exceeded");
    let nobody = world.server().admin(&["quota", &"0".repeat(32), "1GiB"]);
    assert!(!nobody.status.success());
}

#[test]
fn a_data_folder_of_another_version_is_left_alone() {
    let mut world = World::new();
    world.kill_server();
    let metadata = world.server().data().join("metadata.sqlite");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::ConnectOptions as _;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&metadata);
        let mut connection = options.connect().await.unwrap();
        let newer = "INSERT INTO _sqlx_migrations SELECT 9999, 'newer', installed_on, success, checksum, execution_time
            FROM _sqlx_migrations LIMIT 1";
        sqlx::query(newer).execute(&mut connection).await.unwrap();
    });
    let refused = world.server().admin(&["signup", "closed"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("another version"), "{said}");
    let nothing = world.server().admin(&["--data-dir", "/nonexistent", "signup"]);
    assert!(!nothing.status.success());
}

#[test]
fn after_many_wrong_passwords_the_right_one_needs_a_puzzle() {
    let world = World::new();
    let laptop = world.sign_up("laptop", HANDLE);
    let wrong = world.path("wrong");
    fs_err::write(&wrong, "seven quiet otters juggle cold lanterns").unwrap();
    let phone = world.device("phone");
    world.wire().record();
    for _ in 0..6 {
        let refusal = phone.refusal(&[&"login", &"--handle", &HANDLE, &"--password-file", &wrong]);
        assert_eq!(refusal.code, "login_failed");
    }
    assert_eq!(calls(&world, "/v1/puzzle"), 1, "the sixth try");
    phone.json(&[&"login", &"--handle", &HANDLE, &"--password-file", &world.password_file()]);
    assert_eq!(calls(&world, "/v1/puzzle"), 2);
    // An enrolled device signs in with its key, whatever strangers try.
    laptop.json(&[&"ls", &"/"]);
}
