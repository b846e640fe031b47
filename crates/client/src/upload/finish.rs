//! A file whose segments all have their place becomes a record, and an entry that waits for the next commit.

use anonicloud_core::content::layout::AllLeaves;
use anonicloud_core::content::reference::VersionRef;
use anonicloud_core::content::write::{BuildRecordError, FileFacts, RecordBuilder, SealedRecord};
use anonicloud_core::crypto::random::Random;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::tree::edit::{Before, Edit};
use anonicloud_core::tree::node::NodeId;
use anonicloud_proto::commit::AddedBlob;
use anonicloud_proto::ids::BlobId;

use super::assembly::{Assembly, Slot};
use super::engine::{Ready, Uploader};
use super::file::{ATTEMPTS, FileTask};
use super::small::is_small;
use super::staged::StagedFile;
use super::tickets::ticket_key;
use crate::error::OperationError;
use crate::local::scan::SkipReason;
use crate::random::SystemRandom;
use crate::remote::Remote;
use crate::space::reached::Needs;
use crate::state::LocalState;

impl<R: Remote, S: LocalState> Uploader<'_, R, S> {
    /// Makes the file's entry if no segment is missing.
    pub(super) fn finish_if_complete(&mut self, file: u64) -> Result<(), OperationError> {
        if !self.files.get(&file).is_some_and(Assembly::is_complete) {
            return Ok(());
        }
        let Some(assembly) = self.files.remove(&file) else {
            return Ok(());
        };
        if let Some(source) = &assembly.file {
            let unchanged = source.is_unchanged().map_err(|error| OperationError::local(source.path(), error))?;
            if !unchanged {
                let path = source.path().to_owned();
                self.read_again(path, assembly, true);
                return Ok(());
            }
        }
        let (record, pages) = match self.seal_record(&assembly) {
            Ok(sealed) => sealed,
            Err(SealError::NoRoomForKeptKeys) => {
                let path = assembly.file.as_ref().map(|source| source.path().to_owned()).unwrap_or_default();
                self.read_again(path, assembly, false);
                return Ok(());
            }
            Err(SealError::Operation(error)) => return Err(error),
        };
        let placed = self.place(record.piece())?;
        let version = record.placed_at(placed).map_err(|_| Rejected)?;
        self.report.files += 1;
        self.report.bytes += assembly.size;
        let placed = assembly.slots.iter().filter_map(|slot| match slot {
            Slot::Placed(_, blob, _) => Some(*blob),
            Slot::Kept | Slot::Awaited => None,
        });
        let mut adds = assembly.adds;
        let kept: Vec<_> = assembly.keys.predecessor.iter().flat_map(|leaves| kept(&assembly.slots, leaves)).collect();
        let blobs = placed.chain(kept.iter().map(|added| added.blob)).chain(pages);
        self.in_pack_needs.push(Needs::of(&version, blobs.collect()));
        adds.extend(kept);
        let staged = StagedFile {
            path: assembly.target.path,
            size: assembly.size,
            attributes: assembly.target.attributes,
            version,
            base: assembly.target.base,
            adds,
            upload: assembly.own_upload.then(|| *assembly.reservation.upload()),
        };
        self.in_pack.push(staged);
        Ok(())
    }

    fn read_again(&mut self, local: std::path::PathBuf, assembly: Assembly, keep: bool) {
        if assembly.attempt >= ATTEMPTS {
            let message = "it changed each time it was read".to_owned();
            return self.skip(local, SkipReason::Changed, message);
        }
        self.again.push(FileTask { local, target: assembly.target, keep, attempt: assembly.attempt + 1 });
    }

    /// The record, and the packs that its leaf pages lie in.
    fn seal_record(&mut self, assembly: &Assembly) -> Result<(SealedRecord, Vec<BlobId>), SealError> {
        let facts = FileFacts {
            size: assembly.size,
            mtime: assembly.target.attributes.mtime,
            predecessor: assembly.target.base.as_ref().map(VersionRef::duplicate),
        };
        let (realm, space) = (*self.client.realm(), self.client.door().space());
        let mut record = RecordBuilder::new(realm, space, assembly.source.duplicate(), facts)?;
        for slot in &assembly.slots {
            match (slot, &assembly.keys.predecessor) {
                (Slot::Placed(hash, blob, offset), _) => {
                    record.push_sealed(*hash, *blob, *offset)?;
                }
                (Slot::Kept, Some(predecessor)) => record.push_kept(predecessor)?,
                (Slot::Kept | Slot::Awaited, _) => {
                    return Err(OperationError::from(Rejected).into());
                }
            }
        }
        let pages = record.seal_pages(&mut SystemRandom)?;
        let mut placed = Vec::with_capacity(pages.pieces().len());
        for piece in pages.pieces() {
            placed.push(self.place(piece)?);
        }
        let packs = placed.iter().map(|placed| placed.blob).collect();
        Ok((pages.seal_record(&placed, &mut SystemRandom)?, packs))
    }
}

/// The blobs that a new version keeps of its predecessor: the commit adds them again, so that they are there.
fn kept(slots: &[Slot], predecessor: &AllLeaves) -> impl Iterator<Item = AddedBlob> {
    let kept = (0..).zip(slots).filter(|(_, slot)| matches!(slot, Slot::Kept));
    kept.filter_map(|(index, _)| {
        let location = predecessor.segment(index)?.location;
        Some(AddedBlob { blob: location.blob, size: location.sealed_len })
    })
}

impl Ready {
    /// The entry of a file whose record is placed.
    pub(super) fn of(file: StagedFile, random: &mut dyn Random) -> Self {
        Self {
            ticket: (!is_small(file.size)).then(|| ticket_key(&file.path)),
            shown: Some(file.path.to_string()),
            edit: Edit::PutFile {
                path: file.path,
                attributes: file.attributes,
                size: file.size,
                version: file.version,
                id: NodeId::make(random),
                before: file.base.map_or(Before::Nothing, |base| Before::File(base.version())),
            },
            adds: file.adds,
            upload: file.upload,
        }
    }
}

enum SealError {
    /// Seal the kept segments anew.
    NoRoomForKeptKeys,
    Operation(OperationError),
}

impl From<Rejected> for SealError {
    fn from(rejected: Rejected) -> Self {
        Self::Operation(rejected.into())
    }
}

impl From<OperationError> for SealError {
    fn from(error: OperationError) -> Self {
        Self::Operation(error)
    }
}

impl From<BuildRecordError> for SealError {
    fn from(error: BuildRecordError) -> Self {
        match error {
            BuildRecordError::TooManySources { .. } => Self::NoRoomForKeptKeys,
            BuildRecordError::FileTooLarge => Self::Operation(OperationError::FileTooLarge),
            _ => Self::Operation(Rejected.into()),
        }
    }
}
