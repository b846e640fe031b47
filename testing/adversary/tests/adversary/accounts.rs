//! Lies about accounts: wrapped keys, logins, sigchains, slots.

use anonicloud_adversary::{Kind, Lie};
use anonicloud_e2e::world::PASSWORD;
use serde_json::{Value, json};

use crate::rows;
use crate::world::World;

rows!(
    a01_wrapped_keys_mauled,
    a02_no_failure_is_told_to_the_server,
    a03_wrapped_keys_in_each_others_place,
    a04_a_login_answers_nothing_that_the_server_chose,
    a06_fields_of_keys_left_out_or_emptied,
    a12_another_suite_of_wrapped_keys,
    a13_parameters_of_the_password_hash_offered,
    a15_nothing_without_a_proof,
    a16_policies_and_escrow_pushed,
    a17_links_left_out_reordered_doubled_or_altered,
    a17_a_sigchain_of_another_account,
    a17_a_stolen_session_appends_no_link,
    a21_older_slots,
    a21_an_older_sigchain_takes_no_device,
    a29_a_handle_that_nobody_has_looks_alike,
);

/// The boxes that a login opens.
const BOXES: [&str; 3] = ["/boxes/password_slot/sealed", "/boxes/space/sealed", "/boxes/identity/sealed"];

/// Tells `lie` to a login on a new device, which must be refused with one of `codes` and send nothing that depends on it.
async fn refuses_to_log_in(world: &World, lie: Lie, codes: &[&str]) {
    let about = format!("{lie:?}");
    let device = world.device(&about.replace('/', "-"));
    let begin = world.heard();
    world.lie(lie);
    let refused = device.log_in("alice", PASSWORD).await.unwrap_err();
    assert!(codes.contains(&refused.as_str()), "{about}: {refused}");
    world.honest();
    let sent = world.since(begin);
    let after = sent.iter().skip_while(|exchange| exchange.call.kind != Kind::LoginFinish).skip(1);
    for exchange in after {
        assert!(matches!(exchange.call.kind, Kind::Sigchain | Kind::Logout), "{about}: {:?}", exchange.call);
        assert!(exchange.request.is_empty(), "{about}: {:?}", exchange.call);
    }
}

/// The account's own devices, and a new one, get on as if nothing had been.
async fn gets_on(world: &World, alice: &crate::device::Device) {
    let tablet = world.log_in("alice", "gets on").await;
    tablet.make_directory("/from the tablet").await.unwrap();
    assert_eq!(alice.list().await.unwrap(), ["from the tablet"]);
}

async fn a01_wrapped_keys_mauled(world: &World) {
    let alice = world.sign_up("alice").await;
    for field in BOXES {
        // The salt, the commitment, the first and the last byte of the ciphertext, the tag.
        let places: &[usize] = if world.is_library() { &[100, 400, 700, 850, 999] } else { &[400, 999] };
        for place in places.iter().copied() {
            refuses_to_log_in(world, Lie::FlipField(Kind::LoginFinish, field, place), &["rejected"]).await;
        }
        refuses_to_log_in(world, Lie::CutField(Kind::LoginFinish, field, 1), &["rejected"]).await;
    }
    gets_on(world, &alice).await;
}

async fn a02_no_failure_is_told_to_the_server(world: &World) {
    let alice = world.sign_up("alice").await;
    alice.make_directory("/folder").await.unwrap();
    let head = world.since(0).into_iter().rfind(|exchange| exchange.call.kind == Kind::Head).unwrap();
    let (bits, places) = (8 * head.honest.body.len(), if world.is_library() { 10_000 } else { 24 });
    assert!(bits > places, "{bits} bits");
    for place in 0..places {
        let begin = world.heard();
        world.lie(Lie::FlipBit(Kind::Head, place * bits / places));
        let refused = alice.make_directory("/another").await.unwrap_err();
        assert!(["rejected", "malformed_answer", "rolled_back"].contains(&refused.as_str()), "{place}: {refused}");
        world.honest();
        // The session is opened, the head asked for, and nothing follows whatever was wrong.
        assert_eq!(world.kinds_since(begin), [Kind::SpaceChallenge, Kind::SpaceSession, Kind::Head], "{place}");
    }
    alice.make_directory("/another").await.unwrap();
}

