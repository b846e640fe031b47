//! What a device reads beside the head: commits of the log, and the owner's chain.

use anonicloud_core::space::state::LogPlace;
use anonicloud_proto::commit::LoggedCommit;

use crate::client::Client;
use crate::error::OperationError;
use crate::remote::Remote;
use crate::state::LocalState;

impl<R: Remote, S: LocalState> Client<R, S> {
    /// The commit at a place that this device, or a head that it reads, knows.
    pub(super) async fn commit_at(&self, place: LogPlace) -> Result<LoggedCommit, OperationError> {
        let page = self.log_page(place.seq).await?;
        let commit = page.into_iter().next().filter(|commit| commit.header.hash() == place.hash);
        commit.ok_or(OperationError::RolledBack)
    }

    pub(super) async fn log_page(&self, from: u64) -> Result<Vec<LoggedCommit>, OperationError> {
        let remote = self.remote();
        self.door().request(remote, async |access| remote.log(access, from).await).await
    }

    /// Fetches the owner's chain, which must go on from the one that is here.
    pub(crate) async fn refresh_owner(&self) -> Result<(), OperationError> {
        let chain = self.sigchain().await?;
        Ok(self.private_space().borrow_mut().update_owner(chain)?)
    }
}
