//! Pieces into packs, packs into the journal, then on their way.

use anonicloud_core::content::pack::{AddPieceError, PackBuilder};
use anonicloud_core::content::reference::PieceRef;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_proto::codec::Encode as _;
use bytes::Bytes;

use super::engine::Uploader;
use super::segment::SealedBlob;
use super::staged::StagedPack;
use crate::error::OperationError;
use crate::random::SystemRandom;
use crate::remote::Remote;
use crate::state::{LocalState, StateChange, Table};

impl<R: Remote, S: LocalState> Uploader<'_, R, S> {
    /// Places a sealed piece; begins another pack when this one is full.
    pub(super) async fn place(&mut self, piece: &[u8]) -> Result<PieceRef, OperationError> {
        match self.pack.add(piece) {
            Ok(placed) => Ok(placed),
            Err(AddPieceError::PackFull) => {
                self.flush().await?;
                Ok(self.pack.add(piece).map_err(|_| Rejected)?)
            }
            Err(_) => Err(Rejected.into()),
        }
    }

    /// Finishes the pack, writes it to the journal with the files that wait for it, and sends it.
    pub(super) async fn flush(&mut self) -> Result<(), OperationError> {
        if self.pack.is_empty() {
            return Ok(());
        }
        let mut random = SystemRandom;
        let pack = std::mem::replace(&mut self.pack, PackBuilder::make(&mut random)).finish(&mut random);
        let blob = SealedBlob { blob: pack.blob(), hash: *pack.hash(), bytes: Bytes::copy_from_slice(pack.bytes()) };
        let staged = StagedPack {
            upload: *self.reservation.upload(),
            blob: blob.blob,
            bytes: blob.bytes.clone(),
            files: std::mem::take(&mut self.in_pack),
        };
        let change = StateChange::put(Table::Staged, blob.blob.as_bytes(), staged.to_bytes());
        self.client.state().apply(vec![change]).await?;
        self.staged.push(blob.blob);
        self.launch_pack(blob, 0);
        Ok(())
    }
}
