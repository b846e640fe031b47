//! Bodies: read up to a limit, given up when they come too slowly, and given back when nobody read them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anonicloud_proto::api::ErrorCode;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, stream};
use http::{HeaderMap, header};
use tokio::time::{Instant, timeout, timeout_at};

use super::tapped::{Tap, Tapped};
use crate::service::{BodyBroken, BodyPieces};

/// A body of which no byte comes for this long is given up.
const IDLE: Duration = Duration::from_secs(30);
/// A whole body has this long, and the time that its length takes at its [`Pace`].
const WHOLE: Duration = Duration::from_secs(30);
/// What is read of a body that nobody wanted, so that its sender gets to read the answer.
const DRAIN: usize = 8 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// How fast a body must come in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// From anybody.
    Stranger,
    /// From who has a session, perhaps over Tor.
    Session,
    /// A blob, which goes on where it was given up.
    Blob,
}

impl Pace {
    const fn bytes_per_second(self) -> u64 {
        match self {
            Self::Stranger => 16 << 10,
            Self::Session => 2 << 10,
            Self::Blob => 1 << 10,
        }
    }
}

/// The length that headers announce.
pub(super) fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a whole body of at most `limit` bytes, which must all have come by a time that its length sets.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize, pace: Pace) -> Result<Bytes, ErrorCode> {
    let announced = announced(headers);
    if announced.is_some_and(|length| length > limit) {
        return Err(ErrorCode::TooLarge);
    }
    let mut pieces = pieces(body, announced.unwrap_or(limit) as u64, pace);
    let mut whole = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(BodyBroken::code)?;
        if whole.len() + piece.len() > limit {
            return Err(ErrorCode::TooLarge);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The pieces of a body of this length, whose time begins when the first is asked for.
pub(super) fn pieces(body: Body, length: u64, pace: Pace) -> BodyPieces {
    let whole = WHOLE + Duration::from_secs(length / pace.bytes_per_second());
    Box::pin(stream::unfold((body.into_data_stream(), None), move |(mut stream, deadline)| async move {
        let now = Instant::now();
        let deadline = deadline.unwrap_or(now + whole);
        let piece = match timeout_at(deadline.min(now + IDLE), stream.next()).await {
            Err(_) => Err(BodyBroken::Stalled),
            Ok(piece) => piece?.map_err(|_| BodyBroken::Cut),
        };
        Some((piece, (stream, Some(deadline))))
    }))
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
        assert_eq!(read(&none, paced(14 * second, 1), 10, Pace::Stranger).await.unwrap(), b"a".as_slice());
        assert_eq!(start.elapsed(), 28 * second);
        let start = Instant::now();
        let slow = read(&none, paced(20 * second, 100), 64 << 10, Pace::Stranger);
        assert_eq!(slow.await, Err(ErrorCode::Unavailable));
        assert_eq!(start.elapsed(), 34 * second);
        // Who has a session may be slower.
        let start = Instant::now();
        let slow = read(&none, paced(20 * second, 100), 64 << 10, Pace::Session);
        assert_eq!(slow.await, Err(ErrorCode::Unavailable));
        assert_eq!(start.elapsed(), 62 * second);
        // Whatever its length, it moves.
        let start = Instant::now();
        let stopped =
            Body::from_stream(stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"a"))]).chain(stream::pending()));
        assert_eq!(read(&none, stopped, 64 << 10, Pace::Session).await, Err(ErrorCode::Unavailable));
        assert_eq!(start.elapsed(), 30 * second);
        // What is announced sets the time, not what would be allowed.
        let start = Instant::now();
        let announced = HeaderMap::from_iter([(header::CONTENT_LENGTH, 100.into())]);
        let slow = read(&announced, paced(20 * second, 100), 64 << 10, Pace::Session);
        assert_eq!(slow.await, Err(ErrorCode::Unavailable));
        assert_eq!(start.elapsed(), 30 * second);
        let start = Instant::now();
        let mut blob = pieces(paced(20 * second, 1000), 100 << 10, Pace::Blob);
        while let Some(Ok(_)) = blob.next().await {}
        assert_eq!(start.elapsed(), 130 * second);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_wanted_is_read_within_limits() {
        let drained = async |body: Body| {
            let unread = Unread::default();
            drop(unread.watch(body));
            let start = Instant::now();
            unread.drain().await;
            start.elapsed()
        };
        let read = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&read);
        let endless = stream::repeat_with(move || {
            *counted.lock().unwrap() += 1;
            Ok::<_, io::Error>(Bytes::from(vec![0; 1 << 20]))
        });
        drained(Body::from_stream(endless)).await;
        assert_eq!(*read.lock().unwrap(), 9);
        assert_eq!(drained(paced(Duration::from_secs(1), 100)).await, Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_body_that_is_cut_is_a_bad_request() {
        let cut = stream::iter([Ok(Bytes::from_static(b"a")), Err(io::Error::from(io::ErrorKind::UnexpectedEof))]);
        assert_eq!(
            read(&HeaderMap::new(), Body::from_stream(cut), 10, Pace::Session).await,
            Err(ErrorCode::BadRequest)
        );
    }
}
