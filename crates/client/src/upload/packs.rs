//! Pieces into packs, packs into the journal, then on their way.

use anonicloud_core::content::pack::{AddPieceError, PackBuilder};
use anonicloud_core::content::reference::PieceRef;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_proto::codec::Encode as _;

use super::engine::{Ready, Uploader};
use super::segment::SealedBlob;
use super::staged::StagedPack;
use crate::random::SystemRandom;
use crate::remote::Remote;
use crate::state::{LocalState, StateChange, Table};

impl<R: Remote, S: LocalState> Uploader<'_, R, S> {
    /// Places a sealed piece; begins another pack when this one is full.
    pub(super) fn place(&mut self, piece: &[u8]) -> Result<PieceRef, Rejected> {
        match self.pack.add(piece) {
            Ok(placed) => Ok(placed),
            Err(AddPieceError::PackFull) => {
                self.flush()?;
                self.pack.add(piece).map_err(|_| Rejected)
            }
            Err(_) => Err(Rejected),
        }
    }

    /// Finishes the pack and sends it, once it is in the journal with the files that wait for it.
    pub(super) fn flush(&mut self) -> Result<(), Rejected> {
        if self.pack.is_empty() {
            return Ok(());
        }
        let mut random = SystemRandom;
        let pack = std::mem::replace(&mut self.pack, PackBuilder::make(&mut random)).finish(&mut random);
        let blob = SealedBlob::from(pack);
        self.pack_sizes.insert(blob.blob, blob.size());
        let (mut files, needs) = (std::mem::take(&mut self.in_pack), std::mem::take(&mut self.in_pack_needs));
        for (file, needs) in files.iter_mut().zip(&needs) {
            file.add_packs(needs, &self.pack_sizes)?;
        }
        // Only now every pack that they refer to has its length.
        self.ready.extend(files.iter().map(|file| Ready::of(file.duplicate(), &mut random)));
        // What came from a stream cannot be compared with its source after a restart, but it is whole.
        let upload = *self.reservation.upload();
        let staged = StagedPack { upload, blob: blob.blob, bytes: blob.bytes.clone(), files };
        self.needs.insert(blob.blob, needs);
        self.journal.put(vec![staged.change()]);
        self.staged.push(blob.blob);
        self.launch_pack(blob, 0);
        Ok(())
    }
}

impl StagedPack {
    /// The change that writes it to the journal.
    pub(super) fn change(&self) -> StateChange {
        StateChange::put(Table::Staged, self.blob.as_bytes(), self.to_bytes())
    }
}
