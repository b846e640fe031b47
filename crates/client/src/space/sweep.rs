//! Sweeps (spec: 3-spaces, "Sweeps"): a walk of the whole tree at exactly the head finds what nothing refers to; the server keeps
//! that for some weeks more, or frees it at once for who proves the password.
//!
//! Enters: a verified head. Leaves: a commit that releases. Never: a release of what the tree at the head, or anything that this
//! device has under way, refers to; a list of the server's decides nothing but which ids are named.

use std::collections::HashSet;

use anonicloud_core::space::build::Sweep;
use anonicloud_core::space::private::PrivateSpace;
use anonicloud_core::space::state::SpaceState;
use anonicloud_core::tree::node::TreeRoot;
use anonicloud_core::tree::reach::Reach;
use anonicloud_proto::api::StoredBlob;
use anonicloud_proto::commit::AddedBlob;
use anonicloud_proto::ids::BlobId;
use anonicloud_proto::limits::COMMIT_BLOBS_MAX;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::commit::root_ref;
use super::reached::Budget;
use crate::client::Client;
use crate::error::OperationError;
use crate::random::SystemRandom;
use crate::remote::Remote;
use crate::state::{LocalState, StateChange, Table};

/// Times that a sweep begins anew because another device committed.
const ATTEMPTS: u32 = 5;
/// Nodes read at once.
const NODES_AT_ONCE: usize = 16;
/// Records that a sweep reads which nobody asked for; the next one goes on where it stopped.
const UNASKED_RECORDS: u64 = 1 << 14;

/// What a sweep did, or would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SweepReport {
    /// Blobs that it released.
    pub blobs: u64,
    /// Their padded bytes.
    pub bytes: u64,
}

/// What the list of the server and the tree say together.
#[derive(Debug, Default)]
struct Found {
    /// Needed, and released all the same.
    adds: Vec<AddedBlob>,
    /// Not needed.
    releases: Vec<BlobId>,
    /// Padded bytes of these.
    bytes: u64,
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Releases everything that the tree does not need.
    ///
    /// # Errors
    /// When something of the tree cannot be read: then nothing is released. [`OperationError::Contended`] when other devices
    /// commit all the time.
    pub async fn sweep(&self) -> Result<SweepReport, OperationError> {
        self.door().manage();
        let report = self.sweep_within(&Budget::records(u64::MAX)).await?;
        Ok(report.unwrap_or_default())
    }

    /// What [`Client::sweep`] would release now.
    ///
    /// # Errors
    /// As [`Client::sweep`].
    pub async fn find_unused(&self) -> Result<SweepReport, OperationError> {
        self.sync().await?;
        let root = self.root().await?;
        match self.live_blobs(root.as_ref(), &Budget::records(u64::MAX)).await? {
            Some(live) => Ok(self.compare(&live).await?.report()),
            None => Ok(SweepReport::default()),
        }
    }

    /// Sweeps when this device has not done so today, or the server has refused room. It is nobody's errand: it stops before
    /// it reads for long, and the next one goes on.
    ///
    /// # Errors
    /// As [`Client::sweep`]; what was done before is done all the same.
    pub async fn sweep_if_due(&self) -> Result<(), OperationError> {
        let space = self.door().space();
        let last = self.state().read(Table::Sweeps, space.as_bytes()).await?;
        let last = last.and_then(|row| row.as_slice().try_into().ok()).map(u32::from_le_bytes);
        let Some(last) = last else {
            // A new device has nothing of its own to sweep yet.
            return self.note_sweep(&[]).await;
        };
        if last >= self.clock().today() && !self.door().is_full() {
            return Ok(());
        }
        self.door().manage();
        self.sweep_within(&Budget::records(UNASKED_RECORDS)).await?;
        Ok(())
    }

    /// Sweeps; `None` when the budget was used up before all was read.
    async fn sweep_within(&self, budget: &Budget) -> Result<Option<SweepReport>, OperationError> {
        for _ in 0..ATTEMPTS {
            self.sync().await?;
            let (state, root) = (self.known_head()?, self.root().await?);
            let Some(live) = self.live_blobs(root.as_ref(), budget).await? else {
                return Ok(None);
            };
            let found = self.compare(&live).await?;
            let is_done = found.adds.is_empty() && found.releases.is_empty();
            if is_done || self.try_sweep(&state, root.as_ref(), &found).await? {
                self.note_sweep(&found.releases).await?;
                return Ok(Some(found.report()));
            }
        }
        Err(OperationError::Contended)
    }

