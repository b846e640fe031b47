//! One file: opened, given keys, cut in segments; and made an entry when all segments have their place.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use anonicloud_core::content::layout::AllLeaves;
use anonicloud_core::content::reference::{Source, VersionRef};
use anonicloud_core::content::ticket::Ticket;
use anonicloud_core::crypto::segment::{fits_pack, sealed_segment_len};
use anonicloud_proto::api::BlobState;
use anonicloud_proto::ids::BlobId;
use anonicloud_proto::limits::SEGMENT_LEN;

use super::assembly::{Assembly, FileTarget};
use super::content::{LoadError, SegmentContent};
use super::engine::Uploader;
use super::reservation::{Reservation, make_upload_id};
use super::segment::FileKeys;
use super::small::is_small;
use super::tickets::OpenTicket;
use crate::error::OperationError;
use crate::local::scan::{SkipReason, Skipped};
use crate::local::source::{SourceFile, segment_len};
use crate::random::SystemRandom;
use crate::remote::Remote;
use crate::state::LocalState;

/// Times that a file which changes while it is read is read from the start.
pub(super) const ATTEMPTS: u32 = 3;

/// A file to be sent.
#[derive(Debug)]
pub(crate) struct FileTask {
    pub(super) local: PathBuf,
    pub(super) target: FileTarget,
    /// Whether segments of the version before may be kept.
    pub(super) keep: bool,
    /// 1 for the first time.
    pub(super) attempt: u32,
}

impl<R: Remote, S: LocalState> Uploader<'_, R, S> {
    /// Opens the file and sends all of its segments on their way.
    pub(super) async fn begin_file(&mut self, task: FileTask) -> Result<(), OperationError> {
        let file = match SourceFile::open(&task.local) {
            Ok(file) => file,
            Err(error) => {
                self.skip(task.local, SkipReason::of(&error), error.to_string());
                return Ok(());
            }
        };
        let assembly = self.assemble(&file, task).await?;
        let number = self.enter(assembly);
        for index in 0..file.segments() {
            self.make_room().await?;
            self.commit_if_due().await?;
            if !self.files.contains_key(&number) {
                // A segment could not be read: the file was left out.
                return Ok(());
            }
            self.launch(number, index, SegmentContent::InFile(file.clone(), index));
        }
        self.finish_if_complete(number)
    }

    /// Gives an assembly its number.
    pub(super) fn enter(&mut self, assembly: Assembly) -> u64 {
        let number = self.next_file;
        self.next_file += 1;
        self.files.insert(number, assembly);
        number
    }

    async fn assemble(&mut self, file: &SourceFile, task: FileTask) -> Result<Assembly, OperationError> {
        let FileTask { target, keep, attempt, .. } = task;
        let size = file.size();
        let target = FileTarget { attributes: file.attributes(), ..target };
        let packed = is_small(size);
        let (reservation, source, known) = if packed {
            (Rc::clone(&self.reservation), Source::make(&mut SystemRandom), HashMap::new())
        } else {
            self.ticketed(file, &target).await?
        };
        let predecessor = if keep && self.keeps && !packed { self.kept_leaves(&target).await? } else { None };
        let keys = source.segment_keys(self.client.realm());
        let keys = FileKeys { realm: *self.client.realm(), keys, predecessor, known };
        Ok(Assembly {
            target,
            file: Some(file.clone()),
            source,
            keys: Arc::new(keys),
            own_upload: !Rc::ptr_eq(&reservation, &self.reservation),
            reservation,
            size,
            expected: Some(file.segments()),
            slots: Vec::new(),
            awaited: 0,
            adds: Vec::new(),
            attempt,
        })
    }

    /// The key of a large file and what the server has of it: of the upload that was cut, or of a new one.
    async fn ticketed(
        &mut self,
        file: &SourceFile,
        target: &FileTarget,
    ) -> Result<(Rc<Reservation>, Source, HashMap<BlobId, BlobState>), OperationError> {
        let shared = file.size() >= SEGMENT_LEN as u64;
        let committed = target.base.as_ref().map(VersionRef::version);
        let found = self.find_ticket(target, file.size()).await?;
        // A version that is in the tree is never written again: its keys have sealed all they may.
        let (done, found): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|open| committed.is_some_and(|there| open.is_own(&there)));
        for open in done {
            if !self.client.is_of_job(&open.upload).await? {
                self.client.end_upload(&open.upload).await?;
            }
        }
        let (open, known) = if let Some(open) = found.into_iter().next() {
            let known = self.client.upload_blobs(&open.upload).await?;
            (open, known)
        } else {
            (self.make_ticket(file, target, shared), HashMap::new())
        };
        let (change, sealed) = self.client.seal_ticket(&target.path, &open)?;
        let reservation = if open.upload == *self.reservation.upload() {
            self.journal.put(vec![change]);
            Rc::clone(&self.reservation)
        } else {
            // First here: an upload that nobody remembers would keep its room until it expires.
            self.client.state().apply(vec![change]).await?;
            let own = Reservation::new(open.upload);
            let bytes = sealed_total(file.size());
            own.exactly(self.client.remote(), self.client.door(), bytes).await?;
            Rc::new(own)
        };
        if shared {
            self.client.share_ticket(&open.upload, sealed).await?;
        }
        Ok((reservation, open.ticket.source, known))
    }

    fn make_ticket(&self, file: &SourceFile, target: &FileTarget, shared: bool) -> OpenTicket {
        let mut random = SystemRandom;
        let upload = if shared { make_upload_id() } else { *self.reservation.upload() };
        let ticket = Ticket {
            space: self.client.door().space(),
            epoch: self.client.door().keys().epoch(),
            source: Source::make(&mut random),
            base: target.base.as_ref().map(VersionRef::duplicate),
            path: target.path.names().iter().map(|name| name.as_bytes().to_vec()).collect(),
            size: file.size(),
            mtime: file.attributes().mtime,
        };
        OpenTicket { upload, ticket }
    }

    /// The leaves of the version that is replaced, when it has a segment that could be kept.
    async fn kept_leaves(&self, target: &FileTarget) -> Result<Option<AllLeaves>, OperationError> {
        match &target.base {
            None => Ok(None),
            Some(base) => match self.client.read_leaves(base).await {
                Ok(leaves) => Ok(Some(leaves)),
                // Another device removed it meanwhile, and had what it held freed.
                Err(error) if error.is_not_found() => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// Leaves a file out whose segment could not be read.
    pub(super) fn abandon(&mut self, file: u64, error: LoadError) {
        let Some(assembly) = self.files.remove(&file) else {
            return;
        };
        let grown_short = error.error.kind() == std::io::ErrorKind::UnexpectedEof;
        if grown_short && assembly.attempt < ATTEMPTS {
            self.again.push(FileTask {
                local: error.path,
                target: assembly.target,
                keep: true,
                attempt: assembly.attempt + 1,
            });
        } else {
            let reason = if grown_short { SkipReason::Changed } else { SkipReason::of(&error.error) };
            self.skip(error.path, reason, error.error.to_string());
        }
    }

    /// Notes what was left out.
    pub(super) fn skip(&mut self, path: PathBuf, code: SkipReason, message: String) {
        self.report.skipped.push(Skipped { path, code, message });
    }
}

/// Padded bytes of all the blobs that a file of `size` bytes has for itself.
fn sealed_total(size: u64) -> u64 {
    let full = size / SEGMENT_LEN as u64;
    let tail = segment_len(size, full);
    let tail = if tail == 0 || fits_pack(tail) { 0 } else { sealed_segment_len(tail) };
    full * sealed_segment_len(SEGMENT_LEN) as u64 + tail as u64
}
