//! Sweeps (spec: 3-spaces, "Sweeps"): a walk of the whole tree at exactly the head finds what nothing refers to; the server keeps
//! that for some weeks more, or frees it at once for who proves the password.
//!
//! Enters: a verified head. Leaves: a commit that releases. Never: a release of what the tree at the head, or anything that this
//! device has under way, refers to; a list of the server's decides nothing but which ids are named.

use std::collections::HashSet;

use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::space::build::Sweep;
use anonicloud_core::space::private::PrivateSpace;
use anonicloud_core::space::state::SpaceState;
use anonicloud_core::tree::node::TreeRoot;
use anonicloud_core::tree::reach::Reach;
use anonicloud_proto::api::{BlobsAnswer, ErrorCode, StoredBlob};
use anonicloud_proto::commit::AddedBlob;
use anonicloud_proto::ids::BlobId;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::commit::root_ref;
use crate::client::Client;
use crate::error::OperationError;
use crate::random::SystemRandom;
use crate::remote::{Remote, RemoteError};
use crate::state::{LocalState, StateChange, Table};

/// Times that a sweep begins anew because another device committed.
const ATTEMPTS: u32 = 5;
/// Blobs that one sweep releases at most, and that it keeps at most.
const BLOBS_MAX: usize = 1 << 16;
/// Nodes read at once.
const NODES_AT_ONCE: usize = 16;

/// What a sweep did, or would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SweepReport {
    /// Blobs that it released.
    pub blobs: u64,
    /// Their padded bytes.
    pub bytes: u64,
    /// Blobs that are needed, that another sweep had released all the same, and that it kept.
    pub kept: u64,
    /// Blobs that the tree needs and the server does not have any more.
    pub missing: u64,
}

/// What must stay.
#[derive(Debug)]
struct Live {
    /// What the tree refers to.
    tree: HashSet<BlobId>,
    /// What unfinished transfers of this device refer to; not all of it was sent.
    under_way: HashSet<BlobId>,
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
    /// How many blobs of the tree are in the list.
    there: u64,
    /// Blobs of the tree that are not in the list.
    missing: u64,
    /// Whether there is more in the list than one sweep takes.
    more: bool,
    /// How far the list was gone through.
    last: Option<BlobId>,
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Releases everything that neither the tree nor an unfinished transfer of this device needs.
    ///
    /// # Errors
    /// When something of the tree cannot be read: then nothing is released. [`OperationError::Contended`] when other devices
    /// commit all the time.
    pub async fn sweep(&self) -> Result<SweepReport, OperationError> {
        Ok(self.sweep_through().await?.0)
    }

    /// Sweeps; gives also the place of the commit up to which nothing is released that is needed.
    pub(crate) async fn sweep_through(&self) -> Result<(SweepReport, u64), OperationError> {
        self.refuse_halted().await?;
        self.door().manage();
        let mut report = SweepReport::default();
        let mut lost = 0;
        while lost < ATTEMPTS {
            self.sync().await?;
            let (state, root) = (self.known_head()?, self.root().await?);
            let live = self.live_blobs(root.as_ref()).await?;
            let found = self.go_through(&live).await?;
            let is_clean = found.adds.is_empty() && found.releases.is_empty();
            let through = if is_clean {
                state.head().seq
            } else if self.try_sweep(&state, root.as_ref(), &found).await? {
                self.known_head()?.head().seq
            } else {
                lost += 1;
                continue;
            };
            self.forget_reached(&found.releases).await?;
            report.take(&found);
            if !found.more {
                return Ok((report, through));
            }
        }
        Err(OperationError::Contended)
    }

    /// What [`Client::sweep`] would release now; of very much, what its first commit would.
    ///
    /// # Errors
    /// As [`Client::sweep`].
    pub async fn find_unused(&self) -> Result<SweepReport, OperationError> {
        self.sync().await?;
        let root = self.root().await?;
        let live = self.live_blobs(root.as_ref()).await?;
        let mut report = SweepReport::default();
        report.take(&self.go_through(&live).await?);
        Ok(report)
    }

    /// Commits a sweep of the tree at `state`; `false` when another commit came first, or something was freed meanwhile.
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
        match self.post(state, make, &mut Vec::new()).await {
            Err(OperationError::Remote(RemoteError::Refused { code: ErrorCode::BlobMissing, .. })) => Ok(false),
            other => other,
        }
    }

    /// Forgets what was known of packs that are released.
    async fn forget_reached(&self, released: &[BlobId]) -> Result<(), OperationError> {
        let changes = released.iter().map(|pack| StateChange::delete(Table::Reached, pack.as_bytes()));
        Ok(self.state().apply(changes.collect()).await?)
    }

    /// Every blob that the tree at `root` or an unfinished transfer of this device refers to, at some 64 bytes of memory each.
    async fn live_blobs(&self, root: Option<&TreeRoot>) -> Result<Live, OperationError> {
        let under_way = self.blobs_under_way().await?;
        let mut tree = HashSet::new();
        let mut reach = Reach::new(root);
        loop {
            let wanted = reach.next(NODES_AT_ONCE);
            if wanted.is_empty() {
                return Ok(Live { tree, under_way });
            }
            tree.extend(wanted.iter().map(|wanted| wanted.child().piece.blob));
            let nodes = stream::iter(&wanted).map(|wanted| self.read_node(wanted));
            let nodes: Vec<_> = nodes.buffer_unordered(NODES_AT_ONCE).try_collect().await?;
            let mut changes = Vec::new();
            for (node, change) in nodes {
                reach.enter(&node);
                changes.extend(change);
                tree.extend(self.reach_files(&node).await?);
            }
            if !changes.is_empty() {
                self.state().apply(changes).await?;
            }
        }
    }

    /// Goes through the server's list.
    async fn go_through(&self, live: &Live) -> Result<Found, OperationError> {
        let remote = self.remote();
        let mut found = Found::default();
        loop {
            let page = async |access: &_| remote.blobs(access, found.last.as_ref()).await;
            let page = self.door().request(remote, page).await?;
            found.take_page(&page, live)?;
            if found.more {
                return Ok(found);
            }
            if !page.more {
                found.missing = (live.tree.len() as u64).saturating_sub(found.there);
                return Ok(found);
            }
        }
    }
}

