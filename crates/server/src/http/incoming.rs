//! Requests on their way in: one that ends before its announced end ends its HTTP/1.1 connection, unanswered.

use core::task::Poll;
use std::sync::Arc;

use axum::body::Body;
use http::{Request, Version};
use hyper::body::Incoming;

use super::tapped::{Polled, Tap, Tapped};
use super::traffic::Traffic;

/// Looks at the body of an HTTP/1.1 request. Who cut it has no use for an answer, or hears none: a broken line is told
/// from a refusal by the end of the connection.
#[derive(Debug)]
pub(super) struct Uncut(Arc<Traffic>);

impl Uncut {
    /// `request` with its body watched. Over HTTP/2 the peer resets the stream alone.
    pub(super) fn guard(request: Request<Incoming>, traffic: &Arc<Traffic>) -> Request<Body> {
        let watch = request.version() < Version::HTTP_2;
        let request = request.map(Body::new);
        if watch { request.map(|body| Tapped::body(body, Self(Arc::clone(traffic)))) } else { request }
    }
}

impl Tap for Uncut {
    fn see(&mut self, polled: Polled) -> Polled {
        if matches!(polled, Poll::Ready(Some(Err(_)))) {
            self.0.leave();
        }
        polled
    }
}
