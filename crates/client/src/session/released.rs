//! What sweeps released and the server keeps for some weeks more: how much it is, and its end at once for who proves the password.

use anonicloud_proto::api::{ErrorCode, LoginAnswer, ReleasedAnswer};
use anonicloud_proto::limits::PACK_FLOOR;
use zeroize::Zeroizing;

use super::login::{Credentials, prove_password};
use crate::client::Client;
use crate::clock::date_of;
use crate::error::OperationError;
use crate::local::lock::TransferLock;
use crate::remote::{Remote, RemoteError, SessionToken, Through};
use crate::space::sweep::SweepReport;
use crate::state::LocalState;

/// Times that the password is proved anew because it took long.
const PROOFS: u32 = 8;
/// Blobs that are freed in an answer that is followed by another one, at the least; an honest server frees twice as many.
const FREED_AT_ONCE: u64 = 4096;
/// Answers that are heard out however little was shown.
const ANSWERS: u64 = 8;

/// What is typed to free something for good.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a program fills in all of it")]
pub struct PasswordProof {
    /// The account's password.
    pub password: Zeroizing<String>,
    /// The account key as it was shown, of an account that has one.
    pub account_key: Option<Zeroizing<String>>,
}

/// What is released and still counts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Released {
    /// Padded bytes.
    pub bytes: u64,
    /// The date (`YYYY-MM-DD`) of the oldest release; when there are none, nothing.
    pub since: Option<String>,
    /// The date (`YYYY-MM-DD`) from which on none of them counts; when there are none, nothing.
    pub free_from: Option<String>,
}

impl From<ReleasedAnswer> for Released {
    fn from(answer: ReleasedAnswer) -> Self {
        Self { bytes: answer.bytes, since: answer.since.map(date_of), free_from: answer.free_from.map(date_of) }
    }
}

/// What is about to be freed for good. Until it is dropped, no transfer of this device begins.
#[derive(Debug)]
pub struct Freeing {
    credentials: Credentials,
    token: SessionToken,
    swept: SweepReport,
    /// What was released up to the head at which the sweep found all in order.
    through: Through,
    released: Released,
    _lock: Option<TransferLock>,
}

impl Freeing {
    /// What the sweep did that came first.
    pub const fn swept(&self) -> SweepReport {
        self.swept
    }

    /// What [`Client::free`] frees, by whichever device it was released: nothing that came after the sweep.
    pub const fn released(&self) -> &Released {
        &self.released
    }
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Proves the password and sweeps, which adds again what unfinished transfers of this device need; gives what
    /// [`Client::free`] would free then.
    ///
    /// # Errors
    /// [`OperationError::LoginFailed`] when the password is another one: then nothing was done.
    /// [`OperationError::ContentMissing`] when the tree needs what the server does not have. Otherwise as [`Client::sweep`].
    pub async fn prepare_to_free(&self, proof: PasswordProof) -> Result<Freeing, OperationError> {
        let lock = self.lock_transfers()?;
        self.refuse_halted().await?;
        let handle = self.record().handle.clone();
        let credentials = Credentials { handle, password: proof.password, account_key: proof.account_key };
        let token = self.password_session(&credentials).await?;
        let (swept, seq) = self.sweep_through().await?;
        if swept.missing > 0 {
            return Err(OperationError::ContentMissing(swept.missing));
        }
        // In the device's own session: that of the password may have ended while the sweep went on.
        let through = Through { space: self.door().space(), seq };
        let remote = self.remote();
        let released = self.in_account_session(async |token| remote.released(token, Some(through)).await).await?;
        Ok(Freeing { credentials, token, swept, through, released: released.into(), _lock: lock })
    }

    /// Frees at once what [`Freeing::released`] has shown, which cannot come back; gives the padded bytes that were freed.
    ///
    /// # Errors
    /// [`OperationError::SpaceHalted`] when the space was halted meanwhile: then nothing is freed.
    /// Otherwise when the server does not answer; what it freed before that is freed.
    pub async fn free(&self, freeing: Freeing) -> Result<u64, OperationError> {
        // Another process of this device may have met a contradiction since this was prepared.
        self.refuse_halted().await?;
        let Freeing { credentials, mut token, through, released, .. } = freeing;
        // A blob is no shorter than a pack can be.
        let most = (released.bytes / PACK_FLOOR / FREED_AT_ONCE).saturating_add(ANSWERS);
        let (mut freed, mut answers): (u64, u64) = (0, 0);
        let mut proofs = 0;
        loop {
            match self.remote().free_released(&token, through).await {
                Ok(answer) => {
                    freed = freed.saturating_add(answer.freed);
                    // A server that counts on would never end.
                    if freed > released.bytes {
                        return Err(RemoteError::Malformed { what: "more freed than was released" }.into());
                    }
                    if !answer.more || answer.freed == 0 {
                        break;
                    }
                    answers += 1;
                    if answers > most {
                        return Err(RemoteError::Malformed { what: "too little freed at a time" }.into());
                    }
                }
                // It took longer than the server believes a password.
                Err(RemoteError::Refused { code: ErrorCode::PasswordNeeded | ErrorCode::SessionExpired, .. })
                    if proofs < PROOFS =>
                {
                    proofs += 1;
                    token = self.password_session(&credentials).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        // A server that does not hear of it ends the session by itself.
        drop(self.remote().logout(&token).await);
        Ok(freed)
    }

    async fn password_session(&self, credentials: &Credentials) -> Result<SessionToken, OperationError> {
        let (LoginAnswer { token, account, .. }, _) = prove_password(self.remote(), self.realm(), credentials).await?;
        if account == *self.account_id() {
            Ok(SessionToken::new(token.as_bytes()))
        } else {
            Err(OperationError::LoginFailed)
        }
    }
}
