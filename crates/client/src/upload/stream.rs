//! A file from a stream whose length nobody knows: sent as it comes.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use anonicloud_core::content::reference::{Source, VersionRef};
use anonicloud_core::tree::edit::EditError;
use anonicloud_core::tree::name::RemotePath;
use anonicloud_core::tree::node::{Attributes, EntryContent};
use anonicloud_proto::limits::SEGMENT_LEN;
use tokio::io::AsyncRead;

use super::assembly::{Assembly, FileTarget};
use super::content::{SegmentContent, next_segment};
use super::engine::Uploader;
use super::file::ATTEMPTS;
use super::jobs::{Job, done, queue};
use super::request::{FILE_MAX, PutReport};
use super::reservation::make_upload_id;
use super::segment::FileKeys;
use crate::client::Client;
use crate::error::OperationError;
use crate::local::filter::Filter;
use crate::progress::Progress;
use crate::random::SystemRandom;
use crate::remote::Remote;
use crate::state::{LocalState, StateChange, Table};

/// Rights of a file that had none.
const MODE: u16 = 0o600;

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Sends all of `input` as the file `path`. A cut stream cannot be read again, so it is whole or it is not there.
    pub(super) async fn put_stream(
        &self,
        input: &mut (impl AsyncRead + Unpin),
        path: RemotePath,
        progress: &dyn Progress,
        report: &mut PutReport,
    ) -> Result<(), OperationError> {
        let base = self.replaced_by_stream(&path).await?;
        // Noted before its first blob: what a cut stream leaves at the server takes room until somebody drops it.
        let job = Job { upload: make_upload_id(), sources: Vec::new(), filter: Filter::everything() };
        queue(self.state(), &job).await?;
        let target = FileTarget { path, attributes: Attributes { mtime: self.clock().now_ns(), mode: MODE }, base };
        let mut uploader = Uploader::new(self, job.upload, progress);
        let sent = match uploader.send_stream(input, target).await {
            Ok(()) => uploader.finish().await,
            Err(error) => Err(error),
        };
        let done_report = std::mem::take(&mut uploader.report);
        drop(uploader);
        // The next command drops what this one cannot.
        match self.drop_stream(&job).await {
            Err(OperationError::Remote(_)) => {}
            other => other?,
        }
        sent?;
        report.files += done_report.files;
        report.bytes += done_report.bytes;
        report.bytes_sent += done_report.bytes_sent;
        report.conflicts.extend(done_report.conflicts);
        Ok(())
    }

    /// The version at `path` that a stream replaces; none where nothing is.
    pub(crate) async fn replaced_by_stream(&self, path: &RemotePath) -> Result<Option<VersionRef>, OperationError> {
        match self.entry_at(path).await?.as_deref().map(|entry| &entry.content) {
            None if path.is_root() => Err(EditError::IsDirectory(path.clone()).into()),
            None => Ok(None),
            Some(EntryContent::File { version, .. }) => Ok(Some(version.duplicate())),
            Some(_) => Err(EditError::IsDirectory(path.clone()).into()),
        }
    }

    /// Ends a stream's upload and forgets it, with its packs.
    async fn drop_stream(&self, job: &Job) -> Result<(), OperationError> {
        self.end_upload(&job.upload).await?;
        let packs = self.staged_packs(&job.upload).await?;
        let packs = packs.iter().map(|pack| StateChange::delete(Table::Staged, pack.blob.as_bytes()));
        Ok(self.state().apply(packs.chain([done(job)]).collect()).await?)
    }
}

impl<R: Remote, S: LocalState> Uploader<'_, R, S> {
    async fn send_stream(
        &mut self,
        input: &mut (impl AsyncRead + Unpin),
        target: FileTarget,
    ) -> Result<(), OperationError> {
        let source = Source::make(&mut SystemRandom);
        let realm = *self.client.realm();
        let keys = FileKeys { realm, keys: source.segment_keys(&realm), predecessor: None, known: HashMap::new() };
        let number = self.enter(Assembly {
            target,
            file: None,
            source,
            keys: Arc::new(keys),
            reservation: Rc::clone(&self.reservation),
            own_upload: false,
            size: 0,
            expected: None,
            slots: Vec::new(),
            awaited: 0,
            adds: Vec::new(),
            attempt: ATTEMPTS,
        });
        for index in 0.. {
            let content = next_segment(input, self.client.buffers()).await?;
            let len = content.len();
            if index * SEGMENT_LEN as u64 + len as u64 > FILE_MAX {
                return Err(OperationError::FileTooLarge);
            }
            if len > 0 {
                self.make_room().await?;
                self.launch(number, index, SegmentContent::Read(content));
            }
            let Some(assembly) = self.files.get_mut(&number) else {
                break;
            };
            assembly.size += len as u64;
            if len < SEGMENT_LEN {
                assembly.expected = Some(assembly.slots.len() as u64);
                break;
            }
        }
        self.finish_if_complete(number)
    }
}
