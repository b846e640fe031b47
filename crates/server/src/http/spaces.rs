//! Handlers of space sessions, logs, commits and uploads.

use std::sync::Arc;

use anonicloud_proto::api::{
    Challenge, CommitAnswer, OpenUpload, SpaceSessionAnswer, SpaceSessionFinish, UploadAnswer, UploadState,
    UploadsAnswer,
};
use anonicloud_proto::ids::{BlobId, SpaceId, UploadId};
use anonicloud_proto::limits::{COMMIT_REQUEST_MAX, TICKET_MAX};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use http::{StatusCode, header};
use serde::Deserialize;

use super::App;
use super::body::{self, Pace};
use super::error::Refusal;
use super::extract::{Asked, FromJson, Ids, SpaceSession};
use crate::service::{Permit, ServiceError};

/// The media type of raw bytes.
pub(super) const RAW: &str = "application/octet-stream";
/// An answer of at most this many bytes is kept without a permit.
const SMALL_ANSWER: usize = 8 << 10;

type Answer<T> = Result<Json<T>, Refusal>;
/// With the permit that is held until the peer took it all.
type LongAnswer<T> = Result<(Extension<Permit>, Json<T>), Refusal>;

/// Which head its sender has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeadQuery {
    after: Option<u64>,
}

/// Where a page of the log begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogQuery {
    from: u64,
}

/// Behind which upload a page of uploads begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UploadsQuery {
    after: Option<UploadId>,
}

/// Behind which blob a page of an upload's state begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UploadQuery {
    after: Option<BlobId>,
}

pub(super) async fn session_start(State(app): State<Arc<App>>, Ids(space): Ids<SpaceId>) -> Json<Challenge> {
    Json(app.service().space_session_start(space))
}

pub(super) async fn session_finish(
    State(app): State<Arc<App>>,
    Ids(space): Ids<SpaceId>,
    FromJson(finish): FromJson<SpaceSessionFinish>,
) -> Answer<SpaceSessionAnswer> {
    let answer = app.service().space_session_finish(space, &finish).await?;
    Ok(Json(answer))
}

pub(super) async fn head(
    State(app): State<Arc<App>>,
    SpaceSession(access): SpaceSession,
    Asked(query): Asked<HeadQuery>,
) -> Result<Response, Refusal> {
    let Some(after) = query.after else {
        return Ok(raw(app.service().head(&access).await?));
    };
    let head = app.service().head_after(&access, after).await?;
    Ok(head.map_or_else(|| StatusCode::NO_CONTENT.into_response(), raw))
}

pub(super) async fn log(
    State(app): State<Arc<App>>,
    SpaceSession(access): SpaceSession,
    Asked(query): Asked<LogQuery>,
) -> Result<Response, Refusal> {
    Ok(raw(app.service().log(&access, query.from).await?))
}

pub(super) async fn commit(
    State(app): State<Arc<App>>,
    SpaceSession(access): SpaceSession,
    request: Request,
) -> Answer<CommitAnswer> {
    let (parts, body) = request.into_parts();
    let announced = body::announced(&parts.headers);
    let body = body::pieces(body, announced.unwrap_or(COMMIT_REQUEST_MAX) as u64, Pace::Session);
    let arrived = app.service().receive_commit(&access, announced, body).await?;
    Ok(Json(app.service().take_commit(access, arrived).await?))
}

pub(super) async fn open_upload(
    State(app): State<Arc<App>>,
    SpaceSession(access): SpaceSession,
    FromJson(open): FromJson<OpenUpload>,
) -> Answer<UploadAnswer> {
    Ok(Json(app.service().open_upload(&access, &open).await?))
}

pub(super) async fn uploads(
    State(app): State<Arc<App>>,
    SpaceSession(access): SpaceSession,
    Asked(query): Asked<UploadsQuery>,
) -> LongAnswer<UploadsAnswer> {
    let permit = app.service().page(&access).await?;
    Ok((Extension(permit), Json(app.service().uploads(&access, query.after).await?)))
}

pub(super) async fn upload_state(
    State(app): State<Arc<App>>,
    SpaceSession(access): SpaceSession,
    Ids((_, upload)): Ids<(SpaceId, UploadId)>,
    Asked(query): Asked<UploadQuery>,
) -> LongAnswer<UploadState> {
    let permit = app.service().page(&access).await?;
    let state = app.service().upload_state(&access, upload, query.after);
    Ok((Extension(permit), Json(state.await?)))
}

pub(super) async fn end_upload(
    State(app): State<Arc<App>>,
    SpaceSession(access): SpaceSession,
    Ids((_, upload)): Ids<(SpaceId, UploadId)>,
) -> Result<StatusCode, Refusal> {
    // A task of its own: when the client hangs up, it still removes the files whose rows are gone.
    let ending = tokio::spawn(async move { app.service().end_upload(&access, upload).await });
    ending.await.map_err(|_| ServiceError::Task)??;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn set_ticket(
    State(app): State<Arc<App>>,
    SpaceSession(access): SpaceSession,
    Ids((_, upload)): Ids<(SpaceId, UploadId)>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let (parts, body) = request.into_parts();
    let ticket = body::read(&parts.headers, body, TICKET_MAX, Pace::Session).await?;
    let ticket = ticket.to_vec();
    app.service().set_ticket(&access, upload, ticket).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Bytes with the permit that is held until the peer took them all. An answer that is hardly longer than its request
/// needs none: no number of slow ones keeps the head of a space from anybody.
fn raw((bytes, permit): (Vec<u8>, Permit)) -> Response {
    let permit = (bytes.len() > SMALL_ANSWER).then_some(Extension(permit));
    (permit, [(header::CONTENT_TYPE, RAW)], bytes).into_response()
}
