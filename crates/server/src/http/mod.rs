//! HTTP: parse, authenticate, limit, map errors. Enters: requests. Leaves: calls of the service, answers.
//! Never: a rule of the service, SQL, an address or an agent in a log.

mod accounts;
mod blobs;
mod body;
mod connection;
mod error;
mod extract;
mod gate;
mod idle;
mod incoming;
mod listen;
mod openapi;
mod outgoing;
mod route;
mod routes;
mod spaces;
mod tapped;
mod tls;
mod traffic;

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use anonicloud_proto::api::ErrorCode;
use axum::Router;
use axum::middleware::from_fn_with_state;

use self::error::Refusal;
use crate::service::Service;

pub(crate) use self::connection::{Limits, serve};
pub(crate) use self::listen::{Bound, ListenError};
pub(crate) use self::openapi::document;
pub(crate) use self::tls::{TlsError, acceptor};

/// What every request can reach.
#[derive(Debug)]
pub(crate) struct App {
    service: Arc<Service>,
    stopping: AtomicBool,
}

impl App {
    /// An application over a service.
    pub(crate) fn new(service: Service) -> Arc<Self> {
        Arc::new(Self { service: Arc::new(service), stopping: AtomicBool::new(false) })
    }

    /// The service.
    pub(crate) const fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// From now on new requests are refused, and none waits for a change.
    fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.service.end_waits();
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// Every route, and the checks that come before each.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for route in routes::table() {
        router = router.route(route.path, route.handler);
    }
    router
        .fallback(|| async { Refusal::from(ErrorCode::NotFound) })
        .method_not_allowed_fallback(|| async { Refusal::from(ErrorCode::MethodNotAllowed) })
        .layer(from_fn_with_state(Arc::clone(app), gate::check))
        .with_state(Arc::clone(app))
}
