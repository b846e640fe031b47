//! Files: their records, the leaves in them, each segment.

use core::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anonicloud_core::content::layout::{AllLeaves, SEGMENTS_MAX, segment_count};
use anonicloud_core::content::reference::VersionRef;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::crypto::segment::open_segment;
use anonicloud_core::tree::name::RemotePath;
use anonicloud_core::tree::node::{Entry, EntryContent};
use anonicloud_proto::ids::BlobId;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::judge::Fault;
use super::{Damage, Finding, IN_FLIGHT, Look, Part};
use crate::client::Client;
use crate::error::OperationError;
use crate::remote::Remote;
use crate::state::LocalState;
use crate::work;

/// Packs whose files are looked at at once.
const PACKS_AT_ONCE: usize = 4;
/// Files of one pack that are looked at at once.
const FILES_AT_ONCE: usize = 16;

/// Pieces of what an entry is: of a file its record and its segments.
pub(super) fn pieces_of(entry: &Entry) -> u64 {
    match &entry.content {
        EntryContent::File { size, .. } => segments_of(*size).unwrap_or_default().saturating_add(1),
        _ => 0,
    }
}

/// Segments of a file of `size` bytes; `None` when no record holds so many, whatever its entry says.
fn segments_of(size: u64) -> Option<u64> {
    Some(segment_count(size)).filter(|count| *count <= SEGMENTS_MAX)
}

/// A file, and which pieces of it are looked at.
struct Task<'a> {
    entry: &'a Entry,
    size: u64,
    version: &'a VersionRef,
    /// The segments that were chosen; all, when nothing chooses.
    chosen: Option<Vec<u64>>,
    /// Whether the record was chosen too, which is read in any case.
    with_record: bool,
}

impl<'a> Task<'a> {
    /// What of `entry` is looked at; `None` when nothing is.
    fn of(entry: &'a Entry, look: &Look<'_>) -> Option<Self> {
        let EntryContent::File { size, version } = &entry.content else {
            return None;
        };
        let Some(picker) = &look.picker else {
            return Some(Self { entry, size: *size, version, chosen: None, with_record: true });
        };
        let mut picker = picker.borrow_mut();
        let with_record = picker.takes();
        let segments = 0..segments_of(*size).unwrap_or_default();
        let chosen: Vec<_> = segments.filter(|_| picker.takes()).collect();
        let is_chosen = with_record || !chosen.is_empty();
        is_chosen.then_some(Self { entry, size: *size, version, chosen: Some(chosen), with_record })
    }
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Looks at the files among `entries`, which are in `folder`.
    pub(super) async fn check_files(
        &self,
        folder: &RemotePath,
        entries: &[Arc<Entry>],
        look: &Look<'_>,
    ) -> Result<(), OperationError> {
        let mut by_pack: BTreeMap<BlobId, Vec<Task<'_>>> = BTreeMap::new();
        for task in entries.iter().filter_map(|entry| Task::of(entry, look)) {
            by_pack.entry(task.version.record().blob).or_default().push(task);
        }
        let packs = stream::iter(by_pack).map(|(pack, tasks)| async move {
            // Of a sample too little of a pack is wanted.
            if tasks.len() > 1 && look.picker.is_none() {
                let turn = look.requests.acquire().await.map_err(|_| Rejected)?;
                // A pack that does not come whole may have pieces that do: each is judged by itself.
                drop(self.fetch_pack(&pack).await);
                drop(turn);
            }
            let files = stream::iter(tasks).map(|task| self.check_file(folder, task, look));
            files.buffer_unordered(FILES_AT_ONCE).try_collect::<()>().await
        });
        packs.buffer_unordered(PACKS_AT_ONCE).try_collect().await
    }

