//! Lies below the answers: redirects, bodies without an end, numbers that ask for too much.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};

use anonicloud_adversary::{Kind, Lie};
use anonicloud_e2e::world::PASSWORD;
use anonicloud_proto::api::ErrorCode;
use serde_json::json;

use crate::rows;
use crate::world::{SEGMENT, World, remote};

rows!(
    a14_a_password_that_is_easy_to_guess_makes_no_account,
    a33_bodies_without_an_end_end,
    a33_puzzles_and_chains_without_an_end_are_refused,
    a33_numbers_that_no_server_means,
    a33_a_server_that_takes_a_byte_at_a_time_is_left,
    a33_a_server_that_frees_a_byte_at_a_time_is_left,
    a34_no_other_requests_and_no_redirect,
    p1_an_upload_goes_on_behind_what_arrived,
    p4_an_upload_that_the_server_refused_blocks_no_name,
);

async fn a14_a_password_that_is_easy_to_guess_makes_no_account(world: &World) {
    let begin = world.heard();
    for weak in ["password", "alice2026", "qwertyuiop"] {
        assert_eq!(world.device("stranger").sign_up("alice", weak).await.unwrap_err(), "weak_password");
    }
    assert_eq!(world.heard(), begin, "nothing was asked");
    world.sign_up("alice").await;
}

async fn a33_bodies_without_an_end_end(world: &World) {
    let alice = world.sign_up("alice").await;
    let content = world.put(&alice, "film", SEGMENT + 17).await;
    for kind in [Kind::SpaceChallenge, Kind::SpaceSession, Kind::Head] {
        world.lie(Lie::Endless(kind));
        assert_eq!(alice.list().await.unwrap_err(), "malformed_answer", "{kind:?}");
        world.honest();
    }
    world.lie(Lie::Endless(Kind::GetBlob));
    world.assert_refused(&alice, "film", &content, &["malformed_answer", "rejected"]).await;
    world.honest();
    for kind in [Kind::DeviceLoginStart, Kind::DeviceLoginFinish, Kind::Account] {
        world.lie(Lie::Endless(kind));
        assert_eq!(alice.quota().await.unwrap_err(), "malformed_answer", "{kind:?}");
        world.honest();
    }
    world.assert_content(&alice, "film", &content).await;
}

async fn a33_puzzles_and_chains_without_an_end_are_refused(world: &World) {
    let alice = world.sign_up("alice").await;
    for (field, value) in [("/bits", json!(25)), ("/bits", json!(u32::MAX)), ("/puzzle", json!("A".repeat(88)))] {
        world.lie(Lie::Refuse(Kind::LoginStart, ErrorCode::PuzzleRequired));
        world.lie(Lie::Set(Kind::Puzzle, field, value));
        let device = world.device("stranger");
        assert_eq!(device.log_in("alice", PASSWORD).await.unwrap_err(), "puzzle_too_hard");
        world.honest();
    }
    // More links than a chain can have, and one that is longer than any.
    for links in [json!(vec!["AAAA"; 1 << 14]), json!(["A".repeat(1 << 17)])] {
        world.lie(Lie::Set(Kind::Sigchain, "/links", links));
        let refused = world.device("tablet").log_in("alice", PASSWORD).await.unwrap_err();
        assert!(["rejected", "malformed_answer"].contains(&refused.as_str()), "{refused}");
        world.honest();
    }
    alice.make_directory("/folder").await.unwrap();
    world.log_in("alice", "tablet").await;
}

/// Whatever number a server says, nothing overflows, nothing begins that does not end, and nothing is believed that does harm.
async fn a33_numbers_that_no_server_means(world: &World) {
    let alice = world.sign_up("alice").await;
    let (most, content) = (json!(u64::MAX), world.put(&alice, "kept", SEGMENT).await);
    for field in ["/quota", "/used", "/reserved"] {
        world.lie(Lie::Set(Kind::Account, field, most.clone()));
        alice.quota().await.unwrap();
        world.honest();
    }
    for (field, value) in [("/bytes", most.clone()), ("/since", json!(u32::MAX)), ("/free_from", json!(u32::MAX))] {
        world.lie(Lie::Set(Kind::Released, field, value));
        alice.quota().await.unwrap();
        world.honest();
    }
    world.put(&alice, "gone", SEGMENT).await;
    alice.remove(&remote("gone")).await.unwrap();
    for more in [false, true] {
        world.lie(Lie::Set(Kind::FreeReleased, "/freed", most.clone()));
        world.lie(Lie::Set(Kind::FreeReleased, "/more", json!(more)));
        assert_eq!(alice.reclaim_now().await.unwrap_err(), "malformed_answer");
        world.honest();
        world.put(&alice, "gone", SEGMENT).await;
        alice.remove(&remote("gone")).await.unwrap();
    }
    for lie in [
        Lie::Set(Kind::PutBlob, "/complete", json!(false)),
        Lie::Set(Kind::PutBlob, "/stored", json!(0)),
        Lie::Set(Kind::OpenUpload, "/reserved", most),
        Lie::Set(Kind::Commit, "/seq", json!(0)),
    ] {
        let about = format!("{lie:?}");
        world.lie(lie);
        // A blob that is never complete is not waited for; the other numbers change nothing.
        match world.put_content(&alice, "another", &content).await {
            Ok(()) => {}
            Err(refused) => assert_eq!(refused, "malformed_answer", "{about}"),
        }
        world.honest();
    }
    world.assert_content(&alice, "kept", &content).await;
    world.put_content(&alice, "another", &content).await.unwrap();
    world.assert_content(&alice, "another", &content).await;
}

