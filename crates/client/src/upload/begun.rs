//! A file that an earlier run began: what it was planned to replace, and whether it was committed after all.

use anonicloud_core::content::record::open_record;
use anonicloud_core::content::reference::VersionRef;
use anonicloud_core::crypto::public::FileVersionId;
use anonicloud_core::crypto::segment::fits_pack;
use anonicloud_core::tree::name::RemotePath;

use super::engine::Uploader;
use super::file::FileTask;
use super::staged::StagedFile;
use super::tickets::{OpenTicket, ticket_key};
use crate::client::Client;
use crate::error::OperationError;
use crate::remote::Remote;
use crate::state::{LocalState, StateChange, Table};

/// Versions that a version is searched for behind another one; who wrote more meanwhile has seen it.
const HISTORY_MAX: usize = 64;

/// What an earlier run began to put at a path.
#[derive(Debug)]
pub(super) struct Begun {
    /// The version that it wrote.
    own: FileVersionId,
    /// The version that it was to replace.
    base: Option<VersionRef>,
    size: u64,
    mtime: i64,
}

/// Where what was begun stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The tree has what it was to replace.
    Waiting,
    /// It is in the tree, or was before another version came on top of it.
    Committed,
    /// The tree has a version that knows nothing of it.
    Overtaken,
}

impl Begun {
    pub(super) fn by_staged(file: &StagedFile) -> Self {
        let base = file.base.as_ref().map(VersionRef::duplicate);
        Self { own: file.version.version(), base, size: file.size, mtime: file.attributes.mtime }
    }

    fn by_ticket(open: OpenTicket) -> Self {
        let ticket = open.ticket;
        Self { own: ticket.source.version(), base: ticket.base, size: ticket.size, mtime: ticket.mtime }
    }
}

/// Whether two entries have one version, wherever its pieces lie, or no file is at both.
pub(super) fn is_same_content(one: Option<&VersionRef>, other: Option<&VersionRef>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.version().is_same_content(&other.version()),
        (None, None) => true,
        _ => false,
    }
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Compares what was begun with the version that the tree has at its path.
    pub(super) async fn standing(&self, begun: &Begun, there: Option<&VersionRef>) -> Result<Standing, OperationError> {
        let base = begun.base.as_ref();
        let mut version = there.map(VersionRef::duplicate);
        if is_same_content(version.as_ref(), base) {
            return Ok(Standing::Waiting);
        }
        for _ in 0..HISTORY_MAX {
            let Some(newer) = version.filter(|version| !is_same_content(Some(version), base)) else {
                break;
            };
            if newer.version().is_same_content(&begun.own) {
                return Ok(Standing::Committed);
            }
            let piece = match self.fetch_piece(newer.record()).await {
                Ok(piece) => piece,
                // A sweep has freed what is this old.
                Err(error) if error.is_not_found() => break,
                Err(error) => return Err(error),
            };
            let record = open_record(self.realm(), &self.door().space(), &newer, &piece)?;
            version = record.predecessor().map(VersionRef::duplicate);
        }
        // A file that was removed meanwhile comes back.
        Ok(if there.is_some() { Standing::Overtaken } else { Standing::Waiting })
    }
}

impl<R: Remote, S: LocalState> Uploader<'_, R, S> {
    /// What is to be done for a file that an earlier run may have begun, `None` for nothing: a version that came to its path
    /// since then was not known to who sent it, and is not to be replaced by it.
    pub(super) async fn go_on_from(&mut self, task: FileTask, size: u64) -> Result<Option<FileTask>, OperationError> {
        let path = &task.target.path;
        let begun = match self.begun.remove(path) {
            Some(begun) => begun,
            None if usize::try_from(size).is_ok_and(fits_pack) => return Ok(Some(task)),
            None => match self.client.local_ticket(path).await? {
                Some(open) => Begun::by_ticket(open),
                None => return Ok(Some(task)),
            },
        };
        match self.client.standing(&begun, task.target.base.as_ref()).await? {
            Standing::Overtaken => {
                let mut task = task;
                task.target.base = begun.base;
                // Its segments may be freed.
                task.keep = false;
                Ok(Some(task))
            }
            Standing::Committed if begun.size == size && begun.mtime == task.target.attributes.mtime => {
                self.report.unchanged += 1;
                self.progress.skip(size);
                Ok(None)
            }
            Standing::Committed => {
                self.forget_ticket(&task.target.path).await?;
                Ok(Some(task))
            }
            Standing::Waiting => Ok(Some(task)),
        }
    }

    /// Forgets the ticket of a version that is committed: its keys have sealed all they may.
    async fn forget_ticket(&self, path: &RemotePath) -> Result<(), OperationError> {
        if let Some(open) = self.client.local_ticket(path).await? {
            if !self.client.is_of_job(&open.upload).await? {
                self.client.end_upload(&open.upload).await?;
            }
            self.client.state().apply(vec![StateChange::delete(Table::Tickets, &ticket_key(path))]).await?;
        }
        Ok(())
    }
}