    async fn try_sweep(
        &self,
        state: &SpaceState,
        root: Option<&TreeRoot>,
        found: &Found,
    ) -> Result<bool, OperationError> {
        let make = |space: &PrivateSpace| {
            let sweep = Sweep {
                root: root.map(root_ref),
                adds: found.adds.clone(),
                releases: found.releases.clone(),
                day: self.clock().today(),
            };
            space.make_sweep_commit(state, &self.record().device, sweep, &mut SystemRandom)
        };
        self.post(state, make).await
    }

    /// Notes the day, and forgets what was known of packs that are released.
    async fn note_sweep(&self, released: &[BlobId]) -> Result<(), OperationError> {
        let day = self.clock().today().to_le_bytes().to_vec();
        let mut changes = vec![StateChange::put(Table::Sweeps, self.door().space().as_bytes(), day)];
        changes.extend(released.iter().map(|pack| StateChange::delete(Table::Reached, pack.as_bytes())));
        Ok(self.state().apply(changes).await?)
    }

    /// Every blob that the tree at `root` or an unfinished transfer of this device refers to, at some 64 bytes of memory each;
    /// `None` when that takes more reading than `budget` allows.
    async fn live_blobs(
        &self,
        root: Option<&TreeRoot>,
        budget: &Budget,
    ) -> Result<Option<HashSet<BlobId>>, OperationError> {
        let mut live = self.blobs_under_way().await?;
        let mut reach = Reach::new(root);
        loop {
            let wanted = reach.next(NODES_AT_ONCE);
            if wanted.is_empty() {
                return Ok(Some(live));
            }
            live.extend(wanted.iter().map(|wanted| wanted.child().piece.blob));
            let nodes = stream::iter(&wanted).map(|wanted| self.read_node(wanted));
            let nodes: Vec<_> = nodes.buffer_unordered(NODES_AT_ONCE).try_collect().await?;
            let mut changes = Vec::new();
            for (node, change) in nodes {
                reach.enter(&node)?;
                changes.extend(change);
                match self.reach_files(&node, budget).await? {
                    Some(blobs) => live.extend(blobs),
                    None => return Ok(None),
                }
            }
            if !changes.is_empty() {
                self.state().apply(changes).await?;
            }
        }
    }

    /// Goes through the server's list.
    async fn compare(&self, live: &HashSet<BlobId>) -> Result<Found, OperationError> {
        let remote = self.remote();
        let mut found = Found::default();
        let mut after = None;
        loop {
            let page = async |access: &_| remote.blobs(access, after.as_ref()).await;
            let page = self.door().request(remote, page).await?;
            let last = page.blobs.last().map(|stored| stored.blob);
            for stored in &page.blobs {
                found.take(stored, live);
            }
            // One commit holds no more; the next sweep goes on. A page that does not get on would never end.
            let is_full = found.adds.len().max(found.releases.len()) >= COMMIT_BLOBS_MAX;
            if is_full || !page.more || last <= after {
                found.adds.truncate(COMMIT_BLOBS_MAX);
                found.releases.truncate(COMMIT_BLOBS_MAX);
                return Ok(found);
            }
            after = last;
        }
    }
}

impl Found {
    fn take(&mut self, stored: &StoredBlob, live: &HashSet<BlobId>) {
        match (live.contains(&stored.blob), stored.released) {
            (true, Some(_)) => self.adds.push(AddedBlob { blob: stored.blob, size: stored.size }),
            (false, None) => {
                self.releases.push(stored.blob);
                self.bytes = self.bytes.saturating_add(stored.size);
            }
            (true, None) | (false, Some(_)) => {}
        }
    }

    fn report(&self) -> SweepReport {
        SweepReport { blobs: self.releases.len() as u64, bytes: self.bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_needed_goes_and_what_is_needed_comes_back() {
        let blob = |name| BlobId::from_bytes([name; 32]);
        let live = HashSet::from([blob(1), blob(2)]);
        let mut found = Found::default();
        for (name, released) in [(1, None), (2, Some(20_000)), (3, None), (4, Some(20_000))] {
            found.take(&StoredBlob { blob: blob(name), size: 100, released }, &live);
        }
        assert_eq!(found.adds, [AddedBlob { blob: blob(2), size: 100 }]);
        assert_eq!(found.releases, [blob(3)]);
        assert_eq!(found.report(), SweepReport { blobs: 1, bytes: 100 });
    }
}
