//! Going on with an upload that another device began, from a copy of the file.

use std::cmp::Ordering;
use std::path::Path;

use anonicloud_core::content::reference::VersionRef;
use anonicloud_core::crypto::segment::address_segment;
use anonicloud_core::tree::edit::EditError;
use anonicloud_core::tree::node::EntryContent;

use super::assembly::FileTarget;
use super::begun::is_same_content;
use super::engine::Uploader;
use super::file::FileTask;
use super::request::AdoptReport;
use super::reservation::make_upload_id;
use super::tickets::OpenTicket;
use crate::client::Client;
use crate::error::OperationError;
use crate::local::source::SourceFile;
use crate::progress::Progress;
use crate::remote::Remote;
use crate::state::LocalState;
use crate::work;

/// An upload that has content of the file.
struct Candidate {
    open: OpenTicket,
    /// Segments that the server has of it.
    known: usize,
    /// Those among them that the file has at the same place.
    shared: usize,
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Goes on with an upload that another device began, from this device's copy of the file: the ticket is found by the
    /// content that the server already has.
    ///
    /// # Errors
    /// [`OperationError::NothingToResume`] when the file has less than half of what the server has of every upload,
    /// [`OperationError::SeveralToResume`] when it is not clear which upload it is.
    pub async fn resume_from(&self, file: &Path, progress: &dyn Progress) -> Result<AdoptReport, OperationError> {
        let _lock = self.lock_transfers()?;
        self.refuse_halted().await?;
        self.sync().await?;
        self.refuse_lost_links(&self.known_head()?).await?;
        let source = SourceFile::open(file).map_err(|error| OperationError::local(file, error))?;
        let mut candidates = Vec::new();
        for open in self.remote_tickets().await? {
            candidates.extend(self.candidate(open, &source).await?);
        }
        let open = choose(candidates, &source)?;
        self.finish_ticket(open, &source, progress).await
    }

    /// Compares the file with what the server has of an upload; `None` when it is another file.
    async fn candidate(&self, open: OpenTicket, source: &SourceFile) -> Result<Option<Candidate>, OperationError> {
        let blobs = self.upload_blobs(&open.upload).await?;
        let known = blobs.len();
        let keys = open.ticket.source.segment_keys(self.realm());
        let file = source.clone();
        let mut content = self.buffers().take();
        let shared = work::run(move || {
            let mut shared = 0;
            for index in 0..file.segments() {
                file.read_segment(index, &mut content)?;
                shared += usize::from(blobs.contains_key(&address_segment(&keys, index, &content).blob));
            }
            Ok(shared)
        });
        let shared: usize =
            shared.await.map_err(|error: std::io::Error| OperationError::local(source.path(), error))?;
        Ok((shared > 0 && shared * 2 >= known).then_some(Candidate { open, known, shared }))
    }

    async fn finish_ticket(
        &self,
        open: OpenTicket,
        source: &SourceFile,
        progress: &dyn Progress,
    ) -> Result<AdoptReport, OperationError> {
        let path = open.path()?;
        let there = self.entry_at(&path).await?;
        let there = match there.as_deref().map(|entry| &entry.content) {
            Some(EntryContent::File { version, .. }) => Some(version),
            Some(_) => return Err(EditError::IsDirectory(path).into()),
            None => None,
        };
        // Committed already: what the file has more than that is a version on top of it.
        let is_done = there.is_some_and(|there| open.is_own(&there.version()));
        // Of one that is not in the tree any more, nothing is there for sure.
        let keep = is_done || is_same_content(open.ticket.base.as_ref(), there);
        let base = if keep { there } else { open.ticket.base.as_ref() };
        let base = base.map(VersionRef::duplicate);
        progress.plan(1, source.size());
        let mut uploader = Uploader::new(self, make_upload_id(), progress);
        let upload = *uploader.reservation.upload();
        uploader.adopted = Some(open);
        let target = FileTarget { path: path.clone(), attributes: source.attributes(), base };
        let task = FileTask { local: source.path().to_owned(), target, keep, attempt: 1 };
        uploader.begin_file(task).await?;
        uploader.finish().await?;
        let report = std::mem::take(&mut uploader.report);
        self.tidy_upload(&upload).await?;
        let copy = report.conflicts.iter().find(|conflict| conflict.path == path);
        Ok(AdoptReport { path: copy.map_or(path, |conflict| conflict.copy.clone()), report })
    }
}

/// The upload that the file is of: of those of its size, or else of any, the one that it shares most with.
fn choose(candidates: Vec<Candidate>, source: &SourceFile) -> Result<OpenTicket, OperationError> {
    let (same, other): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|candidate| candidate.open.ticket.size == source.size());
    let mut candidates = if same.is_empty() { other } else { same };
    candidates.sort_by_key(|candidate| candidate.shared);
    let best = candidates.pop().ok_or_else(|| OperationError::NothingToResume(source.path().to_owned()))?;
    // Of two uploads that have nothing but what the file has, one may be of a copy of it, or of a file that begins like it.
    let is_clear = |other: &Candidate| match (best.shared * other.known).cmp(&(other.shared * best.known)) {
        Ordering::Greater => true,
        Ordering::Equal => other.shared * 2 < best.shared,
        Ordering::Less => false,
    };
    if candidates.iter().all(is_clear) {
        Ok(best.open)
    } else {
        Err(OperationError::SeveralToResume(source.path().to_owned()))
    }
}
