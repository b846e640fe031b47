//! Handlers of accounts and logins.

use std::sync::Arc;

use anonicloud_proto::api::{
    AccountAnswer, AddDevice, Challenge, DeviceLoginFinish, DeviceLoginStart, ErrorCode, FreedAnswer, LoginAnswer,
    LoginFinish, LoginStart, LoginStarted, Puzzle, PuzzleStart, RealmAnswer, RegisterFinish, RegisterStart,
    RegisterStarted, ReleasedAnswer, RemoveDevice, SigchainAnswer,
};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::SpaceId;
use axum::extract::State;
use axum::{Extension, Json};
use http::StatusCode;
use serde::Deserialize;

use super::App;
use super::error::Refusal;
use super::extract::{AccountSession, Asked, FromJson};
use crate::service::{Permit, ServiceError};
use crate::store::meta::Through;

type Answer<T> = Result<Json<T>, Refusal>;
/// 201 with an empty object.
type Created = (StatusCode, Json<serde_json::Map<String, serde_json::Value>>);

pub(super) async fn realm(State(app): State<Arc<App>>) -> Json<RealmAnswer> {
    Json(app.service().realm())
}

pub(super) async fn puzzle(State(app): State<Arc<App>>, FromJson(start): FromJson<PuzzleStart>) -> Answer<Puzzle> {
    Ok(Json(app.service().puzzle(&start).await?))
}

pub(super) async fn register_start(
    State(app): State<Arc<App>>,
    FromJson(start): FromJson<RegisterStart>,
) -> Answer<RegisterStarted> {
    Ok(Json(app.service().register_start(&start).await?))
}

pub(super) async fn register_finish(
    State(app): State<Arc<App>>,
    FromJson(finish): FromJson<RegisterFinish>,
) -> Result<Created, Refusal> {
    let hash = hash_of(&finish);
    app.service().register_finish(finish, hash).await?;
    Ok(created())
}

/// Tells a registration that comes again. How it was let in does not count: it may need another puzzle by then, and what is
/// kept of an invite must not lead from it to the account.
fn hash_of(finish: &RegisterFinish) -> ChainHash {
    let lasting = RegisterFinish { invite: None, puzzle: None, ..finish.clone() };
    ChainHash::of(&serde_json::to_vec(&lasting).expect("wire types are structs of strings, numbers and lists"))
}

pub(super) async fn login_start(
    State(app): State<Arc<App>>,
    FromJson(start): FromJson<LoginStart>,
) -> Answer<LoginStarted> {
    Ok(Json(app.service().login_start(start).await?))
}

pub(super) async fn login_finish(
    State(app): State<Arc<App>>,
    FromJson(finish): FromJson<LoginFinish>,
) -> Answer<LoginAnswer> {
    Ok(Json(app.service().login_finish(&finish).await?))
}

pub(super) async fn device_login_start(
    State(app): State<Arc<App>>,
    FromJson(start): FromJson<DeviceLoginStart>,
) -> Json<Challenge> {
    Json(app.service().device_login_start(&start))
}

pub(super) async fn device_login_finish(
    State(app): State<Arc<App>>,
    FromJson(finish): FromJson<DeviceLoginFinish>,
) -> Answer<LoginAnswer> {
    Ok(Json(app.service().device_login_finish(&finish).await?))
}

pub(super) async fn logout(State(app): State<Arc<App>>, session: AccountSession) -> StatusCode {
    app.service().logout(session.token.as_bytes());
    StatusCode::NO_CONTENT
}

pub(super) async fn account(State(app): State<Arc<App>>, session: AccountSession) -> Answer<AccountAnswer> {
    Ok(Json(app.service().account(&session.access).await?))
}

/// Where a page of the sigchain begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SigchainQuery {
    #[serde(default)]
    from: u64,
}

pub(super) async fn sigchain(
    State(app): State<Arc<App>>,
    session: AccountSession,
    Asked(query): Asked<SigchainQuery>,
) -> Result<(Extension<Permit>, Json<SigchainAnswer>), Refusal> {
    let (page, permit) = app.service().sigchain(&session.access, query.from).await?;
    Ok((Extension(permit), Json(page)))
}

pub(super) async fn add_device(
    State(app): State<Arc<App>>,
    session: AccountSession,
    FromJson(add): FromJson<AddDevice>,
) -> Result<Created, Refusal> {
    app.service().add_device(&session.access, add).await?;
    Ok(created())
}

pub(super) async fn remove_device(
    State(app): State<Arc<App>>,
    session: AccountSession,
    FromJson(remove): FromJson<RemoveDevice>,
) -> Result<StatusCode, Refusal> {
    app.service().remove_device(&session.access, remove).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which space's releases, and up to which commit: both or neither.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleasedQuery {
    space: Option<SpaceId>,
    through: Option<u64>,
}

impl ReleasedQuery {
    fn through(&self) -> Result<Option<Through>, ErrorCode> {
        match (self.space, self.through) {
            (None, None) => Ok(None),
            (Some(space), Some(seq)) => Ok(Some(Through { space, seq })),
            _ => Err(ErrorCode::BadRequest),
        }
    }
}

pub(super) async fn released(
    State(app): State<Arc<App>>,
    session: AccountSession,
    Asked(query): Asked<ReleasedQuery>,
) -> Answer<ReleasedAnswer> {
    Ok(Json(app.service().released(&session.access, query.through()?).await?))
}

pub(super) async fn free_released(
    State(app): State<Arc<App>>,
    session: AccountSession,
    Asked(query): Asked<ReleasedQuery>,
) -> Answer<FreedAnswer> {
    // Nobody frees what was not named: it may have been released after they looked.
    let through = query.through()?.ok_or(ErrorCode::BadRequest)?;
    // A task of its own: when the client hangs up, it still removes the files whose rows are gone.
    let freeing = tokio::spawn(async move { app.service().free_released(&session.access, through).await });
    Ok(Json(freeing.await.map_err(|_| ServiceError::Task)??))
}

fn created() -> Created {
    (StatusCode::CREATED, Json(serde_json::Map::new()))
}
