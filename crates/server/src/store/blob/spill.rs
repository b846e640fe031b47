//! Bytes that wait in a file without a name: whatever happens, nothing of it is left.

use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use fs_err::{File, OpenOptions};
use tokio::task::spawn_blocking;

use super::files::joined;
use super::{Answer, BlobError, Spill};
use crate::random::random;

/// Such a file.
#[derive(Debug)]
pub(super) struct FileSpill(Option<File>);

impl FileSpill {
    /// Makes a file in this folder, which is its owner's.
    pub(super) fn make(folder: &Path) -> io::Result<Self> {
        let path = folder.join(HEXLOWER.encode(&random::<16>()));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        fs_err::remove_file(&path)?;
        Ok(Self(Some(file)))
    }
}

impl Spill for FileSpill {
    fn append(&mut self, bytes: Bytes) -> Answer<'_, ()> {
        Box::pin(async move {
            // Not there after a failure, or when an earlier call was given up.
            let mut file = self.0.take().ok_or(BlobError::Missing)?;
            let task = spawn_blocking(move || {
                file.write_all(&bytes)?;
                Ok(file)
            });
            self.0 = Some(joined(task).await?);
            Ok(())
        })
    }

    fn read(mut self: Box<Self>) -> Answer<'static, Bytes> {
        Box::pin(async move {
            let mut file = self.0.take().ok_or(BlobError::Missing)?;
            let task = spawn_blocking(move || {
                let len = usize::try_from(file.stream_position()?).map_err(io::Error::other)?;
                file.rewind()?;
                let mut bytes = Vec::with_capacity(len);
                file.read_to_end(&mut bytes)?;
                Ok(Bytes::from(bytes))
            });
            joined(task).await
        })
    }
}
