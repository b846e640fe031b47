//! What sweeps released and the server keeps for some weeks more: how much it is, and its end at once for who proves the password.

use anonicloud_proto::api::{ErrorCode, LoginAnswer, ReleasedAnswer};
use zeroize::Zeroizing;

use super::login::{Credentials, prove_password};
use crate::client::Client;
use crate::clock::date_of;
use crate::error::OperationError;
use crate::remote::{Remote, RemoteError, SessionToken};
use crate::space::sweep::SweepReport;
use crate::state::LocalState;

/// Times that the password is proved anew because it took long.
const PROOFS: u32 = 8;

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
    /// The date (`YYYY-MM-DD`) from which on none of them counts; when there are none, nothing.
    pub free_from: Option<String>,
}

impl From<ReleasedAnswer> for Released {
    fn from(answer: ReleasedAnswer) -> Self {
        Self { bytes: answer.bytes, free_from: answer.free_from.map(date_of) }
    }
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Sweeps, and frees at once all that is released; gives also the padded bytes that were freed. They cannot come back.
    ///
    /// # Errors
    /// [`OperationError::LoginFailed`] when the password is another one: then nothing was done. Otherwise as [`Client::sweep`].
    pub async fn reclaim_now(&self, proof: PasswordProof) -> Result<(SweepReport, u64), OperationError> {
        let handle = self.record().handle.clone();
        let credentials = Credentials { handle, password: proof.password, account_key: proof.account_key };
        let mut token = self.password_session(&credentials).await?;
        let report = self.sweep().await?;
        let mut freed = 0;
        let mut proofs = 0;
        loop {
            match self.remote().free_released(&token).await {
                Ok(answer) if answer.more && answer.freed > 0 => freed += answer.freed,
                Ok(answer) => {
                    freed += answer.freed;
                    break;
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
        Ok((report, freed))
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
