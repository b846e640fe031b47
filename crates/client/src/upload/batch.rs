//! Commits of what has arrived, and the tidying up after each.

use std::time::{Duration, Instant};

use anonicloud_core::tree::edit::{Edit, EditError, MissingParents};
use anonicloud_core::tree::name::RemotePath;
use anonicloud_core::tree::node::Attributes;
use anonicloud_proto::commit::AddedBlob;
use anonicloud_proto::ids::UploadId;
use anonicloud_proto::limits::COMMIT_BLOBS_MAX;

use super::engine::{Ready, Uploader};
use super::request::BLOBS_BESIDE;
use crate::error::OperationError;
use crate::local::scan::SkipReason;
use crate::remote::Remote;
use crate::space::reached::remember;
use crate::state::{LocalState, StateChange, Table};

/// A commit comes when this many entries are ready, give or take a batch of small files.
const BATCH_ENTRIES: usize = 4096;
/// Rights of folders that nobody named.
const PARENT_MODE: u16 = 0o755;
/// A commit comes at least this often, when anything is ready.
const BATCH_PAUSE: Duration = Duration::from_secs(2);

impl<R: Remote, S: LocalState> Uploader<'_, R, S> {
    /// Commits when enough is ready.
    pub(super) async fn commit_if_due(&mut self) -> Result<(), OperationError> {
        let late = self.last_commit.elapsed() >= BATCH_PAUSE;
        if late {
            // What was gathered must not wait for a large file that comes after it.
            self.launch_gathered().await?;
        }
        let entries = self.ready.len() + self.in_pack.len();
        if entries >= BATCH_ENTRIES || (late && entries > 0) {
            self.commit().await?;
        } else if late {
            self.last_commit = Instant::now();
        }
        Ok(())
    }

    /// Commits everything that is ready now, or as much as one commit holds; what becomes ready meanwhile waits for the next.
    pub(super) async fn commit(&mut self) -> Result<(), OperationError> {
        self.flush()?;
        // Files that an earlier run left come before their folders, which would then be made with nobody's attributes.
        self.ready.sort_by_key(|ready| !matches!(ready.edit, Edit::MakeDirectory { .. }));
        let batch = self.next_batch();
        let mut staged = std::mem::take(&mut self.staged);
        while self.packs_in_flight > 0 {
            self.land_one().await?;
        }
        // Packs that came on their way meanwhile belong to files that are not in this batch.
        let arrived = std::mem::take(&mut self.adds).into_iter();
        let (packs, later): (Vec<_>, Vec<_>) = arrived.partition(|added| staged.contains(&added.blob));
        self.adds = later;
        let (mut edits, mut after): (Vec<Edit>, Vec<After>) = batch.into_iter().map(Ready::into_parts).unzip();
        let mut refused = Vec::new();
        while !edits.is_empty() {
            match self.commit_batch(&edits, &after, &packs).await {
                Ok(()) => break,
                Err(OperationError::Tree(error)) => {
                    // One entry that the tree refuses must not hold up all the others, now and at every try.
                    let left_out = self.leave_out(error, &mut edits, &mut after)?;
                    refused.extend(left_out);
                }
                Err(error) => return Err(error),
            }
        }
        if edits.is_empty()
            && !refused.is_empty()
            && !(self.files.is_empty() && self.in_pack.is_empty() && self.ready.is_empty())
        {
            // Nothing was committed, and a file that is still under way may have a piece in one of these packs.
            self.adds.extend(packs);
            self.staged.append(&mut staged);
        }
        let mut changes: Vec<_> =
            staged.iter().map(|blob| StateChange::delete(Table::Staged, blob.as_bytes())).collect();
        changes.extend(staged.iter().filter_map(|pack| Some(remember(pack, self.needs.remove(pack)?))));
        for one in &after {
            if let Some(shown) = &one.shown {
                self.progress.file_done(shown);
            }
        }
        for one in after.into_iter().chain(refused) {
            let ended = match &one.upload {
                Some(upload) => self.client.end_upload(upload).await,
                None => Ok(()),
            };
            match ended {
                Ok(()) => changes.extend(one.ticket.map(|key| StateChange::delete(Table::Tickets, &key))),
                // What is committed stands. The ticket stays, so that the upload is ended with the job.
                Err(OperationError::Remote(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.client.state().apply(changes).await?;
        self.last_commit = Instant::now();
        Ok(())
    }

    /// Takes out of what is ready as many entries as one commit has room for, at least one.
    fn next_batch(&mut self) -> Vec<Ready> {
        let mut blobs = 0;
        let fits = |ready: &&Ready| {
            blobs += ready.adds.len();
            blobs <= COMMIT_BLOBS_MAX - BLOBS_BESIDE
        };
        let count = self.ready.iter().take_while(fits).count();
        let rest = self.ready.split_off(count.max(1).min(self.ready.len()));
        std::mem::replace(&mut self.ready, rest)
    }

    async fn commit_batch(
        &mut self,
        edits: &[Edit],
        after: &[After],
        packs: &[AddedBlob],
    ) -> Result<(), OperationError> {
        let shared = after.iter().filter(|one| one.upload.is_none()).flat_map(|one| &one.adds);
        let segments = shared.filter(|added| !self.pack_sizes.contains_key(&added.blob));
        let shared_bytes = total(packs) + segments.map(|added| added.size).sum::<u64>();
        let mut adds = packs.to_vec();
        adds.extend(after.iter().flat_map(|one| &one.adds).copied());
        let parents = MissingParents::Create(Attributes { mtime: self.client.clock().now_ns(), mode: PARENT_MODE });
        let commit = self.client.commit_edits(edits, parents, adds, &self.reservation);
        let committed = commit.await?;
        self.report.bytes_sent += committed.sent;
        self.report.conflicts.extend(committed.conflicts);
        self.reservation.release(shared_bytes);
        Ok(())
    }

    /// Takes the entries that `error` is about out of a batch and notes them as left out.
    ///
    /// # Errors
    /// `error` itself, when it is about none of them or nobody knows which files of this device they are.
    fn leave_out(
        &mut self,
        error: EditError,
        edits: &mut Vec<Edit>,
        after: &mut Vec<After>,
    ) -> Result<Vec<After>, OperationError> {
        let Some((refused, code)) = refused_by(&error) else {
            return Err(error.into());
        };
        let mut left_out = Vec::new();
        for (edit, one) in std::mem::take(edits).into_iter().zip(std::mem::take(after)) {
            let path = path_of(&edit).filter(|path| refused.contains(path));
            let local = path.and_then(|path| self.job?.local_path(path));
            let Some(local) = local else {
                edits.push(edit);
                after.push(one);
                continue;
            };
            self.uncount(&edit);
            self.skip(local, code, error.to_string());
            left_out.push(one);
        }
        if left_out.is_empty() {
            return Err(error.into());
        }
        Ok(left_out)
    }

    /// Takes an entry that was left out off the report.
    fn uncount(&mut self, edit: &Edit) {
        match edit {
            Edit::PutFile { size, .. } => {
                self.report.files -= 1;
                self.report.bytes -= size;
            }
            Edit::MakeDirectory { .. } => self.report.directories -= 1,
            Edit::PutSymlink { .. } => self.report.symlinks -= 1,
            Edit::SetAttributes { .. } => self.report.unchanged -= 1,
            Edit::Remove { .. }
            | Edit::Move { .. }
            | Edit::Copy { .. }
            | Edit::MoveRecord { .. }
            | Edit::Reseal { .. } => {}
        }
    }
}

/// What is to be tidied up of an entry once it is committed or left out.
struct After {
    adds: Vec<AddedBlob>,
    ticket: Option<Vec<u8>>,
    upload: Option<UploadId>,
    shown: Option<String>,
}

impl Ready {
    fn into_parts(self) -> (Edit, After) {
        let after = After { adds: self.adds, ticket: self.ticket, upload: self.upload, shown: self.shown };
        (self.edit, after)
    }
}

/// The path that the tree refuses, and why.
pub(crate) const fn refused_by(error: &EditError) -> Option<(&RemotePath, SkipReason)> {
    match error {
        EditError::NameCollision { path, .. } | EditError::TooDeep(path) | EditError::Unrepresentable(path) => {
            Some((path, SkipReason::NameRefused))
        }
        EditError::IsDirectory(path)
        | EditError::NotDirectory(path)
        | EditError::Exists(path)
        | EditError::NotFound(path) => Some((path, SkipReason::InTheWay)),
        _ => None,
    }
}

/// Where an edit of an upload is.
pub(crate) const fn path_of(edit: &Edit) -> Option<&RemotePath> {
    match edit {
        Edit::PutFile { path, .. }
        | Edit::MakeDirectory { path, .. }
        | Edit::PutSymlink { path, .. }
        | Edit::SetAttributes { path, .. } => Some(path),
        Edit::Remove { .. } | Edit::Move { .. } | Edit::Copy { .. } | Edit::MoveRecord { .. } | Edit::Reseal { .. } => {
            None
        }
    }
}

fn total(adds: &[AddedBlob]) -> u64 {
    adds.iter().map(|added| added.size).sum()
}
