//! Watching the tree: what other devices change is seen as it comes, and only after it was verified and is durable here.

use std::time::Duration;

use anonicloud_core::tree::name::RemotePath;
use anonicloud_core::tree::node::TreeRoot;
use tokio::time::{Instant, sleep};

use super::changes::Change;
use crate::client::Client;
use crate::error::OperationError;
use crate::notice::Notice;
use crate::remote::Remote;
use crate::state::LocalState;

/// An answer that changes nothing comes no sooner from a server that waits; from another one it is not asked for sooner.
const SHORTEST_ROUND: Duration = Duration::from_secs(1);
/// The longest wait before a server that is away is asked again.
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// What is watched, and the tree as it was told last.
#[derive(Debug)]
pub struct Watch {
    path: RemotePath,
    seen: Option<TreeRoot>,
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Begins to watch `path` and what is below it, from the newest tree on. Nothing needs to be there yet.
    ///
    /// # Errors
    /// When the server does not answer or verify.
    pub async fn watch(&self, path: &RemotePath) -> Result<Watch, OperationError> {
        self.sync().await?;
        Ok(Watch { path: path.clone(), seen: self.root().await? })
    }

    /// Waits until something changes that is watched, and gives what, by path. A server that is away is asked again until
    /// it is back. May be dropped at any time; the next call gives all since the last answer.
    ///
    /// # Errors
    /// When what the server shows does not verify, or it refuses.
    pub async fn next_changes(&self, watch: &mut Watch) -> Result<Vec<Change>, OperationError> {
        let mut delay = SHORTEST_ROUND;
        let mut is_away = false;
        loop {
            let begun = Instant::now();
            match self.wait_for_changes(watch).await {
                Ok(changes) if changes.is_empty() => {
                    delay = SHORTEST_ROUND;
                    is_away = false;
                }
                Ok(changes) => return Ok(changes),
                Err(OperationError::Remote(error)) if error.is_transient() => {
                    if !is_away {
                        self.notify(&Notice::ServerAway);
                    }
                    is_away = true;
                    sleep(delay).await;
                    delay = LONGEST_DELAY.min(delay * 2);
                }
                Err(error) => return Err(error),
            }
            sleep(SHORTEST_ROUND.saturating_sub(begun.elapsed())).await;
        }
    }

    /// Waits for another head than the one that is known here; none, and heads that change nothing watched, give no changes.
    async fn wait_for_changes(&self, watch: &mut Watch) -> Result<Vec<Change>, OperationError> {
        let Some(seq) = self.head().borrow().as_ref().map(|head| head.state.head().seq) else {
            self.sync().await?;
            return Ok(Vec::new());
        };
        let remote = self.remote();
        let answer = self.door().request(remote, async |access| remote.head_after(access, seq).await).await?;
        if answer.is_some() {
            self.sync().await?;
        }
        let (root, changes) = self.changes_since(watch).await?;
        // One that watches for months keeps no more than the tree has.
        self.nodes().shrink();
        self.clear_nodes().await?;
        watch.seen = root;
        Ok(changes)
    }

    /// The tree as it is known here, and what differs in it from the one that was told last.
    async fn changes_since(&self, watch: &Watch) -> Result<(Option<TreeRoot>, Vec<Change>), OperationError> {
        let mut seen = watch.seen.as_ref();
        loop {
            // Another process of this device may have got on, too.
            let (root, sweeps) = (self.root().await?, self.sweeps().get());
            match self.compare(&watch.path, seen, root.as_ref()).await {
                Ok(Some(changes)) => return Ok((root, changes)),
                Ok(None) => {
                    self.notify(&Notice::OlderTreeGone);
                    seen = None;
                }
                Err(error) if error.is_not_found() && self.is_swept_since(sweeps).await? => {}
                Err(error) => return Err(error),
            }
        }
    }
}