impl Found {
    /// Takes in the next page of the list, whose ids ascend from the first page to the last: no blob comes twice.
    fn take_page(&mut self, page: &BlobsAnswer, live: &Live) -> Result<(), Rejected> {
        for stored in &page.blobs {
            if self.last >= Some(stored.blob) {
                return Err(Rejected);
            }
            self.last = Some(stored.blob);
            self.take(stored, live);
        }
        // A page that does not get on would never end.
        if page.more && page.blobs.is_empty() { Err(Rejected) } else { Ok(()) }
    }

    fn take(&mut self, stored: &StoredBlob, live: &Live) {
        let is_in_tree = live.tree.contains(&stored.blob);
        self.there = self.there.saturating_add(u64::from(is_in_tree));
        let is_needed = is_in_tree || live.under_way.contains(&stored.blob);
        match (is_needed, stored.released) {
            (true, Some(_)) if self.adds.len() == BLOBS_MAX => self.more = true,
            (false, None) if self.releases.len() == BLOBS_MAX => self.more = true,
            (true, Some(_)) => self.adds.push(AddedBlob { blob: stored.blob, size: stored.size }),
            (false, None) => {
                self.releases.push(stored.blob);
                self.bytes = self.bytes.saturating_add(stored.size);
            }
            (true, None) | (false, Some(_)) => {}
        }
    }
}

impl SweepReport {
    fn take(&mut self, found: &Found) {
        self.blobs = self.blobs.saturating_add(found.releases.len() as u64);
        self.bytes = self.bytes.saturating_add(found.bytes);
        self.kept = self.kept.saturating_add(found.adds.len() as u64);
        self.missing = found.missing;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(name: u8) -> BlobId {
        BlobId::from_bytes([name; 32])
    }

    #[test]
    fn what_is_not_needed_goes_what_is_needed_comes_back_and_what_is_gone_is_told() {
        let live = Live {
            tree: HashSet::from([blob(1), blob(2), blob(7)]),
            under_way: HashSet::from([blob(5), blob(6), blob(8)]),
        };
        let mut found = Found::default();
        let listed = [(1, None), (2, Some(20_000)), (3, None), (4, Some(20_000)), (5, None), (6, Some(20_000))];
        let stored = |(name, released)| StoredBlob { blob: blob(name), size: 100, released };
        found.take_page(&BlobsAnswer { blobs: listed.map(stored).to_vec(), more: false }, &live).unwrap();
        let kept = [2, 6].map(|name| AddedBlob { blob: blob(name), size: 100 });
        assert_eq!(found.adds, kept);
        assert_eq!(found.releases, [blob(3)]);
        assert_eq!(found.there, 2, "of the tree, in which the seventh is needed and not there");
        let mut report = SweepReport::default();
        report.take(&found);
        assert_eq!(report, SweepReport { blobs: 1, bytes: 100, kept: 2, missing: 0 });
    }

    /// A server that lists what is needed twice must not have its second mention released.
    #[test]
    fn a_list_that_does_not_ascend_is_refused() {
        let live = Live { tree: HashSet::from([blob(5)]), under_way: HashSet::new() };
        let page = |names: &[u8], more| {
            let blobs = names.iter().map(|name| StoredBlob { blob: blob(*name), size: 100, released: None });
            BlobsAnswer { blobs: blobs.collect(), more }
        };
        for pages in [&[&[5, 5][..]][..], &[&[5], &[5]], &[&[5, 4]], &[&[4, 5], &[5]], &[&[5], &[4]], &[&[]]] {
            let mut found = Found::default();
            let taken = pages.iter().try_for_each(|names| found.take_page(&page(names, true), &live));
            assert_eq!(taken, Err(Rejected), "{pages:?}");
            assert!(!found.releases.contains(&blob(5)));
        }
        let mut found = Found::default();
        found.take_page(&page(&[4, 5], true), &live).unwrap();
        found.take_page(&page(&[6], false), &live).unwrap();
        assert_eq!(found.releases, [blob(4), blob(6)]);
    }

    #[test]
    fn one_sweep_releases_so_many_and_counts_no_more() {
        let live = Live { tree: HashSet::new(), under_way: HashSet::new() };
        let id = |number: usize| {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&(number as u64).to_be_bytes());
            BlobId::from_bytes(id)
        };
        let blobs = (0..=BLOBS_MAX).map(|number| StoredBlob { blob: id(number), size: 1, released: None });
        let mut found = Found::default();
        found.take_page(&BlobsAnswer { blobs: blobs.collect(), more: false }, &live).unwrap();
        assert_eq!((found.releases.len(), found.bytes, found.more), (BLOBS_MAX, BLOBS_MAX as u64, true));
    }
}
