//! Pieces out of packs, records out of pieces.

use anonicloud_core::content::layout::AllLeaves;
use anonicloud_core::content::record::open_record;
use anonicloud_core::content::reference::{PieceRef, VersionRef};
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_proto::ids::BlobId;
use bytes::Bytes;

use crate::client::Client;
use crate::error::OperationError;
use crate::remote::Remote;
use crate::state::LocalState;

impl<R: Remote, S: LocalState> Client<R, S> {
    /// The stored bytes of a piece: out of a pack that was fetched, or just these bytes.
    pub(crate) async fn fetch_piece(&self, piece: &PieceRef) -> Result<Bytes, OperationError> {
        if let Some(pack) = self.packs().find(&piece.blob) {
            return Ok(cut(&pack, piece)?);
        }
        let (remote, range) = (self.remote(), piece.range());
        let get = async |access: &_| remote.get_blob(access, &piece.blob, Some(range.clone())).await;
        self.door().request(remote, get).await
    }

    /// Fetches a pack of which several pieces are wanted.
    pub(crate) async fn fetch_pack(&self, blob: &BlobId) -> Result<(), OperationError> {
        if self.packs().find(blob).is_some() {
            return Ok(());
        }
        let remote = self.remote();
        let bytes = self.door().request(remote, async |access| remote.get_blob(access, blob, None).await).await?;
        self.packs().keep(*blob, bytes);
        Ok(())
    }

    /// Reads a version's record and all its leaves, checked against its content root.
    pub(crate) async fn read_leaves(&self, version: &VersionRef) -> Result<AllLeaves, OperationError> {
        Ok(self.read_version(version).await?.1)
    }

    /// The blobs of a version's leaf pages, and all its leaves, checked against its content root.
    pub(crate) async fn read_version(&self, version: &VersionRef) -> Result<(Vec<BlobId>, AllLeaves), OperationError> {
        let piece = self.fetch_piece(version.record()).await?;
        let record = open_record(self.realm(), &self.door().space(), version, &piece)?;
        let mut pages = Vec::with_capacity(record.pages().len());
        for (number, page) in record.pages().iter().enumerate() {
            let piece = self.fetch_piece(&page.piece).await?;
            pages.push(record.open_page(number, &piece)?);
        }
        let blobs = record.pages().iter().map(|page| page.piece.blob).collect();
        Ok((blobs, record.verify_pages(pages)?))
    }
}

/// The bytes of a piece in its pack.
pub(super) fn cut(pack: &Bytes, piece: &PieceRef) -> Result<Bytes, Rejected> {
    let range = piece.range();
    let bound = |at: u64| usize::try_from(at).ok().filter(|at| *at <= pack.len());
    match (bound(range.start), bound(range.end)) {
        (Some(start), Some(end)) => Ok(pack.slice(start..end)),
        _ => Err(Rejected),
    }
}
