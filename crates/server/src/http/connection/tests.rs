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
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::*;
use crate::service::Permits;

const PIECE: usize = 512 << 10;
const MINUTE: Duration = Duration::from_mins(1);
const HALF: Duration = Duration::from_secs(30);

type Sender = client::SendRequest<Body>;

/// The client's side of a connection to this router, with this much room for each answer.
async fn connect(router: Router, window: u32) -> (Sender, JoinHandle<hyper::Result<()>>, watch::Sender<bool>) {
    let (near, far) = duplex(64 << 10);
    connect_over(near, far, router, window).await
}

/// The same over a line between these.
async fn connect_over(
    near: DuplexStream,
    far: DuplexStream,
    router: Router,
    window: u32,
) -> (Sender, JoinHandle<hyper::Result<()>>, watch::Sender<bool>) {
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
        drop(connection.await.unwrap());
        assert!((STALLED..=STALLED + HALF).contains(&start.elapsed()), "{:?}", start.elapsed());
        // One on its way and one behind it, for each answer.
        assert!(pieces.available_permits() <= 8, "{}", pieces.available_permits());
        // What was held for the answers is free again.
        assert!(permits.acquire(SpaceId::from_bytes([2; 32])).now_or_never().is_some_and(|free| free.is_ok()));
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

/// Both ends of a line on which everything takes a second.
fn long_line() -> (DuplexStream, DuplexStream) {
    fn pass(mut from: ReadHalf<DuplexStream>, mut to: WriteHalf<DuplexStream>) {
        let (sent, mut coming) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(read @ 1..) = from.read(&mut buffer).await {
                drop(sent.send((Instant::now() + Duration::from_secs(1), buffer[..read].to_vec())));
            }
        });
        tokio::spawn(async move {
            while let Some((arrival, bytes)) = coming.recv().await {
                sleep_until(arrival).await;
                drop(to.write_all(&bytes).await);
            }
            drop(to.shutdown().await);
        });
    }
    let ((near, inner), (outer, far)) = (duplex(64 << 10), duplex(64 << 10));
    let ((read, back), (answer, write)) = (split(inner), split(outer));
    pass(read, write);
    pass(answer, back);
    (near, far)
}

#[tokio::test(start_paused = true)]
async fn a_request_that_crosses_the_farewell_of_its_connection_is_served_to_its_end() {
    let router = Router::new().route("/none", get(async || ())).route("/slow", get(async || sleep(MINUTE).await));
    let (near, far) = long_line();
    let (mut sender, connection, _stopping) = connect_over(near, far, router, 1 << 20).await;
    assert_eq!(ask(&mut sender, "/none").await.status(), 200);
    // The farewell is said before the request arrives, and heard after it was sent.
    sleep(Duration::from_millis(59_500)).await;
    assert!(!connection.is_finished());
    assert_eq!(ask(&mut sender, "/slow").await.status(), 200);
    assert!(sender.ready().await.is_err());
    assert!(timeout(FAREWELL, connection).await.is_ok());
}

/// `/hold` begins, and is never answered.
fn holding(begun: &Arc<Semaphore>) -> Router {
    let begun = Arc::clone(begun);
    let hold = async move || {
        begun.add_permits(1);
        pending::<()>().await;
    };
    Router::new().route("/none", get(async || ())).route("/hold", get(hold))
}

#[tokio::test(start_paused = true)]
async fn a_connection_carries_so_many_requests_at_once() {
    let begun = Arc::new(Semaphore::new(0));
    let (mut sender, _connection, _stopping) = connect(holding(&begun), 1 << 20).await;
    // The peer knows the limits once it was answered.
    ask(&mut sender, "/none").await;
    for _ in 0..40 {
        let mut sender = sender.clone();
        tokio::spawn(async move { drop(ask(&mut sender, "/hold").await) });
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(begun.available_permits(), 32);
}

#[tokio::test(start_paused = true)]
async fn a_request_has_its_time_when_the_server_stops() {
    let begun = Arc::new(Semaphore::new(0));
    let (mut sender, connection, stopping) = connect(holding(&begun), 1 << 20).await;
    let asking = tokio::spawn(async move { drop(ask(&mut sender, "/hold").await) });
    drop(begun.acquire().await.unwrap());
    let start = Instant::now();
    stopping.send_replace(true);
    drop(connection.await.unwrap());
    assert_eq!(start.elapsed().as_secs(), 20);
    assert!(asking.await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_ends_is_given_up_however_it_moves() {
    let (permits, pieces) = (Arc::new(Permits::new(1, 1)), Arc::new(Semaphore::new(0)));
    let (mut sender, connection, _stopping) = connect(router(&permits, &pieces), 1 << 10).await;
    let mut body = Body::new(ask(&mut sender, "/blob").await.into_body()).into_data_stream();
    let start = Instant::now();
    let mut taken = 0;
    while let Some(Ok(piece)) = body.next().await {
        taken += piece.len();
        // Above what keeps a connection, below what an answer takes in all.
        sleep(Duration::from_millis(1_500) * u32::try_from(piece.len()).unwrap() / 1024).await;
    }
    let most = MINUTE + Duration::from_secs(4096);
    assert!((most..most + HALF).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert!(taken < 8 * PIECE);
    drop(connection.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn heads_of_requests_have_a_length_and_a_time() {
    let begun = Arc::new(Semaphore::new(0));
    let (mut sender, _connection, _stopping) = connect(holding(&begun), 1 << 20).await;
    let long = |length: usize| Request::get("http://x/none").header("long", "a".repeat(length)).body(Body::empty());
    for (length, status) in [(15 << 10, 200), (17 << 10, 431)] {
        sender.ready().await.unwrap();
        let answer = sender.send_request(long(length).unwrap()).await.unwrap();
        assert_eq!(answer.status(), status);
    }
    let (near, mut far) = duplex(1 << 10);
    let (_stopping, stopped) = watch::channel(false);
    let serving = tokio::spawn(serve_http_1(near, holding(&begun), Arc::default(), stopped));
    far.write_all(b"GET /none HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let start = Instant::now();
    drop(serving.await.unwrap());
    assert_eq!(start.elapsed(), HALF);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_come_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    fs_err::write(&certificate, made.cert.pem()).unwrap();
    fs_err::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = crate::http::acceptor(&certificate, &key).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (near, _) = listener.accept().await.unwrap();
    let (_stopping, stopped) = watch::channel(false);
    let start = Instant::now();
    assert!(serve_stream(Stream::Tcp(near), Some(tls), Router::new(), stopped).await.is_err());
    assert_eq!(start.elapsed().as_secs(), 10);
    drop(peer);
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
