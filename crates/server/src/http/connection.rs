//! Connections: accepted while there is room, served with limits, drained at the end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, info, warn};

use super::idle::Unstalled;
use super::tls::HTTP_2;
use super::{App, Bound, router};

/// Requests that run when the server is told to stop have this long.
const DRAIN: Duration = Duration::from_secs(20);
/// A peer that takes no byte for this long is left.
const STALLED: Duration = Duration::from_secs(30);
const HANDSHAKE: Duration = Duration::from_secs(10);
const HEADERS: Duration = Duration::from_secs(30);
const PING: Duration = Duration::from_secs(30);
const HEADER_BYTES: usize = 16 << 10;
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
const FRAME: u32 = 1 << 20;
const STREAMS: u32 = 128;
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
    let graceful = GracefulShutdown::new();
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
                let connection = serve_stream(stream, limits.tls.clone(), router.clone(), graceful.watcher());
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
    drop(bound);
    app.stop();
    if timeout(DRAIN, graceful.shutdown()).await.is_err() {
        warn!("some requests did not finish in time");
    }
}

type Failed = Box<dyn core::error::Error + Send + Sync>;

async fn serve_stream(
    stream: Stream,
    tls: Option<TlsAcceptor>,
    router: Router,
    watcher: Watcher,
) -> Result<(), Failed> {
    match (stream, tls) {
        (Stream::Tcp(stream), Some(tls)) => {
            let handshake = tls.accept(Unstalled::new(stream, STALLED));
            let stream = timeout(HANDSHAKE, handshake).await.map_err(io::Error::from)??;
            if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) {
                serve_http_2(stream, router, watcher).await
            } else {
                serve_http_1(stream, router, watcher).await
            }
        }
        (Stream::Tcp(stream), None) => serve_http_1(Unstalled::new(stream, STALLED), router, watcher).await,
        (Stream::Unix(stream), _) => serve_http_1(Unstalled::new(stream, STALLED), router, watcher).await,
    }
}

async fn serve_http_1(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    watcher: Watcher,
) -> Result<(), Failed> {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_header_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    Ok(watcher.watch(connection).await?)
}

async fn serve_http_2(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    watcher: Watcher,
) -> Result<(), Failed> {
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(16 << 10)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    Ok(watcher.watch(connection).await?)
}
