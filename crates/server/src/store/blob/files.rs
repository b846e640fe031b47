//! Objects as files in 256 folders, named by their ids.
//!
//! A file is written where it stays. Its row in the metadata says whether it counts, so nothing is renamed; a file that
//! no row names is swept at a start a week later.

use core::ops::Range;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use fs_err::{File, OpenOptions};
use futures::stream;
use tokio::task::{JoinHandle, spawn_blocking};

use super::durable::{FolderSync, Lengths};
use super::spill::FileSpill;
use super::write::{FileWriter, Open};
use super::{Answer, BlobError, BlobReader, BlobStore, BlobWriter, Spill};
use crate::clock::{Clock, day_of};
use crate::store::{Day, ObjectId};

/// Bytes of one read.
const READ: u64 = 512 << 10;
/// The folder of what is only kept until it is whole. Its files lose their names as they are made; those that a killed
/// server left are empty.
const SPILLS: &str = "arriving";
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
    lengths: Arc<Lengths>,
    /// One for each of the folders.
    fans: Vec<FolderSync>,
}

impl FileBlobs {
    /// Opens the folder and makes its 256 folders durable.
    pub(crate) fn open(folder: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        fs_err::create_dir_all(folder)?;
        let fans = (0..=u8::MAX).map(|first| format!("{first:02x}"));
        for name in fans.chain([SPILLS.to_owned()]) {
            let inner = folder.join(name);
            if !inner.is_dir() {
                fs_err::create_dir(inner)?;
            }
        }
        for left in fs_err::read_dir(folder.join(SPILLS))? {
            fs_err::remove_file(left?.path())?;
        }
        sync_with_parent(folder)?;
        let shared = Shared {
            folder: folder.to_path_buf(),
            clock,
            hashers: Mutex::default(),
            lengths: Arc::default(),
            fans: (0..=u8::MAX).map(|_| FolderSync::default()).collect(),
        };
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
    fn durable_lens(&self, objects: Vec<ObjectId>) -> Answer<'_, Vec<u64>> {
        self.run(move |shared| {
            let mut fans = BTreeMap::new();
            let mut synced = Vec::new();
            let mut lens = Vec::with_capacity(objects.len());
            for object in objects {
                let file = match open_quietly(&shared.path(object)) {
                    Ok(file) => file,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        lens.push(0);
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                let len = file.metadata()?.len();
                lens.push(len);
                if let Some(unknown) = shared.lengths.unknown(object, len) {
                    file.sync_all()?;
                    fans.insert(first_of(object), object);
                    synced.push(unknown);
                }
            }
            // Once for all objects in a folder, and when all were seen to be there; only then is anything known.
            for object in fans.into_values() {
                shared.sync_folder(object)?;
            }
            for unknown in &synced {
                shared.lengths.keep(unknown);
            }
            Ok(lens)
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
            let mut file = open_quietly(&shared.path(object)).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => BlobError::Missing,
                _ => error.into(),
            })?;
            // Known before a byte goes, so that it is a refusal and no answer that breaks off.
            if file.metadata()?.len() < range.end {
                return Err(BlobError::Missing);
            }
            file.seek(SeekFrom::Start(range.start))?;
            Ok(pieces(file, range.end.saturating_sub(range.start)))
        })
    }

    fn remove(&self, object: ObjectId) -> Answer<'_, ()> {
        self.run(move |shared| {
            drop(shared.take_hasher(object));
            shared.lengths.forget(object);
            match fs_err::remove_file(shared.path(object)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
                _ => Ok(()),
            }
        })
    }

    fn spill(&self) -> Answer<'_, Box<dyn Spill>> {
        self.run(|shared| {
            let spill = FileSpill::make(&shared.folder.join(SPILLS))?;
            Ok(Box::new(spill) as Box<dyn Spill>)
        })
    }

    fn list(&self, first: u8, before: Day) -> Answer<'_, Vec<ObjectId>> {
        self.run(move |shared| {
            let mut objects = Vec::new();
            for entry in fs_err::read_dir(shared.folder.join(format!("{first:02x}")))? {
                let entry = entry?;
                let Some(object) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                    continue;
                };
                if day_of(entry.metadata()?.modified()?) < before {
                    objects.push(object);
                }
            }
            Ok(objects)
        })
    }
}

impl Shared {
    fn path(&self, object: ObjectId) -> PathBuf {
        object_path(&self.folder, object)
    }

    fn fan(&self, object: ObjectId) -> PathBuf {
        self.folder.join(format!("{:02x}", first_of(object)))
    }

    /// Makes the entry of an object in its folder durable.
    pub(super) fn sync_folder(&self, object: ObjectId) -> io::Result<()> {
        // There is one for each first byte.
        self.fans.get(usize::from(first_of(object))).map_or(Ok(()), |fan| fan.sync(&self.fan(object)))
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
        let writing = self.lengths.begin(object);
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
        Ok(Some(Box::new(Open { file, hasher, len: offset, direct: None, _writing: writing })))
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

/// The file of an object in the folder of a store.
pub(super) fn object_path(folder: &Path, object: ObjectId) -> PathBuf {
    folder.join(format!("{:02x}", first_of(object))).join(object.to_string())
}

const fn first_of(object: ObjectId) -> u8 {
    let [first, ..] = *object.as_bytes();
    first
}

/// Opens a file to read without leaving the time of it, where the system allows that: for a file of this user, on a file
/// system that knows it.
pub(super) fn open_quietly(path: &Path) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        use fs_err::os::unix::fs::OpenOptionsExt as _;
        let quiet = rustix::fs::OFlags::NOATIME.bits().cast_signed();
        match OpenOptions::new().read(true).custom_flags(quiet).open(path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            opened => return opened,
        }
    }
    File::open(path)
}

/// Makes a folder's entries durable, and its own in the folder that it is in.
pub(crate) fn sync_with_parent(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(parent)?.sync_all()
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
    use futures::StreamExt as _;

    #[tokio::test]
    async fn files_do_what_every_store_does() {
        let folder = tempfile::tempdir().unwrap();
        conformance::suite(|| FileBlobs::open(folder.path(), Arc::new(SystemClock)).unwrap()).await;
    }

    #[tokio::test]
    async fn so_many_hash_states_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileBlobs::open(folder.path(), Arc::new(SystemClock)).unwrap();
        for number in 0..=HASHERS as u128 {
            store.shared.keep_hasher(ObjectId::from_bytes(number.to_le_bytes()), 0, blake3::Hasher::new());
        }
        assert_eq!(store.shared.hashers.lock().unwrap().len(), HASHERS);
    }

    #[tokio::test]
    async fn reading_leaves_no_time_behind() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileBlobs::open(folder.path(), Arc::new(SystemClock)).unwrap();
        let object = ObjectId::from_bytes([7; 16]);
        let mut writer = store.write(object, 0).await.unwrap().unwrap();
        writer.append(Bytes::from_static(b"abc")).await.unwrap();
        writer.finish().await.unwrap();
        let accessed = || fs_err::metadata(store.shared.path(object)).unwrap().accessed().unwrap();
        let before = accessed();
        let pieces: Vec<_> = store.read(object, 0..3).await.unwrap().collect().await;
        assert_eq!(pieces.len(), 1);
        store.durable_lens(vec![object]).await.unwrap();
        assert_eq!(accessed(), before);
    }
}
