//! Who is not let in, and what is no account.

use anonicloud_e2e::world::World;

use super::{expect, expect_all_distinct};

#[test]
fn logins_and_sign_ups_that_cannot_be() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    fs_err::write(world.path("note"), "kept").unwrap();
    laptop.json(&[&"put", &world.path("note"), &"/"]);
    let good = world.password_file();
    let wrong = world.path("wrong");
    fs_err::write(&wrong, "seven quiet otters juggle cold lanterns").unwrap();
    let weak = world.path("weak");
    fs_err::write(&weak, "password1").unwrap();
    let phone = world.device("phone");
    let login = |handle: &str, password| phone.refusal(&[&"login", &"--handle", &handle, &"--password-file", password]);
    let words = world.path("words");
    let sign_up = |handle: &str, password| {
        let refusal =
            phone.refusal(&[&"signup", &"--handle", &handle, &"--password-file", password, &"--recovery-file", &words]);
        assert!(!words.exists(), "words of no account: {refusal:?}");
        refusal
    };

    let wrong_password = login("alice", &wrong);
    expect(&wrong_password, "login_failed", 3);
    assert_eq!(login("nobody", &good), wrong_password, "a handle shows");
    let taken = sign_up("alice", &good);
    expect(&taken, "handle_taken", 5);
    let too_weak = sign_up("bob", &weak);
    expect(&too_weak, "weak_password", 2);
    let odd = sign_up("Bob!", &good);
    expect(&odd, "handle_invalid", 2);
    let unread = login("alice", &world.path("no such file"));
    expect(&unread, "secret_unreadable", 7);
    let stranger = phone.refusal(&[&"ls", &"/"]);
    expect(&stranger, "not_signed_in", 3);
    let twice = laptop.refusal(&[&"login", &"--handle", &"alice", &"--password-file", &good]);
    expect(&twice, "already_signed_in", 5);
    expect_all_distinct(&[wrong_password, taken, too_weak, odd, unread, stranger, twice]);

    assert_eq!(laptop.stdout(&[&"get", &"/note", &"-"]), b"kept");
    let phone = world.log_in("phone", "alice");
    assert_eq!(phone.stdout(&[&"get", &"/note", &"-"]), b"kept");
}
