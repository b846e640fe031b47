//! What every request passes first, and every answer last.

use std::sync::Arc;

use anonicloud_proto::api::{ErrorCode, VERSION, VERSION_HEADER};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, Version, header};

use super::App;
use super::body::Unread;
use super::error::Refusal;

/// Refuses while the server stops and without the API version; reads on what a handler left of an HTTP/1.1 body.
pub(super) async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let unread = Unread::default();
    let request = if request.version() < Version::HTTP_2 { request.map(|body| unread.watch(body)) } else { request };
    let mut response = match admit(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(code) => {
            drop(request);
            Refusal::from(code).into_response()
        }
    };
    unread.drain().await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
    response
}

fn admit(app: &App, request: &Request) -> Result<(), ErrorCode> {
    if app.is_stopping() {
        return Err(ErrorCode::Unavailable);
    }
    let version = request.headers().get(VERSION_HEADER);
    if version.is_none_or(|version| version != VERSION) {
        return Err(ErrorCode::ApiVersionUnsupported);
    }
    Ok(())
}
