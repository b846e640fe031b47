//! Handlers of blobs.

use core::ops::Range;
use std::sync::Arc;

use anonicloud_proto::api::{BlobProgress, BlobState, BlobsAnswer, ErrorCode};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, SpaceId, UploadId};
use anonicloud_proto::limits::BLOB_MAX;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::App;
use super::body::{self, Pace};
use super::error::Refusal;
use super::extract::{Asked, Ids, SpaceSession};
use super::spaces::RAW;
use crate::service::{Permit, PutBlob, ServiceError};
use crate::store::blob::BlobError;

/// What a `PUT` says of its blob.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PutQuery {
    offset: u64,
    size: u64,
    hash: StoredHash,
}

pub(super) async fn put(
    State(app): State<Arc<App>>,
    SpaceSession(access): SpaceSession,
    Ids((_, upload, blob)): Ids<(SpaceId, UploadId, BlobId)>,
    Asked(query): Asked<PutQuery>,
    body: Body,
) -> Result<Json<BlobProgress>, Refusal> {
    let put = PutBlob { upload, blob, offset: query.offset, size: query.size, hash: query.hash };
    // A task of its own: when the connection breaks, it still stores what arrived.
    let storing = tokio::spawn(async move {
        let body = body::pieces(body, put.size.min(BLOB_MAX), Pace::Blob);
        app.service().put_blob(&access, put, body).await
    });
    let progress = storing.await.map_err(|_| ServiceError::Task)?;
    Ok(Json(progress?))
}

pub(super) async fn state(
    State(app): State<Arc<App>>,
    SpaceSession(access): SpaceSession,
    Ids((_, upload, blob)): Ids<(SpaceId, UploadId, BlobId)>,
) -> Result<Json<BlobState>, Refusal> {
    let state = app.service().blob_state(&access, upload, blob);
    Ok(Json(state.await?))
}

pub(super) async fn remove(
    State(app): State<Arc<App>>,
    SpaceSession(access): SpaceSession,
    Ids((_, upload, blob)): Ids<(SpaceId, UploadId, BlobId)>,
) -> Result<StatusCode, Refusal> {
    // As for an upload that ends.
    let removing = tokio::spawn(async move { app.service().remove_blob(&access, upload, blob).await });
    removing.await.map_err(|_| ServiceError::Task)??;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn get(
    State(app): State<Arc<App>>,
    SpaceSession(access): SpaceSession,
    Ids((_, blob)): Ids<(SpaceId, BlobId)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (size, object) = app.service().find_blob(&access, blob).await?;
    let asked =
        headers.get(header::RANGE).map(|value| parse_range(value, size).ok_or(ErrorCode::BadRequest)).transpose()?;
    let range = asked.clone().unwrap_or(0..size);
    let length = range.end - range.start;
    let (bytes, permit) = app.service().read_blob(&access, (blob, object), range).await.map_err(lost)?;
    let mut response = Response::new(Body::from_stream(bytes));
    response.extensions_mut().insert(permit);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(RAW));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(Range { start, end }) = asked {
        let text = format!("bytes {start}-{}/{size}", end - 1);
        let value = HeaderValue::try_from(text).map_err(|_| ErrorCode::Internal)?;
        headers.insert(header::CONTENT_RANGE, value);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// Why bytes do not come. A stored blob that is gone is a failure of the server, which the log has; to who asks it is just gone.
fn lost(failure: ServiceError) -> Refusal {
    let is_gone = matches!(failure, ServiceError::Blobs(BlobError::Missing));
    let refusal = Refusal::from(failure);
    if is_gone { ErrorCode::NotFound.into() } else { refusal }
}

/// Behind which blob a page of a space's blobs begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BlobsQuery {
    after: Option<BlobId>,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    SpaceSession(access): SpaceSession,
    Asked(query): Asked<BlobsQuery>,
) -> Result<(Extension<Permit>, Json<BlobsAnswer>), Refusal> {
    let permit = app.service().page(&access).await?;
    Ok((Extension(permit), Json(app.service().stored_blobs(&access, query.after).await?)))
}

/// `bytes=A-B` or `bytes=A-`, where A is inside the blob; B may lie past its end.
fn parse_range(value: &HeaderValue, size: u64) -> Option<Range<u64>> {
    let (start, last) = value.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    let start: u64 = start.parse().ok()?;
    let end = if last.is_empty() { size } else { last.parse::<u64>().ok()?.saturating_add(1).min(size) };
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_lie_inside_the_blob_or_are_refused() {
        let parse = |text: &str| parse_range(&HeaderValue::try_from(text).unwrap(), 10);
        assert_eq!(parse("bytes=0-9"), Some(0..10));
        assert_eq!(parse("bytes=3-3"), Some(3..4));
        assert_eq!(parse("bytes=9-"), Some(9..10));
        assert_eq!(parse("bytes=5-18446744073709551615"), Some(5..10));
        for bad in [
            "bytes=10-",
            "bytes=4-3",
            "bytes=-3",
            "bytes=",
            "bytes=0-1,3-4",
            "items=0-1",
            "bytes=a-b",
            "bytes=18446744073709551616-",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
