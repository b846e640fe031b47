//! Logins by password and by device, and the sessions they open.

use anonicloud_client::clock::Clock as _;
use anonicloud_proto::api::{
    Base64, Challenge, DeviceLoginFinish, ErrorCode, LoginAnswer, LoginFinish, LoginStart, LoginStarted, PuzzlePurpose,
};
use anonicloud_proto::capability::{CapabilityPublicKey, CapabilitySignature, device_login_message};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, DeviceId, SpaceId};

use super::opaque::PendingLogin;
use super::sessions::IDLE;
use super::sweeps::Opened;
use super::{Answer, Server};

/// What a challenge was drawn for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Device(AccountId, DeviceId),
    Space(SpaceId),
}

/// A login between its two messages; a handle that nobody has waits with no account.
pub(super) struct PendingPassword {
    login: PendingLogin,
    account: Option<AccountId>,
    bucket: AccountId,
}

impl Server {
    /// Draws a challenge.
    pub(super) fn challenge(&mut self, purpose: Purpose) -> Challenge {
        let challenge = self.challenges.keep(&mut self.random, purpose);
        if self.forgets() {
            self.challenges.take(challenge.as_bytes());
        }
        Challenge { challenge }
    }

    fn forgets(&mut self) -> bool {
        let forgets = self.forgotten > 0;
        self.forgotten = self.forgotten.saturating_sub(1);
        forgets
    }

    /// Takes a challenge back, if it was drawn for this.
    pub(super) fn take_challenge(&mut self, challenge: &Base64, purpose: Purpose) -> Answer<[u8; 32]> {
        let bytes = challenge.as_bytes();
        if self.challenges.take(bytes) != Some(purpose) {
            return Err(ErrorCode::LoginFailed);
        }
        bytes.try_into().map_err(|_| ErrorCode::LoginFailed)
    }

    pub(super) fn login_start(&mut self, start: &LoginStart) -> Answer<LoginStarted> {
        let solved = self.solved(PuzzlePurpose::Login, &start.handle, start.puzzle.as_ref());
        let (bucket, is_there) = self.bucket_of(&start.handle);
        self.tries.take(bucket, solved.as_ref())?;
        if let Some(solved) = solved {
            self.use_puzzle(&solved);
        }
        let account = is_there.then_some(bucket);
        let record = self.accounts.get(&bucket).map(|account| account.opaque_record.as_slice());
        let names = (&self.realm, &bucket);
        let (login, ke2) = self.setup.start_login(names, record, start.ke1.as_bytes(), &mut self.random)?;
        let login = self.logins.keep(&mut self.random, PendingPassword { login, account, bucket });
        if self.forgets() {
            self.logins.take(login.as_bytes());
        }
        Ok(LoginStarted { login, ke2: Base64::new(ke2) })
    }

    /// Whose tries a login with this handle takes, and whether that is an account.
    pub(super) fn bucket_of(&self, handle: &str) -> (AccountId, bool) {
        let found = self.accounts.iter().find(|(_, account)| account.handle == handle);
        found.map_or_else(|| (fake_account(handle), false), |(id, _)| (*id, true))
    }

    pub(super) fn login_finish(&mut self, finish: &LoginFinish) -> Answer<LoginAnswer> {
        let pending = self.logins.take(finish.login.as_bytes()).ok_or(ErrorCode::LoginFailed)?;
        pending.login.finish(&self.realm, finish.ke3.as_bytes())?;
        let account = pending.account.ok_or(ErrorCode::LoginFailed)?;
        self.tries.give_back(pending.bucket);
        let password = Some(self.clock.now());
        self.open_account(account, Opened { device: None, password })
    }

    pub(super) fn device_login_finish(&mut self, finish: &DeviceLoginFinish) -> Answer<LoginAnswer> {
        let (account, device) = (finish.account, finish.device);
        let challenge = self.take_challenge(&finish.challenge, Purpose::Device(account, device))?;
        let signature = signature(&finish.signature)?;
        let key = self.accounts.get(&account).and_then(|account| account.devices.get(&device));
        let key = CapabilityPublicKey::from_bytes(*key.ok_or(ErrorCode::LoginFailed)?);
        let message = device_login_message(&self.realm, &account, &device, &challenge);
        key.verify(&message, &signature).map_err(|_| ErrorCode::LoginFailed)?;
        self.open_account(account, Opened { device: Some(device), password: None })
    }

    fn open_account(&mut self, account: AccountId, opened: Opened) -> Answer<LoginAnswer> {
        let kept = self.accounts.get(&account).ok_or(ErrorCode::LoginFailed)?;
        Ok(LoginAnswer {
            token: self.account_sessions.open(&mut self.random, account, opened),
            expires_in: IDLE.as_secs(),
            account,
            space: kept.space,
            boxes: kept.boxes.clone(),
        })
    }
}

/// A signature as it comes in JSON.
pub(super) fn signature(bytes: &Base64) -> Answer<CapabilitySignature> {
    let bytes = bytes.as_bytes().try_into();
    bytes.map(CapabilitySignature::from_bytes).map_err(|_| ErrorCode::LoginFailed)
}

/// An id for a handle that nobody has. No secret is in it: nobody is deceived here.
fn fake_account(handle: &str) -> AccountId {
    let hash = *ChainHash::of(handle.as_bytes()).as_bytes();
    AccountId::from_bytes(*hash.first_chunk().expect("a hash is longer than an id"))
}
