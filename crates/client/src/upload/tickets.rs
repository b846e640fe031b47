//! Upload tickets: what lets a large file go on after a cut, from this device or another (spec: 2-content, "Upload tickets").

use anonicloud_core::content::ticket::{Ticket, TicketOwner};
use anonicloud_core::crypto::public::FileVersionId;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::tree::edit::EditError;
use anonicloud_core::tree::name::{EntryName, RemotePath};
use anonicloud_proto::codec::Writer;
use anonicloud_proto::ids::UploadId;
use bytes::Bytes;

use super::assembly::FileTarget;
use super::begun::is_same_content;
use super::engine::Uploader;
use super::jobs::{Job, queued};
use super::staged::encode_path;
use crate::client::Client;
use crate::error::OperationError;
use crate::random::SystemRandom;
use crate::remote::Remote;
use crate::state::{LocalState, StateChange, Table};

/// A ticket and the upload that it belongs to.
#[derive(Debug)]
pub(crate) struct OpenTicket {
    pub(crate) upload: UploadId,
    pub(crate) ticket: Ticket,
}

/// The key of a path's ticket in the local state.
pub(crate) fn ticket_key(path: &RemotePath) -> Vec<u8> {
    let mut out = Writer::default();
    encode_path(path, &mut out);
    out.into_bytes()
}

impl<R: Remote, S: LocalState> Uploader<'_, R, S> {
    /// The ticket of an upload of `target` that was cut: the one that was asked for, this device's, or else one that the
    /// server keeps of the same file of `size` bytes.
    pub(super) async fn find_ticket(
        &mut self,
        target: &FileTarget,
        size: u64,
    ) -> Result<Option<OpenTicket>, OperationError> {
        if let Some(open) = self.adopted.take() {
            return Ok(Some(open));
        }
        if let Some(open) = self.client.local_ticket(&target.path).await? {
            let is_own = open.upload == *self.reservation.upload();
            // Of a file without an upload of its own, which another job began: that job needs its upload for the rest.
            let is_anothers = !is_own && self.client.is_of_job(&open.upload).await?;
            return Ok((!is_anothers).then_some(open));
        }
        if self.remote_tickets.is_none() {
            self.remote_tickets = Some(self.client.remote_tickets().await?);
        }
        let tickets = self.remote_tickets.get_or_insert_default();
        let found = tickets.iter().position(|open| open.is_of(target, size));
        Ok(found.map(|at| tickets.swap_remove(at)))
    }
}

impl OpenTicket {
    /// Where it goes.
    ///
    /// # Errors
    /// [`Rejected`] when it is not a path.
    pub(super) fn path(&self) -> Result<RemotePath, Rejected> {
        let names = self.ticket.path.iter().map(|name| EntryName::new(name).map_err(|_| Rejected));
        Ok(names.collect::<Result<Vec<_>, _>>()?.into())
    }

    /// Whether `version` is what its upload becomes, wherever that was brought since.
    pub(super) fn is_own(&self, version: &FileVersionId) -> bool {
        self.ticket.source.version().is_same_content(version)
    }

    /// Whether it began with the file that `target` is to be, of `size` bytes, over the same version. What another device
    /// began with another file is that device's to finish.
    fn is_of(&self, target: &FileTarget, size: u64) -> bool {
        let (ticket, there) = (&self.ticket, target.base.as_ref());
        let same_file = ticket.size == size && ticket.mtime == target.attributes.mtime;
        let is_done = there.is_some_and(|there| self.is_own(&there.version()));
        let same_base = is_same_content(ticket.base.as_ref(), there) || is_done;
        same_file && same_base && self.path().is_ok_and(|path| path == target.path)
    }
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// The ticket that this device keeps for `path`.
    pub(crate) async fn local_ticket(&self, path: &RemotePath) -> Result<Option<OpenTicket>, OperationError> {
        let Some(row) = self.state().read(Table::Tickets, &ticket_key(path)).await? else {
            return Ok(None);
        };
        self.open_ticket_row(&row).map(Some)
    }

    /// Whether `upload` is what a queued job sends its packs by.
    pub(super) async fn is_of_job(&self, upload: &UploadId) -> Result<bool, OperationError> {
        Ok(queued(self.state()).await?.iter().any(|job| job.upload == *upload))
    }

