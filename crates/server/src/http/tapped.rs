//! A body on its way, and what looks at it.

use core::fmt::Debug;
use core::pin::Pin;
use core::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// What a body gave when it was asked for more.
pub(super) type Polled = Poll<Option<Result<Frame<Bytes>, axum::Error>>>;

/// What looks at a body.
pub(super) trait Tap: Debug + Unpin + Send + 'static {
    /// Sees what the body gave, which goes on as this gives it back.
    fn see(&mut self, polled: Polled) -> Polled {
        polled
    }

    /// Takes a body that was dropped before its end.
    fn unread(&mut self, body: Body) {
        drop(body);
    }
}

/// A body under the eyes of a [`Tap`].
#[derive(Debug)]
pub(super) struct Tapped<T: Tap> {
    /// Until its end.
    body: Option<Body>,
    tap: T,
}

impl<T: Tap> Tapped<T> {
    /// `body`, watched by `tap`.
    pub(super) fn body(body: Body, tap: T) -> Body {
        Body::new(Self { body: Some(body), tap })
    }
}

impl<T: Tap> hyper::body::Body for Tapped<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        let Some(body) = self.body.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        self.tap.see(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.body.as_ref();
        body.map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<T: Tap> Drop for Tapped<T> {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            self.tap.unread(body);
        }
    }
}
