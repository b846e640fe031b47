//! Small files on their way up: many are prepared together, in one task beside the requests.

use std::rc::Rc;

use anonicloud_core::crypto::segment::{fits_pack, sealed_segment_len};
use anonicloud_proto::limits::PACK_MAX;

use super::engine::{Arrival, Ready, Uploader};
use super::file::FileTask;
use super::packer::{FilledPack, Packed, SmallPacker};
use crate::error::OperationError;
use crate::random::SystemRandom;
use crate::remote::Remote;
use crate::state::LocalState;
use crate::work;

/// Files that are prepared together at most.
const GATHERED_MAX: usize = 1024;
/// Batches under way at once: as many as keep processors, disk and network busy. Each is a pack or two in memory, several times.
const SMALL_IN_FLIGHT: usize = 4;
/// More than the sealed record of a file with one segment, so that a batch fills about one pack.
const RECORD_LEN: usize = 400;

/// Whether a file of `size` bytes is one segment that travels in a pack.
pub(super) fn is_small(size: u64) -> bool {
    usize::try_from(size).is_ok_and(fits_pack)
}

/// Small files that wait to be prepared together.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    tasks: Vec<FileTask>,
    /// Bytes that they take of a pack.
    sealed: usize,
}

impl<R: Remote, S: LocalState> Uploader<'_, R, S> {
    /// Puts a file of `size` bytes, which is small, with others that are prepared together.
    pub(super) async fn gather(&mut self, task: FileTask, size: u64) -> Result<(), OperationError> {
        let sealed = usize::try_from(size).map_or(PACK_MAX, sealed_segment_len).saturating_add(RECORD_LEN);
        if self.gathered.sealed + sealed > PACK_MAX || self.gathered.tasks.len() >= GATHERED_MAX {
            self.launch_gathered().await?;
        }
        self.gathered.sealed += sealed;
        self.gathered.tasks.push(task);
        Ok(())
    }

    /// Sends the files that were gathered on their way.
    pub(super) async fn launch_gathered(&mut self) -> Result<(), OperationError> {
        let Gathered { tasks, .. } = std::mem::take(&mut self.gathered);
        if tasks.is_empty() {
            return Ok(());
        }
        while self.small_in_flight >= SMALL_IN_FLIGHT {
            self.land_one().await?;
        }
        self.make_room().await?;
        let (client, upload) = (self.client, *self.reservation.upload());
        let (realm, space, buffers) = (*client.realm(), client.door().space(), client.buffers().clone());
        let (journal, reservation) = (Rc::clone(&self.journal), Rc::clone(&self.reservation));
        self.small_in_flight += 1;
        self.flights.push(Box::pin(async move {
            let packer = move || SmallPacker::new(realm, space, &buffers).pack(tasks, upload);
            let (changes, packed) = work::run(packer).await?;
            journal.put(changes);
            journal.settle().await?;
            let mut sent = 0;
            for FilledPack { blob, .. } in &packed.packs {
                reservation.add(client.remote(), client.door(), blob.size()).await?;
                sent += reservation.send(client.remote(), client.door(), blob, 0).await?;
            }
            Ok(Arrival::Small { packed, sent })
        }));
        self.land_arrived()
    }

    /// Takes in small files whose packs have arrived.
    pub(super) fn land_small(&mut self, packed: Packed) {
        self.small_in_flight -= 1;
        for FilledPack { blob, files, needs } in packed.packs {
            self.needs.insert(blob.blob, needs);
            self.staged.push(blob.blob);
            self.pack_sizes.insert(blob.blob, blob.size());
            self.adds.push(blob.added());
            self.report.files += files.len() as u64;
            for file in files {
                self.report.bytes += file.size;
                self.progress.advance(file.size);
                self.ready.push(Ready::of(file, &mut SystemRandom));
            }
        }
        self.again.extend(packed.again);
        self.report.skipped.extend(packed.skipped);
    }
}
