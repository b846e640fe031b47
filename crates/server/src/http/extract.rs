//! What handlers take out of a request, refusing with the right code.

use std::sync::Arc;

use anonicloud_proto::api::{Base64, ErrorCode};
use anonicloud_proto::ids::SpaceId;
use anonicloud_proto::limits::JSON_MAX;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, RawPathParams, Request};
use data_encoding::BASE64URL_NOPAD;
use http::header;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::App;
use super::body::{self, Pace};
use super::error::Refusal;
use crate::service::{AccountAccess, SpaceAccess};

/// A JSON body.
#[derive(Debug)]
pub(super) struct FromJson<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for FromJson<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let pace = if parts.extensions.get::<HasSession>().is_some() { Pace::Session } else { Pace::Stranger };
        let text = body::read(&parts.headers, body, JSON_MAX, pace).await?;
        serde_json::from_slice(&text).map(Self).map_err(|_| Refusal::from(ErrorCode::BadRequest))
    }
}

/// Ids in the path.
#[derive(Debug)]
pub(super) struct Ids<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for Ids<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let path = Path::from_request_parts(parts, app).await;
        path.map(|Path(ids)| Self(ids)).map_err(|_| ErrorCode::BadRequest.into())
    }
}

/// The query.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let query = Query::from_request_parts(parts, app).await;
        query.map(|Query(asked)| Self(asked)).map_err(|_| ErrorCode::BadRequest.into())
    }
}

/// Among the extensions of a request once its session was found.
#[derive(Debug, Clone, Copy)]
struct HasSession;

/// The session of an account.
#[derive(Debug)]
pub(super) struct AccountSession {
    pub(super) access: AccountAccess,
    pub(super) token: Base64,
}

impl FromRequestParts<Arc<App>> for AccountSession {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let token = bearer(parts).ok_or(ErrorCode::SessionExpired)?;
        let access = app.service().account_access(token.as_bytes());
        let access = access.ok_or(ErrorCode::SessionExpired)?;
        app.service().count_of_account(&access)?;
        parts.extensions.insert(HasSession);
        Ok(Self { access, token })
    }
}

/// The session of the space that the path names.
#[derive(Debug)]
pub(super) struct SpaceSession(pub(super) SpaceAccess);

impl FromRequestParts<Arc<App>> for SpaceSession {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let path = RawPathParams::from_request_parts(parts, app).await;
        let path = path.map_err(|_| ErrorCode::BadRequest)?;
        let space: SpaceId = path
            .iter()
            .find(|(name, _)| *name == "space")
            .and_then(|(_, id)| id.parse().ok())
            .ok_or(ErrorCode::BadRequest)?;
        let token = bearer(parts).ok_or(ErrorCode::SessionExpired)?;
        let access = app.service().space_access(token.as_bytes());
        let access = access.ok_or(ErrorCode::SessionExpired)?;
        if access.space() != space {
            return Err(ErrorCode::Forbidden.into());
        }
        app.service().count_of_space(&access)?;
        parts.extensions.insert(HasSession);
        Ok(Self(access))
    }
}

fn bearer(parts: &Parts) -> Option<Base64> {
    let value = parts.headers.get(header::AUTHORIZATION)?;
    let token = value.to_str().ok()?.strip_prefix("Bearer ")?;
    BASE64URL_NOPAD.decode(token.as_bytes()).ok().map(Base64::new)
}
