//! A batch of small files: read, sealed and laid in packs of their own, where nothing waits for it.
//!
//! Enters: files that were small when they were listed. Leaves: whole packs with the entries that wait for them. Never: a file
//! that changed while it was read, or is not small any more; it goes the way of larger ones.

use std::collections::HashMap;
use std::io::ErrorKind;

use anonicloud_core::content::pack::{AddPieceError, PackBuilder};
use anonicloud_core::content::reference::{PieceRef, Source, VersionRef};
use anonicloud_core::content::write::{FileFacts, RecordBuilder};
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::crypto::segment::seal_segment;
use anonicloud_proto::ids::{BlobId, RealmId, SpaceId, UploadId};

use super::file::FileTask;
use super::segment::SealedBlob;
use super::small::is_small;
use super::staged::{StagedFile, StagedPack};
use crate::buffers::{Buffer, Buffers};
use crate::local::scan::{SkipReason, Skipped};
use crate::local::source::SourceFile;
use crate::random::SystemRandom;
use crate::space::reached::Needs;
use crate::state::StateChange;

/// What a batch of small files became.
pub(super) struct Packed {
    pub(super) packs: Vec<FilledPack>,
    /// To be read once more, as larger files are.
    pub(super) again: Vec<FileTask>,
    pub(super) skipped: Vec<Skipped>,
}

/// A pack with all of the small files in it.
pub(super) struct FilledPack {
    pub(super) blob: SealedBlob,
    pub(super) files: Vec<StagedFile>,
    /// What their records need.
    pub(super) needs: Vec<Needs>,
}

/// Reads small files and lays them with their records in packs. Blocks.
pub(super) struct SmallPacker {
    realm: RealmId,
    space: SpaceId,
    content: Buffer,
    sealed: Buffer,
    packs: Packs,
    again: Vec<FileTask>,
    skipped: Vec<Skipped>,
}

impl SmallPacker {
    pub(super) fn new(realm: RealmId, space: SpaceId, buffers: &Buffers) -> Self {
        let (content, sealed) = (buffers.take(), buffers.take());
        Self { realm, space, content, sealed, packs: Packs::new(), again: Vec::new(), skipped: Vec::new() }
    }

    /// What became of `tasks`, and what the journal has to know of `upload` before it is sent.
    pub(super) fn pack(
        mut self,
        tasks: Vec<FileTask>,
        upload: UploadId,
    ) -> Result<(Vec<StateChange>, Packed), Rejected> {
        for task in tasks {
            self.take(task)?;
        }
        self.packs.fill()?;
        let Self { packs: Packs { full: mut packs, .. }, again, skipped, .. } = self;
        let mut changes = Vec::with_capacity(packs.len());
        for pack in &mut packs {
            let (blob, bytes) = (pack.blob.blob, pack.blob.bytes.clone());
            let staged = StagedPack { upload, blob, bytes, files: std::mem::take(&mut pack.files) };
            changes.push(staged.change());
            pack.files = staged.files;
        }
        Ok((changes, Packed { packs, again, skipped }))
    }

    fn take(&mut self, task: FileTask) -> Result<(), Rejected> {
        let file = match SourceFile::open(&task.local) {
            Ok(file) if is_small(file.size()) => file,
            Ok(_) => {
                self.again.push(task);
                return Ok(());
            }
            Err(error) => {
                self.skip(task, &error);
                return Ok(());
            }
        };
        match file.read_segment(0, &mut self.content).and_then(|()| file.is_unchanged()) {
            Ok(true) => self.seal(&file, task)?,
            Ok(false) => self.read_again(task),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => self.read_again(task),
            Err(error) => self.skip(task, &error),
        }
        Ok(())
    }

    fn read_again(&mut self, task: FileTask) {
        self.again.push(FileTask { attempt: task.attempt + 1, ..task });
    }

    fn skip(&mut self, task: FileTask, error: &std::io::Error) {
        let (code, message) = (SkipReason::of(error), error.to_string());
        self.skipped.push(Skipped { path: task.local, code, message });
    }

    fn seal(&mut self, file: &SourceFile, task: FileTask) -> Result<(), Rejected> {
        let mut random = SystemRandom;
        let (source, attributes) = (Source::make(&mut random), file.attributes());
        let keys = source.segment_keys(&self.realm);
        let predecessor = task.target.base.as_ref().map(VersionRef::duplicate);
        let facts = FileFacts { size: file.size(), mtime: attributes.mtime, predecessor };
        let record = RecordBuilder::new(self.realm, self.space, source, facts);
        let mut record = record.map_err(|_| Rejected)?;
        let mut needs = Vec::new();
        if !self.content.is_empty() {
            let address = seal_segment(&keys, 0, &self.content, &mut self.sealed);
            let placed = self.packs.place(&self.sealed)?;
            record.push_sealed(address.hash, placed.blob, placed.offset).map_err(|_| Rejected)?;
            needs.push(placed.blob);
        }
        let pages = record.seal_pages(&mut random).map_err(|_| Rejected)?;
        let record = pages.seal_record(&[], &mut random).map_err(|_| Rejected)?;
        let placed = self.packs.place(record.piece())?;
        let version = record.placed_at(placed).map_err(|_| Rejected)?;
        self.packs.needs.push(Needs::of(&version, needs));
        self.packs.files.push(StagedFile {
            path: task.target.path,
            size: file.size(),
            attributes,
            version,
            base: task.target.base,
            adds: Vec::new(),
            upload: None,
        });
        Ok(())
    }
}

