//! What is wrong with something that was asked for and did not come as it was stored.

use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_proto::api::ErrorCode;

use super::{Damage, Look};
use crate::client::Client;
use crate::error::OperationError;
use crate::remote::Remote;
use crate::state::LocalState;

/// Why something is not as it should be.
pub(super) enum Fault {
    /// The bytes are those that were stored, and break the format.
    Malformed,
    /// Anything else.
    Failed(OperationError),
}

impl From<OperationError> for Fault {
    fn from(error: OperationError) -> Self {
        Self::Failed(error)
    }
}

impl From<Rejected> for Fault {
    fn from(error: Rejected) -> Self {
        Self::Failed(error.into())
    }
}

impl Fault {
    /// Whether the server refused for the moment, which says nothing of what is stored.
    fn is_for_the_moment(&self) -> bool {
        let Self::Failed(OperationError::Remote(error)) = self else {
            return false;
        };
        error.code().is_some() && error.is_transient()
    }
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// What `ask` gives, or what is wrong with it; asked twice when the server refuses for the moment.
    ///
    /// # Errors
    /// When the server answers nothing else either, or has this device wait, or when the failure is this device's; that it is
    /// not there, when it may have moved since the look began.
    pub(super) async fn judged<T>(
        &self,
        look: &Look<'_>,
        ask: impl AsyncFn() -> Result<T, Fault>,
    ) -> Result<Result<T, Damage>, OperationError> {
        let first = ask().await;
        let answer = match first {
            Err(fault) if fault.is_for_the_moment() => ask().await,
            answer => answer,
        };
        match answer {
            Ok(value) => Ok(Ok(value)),
            Err(Fault::Malformed) => Ok(Err(Damage::Malformed)),
            Err(Fault::Failed(error)) => self.judge(error, look).await.map(Err),
        }
    }

    async fn judge(&self, error: OperationError, look: &Look<'_>) -> Result<Damage, OperationError> {
        if error.is_not_found() {
            return if self.is_swept_since(look.sweeps).await? { Err(error) } else { Ok(Damage::Missing) };
        }
        let error = match error {
            OperationError::Rejected(_) => return Ok(Damage::Altered),
            OperationError::Remote(error) => error,
            error => return Err(error),
        };
        if error.code() == Some(ErrorCode::TooManyRequests) {
            return Err(error.into());
        }
        let remote = self.remote();
        match self.door().request(remote, async |access| remote.head(access).await).await {
            Ok(_) if error.is_of_other_length() => Ok(Damage::Altered),
            Ok(_) => Ok(Damage::Withheld),
            Err(_) => Err(error.into()),
        }
    }
}