    /// All tickets of this space that the server keeps, of all devices; those that do not open are not ours.
    pub(crate) async fn remote_tickets(&self) -> Result<Vec<OpenTicket>, OperationError> {
        let remote = self.remote();
        let (space, epoch) = (self.door().space(), self.door().keys().epoch());
        let mut tickets = Vec::new();
        let mut after = None;
        loop {
            let page = async |access: &_| remote.uploads(access, after.as_ref()).await;
            let page = self.door().request(remote, page).await?;
            let last = page.uploads.last().map(|summary| summary.upload);
            for summary in page.uploads {
                let Some(sealed) = summary.ticket else {
                    continue;
                };
                let owner = self.ticket_owner(&summary.upload);
                match Ticket::open(self.master(), &owner, sealed.as_bytes()) {
                    Ok(ticket) if (ticket.space, ticket.epoch) == (space, epoch) => {
                        tickets.push(OpenTicket { upload: summary.upload, ticket });
                    }
                    _ => {}
                }
            }
            // A page that does not get on would never end.
            if !page.more || last <= after {
                return Ok(tickets);
            }
            after = last;
        }
    }

    /// Seals a ticket; gives also the change that keeps it here.
    pub(super) fn seal_ticket(
        &self,
        path: &RemotePath,
        open: &OpenTicket,
    ) -> Result<(StateChange, Bytes), OperationError> {
        let owner = self.ticket_owner(&open.upload);
        let sealed = open.ticket.seal(self.master(), &owner, &mut SystemRandom);
        let sealed = sealed.map_err(|_| EditError::TooDeep(path.clone()))?;
        let mut row = open.upload.as_bytes().to_vec();
        row.extend_from_slice(&sealed);
        Ok((StateChange::put(Table::Tickets, &ticket_key(path), row), Bytes::from(sealed)))
    }

    /// Keeps a sealed ticket at the server, for this account's other devices; durable when this returns.
    pub(crate) async fn share_ticket(&self, upload: &UploadId, sealed: Bytes) -> Result<(), OperationError> {
        let remote = self.remote();
        let put = async |access: &_| remote.put_ticket(access, upload, sealed.clone()).await;
        self.door().request(remote, put).await
    }

    /// Ends the uploads of tickets that `job` has left: their files are gone, or were never finished. Those that `keep` is
    /// true of stay. Gives whether none is left.
    pub(super) async fn drop_tickets(
        &self,
        job: &Job,
        keep: impl Fn(&RemotePath) -> bool,
    ) -> Result<bool, OperationError> {
        let mut changes = Vec::new();
        let mut none_left = true;
        for (path, open) in self.tickets_of(job).await? {
            if keep(&path) {
                none_left = false;
            } else {
                self.end_upload(&open.upload).await?;
                changes.push(StateChange::delete(Table::Tickets, &ticket_key(&path)));
            }
        }
        self.state().apply(changes).await?;
        Ok(none_left)
    }

    /// The tickets of files that `job` sends and that no other queued job is as near to.
    pub(super) async fn tickets_of(&self, job: &Job) -> Result<Vec<(RemotePath, OpenTicket)>, OperationError> {
        let others: Vec<_> =
            queued(self.state()).await?.into_iter().filter(|other| other.upload != job.upload).collect();
        let mut tickets = Vec::new();
        for (_, row) in self.state().scan(Table::Tickets).await? {
            let open = self.open_ticket_row(&row)?;
            let path = open.path()?;
            let depth = job.root_depth(&path);
            if depth.is_some()
                && !job.leaves_out(&path)
                && others.iter().all(|other| other.root_depth(&path) < depth || other.leaves_out(&path))
            {
                tickets.push((path, open));
            }
        }
        Ok(tickets)
    }

    pub(super) fn open_ticket_row(&self, row: &[u8]) -> Result<OpenTicket, OperationError> {
        let corrupt = || OperationError::State(crate::state::StateError::Corrupt);
        let (upload, sealed) = row.split_at_checked(UploadId::LEN).ok_or_else(corrupt)?;
        let upload = UploadId::from_bytes(upload.try_into().map_err(|_| corrupt())?);
        let ticket = Ticket::open(self.master(), &self.ticket_owner(&upload), sealed).map_err(|_| corrupt())?;
        Ok(OpenTicket { upload, ticket })
    }

    fn ticket_owner<'a>(&'a self, upload: &'a UploadId) -> TicketOwner<'a> {
        TicketOwner { realm: self.realm(), account: self.account_id(), upload }
    }
}
