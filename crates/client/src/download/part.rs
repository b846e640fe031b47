//! The file that content gathers in until it is whole.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anonicloud_core::content::layout::{AllLeaves, PlacedSegment};
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::crypto::segment::{open_segment, segment_hash};
use anonicloud_core::tree::node::Attributes;
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::limits::SEGMENT_LEN;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use fs_err::{File, OpenOptions};
use rustix::fs::OFlags;

use super::direct::DirectFile;
use super::settle::set_attributes;
use crate::error::OperationError;

/// Rights of a part: its owner's alone until the file is whole.
const PART_MODE: u32 = 0o600;
/// Content bytes after which the disk begins to write, so that little is left to wait for at the end.
pub(super) const WRITE_BACK_EVERY: u64 = 64 << 20;

/// Files of this length and more are written past the page cache.
const DIRECT_FROM: u64 = WRITE_BACK_EVERY;

/// An open part and the segments that belong in it.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    /// What an earlier run left of it.
    found_len: u64,
    leaves: AllLeaves,
    /// Locked to write: the system lets one thread at a time write to a file, and those that wait for it keep a processor busy.
    written: Mutex<Written>,
}

struct Written {
    /// For the whole segments of a large file, where the system has it.
    direct: Option<DirectFile>,
    /// Bytes since the disk was last told to write.
    unsynced: u64,
    /// Whether the disk is being waited for.
    syncing: bool,
}

impl Part {
    /// Opens the part at `path` to gather in, or makes it. Blocks.
    pub(super) fn open(path: PathBuf, leaves: AllLeaves) -> Result<Self, OperationError> {
        let opened = open_part(&path, OpenOptions::new().read(true).write(true).truncate(false));
        let opened = opened.and_then(|file| Ok((file.metadata()?.len(), file)));
        let (found_len, file) = opened.map_err(|error| OperationError::local(&path, error))?;
        let direct = if leaves.size() >= DIRECT_FROM { DirectFile::open(&path, &file) } else { None };
        let written = Mutex::new(Written { direct, unsynced: 0, syncing: false });
        Ok(Self { path, file, found_len, leaves, written })
    }

    pub(super) const fn leaves(&self) -> &AllLeaves {
        &self.leaves
    }

    /// Whether an earlier run has left something where segment `index` belongs.
    pub(super) const fn reaches(&self, index: u64) -> bool {
        self.found_len > index * SEGMENT_LEN as u64
    }

    /// Whether an earlier run has written segment `index`. Blocks; `content` is room to work in.
    pub(super) fn holds(&self, realm: &RealmId, index: u64, content: &mut Vec<u8>) -> bool {
        let Some(PlacedSegment { source, leaf, .. }) = self.leaves.segment(index) else {
            return false;
        };
        content.resize(leaf.plain_len, 0);
        let read = self.file.file().read_exact_at(content, index * SEGMENT_LEN as u64);
        read.is_ok() && segment_hash(&source.segment_keys(realm), index, content) == leaf.hash
    }

    /// Opens segment `index` and writes it; gives whether it is time to [`write_back`](Self::write_back). Blocks; `content`
    /// is room to work in.
    ///
    /// # Errors
    /// [`OperationError::Rejected`] when the segment is not the one, [`OperationError::Local`] when the disk fails.
    pub(super) fn write(
        &self,
        realm: &RealmId,
        index: u64,
        sealed: &[u8],
        content: &mut Vec<u8>,
    ) -> Result<bool, OperationError> {
        let segment = self.leaves.segment(index).ok_or(Rejected)?;
        open_segment(&segment.source.segment_keys(realm), &segment.leaf, sealed, content)?;
        let mut written = self.written();
        let wrote = written.write(&self.file, content, index * SEGMENT_LEN as u64);
        wrote.map_err(|error| self.failed(error))?;
        written.unsynced += content.len() as u64;
        let due = written.unsynced >= WRITE_BACK_EVERY && !written.syncing;
        if due {
            (written.unsynced, written.syncing) = (0, true);
        }
        Ok(due)
    }

    /// Waits until what was written is on the disk; other segments may be written meanwhile. Blocks.
    pub(super) fn write_back(&self) -> Result<(), OperationError> {
        let synced = self.file.file().sync_data();
        self.written().syncing = false;
        synced.map_err(|error| self.failed(error))
    }

    /// Once all segments are written: cuts off what an earlier run may have left behind them, gives it its attributes, and
    /// with `durable` waits for the disk. Blocks.
    pub(super) fn finish(&self, attributes: Attributes, durable: bool) -> Result<(), OperationError> {
        let finished = self.file.set_len(self.leaves.size()).and_then(|()| {
            set_attributes(&self.file, attributes)?;
            if durable { self.file.sync_all() } else { Ok(()) }
        });
        finished.map_err(|error| self.failed(error))
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: io::Error) -> OperationError {
        OperationError::local(&self.path, error)
    }
}

impl Written {
    fn write(&mut self, file: &File, content: &[u8], at: u64) -> io::Result<()> {
        if let (Some(direct), Ok(segment)) = (&mut self.direct, content.try_into()) {
            match direct.write(segment, at) {
                Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
                    self.direct = None;
                }
                wrote => return wrote,
            }
        }
        file.file().write_all_at(content, at)
    }
}

/// Makes the part at `path` with all its content and attributes, durable when the file system next is. Blocks.
pub(super) fn write_whole(path: &Path, content: &[u8], attributes: Attributes) -> io::Result<()> {
    // Never emptied: another run may just be giving this part, which has the same content, its name.
    let file = open_part(path, OpenOptions::new().write(true).truncate(false))?;
    file.file().write_all_at(content, 0)?;
    file.set_len(content.len() as u64)?;
    set_attributes(&file, attributes)
}

/// Opens a part or makes it, and opens no file that a link in its place names.
fn open_part(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let no_follow = i32::try_from(OFlags::NOFOLLOW.bits()).map_err(io::Error::other)?;
    let options = options.create(true).mode(PART_MODE).custom_flags(no_follow);
    match options.open(path) {
        // A run that was cut just before the name has given it the rights that the file gets, perhaps to read alone.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs_err::remove_file(path)?;
            options.open(path)
        }
        other => other,
    }
}
