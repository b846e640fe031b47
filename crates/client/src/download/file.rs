//! One file on its way down: its leaves, its segments, the part that gathers them.

use std::sync::Arc;

use anonicloud_core::content::layout::PlacedSegment;
use anonicloud_core::content::reference::PieceRef;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::crypto::segment::fits_pack;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::Semaphore;

use super::part::{Part, WRITE_BACK_EVERY};
use super::plan::FileTask;
use super::settle::place;
use crate::client::Client;
use crate::error::OperationError;
use crate::progress::Progress;
use crate::remote::Remote;
use crate::state::LocalState;
use crate::work;

/// Segments of one file under way at once; all files together are held by the semaphore.
pub(super) const IN_FLIGHT: usize = 8;

/// What the fetching of one batch shares.
pub(super) struct Fetching<'a> {
    pub(super) progress: &'a dyn Progress,
    /// Requests under way at once.
    pub(super) requests: Semaphore,
    /// Whether every file gets its name by itself; if not, the large ones do.
    pub(super) one_by_one: bool,
}

/// A file whose part is whole.
pub(super) struct Gathered {
    pub(super) task: FileTask,
    /// Sealed bytes that were fetched.
    pub(super) fetched: u64,
    /// Whether it is durable and has its name; if not, its attributes are set, and [`settle`](super::settle::settle) does
    /// the rest.
    pub(super) placed: bool,
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Gathers all content of a file in its part.
    pub(super) async fn gather(&self, task: FileTask, shared: &Fetching<'_>) -> Result<Gathered, OperationError> {
        let version = task.version().ok_or(Rejected)?;
        let leaves = self.read_leaves(version).await?;
        if leaves.size() != task.size() {
            return Err(Rejected.into());
        }
        let part = Arc::new(Part::open(task.part(), leaves)?);
        let indices: Vec<u64> = part.leaves().segments().map(|segment| segment.leaf.index).collect();
        let fetches = stream::iter(indices).map(|index| self.gather_segment(&part, index, shared));
        // One more than there are requests: it may be waiting for the disk.
        let fetched: Vec<u64> = fetches.buffer_unordered(IN_FLIGHT + 1).try_collect().await?;
        let placed = shared.one_by_one || task.size() >= WRITE_BACK_EVERY;
        work::run(move || {
            part.finish(task.entry.attributes, placed)?;
            if placed {
                place(&task.part(), &task.target, task.replace)?;
            }
            Ok(Gathered { task, fetched: fetched.iter().sum(), placed })
        })
        .await
    }

    async fn gather_segment(&self, part: &Arc<Part>, index: u64, shared: &Fetching<'_>) -> Result<u64, OperationError> {
        let turn = shared.requests.acquire().await.map_err(|_| Rejected)?;
        let segment = part.leaves().segment(index).ok_or(Rejected)?;
        let len = segment.leaf.plain_len as u64;
        if self.is_gathered(part, index).await {
            shared.progress.skip(len);
            return Ok(0);
        }
        let sealed = self.fetch_segment(&segment).await?;
        let fetched = sealed.len() as u64;
        let (realm, mut content) = (*self.realm(), self.buffers().take());
        let to = Arc::clone(part);
        let write_back = work::run(move || to.write(&realm, index, &sealed, &mut content)).await?;
        drop(turn);
        shared.progress.advance(len);
        if write_back {
            let part = Arc::clone(part);
            work::run(move || part.write_back()).await?;
        }
        Ok(fetched)
    }

    /// Whether an earlier run has written this segment already.
    async fn is_gathered(&self, part: &Arc<Part>, index: u64) -> bool {
        if !part.reaches(index) {
            return false;
        }
        let (realm, mut content) = (*self.realm(), self.buffers().take());
        let part = Arc::clone(part);
        work::run(move || part.holds(&realm, index, &mut content)).await
    }

    /// The sealed bytes of a segment, out of its blob or pack.
    pub(crate) async fn fetch_segment(&self, segment: &PlacedSegment<'_>) -> Result<Bytes, OperationError> {
        let location = segment.location;
        if fits_pack(segment.leaf.plain_len) {
            return self.fetch_piece(&piece_of(segment)?).await;
        }
        let (remote, range) = (self.remote(), location.range());
        let get = async |access: &_| remote.get_blob(access, &location.blob, Some(range.clone())).await;
        self.door().request(remote, get).await
    }
}

/// Where a segment that lies in a pack is.
pub(super) fn piece_of(segment: &PlacedSegment<'_>) -> Result<PieceRef, Rejected> {
    let location = segment.location;
    let length = u32::try_from(location.sealed_len).map_err(|_| Rejected)?;
    Ok(PieceRef { suite: segment.source.suite(), blob: location.blob, offset: location.offset, length })
}
