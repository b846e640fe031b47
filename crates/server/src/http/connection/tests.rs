//! Peers that hold on to what they asked for, or ask for nothing, over a stream in memory and a clock that jumps.

use anonicloud_proto::ids::SpaceId;
use axum::Extension;
use axum::body::Body;
use axum::routing::{get, post};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, stream};
use http::Response;
use http::header::CONTENT_LENGTH;
use hyper::client::conn::http2 as client;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;
use crate::service::Permits;

const PIECE: usize = 512 << 10;
const MINUTE: Duration = Duration::from_mins(1);
const HALF: Duration = Duration::from_secs(30);

type Sender = client::SendRequest<Body>;

/// The client's side of a connection to this router, with this much room for each answer.
async fn connect(router: Router, window: u32) -> (Sender, JoinHandle<hyper::Result<()>>, watch::Sender<bool>) {
    let (near, far) = duplex(64 << 10);
    let (stopping, stopped) = watch::channel(false);
    let traffic = Arc::new(Traffic::default());
    let near = Unstalled::new(near, STALLED, Arc::clone(&traffic));
    tokio::spawn(async move { serve_http_2(near, router, traffic, stopped).await.map_err(drop) });
    let (sender, connection) = client::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(window)
        .handshake(TokioIo::new(far))
        .await
        .unwrap();
    (sender, tokio::spawn(connection), stopping)
}

async fn ask(sender: &mut Sender, path: &str) -> Response<Incoming> {
    sender.ready().await.unwrap();
    let request = Request::get(format!("http://x{path}")).body(Body::empty()).unwrap();
    sender.send_request(request).await.unwrap()
}

/// `/blob` is eight pieces under a permit; `/none` is nothing.
fn router(permits: &Arc<Permits<SpaceId>>, pieces: &Arc<Semaphore>) -> Router {
    let (permits, pieces) = (Arc::clone(permits), Arc::clone(pieces));
    let blob = async move || {
        let permit = permits.acquire(SpaceId::from_bytes([1; 32])).await.unwrap();
        let body = stream::iter(0..8).map(move |_| {
            pieces.add_permits(1);
            Ok::<_, io::Error>(Bytes::from(vec![0; PIECE]))
        });
        (Extension(permit), [(CONTENT_LENGTH, (8 * PIECE).to_string())], Body::from_stream(body))
    };
    Router::new().route("/blob", get(blob)).route("/none", get(async || ()))
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closes_its_window_is_left_and_keeps_little_in_memory() {
    for window in [0, 1] {
        let (permits, pieces) = (Arc::new(Permits::new(4, 4)), Arc::new(Semaphore::new(0)));
        let (mut sender, connection, _stopping) = connect(router(&permits, &pieces), window).await;
        let start = Instant::now();
        let mut answers = Vec::new();
        for _ in 0..4 {
            answers.push(ask(&mut sender, "/blob").await);
        }
        let waiting = permits.acquire(SpaceId::from_bytes([2; 32]));
        drop(connection.await.unwrap());
        assert!((HALF..=2 * HALF).contains(&start.elapsed()), "{:?}", start.elapsed());
        // One on its way and one behind it, for each answer.
        assert!(pieces.available_permits() <= 8, "{}", pieces.available_permits());
        // What was held for the answers is free again.
        drop(waiting.await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_its_answer_slowly_gets_it() {
    let (permits, pieces) = (Arc::new(Permits::new(1, 1)), Arc::new(Semaphore::new(0)));
    let (mut sender, connection, _stopping) = connect(router(&permits, &pieces), 64 << 10).await;
    let mut body = Body::new(ask(&mut sender, "/blob").await.into_body()).into_data_stream();
    let start = Instant::now();
    let (mut taken, mut next) = (0, 200 << 10);
    while let Some(piece) = body.next().await {
        taken += piece.unwrap().len();
        if taken >= next {
            sleep(HALF).await;
            next += 200 << 10;
        }
    }
    assert_eq!(taken, 8 * PIECE);
    assert!(start.elapsed() >= 10 * MINUTE);
    assert!(!connection.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_slowly_makes_room_for_another() {
    let (permits, pieces) = (Arc::new(Permits::new(1, 1)), Arc::new(Semaphore::new(0)));
    let (mut sender, connection, _stopping) = connect(router(&permits, &pieces), 64 << 10).await;
    let mut body = Body::new(ask(&mut sender, "/blob").await.into_body()).into_data_stream();
    let taking = tokio::spawn(async move {
        while let Some(Ok(_)) = body.next().await {
            sleep(Duration::from_secs(1)).await;
        }
    });
    sleep(2 * MINUTE).await;
    assert!(!connection.is_finished());
    let start = Instant::now();
    let waiting = permits.acquire(SpaceId::from_bytes([2; 32])).await;
    drop(waiting.unwrap());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    drop((connection.await.unwrap(), taking.await.unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_request_is_closed_after_a_minute() {
    let (permits, pieces) = (Arc::new(Permits::new(1, 1)), Arc::new(Semaphore::new(0)));
    let (mut sender, mut connection, _stopping) = connect(router(&permits, &pieces), 1 << 20).await;
    for _ in 0..3 {
        assert_eq!(ask(&mut sender, "/none").await.status(), 200);
        sleep(Duration::from_secs(59)).await;
        assert!((&mut connection).now_or_never().is_none());
    }
    sleep(Duration::from_secs(2)).await;
    assert!(timeout(DRAIN, connection).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_cut_request_ends_its_connection_without_an_answer() {
    let read = async |body: Body| axum::body::to_bytes(body, 100).await.map_or_else(|_| "cut", |_| "whole");
    let router = Router::new().route("/", post(read));
    let answer = async |sent: &'static [u8], cut: bool| {
        let (near, mut far): (DuplexStream, DuplexStream) = duplex(1 << 10);
        let (_stopping, stopped) = watch::channel(false);
        let serving = tokio::spawn(serve_http_1(near, router.clone(), Arc::default(), stopped));
        far.write_all(sent).await.unwrap();
        if cut {
            far.shutdown().await.unwrap();
        }
        let mut answer = String::new();
        far.read_to_string(&mut answer).await.unwrap();
        drop(serving.await.unwrap());
        answer
    };
    let whole = answer(b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc", false).await;
    assert!(whole.starts_with("HTTP/1.1 200") && whole.ends_with("whole"), "{whole}");
    assert_eq!(answer(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nabc", true).await, "");
}
