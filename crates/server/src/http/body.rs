//! Bodies: read up to a limit, given up when they come too slowly, and given back when nobody read them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::limits::BLOB_MAX;
use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, stream};
use http::{HeaderMap, header};
use tokio::time::{Instant, timeout, timeout_at};

use super::tapped::{Tap, Tapped};
use crate::service::{BlobBody, BodyBroken};

/// A body of which no byte comes for this long is given up.
const IDLE: Duration = Duration::from_secs(30);
/// A whole body has this long, and a second for each so many bytes.
const WHOLE: Duration = Duration::from_secs(30);
const WHOLE_PER_SECOND: u64 = 16 << 10;
/// A blob, which goes on where it was given up, may come this slowly.
const BLOB_PER_SECOND: u64 = 1 << 10;
/// What is read of a body that nobody wanted, so that its sender gets to read the answer.
const DRAIN: usize = 8 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The length that headers announce.
pub(super) fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a whole body of at most `limit` bytes, which must all have come by a time that its length sets.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ErrorCode> {
    let announced = announced(headers);
    if announced.is_some_and(|length| length > limit) {
        return Err(ErrorCode::TooLarge);
    }
    let length = announced.unwrap_or(limit) as u64;
    let deadline = Instant::now() + WHOLE + Duration::from_secs(length / WHOLE_PER_SECOND);
    let mut stream = body.into_data_stream();
    let mut whole = BytesMut::new();
    while let Some(piece) = next(&mut stream, deadline).await {
        let piece = piece.map_err(|broken| match broken {
            BodyBroken::Stalled => ErrorCode::Unavailable,
            BodyBroken::Cut => ErrorCode::BadRequest,
        })?;
        if whole.len() + piece.len() > limit {
            return Err(ErrorCode::TooLarge);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The pieces of the body of a blob of this size.
pub(super) fn pieces(body: Body, size: u64) -> BlobBody {
    let deadline = Instant::now() + WHOLE + Duration::from_secs(size.min(BLOB_MAX) / BLOB_PER_SECOND);
    let stream = body.into_data_stream();
    Box::pin(stream::unfold(stream, move |mut stream| async move {
        next(&mut stream, deadline).await.map(|piece| (piece, stream))
    }))
}

async fn next(stream: &mut BodyDataStream, deadline: Instant) -> Option<Result<Bytes, BodyBroken>> {
    let deadline = deadline.min(Instant::now() + IDLE);
    match timeout_at(deadline, stream.next()).await {
        Err(_) => Some(Err(BodyBroken::Stalled)),
        Ok(piece) => piece.map(|piece| piece.map_err(|_| BodyBroken::Cut)),
    }
}

/// Where a body goes that is dropped before its end.
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
        Tapped::body(body, self.clone())
    }
}

impl Tap for Unread {
    fn unread(&mut self, body: Body) {
        let mut unread = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *unread = Some(body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn paced(pause: Duration, pieces: usize) -> Body {
        Body::from_stream(stream::unfold(pieces, move |left| async move {
            tokio::time::sleep(pause).await;
            left.checked_sub(1).map(|left| (Ok::<_, io::Error>(Bytes::from_static(b"a")), left))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_byte_by_byte_is_given_up_at_a_time_that_its_length_sets() {
        let second = Duration::from_secs(1);
        let none = HeaderMap::new();
        let start = Instant::now();
        assert_eq!(read(&none, paced(14 * second, 1), 10).await.unwrap(), b"a".as_slice());
        assert_eq!(start.elapsed(), 28 * second);
        let start = Instant::now();
        assert_eq!(read(&none, paced(20 * second, 100), 64 << 10).await, Err(ErrorCode::Unavailable));
        assert_eq!(start.elapsed(), 34 * second);
        // What is announced sets the time, not what would be allowed.
        let start = Instant::now();
        let announced = HeaderMap::from_iter([(header::CONTENT_LENGTH, 100.into())]);
        assert_eq!(read(&announced, paced(20 * second, 100), 64 << 10).await, Err(ErrorCode::Unavailable));
        assert_eq!(start.elapsed(), 30 * second);
        let start = Instant::now();
        let mut blob = pieces(paced(20 * second, 1000), 100 << 10);
        while let Some(Ok(_)) = blob.next().await {}
        assert_eq!(start.elapsed(), 130 * second);
    }

    #[tokio::test]
    async fn a_body_that_is_cut_is_a_bad_request() {
        let cut = stream::iter([Ok(Bytes::from_static(b"a")), Err(io::Error::from(io::ErrorKind::UnexpectedEof))]);
        assert_eq!(read(&HeaderMap::new(), Body::from_stream(cut), 10).await, Err(ErrorCode::BadRequest));
    }
}
