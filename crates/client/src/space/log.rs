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
        match page.into_iter().next() {
            Some(commit) if commit.header.hash() == place.hash => Ok(commit),
            Some(other) if other.header.fields().seq == place.seq => {
                Err(self.contradicted(None, (place, None), &other).await)
            }
            _ => Err(OperationError::RolledBack),
        }
    }

    pub(super) async fn log_page(&self, from: u64) -> Result<Vec<LoggedCommit>, OperationError> {
        let remote = self.remote();
        self.door().request(remote, async |access| remote.log(access, from).await).await
    }

    /// Checks that the log leads from one commit to a later one, or that they are the same: that both are of one history.
    pub(super) async fn check_leads(&self, from: LogPlace, to: LogPlace) -> Result<(), OperationError> {
        let (mut at, mut last) = (from, None);
        while at.seq < to.seq {
            let page = self.log_page(at.seq.saturating_add(1)).await?;
            if page.is_empty() {
                return Err(OperationError::RolledBack);
            }
            for commit in page.into_iter().take_while(|commit| commit.header.fields().seq <= to.seq) {
                let fields = commit.header.fields();
                if fields.seq != at.seq.saturating_add(1) {
                    return Err(OperationError::RolledBack);
                }
                if fields.prev != at.hash {
                    // Of those between, nothing was checked: the first is the one that was known.
                    if at != from {
                        return Err(OperationError::RolledBack);
                    }
                    return Err(self.contradicted(None, (from, None), &commit).await);
                }
                at = LogPlace { seq: fields.seq, hash: commit.header.hash() };
                last = Some(commit);
            }
        }
        match last {
            _ if at == to => Ok(()),
            Some(other) if at.seq == to.seq => Err(self.contradicted(None, (to, None), &other).await),
            _ => Err(OperationError::RolledBack),
        }
    }

    /// Fetches the owner's chain, which must go on from the one that is here.
    pub(crate) async fn refresh_owner(&self) -> Result<(), OperationError> {
        let chain = self.sigchain().await?;
        Ok(self.private_space().borrow_mut().update_owner(chain)?)
    }
}
