//! Logins by password and by device, and the sessions they open.

use std::time::{Duration, Instant};

use anonicloud_proto::api::{
    Base64, Challenge, DeviceLoginFinish, DeviceLoginStart, ErrorCode, LoginAnswer, LoginFinish, LoginStart,
    LoginStarted, PuzzlePurpose,
};
use anonicloud_proto::capability::{CapabilityPublicKey, CapabilitySignature, device_login_message};
use anonicloud_proto::ids::{AccountId, DeviceId};
use zeroize::Zeroizing;

use super::rates::Rated;
use super::sessions::{IDLE, SessionKey};
use super::vouchers::{Owner, Purpose};
use super::{Service, ServiceError};
use crate::opaque::PendingLogin;

/// For how long a proof of the password lets its session destroy what cannot come back.
const PASSWORD_LIFE: Duration = Duration::from_mins(5);

/// How an account's session was opened, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opened {
    /// The device that it ends with; of a session by password, one that it added.
    pub(super) device: Option<DeviceId>,
    /// When the password was proved.
    password: Option<Instant>,
}

/// An account's session, which only a token gives.
#[derive(Debug)]
pub(crate) struct AccountAccess {
    account: AccountId,
    key: SessionKey,
    opened: Opened,
}

impl AccountAccess {
    /// Whose.
    pub(crate) const fn account(&self) -> AccountId {
        self.account
    }

    /// Which session.
    pub(super) const fn key(&self) -> SessionKey {
        self.key
    }

    /// The device that it ends with.
    pub(super) const fn device(&self) -> Option<DeviceId> {
        self.opened.device
    }

    /// Refuses unless the password was proved a short while before `now`.
    pub(super) fn proved_password(&self, now: Instant) -> Result<(), ErrorCode> {
        let proved = self.opened.password.filter(|at| now.saturating_duration_since(*at) < PASSWORD_LIFE);
        proved.map(|_| ()).ok_or(ErrorCode::PasswordNeeded)
    }
}

impl Service {
    /// The account session of a bearer token.
    pub(crate) fn account_access(&self, token: &[u8]) -> Option<AccountAccess> {
        let (account, opened) = self.account_sessions.find(token)?;
        Some(AccountAccess { account, key: SessionKey::of(token), opened })
    }

    /// Counts a request of an account, and of its device.
    pub(crate) fn count_of_account(&self, access: &AccountAccess) -> Result<(), ServiceError> {
        if let Some(device) = access.opened.device {
            self.rates.take(Rated::Device(access.account, device))?;
        }
        self.rates.take(Rated::Account(access.account))
    }

    /// Ends the session of a token.
    pub(crate) fn logout(&self, token: &[u8]) {
        self.account_sessions.close(token);
    }

    /// Answers KE1, for a handle that nobody has as for any other.
    pub(crate) async fn login_start(&self, start: LoginStart) -> Result<LoginStarted, ServiceError> {
        let solved = self.solved(PuzzlePurpose::Login, &start.handle, start.puzzle.as_ref());
        let fake = self.secrets.fake_account(&start.handle);
        let found = self.meta.login_record(start.handle).await?;
        let (id, record) = match &found {
            Some(found) => (found.account, Some(found.opaque_record.as_slice())),
            None => (fake, None),
        };
        // The answer is enough to try one password with, whether or not the second message comes.
        self.password_tries.take(id, found.is_some(), solved)?;
        let setup = self.secrets.setup();
        let (login, ke2) =
            setup.start_login(self.realm_id(), &id, record, start.ke1.as_bytes()).map_err(|_| ErrorCode::BadRequest)?;
        let pending = write_pending(found.is_some(), id, &login);
        let voucher = self.vouchers.make(Purpose::Password, &pending);
        Ok(LoginStarted { login: Base64::new(voucher), ke2: Base64::new(ke2) })
    }

    /// Whose tries a login with this handle takes, and whether that is an account.
    pub(super) async fn bucket_of(&self, handle: &str) -> Result<(AccountId, bool), ServiceError> {
        let fake = self.secrets.fake_account(handle);
        let found = self.meta.login_record(handle.to_owned()).await?;
        Ok(found.map_or((fake, false), |found| (found.account, true)))
    }

