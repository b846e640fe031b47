//! Requests on their way in: one that ends before its announced end ends its HTTP/1.1 connection, unanswered.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Version};
use hyper::body::{Frame, Incoming, SizeHint};

use super::traffic::Traffic;

/// The body of an HTTP/1.1 request. Who cut it has no use for an answer, or hears none: a broken line is told from a
/// refusal by the end of the connection.
#[derive(Debug)]
pub(super) struct Uncut {
    body: Incoming,
    traffic: Arc<Traffic>,
}

impl Uncut {
    /// `request` with its body watched. Over HTTP/2 the peer resets the stream alone.
    pub(super) fn guard(request: Request<Incoming>, traffic: &Arc<Traffic>) -> Request<Body> {
        let watch = request.version() < Version::HTTP_2;
        request.map(|body| if watch { Body::new(Self { body, traffic: Arc::clone(traffic) }) } else { Body::new(body) })
    }
}

impl hyper::body::Body for Uncut {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(Some(Err(_)))) {
            self.traffic.leave();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