/// The packs of a batch, each with the files whose record lies in it.
struct Packs {
    full: Vec<FilledPack>,
    open: PackBuilder,
    files: Vec<StagedFile>,
    needs: Vec<Needs>,
    /// Lengths of the full ones.
    sizes: HashMap<BlobId, u64>,
}

impl Packs {
    fn new() -> Self {
        let open = PackBuilder::make(&mut SystemRandom);
        Self { full: Vec::new(), open, files: Vec::new(), needs: Vec::new(), sizes: HashMap::new() }
    }

    fn place(&mut self, piece: &[u8]) -> Result<PieceRef, Rejected> {
        match self.open.add(piece) {
            Err(AddPieceError::PackFull) => {
                self.fill()?;
                self.open.add(piece).map_err(|_| Rejected)
            }
            placed => placed.map_err(|_| Rejected),
        }
    }

    /// Finishes the open pack, if there is anything in it.
    fn fill(&mut self) -> Result<(), Rejected> {
        if self.open.is_empty() {
            return Ok(());
        }
        let mut random = SystemRandom;
        let pack = std::mem::replace(&mut self.open, PackBuilder::make(&mut random)).finish(&mut random);
        let (mut files, needs) = (std::mem::take(&mut self.files), std::mem::take(&mut self.needs));
        let blob = SealedBlob::from(pack);
        self.sizes.insert(blob.blob, blob.size());
        for (file, needs) in files.iter_mut().zip(&needs) {
            file.add_packs(needs, &self.sizes)?;
        }
        self.full.push(FilledPack { blob, files, needs });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use anonicloud_core::tree::name::RemotePath;
    use anonicloud_core::tree::node::Attributes;

    use super::*;
    use crate::upload::assembly::FileTarget;

    const UPLOAD: UploadId = UploadId::from_bytes([3; UploadId::LEN]);

    fn task(folder: &Path, name: &str) -> FileTask {
        let path = RemotePath::parse(format!("/{name}").as_bytes()).unwrap();
        let target = FileTarget { path, attributes: Attributes { mtime: 0, mode: 0 }, base: None };
        FileTask { local: folder.join(name), target, keep: true, attempt: 1 }
    }

    fn pack(folder: &Path, names: &[&str]) -> (Vec<StateChange>, Packed) {
        let realm = RealmId::from_bytes([1; RealmId::LEN]);
        let packer = SmallPacker::new(realm, SpaceId::from_bytes([2; SpaceId::LEN]), &Buffers::default());
        packer.pack(names.iter().map(|name| task(folder, name)).collect(), UPLOAD).unwrap()
    }

    fn names(files: &[StagedFile]) -> Vec<String> {
        files.iter().map(|file| file.path.to_string()).collect()
    }

    #[test]
    fn what_is_gone_is_left_out_and_what_grew_goes_another_way() {
        let folder = tempfile::tempdir().unwrap();
        for (name, size) in [("a", 10), ("grown", 2 << 20), ("none", 0), ("z", 5000)] {
            fs_err::write(folder.path().join(name), vec![7; size]).unwrap();
        }
        let (changes, packed) = pack(folder.path(), &["a", "gone", "grown", "none", "z"]);
        assert_eq!((changes.len(), packed.packs.len()), (1, 1));
        assert_eq!(names(&packed.packs[0].files), ["/a", "/none", "/z"]);
        assert!(
            packed.packs[0].files.iter().all(|file| file.attributes.mtime > 0),
            "they are of the file that was read"
        );
        let again: Vec<_> = packed.again.iter().map(|task| (task.target.path.to_string(), task.attempt)).collect();
        assert_eq!(again, [("/grown".to_owned(), 1)]);
        let skipped: Vec<_> = packed.skipped.iter().map(|skipped| skipped.code).collect();
        assert_eq!(skipped, [SkipReason::Vanished]);
    }

    #[test]
    fn each_file_waits_for_the_pack_that_its_record_lies_in() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["1", "2", "3", "4", "5", "6"];
        for name in files {
            fs_err::write(folder.path().join(name), vec![7; 1_000_000]).unwrap();
        }
        let (changes, packed) = pack(folder.path(), &files);
        assert_eq!((changes.len(), packed.packs.len()), (2, 2), "the journal has both");
        for pack in &packed.packs {
            assert!(pack.files.iter().all(|file| file.version.record().blob == pack.blob.blob));
        }
        let packed: Vec<_> = packed.packs.iter().flat_map(|pack| names(&pack.files)).collect();
        assert_eq!(packed, ["/1", "/2", "/3", "/4", "/5", "/6"]);
    }

    #[test]
    fn nothing_to_pack_makes_no_pack() {
        let folder = tempfile::tempdir().unwrap();
        let (changes, packed) = pack(folder.path(), &["gone"]);
        assert!(changes.is_empty() && packed.packs.is_empty());
    }
}
