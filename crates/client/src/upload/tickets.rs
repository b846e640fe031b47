//! Upload tickets: what lets a large file go on after a cut, from this device or another (spec: 2-content, "Upload tickets").

use anonicloud_core::content::ticket::{Ticket, TicketOwner};
use anonicloud_core::tree::edit::EditError;
use anonicloud_core::tree::name::{EntryName, RemotePath};
use anonicloud_proto::codec::Writer;
use anonicloud_proto::ids::UploadId;
use bytes::Bytes;

use super::engine::Uploader;
use super::jobs::Job;
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
    /// The ticket of an upload to `path` that was cut: this device's, or else one that the server keeps.
    pub(super) async fn find_ticket(&mut self, path: &RemotePath) -> Result<Option<OpenTicket>, OperationError> {
        if let Some(open) = self.client.local_ticket(path).await? {
            return Ok(Some(open));
        }
        if self.remote_tickets.is_none() {
            self.remote_tickets = Some(self.client.remote_tickets().await?);
        }
        let tickets = self.remote_tickets.get_or_insert_default();
        let found = tickets.iter().position(|open| open.is_for(path));
        Ok(found.map(|at| tickets.swap_remove(at)))
    }
}

impl OpenTicket {
    /// Whether it is a ticket of an upload to `path`.
    fn is_for(&self, path: &RemotePath) -> bool {
        let names = path.names().iter().map(EntryName::as_bytes);
        self.ticket.path.iter().map(Vec::as_slice).eq(names)
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

    /// Keeps a ticket here; durable when this returns. Gives it sealed.
    pub(crate) async fn keep_ticket(&self, path: &RemotePath, open: &OpenTicket) -> Result<Bytes, OperationError> {
        let owner = self.ticket_owner(&open.upload);
        let sealed = open.ticket.seal(self.master(), &owner, &mut SystemRandom);
        let sealed = sealed.map_err(|_| EditError::TooDeep(path.clone()))?;
        let mut row = open.upload.as_bytes().to_vec();
        row.extend_from_slice(&sealed);
        let change = StateChange::put(Table::Tickets, &ticket_key(path), row);
        self.state().apply(vec![change]).await?;
        Ok(Bytes::from(sealed))
    }

    /// Keeps a sealed ticket at the server, for this account's other devices; durable when this returns.
    pub(crate) async fn share_ticket(&self, upload: &UploadId, sealed: Bytes) -> Result<(), OperationError> {
        let remote = self.remote();
        let put = async |access: &_| remote.put_ticket(access, upload, sealed.clone()).await;
        self.door().request(remote, put).await
    }

    /// Ends the uploads of tickets that `job` has left: their files are gone, or were never finished.
    pub(super) async fn drop_tickets(&self, job: &Job) -> Result<(), OperationError> {
        let mut changes = Vec::new();
        for (key, row) in self.state().scan(Table::Tickets).await? {
            let open = self.open_ticket_row(&row)?;
            if job.covers(&open.ticket.path) {
                self.end_upload(&open.upload).await?;
                changes.push(StateChange::delete(Table::Tickets, &key));
            }
        }
        Ok(self.state().apply(changes).await?)
    }

    fn open_ticket_row(&self, row: &[u8]) -> Result<OpenTicket, OperationError> {
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