    /// Checks KE3 and opens a session.
    pub(crate) async fn login_finish(&self, finish: &LoginFinish) -> Result<LoginAnswer, ServiceError> {
        let voucher = finish.login.as_bytes();
        let pending = self.vouchers.open(Purpose::Password, voucher).ok_or(ErrorCode::LoginFailed)?;
        let (account, login) = read_pending(&pending).ok_or(ErrorCode::LoginFailed)?;
        login.finish(self.realm_id(), finish.ke3.as_bytes()).map_err(|_| ErrorCode::LoginFailed)?;
        let account = account.ok_or(ErrorCode::LoginFailed)?;
        self.spend(Owner::Account(account), &finish.login)?;
        self.password_tries.give_back(account);
        let opened = Opened { device: None, password: Some(self.clock.now()) };
        self.open_account(account, opened).await
    }

    /// Draws a challenge for a device, known or not.
    pub(crate) fn device_login_start(&self, start: &DeviceLoginStart) -> Challenge {
        self.challenge(Purpose::Device(start.account, start.device))
    }

    /// Checks a device's signature and opens a session.
    pub(crate) async fn device_login_finish(&self, finish: &DeviceLoginFinish) -> Result<LoginAnswer, ServiceError> {
        let (account, device) = (finish.account, finish.device);
        let challenge = self.open_challenge(&finish.challenge, Purpose::Device(account, device))?;
        let signature = signature(&finish.signature)?;
        let key = self.meta.device_key(account, device).await?;
        let key = CapabilityPublicKey::from_bytes(key.ok_or(ErrorCode::LoginFailed)?);
        let message = device_login_message(self.realm_id(), &account, &device, &challenge);
        key.verify(&message, &signature).map_err(|_| ErrorCode::LoginFailed)?;
        self.spend(Owner::Account(account), &finish.challenge)?;
        self.open_account(account, Opened { device: Some(device), password: None }).await
    }

    /// Draws a challenge.
    pub(super) fn challenge(&self, purpose: Purpose<'_>) -> Challenge {
        Challenge { challenge: Base64::new(self.vouchers.make(purpose, &[])) }
    }

    /// The bytes of a challenge, if it was drawn for this.
    pub(super) fn open_challenge(&self, challenge: &Base64, purpose: Purpose<'_>) -> Result<[u8; 32], ErrorCode> {
        let bytes = challenge.as_bytes();
        self.vouchers.open(purpose, bytes).ok_or(ErrorCode::LoginFailed)?;
        bytes.try_into().map_err(|_| ErrorCode::LoginFailed)
    }

    /// Uses up a challenge or a pending login, for which a proof was given.
    pub(super) fn spend(&self, owner: Owner, voucher: &Base64) -> Result<(), ErrorCode> {
        if self.vouchers.spend(owner, voucher.as_bytes()) { Ok(()) } else { Err(ErrorCode::LoginFailed) }
    }

    async fn open_account(&self, account: AccountId, opened: Opened) -> Result<LoginAnswer, ServiceError> {
        let kept = self.meta.boxes(account).await?;
        let (boxes, space) = kept.ok_or(ErrorCode::LoginFailed)?;
        Ok(LoginAnswer {
            token: self.account_sessions.open(account, opened),
            expires_in: IDLE.as_secs(),
            account,
            space,
            boxes,
        })
    }
}

/// A login between its two messages: whether its account is there, the account, and the server's state.
fn write_pending(found: bool, account: AccountId, login: &PendingLogin) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&[u8::from(found)], account.as_bytes().as_slice(), &login.encode()].concat())
}

/// The account, unless the handle was nobody's, and the login.
fn read_pending(bytes: &[u8]) -> Option<(Option<AccountId>, PendingLogin)> {
    let ([found], rest) = bytes.split_first_chunk()?;
    let (account, login) = rest.split_first_chunk()?;
    let account = (*found == 1).then(|| AccountId::from_bytes(*account));
    Some((account, PendingLogin::decode(login).ok()?))
}

/// A signature as it comes in JSON.
pub(super) fn signature(bytes: &Base64) -> Result<CapabilitySignature, ErrorCode> {
    let bytes = bytes.as_bytes().try_into();
    bytes.map(CapabilitySignature::from_bytes).map_err(|_| ErrorCode::LoginFailed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_believed_for_five_minutes_and_a_device_never() {
        let at = Instant::now();
        let access = |password| AccountAccess {
            account: AccountId::from_bytes([1; 16]),
            key: SessionKey::of(b"token"),
            opened: Opened { device: None, password },
        };
        let proved = |password, seconds| access(password).proved_password(at + Duration::from_secs(seconds));
        assert_eq!(proved(Some(at), 0), Ok(()));
        assert_eq!(proved(Some(at), 299), Ok(()));
        assert_eq!(proved(Some(at), 300), Err(ErrorCode::PasswordNeeded));
        assert_eq!(proved(None, 0), Err(ErrorCode::PasswordNeeded));
    }
}
