//! Small files out of packs that are in memory: a number of them on one thread, from the record to the part.

use std::collections::HashMap;
use std::sync::Arc;

use anonicloud_core::content::record::open_record;
use anonicloud_core::content::reference::PieceRef;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::crypto::segment::{fits_pack, open_segment};
use anonicloud_proto::ids::{BlobId, RealmId, SpaceId};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::file::{Gathered, piece_of};
use super::part::write_whole;
use super::pieces::cut;
use super::plan::FileTask;
use crate::client::Client;
use crate::error::OperationError;
use crate::progress::Progress;
use crate::remote::Remote;
use crate::state::LocalState;
use crate::work;

/// Files that one thread takes at a time.
const GROUP_FILES: usize = 64;
/// Content bytes after which it takes no more.
const GROUP_BYTES: u64 = 4 << 20;
/// Threads that are busy with the files of one pack.
const GROUPS_AT_ONCE: usize = 2;

/// Packs in memory and whose they are.
struct Packs {
    realm: RealmId,
    space: SpaceId,
    by_id: HashMap<BlobId, Bytes>,
}

/// Files that were taken out of packs, and those that are not all there.
#[derive(Default)]
pub(super) struct Unpacked {
    pub(super) gathered: Vec<Gathered>,
    pub(super) left: Vec<FileTask>,
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Makes the parts of those `tasks` that lie in packs which were fetched.
    pub(super) async fn unpack(
        &self,
        tasks: Vec<FileTask>,
        progress: &dyn Progress,
    ) -> Result<Unpacked, OperationError> {
        let packs: HashMap<_, _> = self.packs().all().into_iter().collect();
        let (small, mut left): (Vec<_>, Vec<_>) = tasks.into_iter().partition(|task| {
            task.record_pack().is_some_and(|pack| packs.contains_key(&pack)) && may_be_packed(task.size())
        });
        let packs = Arc::new(Packs { realm: *self.realm(), space: self.door().space(), by_id: packs });
        let groups = stream::iter(groups_of(small)).map(|group| {
            let (packs, mut content) = (Arc::clone(&packs), self.buffers().take());
            work::run(move || packs.unpack(group, &mut content))
        });
        let mut groups = groups.buffer_unordered(GROUPS_AT_ONCE);
        let mut all = Vec::new();
        while let Some(mut unpacked) = groups.try_next().await? {
            progress.advance(unpacked.gathered.iter().map(|file| file.task.size()).sum());
            all.append(&mut unpacked.gathered);
            left.append(&mut unpacked.left);
        }
        Ok(Unpacked { gathered: all, left })
    }
}

fn may_be_packed(size: u64) -> bool {
    usize::try_from(size).is_ok_and(fits_pack)
}

/// `tasks` in their order, so that the files of a folder stay together.
fn groups_of(tasks: Vec<FileTask>) -> Vec<Vec<FileTask>> {
    let mut groups = vec![Vec::new()];
    let mut bytes = 0;
    for task in tasks {
        let full = |group: &Vec<_>| group.len() == GROUP_FILES || bytes >= GROUP_BYTES;
        if groups.last().is_none_or(full) {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += task.size();
        if let Some(group) = groups.last_mut() {
            group.push(task);
        }
    }
    groups
}

impl Packs {
    /// Makes the parts of `tasks`. Blocks; `content` is room to work in.
    fn unpack(&self, tasks: Vec<FileTask>, content: &mut Vec<u8>) -> Result<Unpacked, OperationError> {
        let mut unpacked = Unpacked::default();
        for task in tasks {
            let Some(fetched) = self.open(&task, content)? else {
                unpacked.left.push(task);
                continue;
            };
            let part = task.part();
            let written = write_whole(&part, content, task.entry.attributes);
            written.map_err(|error| OperationError::local(&part, error))?;
            unpacked.gathered.push(Gathered { task, fetched, placed: false });
        }
        Ok(unpacked)
    }

    /// The verified content of a file as the whole of `content`; gives its sealed bytes, or nothing when the packs do not
    /// have all of it.
    fn open(&self, task: &FileTask, content: &mut Vec<u8>) -> Result<Option<u64>, Rejected> {
        let version = task.version().ok_or(Rejected)?;
        let Some(piece) = self.piece(version.record())? else {
            return Ok(None);
        };
        let leaves = open_record(&self.realm, &self.space, version, &piece)?.verify_pages(Vec::new())?;
        if leaves.size() != task.size() {
            return Err(Rejected);
        }
        // What fits a pack is one segment, or none.
        let Some(segment) = leaves.segment(0) else {
            content.clear();
            return Ok(Some(0));
        };
        let Some(sealed) = self.piece(&piece_of(&segment)?)? else {
            return Ok(None);
        };
        open_segment(&segment.source.segment_keys(&self.realm), &segment.leaf, &sealed, content)?;
        Ok(Some(sealed.len() as u64))
    }

    fn piece(&self, piece: &PieceRef) -> Result<Option<Bytes>, Rejected> {
        self.by_id.get(&piece.blob).map(|pack| cut(pack, piece)).transpose()
    }
}
