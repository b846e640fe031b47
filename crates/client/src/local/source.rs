//! A file that is being sent: read by place, so that any part can be read again.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::scan::attributes_of;
use anonicloud_core::tree::node::Attributes;
use anonicloud_proto::limits::SEGMENT_LEN;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use fs_err::{File, OpenOptions};
use rustix::fs::OFlags;

/// An open file and what it was when it was opened.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    file: Arc<File>,
    path: PathBuf,
    size: u64,
    attributes: Attributes,
}

impl SourceFile {
    /// Opens a regular file.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        // What was a file when it was listed may be a link or a pipe by now: neither is followed, nor waited for.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self {
            file: Arc::new(file),
            path: path.to_owned(),
            size: metadata.len(),
            attributes: attributes_of(&metadata),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes when it was opened.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    pub(crate) const fn attributes(&self) -> Attributes {
        self.attributes
    }

    /// Segments of 4 MiB, the last one short.
    pub(crate) const fn segments(&self) -> u64 {
        self.size.div_ceil(SEGMENT_LEN as u64)
    }

    /// Content bytes of segment `index`.
    pub(crate) fn segment_len(&self, index: u64) -> usize {
        segment_len(self.size, index)
    }

    /// The content of segment `index` as the whole of `content`. Blocks.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file became shorter.
    pub(crate) fn read_segment(&self, index: u64, content: &mut Vec<u8>) -> io::Result<()> {
        // A buffer used again is not cleared first: every byte of it is read over.
        content.resize(self.segment_len(index), 0);
        self.file.file().read_exact_at(content, index * SEGMENT_LEN as u64)
    }

    /// Whether size and mtime are still what they were.
    pub(crate) fn is_unchanged(&self) -> io::Result<bool> {
        let metadata = self.file.metadata()?;
        Ok(metadata.len() == self.size && attributes_of(&metadata).mtime == self.attributes.mtime)
    }
}

/// Content bytes of segment `index` of a file of `size` bytes.
pub(crate) fn segment_len(size: u64, index: u64) -> usize {
    let rest = size.saturating_sub(index.saturating_mul(SEGMENT_LEN as u64));
    usize::try_from(rest).map_or(SEGMENT_LEN, |rest| rest.min(SEGMENT_LEN))
}
