//! Answers on their way out: every piece is counted until the peer took it, and a peer that takes too little is left.
//!
//! Over HTTP/2 a peer may close the window of a stream and still answer pings, so that the connection looks alive.

use core::convert::Infallible;
use core::future::pending;
use std::time::Duration;

use axum::response::Response;
use bytes::Bytes;
use hyper::body::Body as _;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::body::announced;
use super::tapped::{Polled, Tap, Tapped};
use super::traffic::UnderWay;
use crate::service::Permit;

/// An answer may take this long and a second for each KiB, however slowly its connection moves on.
const ANSWER: Duration = Duration::from_mins(1);

/// `response` with a body that is watched until the last of it was taken. A [`Permit`] among its extensions is held as
/// long.
pub(super) fn watched(mut response: Response, under_way: UnderWay) -> Response {
    let permit = response.extensions_mut().remove::<Permit>();
    if response.body().is_end_stream() {
        return response;
    }
    let (open, mut freed) = mpsc::channel(1);
    let held = Held { _open: open, permit: permit.clone() };
    // A stream does not know its length, but its header does.
    let announced = announced(response.headers()).map(|length| length as u64);
    let length = announced.or_else(|| response.body().size_hint().upper()).unwrap_or(0);
    tokio::spawn(async move {
        let most = ANSWER + Duration::from_secs(length >> 10);
        let taken = async {
            tokio::select! {
                _ = freed.recv() => true,
                () = under_way.traffic().stalled() => false,
                () = displaced(permit.as_ref()) => false,
            }
        };
        if !matches!(timeout(most, taken).await, Ok(true)) {
            under_way.traffic().leave();
        }
        drop((permit, under_way));
    });
    response.map(|body| Tapped::body(body, Watch(held)))
}

/// Waits until somebody else is to have the place of an answer.
async fn displaced(permit: Option<&Permit>) {
    match permit {
        Some(permit) => permit.displaced().await,
        None => pending().await,
    }
}

/// There as long as something of the answer is kept.
#[derive(Debug, Clone)]
struct Held {
    /// Never carries anything.
    _open: mpsc::Sender<Infallible>,
    permit: Option<Permit>,
}

/// Looks at an answer.
#[derive(Debug)]
struct Watch(Held);

impl Tap for Watch {
    fn see(&mut self, polled: Polled) -> Polled {
        polled.map_ok(|frame| frame.map_data(|bytes| Bytes::from_owner(Piece { bytes, held: self.0.clone() })))
    }
}

/// Bytes that are counted as held until the connection drops them.
#[derive(Debug)]
struct Piece {
    bytes: Bytes,
    held: Held,
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(permit) = &self.held.permit {
            permit.moved(self.bytes.len());
        }
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
