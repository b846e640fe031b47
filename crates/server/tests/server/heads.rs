//! Waiting for a space's head over real connections.

use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::codec::Decode as _;
use anonicloud_proto::commit::HeadAnswer;
use reqwest::{RequestBuilder, Response};
use tokio::task::JoinSet;

use crate::actor::Actor;
use crate::process::{Server, expect_status, refusal, refused};
use crate::space::Space;

/// Places of a space.
const PLACES: usize = 32;

fn asking(server: &Server, space: &Space, after: &str) -> RequestBuilder {
    server.get(&space.path(&format!("head?after={after}"))).bearer_auth(&space.token)
}

/// As many as may wait for the genesis to be followed; all of them do when this answers.
async fn waiting(server: &Server, space: &Space) -> JoinSet<Response> {
    let mut waiting = JoinSet::new();
    for _ in 0..PLACES {
        let request = asking(server, space, "0");
        waiting.spawn(async move {
            loop {
                // Who looks below may be in the last place just now.
                let answer = request.try_clone().unwrap().send().await.unwrap();
                if answer.status() != 429 {
                    return answer;
                }
            }
        });
    }
    // Who has another head is answered at once, for which it takes a place as well.
    while asking(server, space, "9").send().await.unwrap().status() != 429 {}
    waiting
}

#[tokio::test]
async fn all_who_wait_hear_of_a_commit_and_nobody_else_waits_for_them() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let (_, other) = Actor::with_space(&server, "bob").await;
    let mut waiting = waiting(&server, &space).await;
    assert_eq!(refused(asking(&server, &space, "0")).await, ErrorCode::TooManyRequests);
    expect_status(asking(&server, &other, "1"), 200).await;
    assert!(waiting.try_join_next().is_none());
    space.commit(&server, &alice, &[]).await;
    let head = space.head(&server).await;
    while let Some(answer) = waiting.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(HeadAnswer::from_bytes(&answer.bytes().await.unwrap()).unwrap(), head);
    }
    expect_status(asking(&server, &space, "0"), 200).await;
}

#[tokio::test]
async fn a_server_that_stops_lets_nobody_wait() {
    let mut server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    let mut waiting = waiting(&server, &space).await;
    server.terminate();
    while let Some(answer) = waiting.join_next().await {
        assert_eq!(refusal(answer.unwrap()).await.1, ErrorCode::Unavailable);
    }
    assert!(server.wait().await.success());
}

#[tokio::test]
async fn places_that_are_none_are_refused() {
    let server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    for after in ["", "x", "-1", "1.5", "18446744073709551616", "0&after=1", "0&more=1"] {
        assert_eq!(refused(asking(&server, &space, after)).await, ErrorCode::BadRequest, "{after}");
    }
    let unknown = server.get(&space.path("head?before=1")).bearer_auth(&space.token);
    assert_eq!(refused(unknown).await, ErrorCode::BadRequest);
    expect_status(asking(&server, &space, "18446744073709551615"), 200).await;
}
