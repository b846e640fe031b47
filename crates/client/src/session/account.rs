//! What an account session is for: the account itself, never its files.

use anonicloud_core::account::boxes::BoxOwner;
use anonicloud_core::account::sigchain::Sigchain;
use anonicloud_core::space::state::SpaceState;
use anonicloud_proto::api::{AccountAnswer, ErrorCode};

use super::LOGINS;
use super::login::{fetch_sigchain, login_by_device};
use super::record::AccountRecord;
use super::released::Released;
use crate::client::Client;
use crate::error::OperationError;
use crate::remote::{Remote, RemoteError, SessionToken};
use crate::state::{LocalState, Seen, StateChange};

/// Who is signed in here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WhoAmI {
    /// The public name.
    pub handle: String,
    /// The account's id, in hex.
    pub account_id: String,
    /// This device's id, in hex.
    pub device_id: String,
    /// The server's address.
    pub server: String,
    /// Devices of the account.
    pub devices: usize,
}

/// Room at the server, in padded bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quota {
    /// Stored.
    pub used: u64,
    /// What of that nothing needs any more, and is kept for some weeks all the same.
    pub released: Released,
    /// Promised to uploads that are not finished.
    pub reserved: u64,
    /// All there is.
    pub quota: u64,
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Who is signed in here, as the server knows it.
    ///
    /// # Errors
    /// When the server does not answer, or no longer knows this device.
    pub async fn whoami(&self) -> Result<WhoAmI, OperationError> {
        let answer = self.account_answer().await?;
        let record = self.record();
        Ok(WhoAmI {
            handle: record.handle.clone(),
            account_id: record.account.to_string(),
            device_id: record.device.device().to_string(),
            server: record.server.url.clone(),
            devices: answer.devices.len(),
        })
    }

    /// Room at the server.
    ///
    /// # Errors
    /// When the server does not answer, or no longer knows this device.
    pub async fn quota(&self) -> Result<Quota, OperationError> {
        let remote = self.remote();
        let ask =
            async |token: &_| Ok::<_, RemoteError>((remote.account(token).await?, remote.released(token, None).await?));
        let (answer, released) = self.in_account_session(ask).await?;
        let released = Released::from(released);
        Ok(Quota { used: answer.used, released, reserved: answer.reserved, quota: answer.quota })
    }

    /// The account's sigchain, fetched and verified; it goes on from the one that is known here.
    pub(crate) async fn sigchain(&self) -> Result<Sigchain, OperationError> {
        let owner = BoxOwner { realm: *self.realm(), account: *self.account_id() };
        let known = self.private_space().borrow().owner().clone();
        let remote = self.remote();
        self.in_account_session(async |token| fetch_sigchain(remote, token, &owner, Some(&known)).await).await
    }

    /// The change that keeps the account's sigchain with all links that are known by now, and what it is to be made on; none
    /// when they are kept already.
    pub(crate) async fn chain_change(&self) -> Result<Option<(Seen, StateChange)>, OperationError> {
        let chain = self.private_space().borrow().owner().clone();
        if chain.link_count() == self.record().sigchain.link_count() {
            return Ok(None);
        }
        let (mut kept, seen) = self.kept_record().await?;
        if kept.sigchain.continues(&chain).is_ok() {
            return Ok(None);
        }
        chain.continues(&kept.sigchain).map_err(|_| OperationError::RolledBack)?;
        kept.sigchain = chain;
        Ok(Some((seen, kept.change())))
    }

    /// Makes sure that the server has all links of the account's sigchain that this device knows; gives what a change that
    /// counts on that is to be made on. A commit that brings a link which is lost at the server could not be read by a device
    /// that is enrolled later, and has another link in its place.
    ///
    /// # Errors
    /// [`OperationError::AccountRolledBack`] when it has not, or has older keys of the account.
    pub(crate) async fn check_account(&self) -> Result<Seen, OperationError> {
        match self.refresh_owner().await {
            Err(OperationError::RolledBack) => return Err(OperationError::AccountRolledBack),
            refreshed => refreshed?,
        }
        let (kept, seen) = self.kept_record().await?;
        let chain = self.private_space().borrow().owner().clone();
        chain.continues(&kept.sigchain).map_err(|_| OperationError::AccountRolledBack)?;
        Ok(seen)
    }

    /// Stops before a commit on top of `state` that would bring a link which is lost at the server, or before its content is sent.
    ///
    /// # Errors
    /// As [`Client::check_account`]; [`OperationError::DeviceUnknown`] when this device's own link is lost.
    pub(crate) async fn refuse_lost_links(&self, state: &SpaceState) -> Result<(), OperationError> {
        if self.private_space().borrow().brings_links(state) {
            self.check_account().await?;
        }
        Ok(())
    }

    /// What is durable of the account: another process may have learnt links too, or signed out.
    async fn kept_record(&self) -> Result<(AccountRecord, Seen), OperationError> {
        let (kept, seen) = AccountRecord::load_seen(self.state()).await?;
        let kept = kept.filter(|kept| kept.device.device() == self.record().device.device());
        Ok((kept.ok_or(OperationError::NotSignedIn)?, seen))
    }

    async fn account_answer(&self) -> Result<AccountAnswer, OperationError> {
        let remote = self.remote();
        self.in_account_session(async |token| remote.account(token).await).await
    }

    /// Sends a request in an account session that this device's key opens; opens another one when the server, started again
    /// meanwhile, has forgotten it.
    pub(super) async fn in_account_session<T, E: Into<OperationError>>(
        &self,
        request: impl AsyncFn(&SessionToken) -> Result<T, E>,
    ) -> Result<T, OperationError> {
        for _ in 1..LOGINS {
            let token = self.account_session().await?;
            match request(&token).await.map_err(Into::into) {
                Err(OperationError::Remote(RemoteError::Refused { code: ErrorCode::SessionExpired, .. })) => {}
                other => return other,
            }
        }
        let token = self.account_session().await?;
        request(&token).await.map_err(Into::into)
    }

    async fn account_session(&self) -> Result<SessionToken, OperationError> {
        match login_by_device(self.remote(), self.record()).await {
            Ok(answer) => Ok(SessionToken::new(answer.token.as_bytes())),
            Err(OperationError::Remote(RemoteError::Refused { code: ErrorCode::LoginFailed, .. })) => {
                Err(OperationError::DeviceUnknown)
            }
            Err(error) => Err(error),
        }
    }
}