async fn a03_wrapped_keys_in_each_others_place(world: &World) {
    let alice = world.sign_up("alice").await;
    for (one, two) in [(0, 1), (1, 2), (0, 2)] {
        let lie = Lie::Exchange(Kind::LoginFinish, BOXES[one], BOXES[two]);
        refuses_to_log_in(world, lie, &["rejected"]).await;
    }
    let lie = Lie::Exchange(Kind::LoginFinish, BOXES[0], "/boxes/recovery_slot/sealed");
    refuses_to_log_in(world, lie, &["rejected"]).await;
    gets_on(world, &alice).await;
}

async fn a04_a_login_answers_nothing_that_the_server_chose(world: &World) {
    let alice = world.sign_up("alice").await;
    world.sign_up("mallory").await;
    // OPAQUE's answer altered, or that of a login of another account: no last message is sent.
    let mallory = world.device("mallory again");
    mallory.log_in("mallory", PASSWORD).await.unwrap();
    let lies = [Lie::Replay(Kind::LoginStart, 0)].into_iter();
    let lies = lies.chain([0, 200, 500, 999].map(|place| Lie::FlipField(Kind::LoginStart, "/ke2", place)));
    for lie in lies {
        let begin = world.heard();
        refuses_to_log_in(world, lie, &["login_failed"]).await;
        assert!(!world.kinds_since(begin).contains(&Kind::LoginFinish));
    }
    // What a device signs to sign in is its own text around the challenge: one of the space's is worth nothing.
    let challenge = world.since(0).into_iter().find(|exchange| exchange.call.kind == Kind::LoginStart);
    assert!(challenge.is_some());
    gets_on(world, &alice).await;
}

async fn a06_fields_of_keys_left_out_or_emptied(world: &World) {
    let alice = world.sign_up("alice").await;
    for field in BOXES {
        refuses_to_log_in(world, Lie::Set(Kind::LoginFinish, field, json!("")), &["rejected"]).await;
        refuses_to_log_in(world, Lie::Set(Kind::LoginFinish, field, Value::Null), &["malformed_answer"]).await;
        refuses_to_log_in(world, Lie::Drop(Kind::LoginFinish, field), &["malformed_answer"]).await;
    }
    refuses_to_log_in(world, Lie::Drop(Kind::LoginFinish, "/boxes"), &["malformed_answer"]).await;
    refuses_to_log_in(world, Lie::Emptied(Kind::Sigchain, "/links"), &["rejected"]).await;
    refuses_to_log_in(world, Lie::Drop(Kind::Sigchain, "/links"), &["malformed_answer"]).await;
    gets_on(world, &alice).await;
}

async fn a12_another_suite_of_wrapped_keys(world: &World) {
    let alice = world.sign_up("alice").await;
    for field in BOXES {
        refuses_to_log_in(world, Lie::FlipField(Kind::LoginFinish, field, 0), &["rejected"]).await;
    }
    gets_on(world, &alice).await;
}

async fn a13_parameters_of_the_password_hash_offered(world: &World) {
    let alice = world.sign_up("alice").await;
    for kind in [Kind::Realm, Kind::LoginStart] {
        let lie = Lie::Set(kind, "/argon2", json!({"m": 8, "t": 1, "p": 1}));
        refuses_to_log_in(world, lie, &["malformed_answer"]).await;
    }
    let bob = world.device("bob");
    world.lie(Lie::Set(Kind::RegisterStart, "/kdf_iterations", json!(1)));
    assert_eq!(bob.sign_up("bob", PASSWORD).await.unwrap_err(), "malformed_answer");
    world.honest();
    gets_on(world, &alice).await;
}

async fn a15_nothing_without_a_proof(world: &World) {
    let alice = world.sign_up("alice").await;
    alice.make_directory("/folder").await.unwrap();
    crate::stranger::gets_nothing(world).await;
    assert_eq!(alice.list().await.unwrap(), ["folder"]);
}

async fn a16_policies_and_escrow_pushed(world: &World) {
    let alice = world.sign_up("alice").await;
    for (field, value) in [
        ("/policy", json!({"escrow": true})),
        ("/organisation_key", json!("AAAA")),
        ("/boxes/escrow", json!({"version": 1, "sealed": "AAAA"})),
        ("/reencrypt_to", json!("AAAA")),
    ] {
        refuses_to_log_in(world, Lie::Set(Kind::LoginFinish, field, value.clone()), &["malformed_answer"]).await;
        let begin = world.heard();
        world.lie(Lie::Set(Kind::DeviceLoginFinish, field, value));
        assert_eq!(alice.quota().await.unwrap_err(), "malformed_answer");
        world.honest();
        assert_eq!(world.kinds_since(begin).last(), Some(&Kind::DeviceLoginFinish));
    }
    alice.quota().await.unwrap();
    gets_on(world, &alice).await;
}

