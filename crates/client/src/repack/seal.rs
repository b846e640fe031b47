//! Files whose small pieces are sealed anew, under fresh keys, and laid in packs of their own.
//!
//! Enters: verified leaves and sealed pieces. Leaves: packs, and what names them. Never: content that was not verified, or a
//! record that a reader would refuse.

use anonicloud_core::content::layout::AllLeaves;
use anonicloud_core::content::pack::Pack;
use anonicloud_core::content::record::open_record;
use anonicloud_core::content::reference::VersionRef;
use anonicloud_core::content::write::{FileFacts, RecordBuilder};
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::crypto::segment::{fits_pack, open_segment, seal_segment};
use anonicloud_core::tree::edit::Edit;
use anonicloud_proto::commit::AddedBlob;
use anonicloud_proto::ids::{BlobId, RealmId, SpaceId};
use bytes::Bytes;

use super::step::MovingFile;
use crate::buffers::Buffers;
use crate::random::SystemRandom;
use crate::space::commit::Packer;
use crate::space::reached::Needs;

/// A file with all that it takes to seal it anew.
pub(super) struct OpenedFile {
    pub(super) file: MovingFile,
    /// When its content changed, by its record.
    pub(super) mtime: i64,
    pub(super) leaves: AllLeaves,
    /// The sealed segment that lies in a pack, if one does.
    pub(super) piece: Option<Bytes>,
}

/// A file that was sealed anew.
pub(super) struct SealedFile {
    pub(super) edit: Edit,
    /// The pack of its record, and what that needs.
    pub(super) pack: BlobId,
    pub(super) needs: Needs,
    /// Segments that stay where they are.
    pub(super) kept: Vec<AddedBlob>,
}

/// What a step became.
#[derive(Default)]
pub(super) struct SealedStep {
    pub(super) packs: Vec<Pack>,
    pub(super) files: Vec<SealedFile>,
    /// Files that cannot be sealed anew as they are.
    pub(super) left: u64,
}

/// Seals files anew.
pub(super) struct Sealer {
    pub(super) realm: RealmId,
    pub(super) space: SpaceId,
    pub(super) buffers: Buffers,
}

impl Sealer {
    /// Blocks.
    pub(super) fn seal(&self, files: Vec<OpenedFile>) -> SealedStep {
        let mut packer = Packer::new(SystemRandom);
        let mut step = SealedStep::default();
        for file in files {
            match self.seal_file(file, &mut packer) {
                Ok(file) => step.files.push(file),
                Err(Rejected) => step.left += 1,
            }
        }
        step.packs = packer.finish();
        step
    }

    fn seal_file(&self, opened: OpenedFile, packer: &mut Packer) -> Result<SealedFile, Rejected> {
        let OpenedFile { file: MovingFile { path, size, version: old }, mtime, leaves, piece } = opened;
        let source = old.source().make_moved(&mut SystemRandom);
        let keys = source.segment_keys(&self.realm);
        let facts = FileFacts { size, mtime, predecessor: Some(old.duplicate()) };
        let mut record = RecordBuilder::new(self.realm, self.space, source, facts).map_err(|_| Rejected)?;
        let (mut kept, mut needs) = (Vec::new(), Vec::new());
        for segment in leaves.segments() {
            if !fits_pack(segment.leaf.plain_len) {
                record.push_kept(&leaves).map_err(|_| Rejected)?;
                kept.push(AddedBlob { blob: segment.location.blob, size: segment.location.sealed_len });
                needs.push(segment.location.blob);
                continue;
            }
            let (mut content, mut sealed) = (self.buffers.take(), self.buffers.take());
            let piece = piece.as_ref().ok_or(Rejected)?;
            open_segment(&segment.source.segment_keys(&self.realm), &segment.leaf, piece, &mut content)?;
            let address = seal_segment(&keys, segment.leaf.index, &content, &mut sealed);
            let placed = packer.place(&sealed);
            record.push_sealed(address.hash, placed.blob, placed.offset).map_err(|_| Rejected)?;
            needs.push(placed.blob);
        }
        let pages = record.seal_pages(&mut SystemRandom).map_err(|_| Rejected)?;
        let record = pages.seal_record(&[], &mut SystemRandom).map_err(|_| Rejected)?;
        let piece = record.piece().to_vec();
        let placed = packer.place(&piece);
        let version = record.placed_at(placed).map_err(|_| Rejected)?;
        self.read_back(&version, &piece, &leaves)?;
        let (pack, needs, from) = (version.record().blob, Needs::of(&version, needs), *old.hash());
        Ok(SealedFile { edit: Edit::MoveRecord { path, from, version }, pack, needs, kept })
    }

    /// Reads what was sealed as any reader does: nobody sees what is in the tree now, if this is wrong.
    fn read_back(&self, version: &VersionRef, piece: &[u8], old: &AllLeaves) -> Result<(), Rejected> {
        let new = open_record(&self.realm, &self.space, version, piece)?.verify_pages(Vec::new())?;
        let is_as_before = new.size() == old.size()
            && new.segments().zip(old.segments()).all(|(new, old)| {
                let is_kept = new.location == old.location
                    && new.leaf == old.leaf
                    && new.source.version() == old.source.version();
                is_kept || fits_pack(old.leaf.plain_len)
            });
        if is_as_before { Ok(()) } else { Err(Rejected) }
    }
}