    async fn check_file(&self, folder: &RemotePath, task: Task<'_>, look: &Look<'_>) -> Result<(), OperationError> {
        let path = folder.join(&task.entry.name);
        let tell = |part, damage, pieces| look.tell(&Finding { path: path.clone(), part, damage, pieces });
        match self.judged(look, async || self.stored_leaves(&task, look).await).await? {
            Ok(leaves) => {
                look.report.borrow_mut().pieces += 1;
                let wrong = self.check_segments(&leaves, task.chosen.as_deref(), look).await?;
                for (damage, pieces) in wrong {
                    tell(Part::Content, damage, pieces);
                }
            }
            Err(damage) => tell(Part::Record, damage, 1),
        }
        look.report.borrow_mut().files += 1;
        if let Some(chosen) = &task.chosen {
            look.progress.advance(chosen.len() as u64 + u64::from(task.with_record));
        }
        look.progress.file_done(&path.to_string());
        Ok(())
    }

    async fn stored_leaves(&self, task: &Task<'_>, look: &Look<'_>) -> Result<Arc<AllLeaves>, Fault> {
        segments_of(task.size).ok_or(Fault::Malformed)?;
        let turn = look.requests.acquire().await.map_err(|_| Rejected)?;
        let leaves = self.read_leaves(task.version).await?;
        drop(turn);
        // Both were verified: who wrote the entry wrote another size than its record has.
        if leaves.size() == task.size { Ok(Arc::new(leaves)) } else { Err(Fault::Malformed) }
    }

    /// Looks at the `chosen` segments of a file, or at all; gives how many of them are damaged in which way.
    async fn check_segments(
        &self,
        leaves: &Arc<AllLeaves>,
        chosen: Option<&[u64]>,
        look: &Look<'_>,
    ) -> Result<HashMap<Damage, u64>, OperationError> {
        let wrong = RefCell::new(HashMap::new());
        let wrong_ones = &wrong;
        let segments = match chosen {
            Some(chosen) => stream::iter(chosen.iter().copied()).left_stream(),
            None => stream::iter(0..segment_count(leaves.size())).right_stream(),
        };
        let segments = segments.map(|index| async move {
            match self.judged(look, async || self.check_segment(leaves, index, look).await).await? {
                Ok(len) => {
                    let mut report = look.report.borrow_mut();
                    report.pieces += 1;
                    report.bytes += len;
                    if look.picker.is_none() {
                        look.progress.advance(len);
                    }
                }
                Err(damage) => *wrong_ones.borrow_mut().entry(damage).or_insert(0) += 1,
            }
            Ok::<_, OperationError>(())
        });
        segments.buffer_unordered(IN_FLIGHT).try_collect::<()>().await?;
        Ok(wrong.into_inner())
    }

    /// Fetches and opens one segment; gives its content bytes.
    async fn check_segment(&self, leaves: &Arc<AllLeaves>, index: u64, look: &Look<'_>) -> Result<u64, Fault> {
        let turn = look.requests.acquire().await.map_err(|_| Rejected)?;
        let sealed = self.fetch_segment(&leaves.segment(index).ok_or(Rejected)?).await?;
        let (realm, mut content, leaves) = (*self.realm(), self.buffers().take(), Arc::clone(leaves));
        let opened = work::run(move || {
            let segment = leaves.segment(index).ok_or(Rejected)?;
            open_segment(&segment.source.segment_keys(&realm), &segment.leaf, &sealed, &mut content)?;
            Ok::<_, Rejected>(segment.leaf.plain_len as u64)
        });
        let opened = opened.await;
        drop(turn);
        Ok(opened?)
    }
}

#[cfg(test)]
mod tests {
    use anonicloud_proto::limits::SEGMENT_LEN;

    use super::*;

    #[test]
    fn no_entry_claims_more_segments_than_a_record_holds() {
        let largest = SEGMENTS_MAX * SEGMENT_LEN as u64;
        assert_eq!([0, 1, largest].map(segments_of), [Some(0), Some(1), Some(SEGMENTS_MAX)]);
        assert_eq!([largest + 1, u64::MAX].map(segments_of), [None, None]);
    }
}
