//! Who asks: the session is found and the request counted before anything is answered.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use anonicloud_client::remote::{RemoteError, RemoteResult, SessionToken, SpaceAccess};
use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::ids::AccountId;
use anonicloud_proto::limits::JSON_MAX;
use serde::Serialize;

use super::rates::{self, Rated};
use super::spaces::Access;
use super::{Answer, MemoryRemote, Server};

impl MemoryRemote {
    pub(super) fn lock(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ask<T>(&self, answer: impl FnOnce(&mut Server) -> Answer<T>) -> RemoteResult<T> {
        answer(&mut self.lock()).map_err(refused)
    }

    /// The same for a request with a JSON body.
    pub(super) fn ask_json<T>(
        &self,
        request: &impl Serialize,
        answer: impl FnOnce(&mut Server) -> Answer<T>,
    ) -> RemoteResult<T> {
        check_json(request).map_err(refused)?;
        self.ask(answer)
    }

    /// Counts a request, or refuses it when they come too fast.
    pub(super) fn count(&self, owner: Rated) -> RemoteResult<()> {
        if self.lock().rates.take(owner) {
            return Ok(());
        }
        Err(refused_for(ErrorCode::TooManyRequests, Some(rates::RETRY_AFTER)))
    }

    pub(super) fn in_account<T>(
        &self,
        token: &SessionToken,
        answer: impl FnOnce(&mut Server, AccountId) -> Answer<T>,
    ) -> RemoteResult<T> {
        self.line.account_request()?;
        let account = self.ask(|server| {
            let session = server.account_sessions.find(token.expose_bytes());
            session.ok_or(ErrorCode::SessionExpired)
        })?;
        let (account, opened) = account;
        if let Some(device) = opened.device {
            self.count(Rated::Device(account, device))?;
        }
        self.count(Rated::Account(account))?;
        self.ask(|server| answer(server, account))
    }

    pub(super) fn in_space<T>(
        &self,
        access: &SpaceAccess,
        answer: impl FnOnce(&mut Server, &Access) -> Answer<T>,
    ) -> RemoteResult<T> {
        let (space, rights) = self.ask(|server| {
            let session = server.space_sessions.find(access.token.expose_bytes());
            let (space, rights) = session.ok_or(ErrorCode::SessionExpired)?;
            if space == access.space { Ok((space, rights)) } else { Err(ErrorCode::Forbidden) }
        })?;
        if let Some(strongest) = rights.iter().max() {
            self.count(Rated::Capability(space, *strongest))?;
        }
        self.ask(|server| {
            server.collect_uploads();
            server.collect_released();
            answer(server, &Access { space, rights })
        })
    }
}

pub(super) fn refused(code: ErrorCode) -> RemoteError {
    refused_for(code, None)
}

pub(super) fn refused_for(code: ErrorCode, retry_after: Option<Duration>) -> RemoteError {
    let (message, hint) = (format!("{code:?}"), "see the API's documentation".to_owned());
    RemoteError::Refused { code, message, hint, retry_after }
}

pub(super) fn check_json(request: &impl Serialize) -> Answer<()> {
    let length = serde_json::to_vec(request).map_err(|_| ErrorCode::BadRequest)?.len();
    if length <= JSON_MAX { Ok(()) } else { Err(ErrorCode::TooLarge) }
}
