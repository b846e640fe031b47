//! Bodies: read up to a limit, given up when nothing comes, and given back when nobody read them.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anonicloud_proto::api::ErrorCode;
use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, stream};
use http::{HeaderMap, header};
use hyper::body::{Frame, SizeHint};
use tokio::time::timeout;

use crate::service::{BlobBody, BodyBroken};

/// A body of which no byte comes for this long is given up.
const IDLE: Duration = Duration::from_secs(30);
/// What is read of a body that nobody wanted, so that its sender gets to read the answer.
const DRAIN: usize = 8 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// Reads a whole body of at most `limit` bytes.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ErrorCode> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(ErrorCode::TooLarge);
    }
    let mut stream = body.into_data_stream();
    let mut whole = BytesMut::new();
    while let Some(piece) = next(&mut stream).await {
        let piece = piece.map_err(|BodyBroken| ErrorCode::Unavailable)?;
        if whole.len() + piece.len() > limit {
            return Err(ErrorCode::TooLarge);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The pieces of a blob's body.
pub(super) fn pieces(body: Body) -> BlobBody {
    let stream = body.into_data_stream();
    Box::pin(stream::unfold(stream, |mut stream| async move { next(&mut stream).await.map(|piece| (piece, stream)) }))
}

async fn next(stream: &mut BodyDataStream) -> Option<Result<Bytes, BodyBroken>> {
    match timeout(IDLE, stream.next()).await {
        Err(_) => Some(Err(BodyBroken)),
        Ok(piece) => piece.map(|piece| piece.map_err(|_| BodyBroken)),
    }
}

/// Where a [`Returned`] body goes when it is dropped.
#[derive(Debug, Clone, Default)]
pub(super) struct Unread(Arc<Mutex<Option<Body>>>);

impl Unread {
    /// Reads and forgets what is left of the body, within limits. Over HTTP/1.1 an answer that overtakes its request's
    /// body would otherwise be lost with the connection.
    pub(super) async fn drain(self) {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(body) = body else { return };
        let mut stream = body.into_data_stream();
        let mut left = DRAIN;
        let reading = async {
            while let Some(Ok(piece)) = stream.next().await {
                match left.checked_sub(piece.len()) {
                    Some(less) => left = less,
                    None => break,
                }
            }
        };
        // A sender that stalls here has lost its right to an answer.
        drop(timeout(DRAIN_TIME, reading).await);
    }

    /// `body`, which comes back here when it is dropped before its end.
    pub(super) fn watch(&self, body: Body) -> Body {
        Body::new(Returned { body: Some(body), unread: self.clone() })
    }
}

/// A body that is given back when it is dropped.
#[derive(Debug)]
struct Returned {
    body: Option<Body>,
    unread: Unread,
}

impl hyper::body::Body for Returned {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = self.body.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.body.as_ref();
        body.map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Returned {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            let mut unread = self.unread.0.lock().unwrap_or_else(PoisonError::into_inner);
            *unread = Some(body);
        }
    }
}