/// Progress that is no lie by itself, and would never come to an end.
async fn a33_a_server_that_takes_a_byte_at_a_time_is_left(world: &World) {
    let alice = world.sign_up("alice").await;
    let content = world.content("film", SEGMENT);
    let begin = world.heard();
    world.lie(Lie::Crumbs);
    assert_eq!(world.put_content(&alice, "film", &content).await.unwrap_err(), "malformed_answer");
    world.honest();
    let asked = count_since(world, begin, Kind::PutBlob);
    assert!(asked <= 8, "{asked} times");
    world.put_content(&alice, "film", &content).await.unwrap();
    world.assert_content(&alice, "film", &content).await;
}

async fn a33_a_server_that_frees_a_byte_at_a_time_is_left(world: &World) {
    let alice = world.sign_up("alice").await;
    world.put(&alice, "film", SEGMENT).await;
    alice.remove(&remote("film")).await.unwrap();
    let begin = world.heard();
    world.lie(Lie::Set(Kind::FreeReleased, "/freed", json!(1)));
    world.lie(Lie::Set(Kind::FreeReleased, "/more", json!(true)));
    assert_eq!(alice.reclaim_now().await.unwrap_err(), "malformed_answer");
    world.honest();
    let asked = count_since(world, begin, Kind::FreeReleased);
    assert!(asked <= 16, "{asked} times");
}

fn count_since(world: &World, begin: usize, kind: Kind) -> usize {
    world.kinds_since(begin).into_iter().filter(|asked| *asked == kind).count()
}

async fn a34_no_other_requests_and_no_redirect(world: &World) {
    let elsewhere = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let url = format!("http://{}/v1/realm", elsewhere.local_addr().unwrap());
    let alice = world.sign_up("alice").await;
    let content = world.put(&alice, "film", SEGMENT + 17).await;
    for kind in [Kind::SpaceChallenge, Kind::SpaceSession, Kind::Head] {
        world.lie(Lie::Redirect(kind, url.clone()));
        assert_eq!(alice.list().await.unwrap_err(), "malformed_answer", "{kind:?}");
        world.honest();
    }
    world.lie(Lie::Redirect(Kind::GetBlob, url));
    world.assert_refused(&alice, "film", &content, &["malformed_answer"]).await;
    world.honest();
    assert_eq!(elsewhere.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody came");
    world.assert_content(&alice, "film", &content).await;
    alice.quota().await.unwrap();
    assert!(!world.kinds_since(0).contains(&Kind::Unknown), "a request that is none of the API's");
}

async fn p1_an_upload_goes_on_behind_what_arrived(world: &World) {
    let alice = world.sign_up("alice").await;
    let content = world.content("film", 3 * SEGMENT);
    world.lie(Lie::Refuse(Kind::Commit, ErrorCode::Unavailable));
    assert_eq!(world.put_content(&alice, "film", &content).await.unwrap_err(), "unavailable");
    world.honest();
    let begin = world.heard();
    world.put_content(&alice, "film", &content).await.unwrap();
    let again = world.since(begin);
    let again = again.iter().filter(|exchange| exchange.call.kind == Kind::PutBlob && exchange.request.len() > SEGMENT);
    assert_eq!(again.count(), 0, "segments that had arrived were sent again");
    world.assert_content(&alice, "film", &content).await;
}

async fn p4_an_upload_that_the_server_refused_blocks_no_name(world: &World) {
    let alice = world.sign_up("alice").await;
    for kind in [Kind::OpenUpload, Kind::PutTicket, Kind::PutBlob, Kind::Commit] {
        let name = format!("{kind:?}");
        world.lie(Lie::Refuse(kind, ErrorCode::Internal));
        world.put_content(&alice, &name, &world.content("one", SEGMENT + 1)).await.unwrap_err();
        world.honest();
        let other = world.content("two", SEGMENT + 2);
        world.put_content(&alice, &name, &other).await.unwrap();
        world.assert_content(&alice, &name, &other).await;
    }
}