async fn a17_links_left_out_reordered_doubled_or_altered(world: &World) {
    let alice = world.sign_up("alice").await;
    world.log_in("alice", "tablet").await;
    let (of, links) = (Kind::Sigchain, "/links");
    for lie in [Lie::Reversed(of, links), Lie::Doubled(of, links)] {
        refuses_to_log_in(world, lie, &["rejected"]).await;
    }
    for link in ["/links/0", "/links/1", "/links/2"] {
        let places: &[usize] = if world.is_library() { &[10, 400, 999] } else { &[999] };
        for place in places.iter().copied() {
            refuses_to_log_in(world, Lie::FlipField(of, link, place), &["rejected"]).await;
        }
    }
    refuses_to_log_in(world, Lie::Exchange(of, "/links/1", "/links/2"), &["rejected"]).await;
    gets_on(world, &alice).await;
}

async fn a17_a_sigchain_of_another_account(world: &World) {
    world.sign_up("mallory").await;
    world.log_in("mallory", "of mallory").await;
    let alice = world.sign_up("alice").await;
    // Over HTTP, where it comes in pages, it comes again and again.
    refuses_to_log_in(world, Lie::Replay(Kind::Sigchain, 0), &["rejected", "malformed_answer"]).await;
    gets_on(world, &alice).await;
}

async fn a17_a_stolen_session_appends_no_link(world: &World) {
    let alice = world.sign_up("alice").await;
    alice.quota().await.unwrap();
    crate::stranger::appends_nothing(world).await;
    // The chain goes on.
    gets_on(world, &alice).await;
}

async fn a21_older_slots(world: &World) {
    let alice = world.sign_up("alice").await;
    for slot in ["password_slot", "recovery_slot", "identity", "space"] {
        let begin = world.heard();
        // They begin at 1.
        let field: &'static str = format!("/boxes/{slot}/version").leak();
        world.lie(Lie::Set(Kind::DeviceLoginFinish, field, json!(0)));
        assert_eq!(alice.quota().await.unwrap_err(), "rolled_back", "{slot}");
        world.honest();
        assert_eq!(world.kinds_since(begin).last(), Some(&Kind::DeviceLoginFinish), "{slot}");
    }
    alice.quota().await.unwrap();
}

/// A new device has nothing to compare the chain with; what it signs on an older one fits no chain that anybody else has.
async fn a21_an_older_sigchain_takes_no_device(world: &World) {
    let alice = world.sign_up("alice").await;
    let tablet = world.log_in("alice", "tablet").await;
    alice.make_directory("/one").await.unwrap();
    assert_eq!(tablet.list().await.unwrap(), ["one"]);
    world.lie(Lie::Shortened(Kind::Sigchain, "/links", 1));
    assert_eq!(world.device("late").log_in("alice", PASSWORD).await.unwrap_err(), "server_refused");
    world.honest();
    world.lie(Lie::Shortened(Kind::Sigchain, "/links", 3));
    assert_eq!(world.device("later").log_in("alice", PASSWORD).await.unwrap_err(), "rejected");
    world.honest();
    let phone = world.log_in("alice", "phone").await;
    phone.make_directory("/two").await.unwrap();
    assert_eq!(tablet.list().await.unwrap(), ["one", "two"]);
}

async fn a29_a_handle_that_nobody_has_looks_alike(world: &World) {
    world.sign_up("alice").await;
    let begin = world.heard();
    for (handle, password) in [("alice", "another password than the right one"), ("nobody", PASSWORD)] {
        let device = world.device(handle);
        let device = if handle == "alice" { world.device("stranger") } else { device };
        assert_eq!(device.log_in(handle, password).await.unwrap_err(), "login_failed");
    }
    let answers: Vec<_> = world
        .since(begin)
        .into_iter()
        .map(|exchange| (exchange.call.kind, exchange.honest.status, exchange.honest.body.len()))
        .collect();
    let (known, unknown) = answers.split_at(answers.len() / 2);
    assert_eq!(known, unknown);
    assert!(known.iter().any(|(kind, ..)| *kind == Kind::LoginStart), "{known:?}");
}
