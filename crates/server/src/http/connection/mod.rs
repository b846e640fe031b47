//! Connections: accepted while there is room, served with limits, drained at the end.

use core::convert::Infallible;
use core::future::pending;
use core::pin::{Pin, pin};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, info, warn};

use super::idle::Unstalled;
use super::incoming::Uncut;
use super::outgoing::watched;
use super::tls::HTTP_2;
use super::traffic::Traffic;
use super::{App, Bound, router};

/// Requests that run when the server is told to stop have this long.
const DRAIN: Duration = Duration::from_secs(20);
/// A connection without a request for this long is closed: the peer is told, and what it sent before it heard of it is
/// served like any other request.
const UNUSED: Duration = Duration::from_mins(1);
/// How long such a peer has to hear of it.
const FAREWELL: Duration = Duration::from_secs(20);
/// A peer that takes no byte for this long is left.
const STALLED: Duration = Duration::from_secs(90);
const HANDSHAKE: Duration = Duration::from_secs(10);
const HEADERS: Duration = Duration::from_secs(30);
const PING: Duration = Duration::from_secs(30);
/// The answer to a ping waits behind what a slow peer takes.
const PONG: Duration = STALLED;
const HEADER_BYTES: usize = 16 << 10;
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
const FRAME: u32 = 1 << 20;
const STREAMS: u32 = 32;
/// Bytes that one read takes from a socket under TLS, whose records are 16 KiB.
const SOCKET_READ: usize = 64 << 10;
/// How long to wait before accepting again when the machine has no room for a connection.
const BREATHE: Duration = Duration::from_millis(100);

/// A connection as it was accepted.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// How connections are accepted.
#[derive(Clone)]
pub(crate) struct Limits {
    /// With TLS, or plain.
    pub(crate) tls: Option<TlsAcceptor>,
    /// How many at once.
    pub(crate) connections: usize,
}

/// Serves until `stop`, then lets running requests finish.
pub(crate) async fn serve(app: Arc<App>, bound: Bound, limits: Limits, stop: impl Future<Output = ()>) {
    let router = router(&app);
    let room = Arc::new(Semaphore::new(limits.connections));
    let (stopping, stopped) = watch::channel(false);
    tokio::pin!(stop);
    loop {
        let accepted = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, bound.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok(stream) => {
                let connection = serve_stream(stream, limits.tls.clone(), router.clone(), stopped.clone());
                tokio::spawn(async move {
                    if let Err(cause) = connection.await {
                        debug!(cause, "a connection ended early");
                    }
                    drop(permit);
                });
            }
            Err(cause) => {
                warn!(kind = %cause.kind(), "a connection could not be accepted");
                sleep(BREATHE).await;
            }
        }
    }
    info!("stopping: running requests have {} s", DRAIN.as_secs());
    drop((bound, stopped));
    app.stop();
    stopping.send_replace(true);
    // Each connection has one of these.
    if timeout(DRAIN, stopping.closed()).await.is_err() {
        warn!("some requests did not finish in time");
    }
}

type Failed = Box<dyn core::error::Error + Send + Sync>;

async fn serve_stream(
    stream: Stream,
    tls: Option<TlsAcceptor>,
    router: Router,
    stopped: watch::Receiver<bool>,
) -> Result<(), Failed> {
    let traffic = Arc::new(Traffic::default());
    match (stream, tls) {
        (Stream::Tcp(stream), Some(tls)) => {
            let stream = Unstalled::new(stream, STALLED, Arc::clone(&traffic));
            let handshake = tls.accept(BufReader::with_capacity(SOCKET_READ, stream));
            let stream = timeout(HANDSHAKE, handshake).await.map_err(io::Error::from)??;
            if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) {
                serve_http_2(stream, router, traffic, stopped).await
            } else {
                serve_http_1(stream, router, traffic, stopped).await
            }
        }
        (Stream::Tcp(stream), None) => {
            let stream = Unstalled::new(stream, STALLED, Arc::clone(&traffic));
            serve_http_1(stream, router, traffic, stopped).await
        }
        (Stream::Unix(stream), _) => {
            let stream = Unstalled::new(stream, STALLED, Arc::clone(&traffic));
            serve_http_1(stream, router, traffic, stopped).await
        }
    }
}

async fn serve_http_1(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    traffic: Arc<Traffic>,
    stopped: watch::Receiver<bool>,
) -> Result<(), Failed> {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_header_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), counted(router, Arc::clone(&traffic)));
    carry(connection, &traffic, stopped).await
}

async fn serve_http_2(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    traffic: Arc<Traffic>,
    stopped: watch::Receiver<bool>,
) -> Result<(), Failed> {
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(16 << 10)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG)
        .serve_connection(TokioIo::new(stream), counted(router, Arc::clone(&traffic)));
    carry(connection, &traffic, stopped).await
}

/// The router, where each request is under way until its answer was taken.
fn counted(
    router: Router,
    traffic: Arc<Traffic>,
) -> impl HttpService<Incoming, ResBody = axum::body::Body, Error = Infallible, Future: Send> {
    let router = TowerToHyperService::new(router);
    service_fn(move |request: Request<Incoming>| {
        let under_way = traffic.begin();
        let answered = router.call(Uncut::guard(request, &traffic));
        async move {
            let response = answered.await?;
            if under_way.traffic().is_left() {
                // The connection is about to be dropped, and this with it.
                pending::<()>().await;
            }
            Ok(watched(response, under_way))
        }
    })
}

/// Runs a connection to its end: the peer's, the server's, that of a minute without a request, or that of a peer that
/// was given up.
async fn carry<C>(connection: C, traffic: &Traffic, mut stopped: watch::Receiver<bool>) -> Result<(), Failed>
where
    C: GracefulConnection<Error: Into<Failed>>,
{
    let mut connection = pin!(connection);
    let mut event = run(connection.as_mut(), traffic, &mut stopped, UNUSED).await;
    if matches!(event, Event::Unused) {
        connection.as_mut().graceful_shutdown();
        event = run(connection.as_mut(), traffic, &mut stopped, FAREWELL).await;
    }
    match event {
        Event::Ended(result) => result,
        Event::Unused => Err(timed_out()),
        Event::Stopped => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = timeout(DRAIN, connection) => ended.map_err(io::Error::from)?.map_err(Into::into),
                () = traffic.left() => Err(timed_out()),
            }
        }
    }
}

/// What a connection ran into.
enum Event {
    Ended(Result<(), Failed>),
    Stopped,
    Unused,
}

/// Runs a connection until something happens to it, or nothing for so long.
async fn run<C>(
    connection: Pin<&mut C>,
    traffic: &Traffic,
    stopped: &mut watch::Receiver<bool>,
    patience: Duration,
) -> Event
where
    C: GracefulConnection<Error: Into<Failed>>,
{
    tokio::select! {
        ended = connection => Event::Ended(ended.map_err(Into::into)),
        () = traffic.left() => Event::Ended(Err(timed_out())),
        _ = stopped.wait_for(|stopped| *stopped) => Event::Stopped,
        () = traffic.unused(patience) => Event::Unused,
    }
}

fn timed_out() -> Failed {
    io::Error::from(io::ErrorKind::TimedOut).into()
}

#[cfg(test)]
mod tests;
