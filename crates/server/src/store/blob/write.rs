//! Writing one file: bytes are gathered, then hashed and written on a thread while the next ones arrive.

use std::fs::FileTimes;
use std::io::{self, IoSlice, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use fs_err::File;
use tokio::task::{JoinHandle, spawn_blocking};

use super::direct::Direct;
use super::durable::Writing;
use super::files::{Shared, joined};
use super::{Answer, BlobError, BlobWriter, Written};
use crate::clock::midnight;
use crate::store::ObjectId;

/// Bytes that are gathered before they are written.
const GATHER: usize = 1 << 20;
/// Pieces that are gathered before they are written, each of which takes memory however short it is.
const PIECES: usize = 256;

/// A file at its end, with the hash of all before.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) file: File,
    pub(super) hasher: blake3::Hasher,
    pub(super) len: u64,
    /// None as long as little was written, and where the file system has no such thing.
    pub(super) direct: Option<Direct>,
    pub(super) _writing: Writing,
}

/// Writes one object.
#[derive(Debug)]
pub(super) struct FileWriter {
    shared: Arc<Shared>,
    object: ObjectId,
    state: State,
    waiting: Vec<Bytes>,
    waiting_len: usize,
    len: u64,
}

#[derive(Debug)]
enum State {
    Idle(Box<Open>),
    Writing(JoinHandle<Result<Box<Open>, BlobError>>),
    /// A write failed, or the writer was left in the middle of a step.
    Failed,
}

impl FileWriter {
    /// A writer at the end of an open file.
    pub(super) fn new(shared: Arc<Shared>, object: ObjectId, open: Box<Open>) -> Self {
        Self { shared, object, len: open.len, state: State::Idle(open), waiting: Vec::new(), waiting_len: 0 }
    }

    /// Waits for the write under way.
    async fn settle(&mut self) -> Result<Box<Open>, BlobError> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Idle(open) => Ok(open),
            State::Writing(task) => joined(task).await,
            State::Failed => Err(BlobError::Missing),
        }
    }

    async fn submit(&mut self) -> Result<(), BlobError> {
        let open = self.settle().await?;
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_len = 0;
        self.state = State::Writing(spawn_blocking(move || write_past_cache(open, &waiting)));
        Ok(())
    }

    /// All bytes in the file, on a thread where `then` may go on with it.
    async fn end<T: Send + 'static>(
        mut self,
        then: impl FnOnce(Box<Open>, &Shared, ObjectId) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let open = self.settle().await?;
        let task = spawn_blocking(move || {
            let open = write_last(open, &self.waiting)?;
            let day = midnight(self.shared.clock.today());
            let times = FileTimes::new().set_modified(day).set_accessed(day);
            open.file.file().set_times(times)?;
            then(open, &self.shared, self.object)
        });
        joined(task).await
    }
}

impl BlobWriter for FileWriter {
    fn append(&mut self, bytes: Bytes) -> Answer<'_, ()> {
        Box::pin(async move {
            self.len += bytes.len() as u64;
            self.waiting_len += bytes.len();
            self.waiting.push(bytes);
            if self.waiting_len < GATHER && self.waiting.len() < PIECES {
                return Ok(());
            }
            self.submit().await
        })
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn finish(self: Box<Self>) -> Answer<'static, Written> {
        Box::pin(self.end(|open, shared, object| {
            open.file.sync_all()?;
            shared.sync_folder(object)?;
            Ok(Written { len: open.len, hash: *open.hasher.finalize().as_bytes() })
        }))
    }

    fn leave(self: Box<Self>) -> Answer<'static, ()> {
        Box::pin(self.end(|open, shared, object| {
            shared.keep_hasher(object, open.len, open.hasher);
            Ok(())
        }))
    }
}

fn write_past_cache(mut open: Box<Open>, waiting: &[Bytes]) -> Result<Box<Open>, BlobError> {
    // Many short pieces are not many bytes.
    if open.direct.is_none() && waiting.iter().map(Bytes::len).sum::<usize>() >= GATHER {
        open.direct = Direct::begin(&open.file, open.len, GATHER);
    }
    write_out(&mut open, waiting)?;
    Ok(open)
}

fn write_last(mut open: Box<Open>, waiting: &[Bytes]) -> Result<Box<Open>, BlobError> {
    write_out(&mut open, waiting)?;
    if let Some(direct) = open.direct.take() {
        direct.end(&mut open.file)?;
    }
    Ok(open)
}

fn write_out(open: &mut Open, waiting: &[Bytes]) -> Result<(), BlobError> {
    for bytes in waiting {
        open.hasher.update(bytes);
        open.len += bytes.len() as u64;
    }
    match &mut open.direct {
        Some(direct) => direct.write(&mut open.file, waiting)?,
        None => write_cached(&mut open.file, waiting)?,
    }
    Ok(())
}

fn write_cached(file: &mut File, waiting: &[Bytes]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = waiting.iter().map(|bytes| IoSlice::new(bytes)).collect();
    let mut rest = slices.as_mut_slice();
    // Empty slices at the front would read as "nothing could be written".
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match file.write_vectored(rest) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero)),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::files::object_path;
    use super::super::{BlobStore as _, FileBlobs};
    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn so_many_pieces_wait_however_short_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileBlobs::open(folder.path(), Arc::new(SystemClock)).unwrap();
        let object = ObjectId::from_bytes([7; 16]);
        let mut writer = store.write(object, 0).await.unwrap().unwrap();
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(10 * PIECES + 1).collect();
        for byte in &bytes {
            writer.append(Bytes::copy_from_slice(&[*byte])).await.unwrap();
        }
        // All but those that are being written, and those that wait.
        let stored = fs_err::metadata(object_path(folder.path(), object)).unwrap().len();
        assert!(stored >= 9 * PIECES as u64, "{stored}");
        let written = writer.finish().await.unwrap();
        let expected = Written { len: bytes.len() as u64, hash: *blake3::hash(&bytes).as_bytes() };
        assert_eq!(written, expected);
    }
}
