//! Objects as files in 256 folders, named by their ids.
//!
//! A file is written where it stays. Its row in the metadata says whether it counts, so nothing is renamed; a file that
//! no row names is swept at the next start.

use core::ops::Range;
use std::collections::HashMap;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use fs_err::{File, OpenOptions};
use futures::stream;
use tokio::task::{JoinHandle, spawn_blocking};

use super::write::{FileWriter, Open};
use super::{Answer, BlobError, BlobReader, BlobStore, BlobWriter};
use crate::clock::Clock;
use crate::store::ObjectId;

/// Bytes of one read.
const READ: u64 = 512 << 10;
/// Half-written objects whose hash state is kept in memory (2 KiB each).
const HASHERS: usize = 1024;

/// The store over a folder.
#[derive(Debug, Clone)]
pub(crate) struct FileBlobs {
    shared: Arc<Shared>,
}

/// What the store and its writers share.
#[derive(Debug)]
pub(super) struct Shared {
    folder: PathBuf,
    pub(super) clock: Arc<dyn Clock>,
    /// Hash states of half-written objects, with the bytes they cover; without one the file is read again.
    hashers: Mutex<HashMap<ObjectId, (u64, blake3::Hasher)>>,
}

impl FileBlobs {
    /// Opens the folder and makes its 256 folders durable.
    pub(crate) fn open(folder: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        fs_err::create_dir_all(folder)?;
        for first in 0..=u8::MAX {
            let fan = folder.join(format!("{first:02x}"));
            if !fan.is_dir() {
                fs_err::create_dir(fan)?;
            }
        }
        File::open(folder)?.sync_all()?;
        let shared = Shared { folder: folder.to_path_buf(), clock, hashers: Mutex::default() };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Runs file operations on a thread that may wait for the disk.
    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Shared>) -> Result<T, BlobError> + Send + 'static,
    ) -> Answer<'static, T> {
        let shared = Arc::clone(&self.shared);
        let task = spawn_blocking(move || work(&shared));
        Box::pin(joined(task))
    }
}

impl BlobStore for FileBlobs {
    fn durable_len(&self, object: ObjectId) -> Answer<'_, u64> {
        self.run(move |shared| {
            let file = match File::open(shared.path(object)) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
                Err(error) => return Err(error.into()),
            };
            let len = file.metadata()?.len();
            file.sync_all()?;
            shared.sync_folder(object)?;
            Ok(len)
        })
    }

    fn write(&self, object: ObjectId, offset: u64) -> Answer<'_, Option<Box<dyn BlobWriter>>> {
        self.run(move |shared| {
            let opened = shared.open_for_writing(object, offset)?;
            Ok(opened
                .map(|open| -> Box<dyn BlobWriter> { Box::new(FileWriter::new(Arc::clone(shared), object, open)) }))
        })
    }

    fn read(&self, object: ObjectId, range: Range<u64>) -> Answer<'_, BlobReader> {
        self.run(move |shared| {
            let mut file = File::open(shared.path(object)).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => BlobError::Missing,
                _ => error.into(),
            })?;
            file.seek(SeekFrom::Start(range.start))?;
            Ok(pieces(file, range.end.saturating_sub(range.start)))
        })
    }

    fn remove(&self, object: ObjectId) -> Answer<'_, ()> {
        self.run(move |shared| {
            drop(shared.take_hasher(object));
            match fs_err::remove_file(shared.path(object)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
                _ => Ok(()),
            }
        })
    }

    fn list(&self, first: u8) -> Answer<'_, Vec<ObjectId>> {
        self.run(move |shared| {
            let mut objects = Vec::new();
            for entry in fs_err::read_dir(shared.folder.join(format!("{first:02x}")))? {
                if let Some(object) = entry?.file_name().to_str().and_then(|n| n.parse().ok()) {
                    objects.push(object);
                }
            }
            Ok(objects)
        })
    }
}

impl Shared {
    fn path(&self, object: ObjectId) -> PathBuf {
        self.fan(object).join(object.to_string())
    }

    fn fan(&self, object: ObjectId) -> PathBuf {
        let [first, ..] = object.as_bytes();
        self.folder.join(format!("{first:02x}"))
    }

    /// Makes the entry of an object in its folder durable.
    pub(super) fn sync_folder(&self, object: ObjectId) -> Result<(), BlobError> {
        File::open(self.fan(object))?.sync_all()?;
        Ok(())
    }

    /// Keeps the hash state of a half-written object, if there is room.
    pub(super) fn keep_hasher(&self, object: ObjectId, len: u64, hasher: blake3::Hasher) {
        let mut hashers = self.hashers.lock().unwrap_or_else(PoisonError::into_inner);
        if hashers.len() < HASHERS {
            hashers.insert(object, (len, hasher));
        }
    }

    fn take_hasher(&self, object: ObjectId) -> Option<(u64, blake3::Hasher)> {
        let mut hashers = self.hashers.lock().unwrap_or_else(PoisonError::into_inner);
        hashers.remove(&object)
    }

    fn open_for_writing(&self, object: ObjectId, offset: u64) -> Result<Option<Box<Open>>, BlobError> {
        let opened =
            OpenOptions::new().read(true).write(true).create(offset == 0).truncate(false).open(self.path(object));
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let stored = file.metadata()?.len();
        if offset > stored {
            return Ok(None);
        }
        if offset < stored {
            file.set_len(offset)?;
        }
        let hasher = match self.take_hasher(object) {
            Some((len, hasher)) if len == offset => hasher,
            _ => {
                let mut hasher = blake3::Hasher::new();
                hasher.update_reader(&mut file)?;
                hasher
            }
        };
        file.seek(SeekFrom::Start(offset))?;
        Ok(Some(Box::new(Open { file, hasher, len: offset })))
    }
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(error),
            _ => Self::Engine(error),
        }
    }
}

/// The result of work on a thread.
pub(super) async fn joined<T>(task: JoinHandle<Result<T, BlobError>>) -> Result<T, BlobError> {
    let result = task.await;
    result.map_err(|error| BlobError::Engine(io::Error::other(error)))?
}

/// Reads `left` bytes piece by piece, each when it is asked for: what waits to be sent is in memory once.
fn pieces(file: File, left: u64) -> BlobReader {
    Box::pin(stream::try_unfold((file, left), |(file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        joined(spawn_blocking(move || read_piece(file, left))).await.map(Some)
    }))
}

fn read_piece(mut file: File, left: u64) -> Result<(Bytes, (File, u64)), BlobError> {
    let want = left.min(READ);
    let mut piece = Vec::with_capacity(usize::try_from(want).unwrap_or_default());
    let read = file.by_ref().take(want).read_to_end(&mut piece)?;
    if read as u64 != want {
        return Err(BlobError::Missing);
    }
    Ok((Bytes::from(piece), (file, left - want)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::store::blob::conformance;

    #[tokio::test]
    async fn files_do_what_every_store_does() {
        let folder = tempfile::tempdir().unwrap();
        conformance::suite(|| FileBlobs::open(folder.path(), Arc::new(SystemClock)).unwrap()).await;
    }
}
