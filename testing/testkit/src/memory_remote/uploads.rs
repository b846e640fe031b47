//! Uploads: reservations, tickets, what has arrived.

use std::ops::Bound;

use anonicloud_client::clock::Clock as _;
use anonicloud_proto::api::{
    Base64, BlobState, ErrorCode, OpenUpload, UploadAnswer, UploadState, UploadSummary, UploadsAnswer,
};
use anonicloud_proto::capability::Right;
use anonicloud_proto::ids::{BlobId, SpaceId, UploadId};
use anonicloud_proto::limits::{TICKET_MAX, UPLOAD_IDLE_DAYS, UPLOAD_PAGE_BLOBS, UPLOADS_PAGE, UPLOADS_PER_SPACE};
use bytes::Bytes;

use super::spaces::{Access, Space};
use super::{Answer, Server};

/// The rights that let a session upload, each by itself.
pub(super) const UPLOADERS: &[Right] = &[Right::Append, Right::Write];
/// Bytes over an account's quota for commits and for uploads of few bytes, so that things can be removed at a full quota.
pub(super) const SPARE: u64 = 16 << 20;
/// The same for sessions with the right to manage.
pub(super) const REMOVAL_SPARE: u64 = 2 * SPARE;
/// An upload of at most this many bytes may go over the quota.
const SMALL_UPLOAD: u64 = 256 << 10;
/// Bytes of all tickets of a space.
const TICKETS: usize = 4 << 20;

/// An open upload.
pub(super) struct Upload {
    pub(super) reserved: u64,
    /// Of these, taken by blobs that were begun.
    pub(super) charged: u64,
    ticket: Option<Bytes>,
    active_day: u32,
}

impl Upload {
    /// Bytes for blobs that are not begun.
    pub(super) const fn free(&self) -> u64 {
        self.reserved - self.charged
    }
}

impl Server {
    /// An upload of the session's space, in use today.
    pub(super) fn touch(&mut self, access: &Access, upload: UploadId) -> Answer<&mut Space> {
        let today = self.clock.today();
        let space = self.space(access)?;
        space.uploads.get_mut(&upload).ok_or(ErrorCode::NotFound)?.active_day = today;
        Ok(space)
    }

    pub(super) fn open_upload(&mut self, access: &Access, open: &OpenUpload) -> Answer<UploadAnswer> {
        access.may(UPLOADERS)?;
        let today = self.clock.today();
        let space = self.spaces.get_mut(&access.space).ok_or(ErrorCode::NotFound)?;
        if !space.uploads.contains_key(&open.upload) && space.uploads.len() >= UPLOADS_PER_SPACE {
            return Err(ErrorCode::TooManyRequests);
        }
        let before = space.uploads.get(&open.upload).map_or(0, |upload| upload.reserved);
        let reserved = before.max(open.bytes);
        let spare = match access.may(&[Right::Admin]) {
            _ if open.bytes > SMALL_UPLOAD => 0,
            Ok(()) => REMOVAL_SPARE,
            Err(_) => SPARE,
        };
        let account = self.accounts.get_mut(&space.owner).ok_or(ErrorCode::Internal)?;
        if reserved > before {
            if !account.has_room(reserved - before, spare) {
                return Err(ErrorCode::QuotaExceeded);
            }
            account.reserved += reserved - before;
        }
        let new = Upload { reserved, charged: 0, ticket: None, active_day: today };
        let upload = space.uploads.entry(open.upload).or_insert(new);
        (upload.reserved, upload.active_day) = (reserved, today);
        Ok(UploadAnswer { upload: open.upload, reserved, idle_days: UPLOAD_IDLE_DAYS })
    }

    pub(super) fn uploads(&mut self, access: &Access, after: Option<&UploadId>) -> Answer<UploadsAnswer> {
        access.may(&[Right::Write])?;
        let from = after.map_or(Bound::Unbounded, |after| Bound::Excluded(*after));
        let mut behind = self.space(access)?.uploads.range((from, Bound::Unbounded));
        let summary = |(id, upload): (&UploadId, &Upload)| UploadSummary {
            upload: *id,
            ticket: upload.ticket.as_ref().map(|ticket| Base64::new(ticket.to_vec())),
        };
        let uploads = behind.by_ref().take(UPLOADS_PAGE).map(summary).collect();
        Ok(UploadsAnswer { uploads, more: behind.next().is_some() })
    }

    pub(super) fn upload_state(
        &mut self,
        access: &Access,
        id: UploadId,
        after: Option<&BlobId>,
    ) -> Answer<UploadState> {
        access.may(UPLOADERS)?;
        let space = self.touch(access, id)?;
        let reserved = space.uploads.get(&id).ok_or(ErrorCode::NotFound)?.reserved;
        let from = after.map_or(Bound::Unbounded, |after| Bound::Excluded(*after));
        let behind = space.blobs.range((from, Bound::Unbounded));
        let mut of_upload = behind.filter(|(_, blob)| blob.upload == Some(id));
        let blobs = of_upload.by_ref().take(UPLOAD_PAGE_BLOBS).map(|(id, blob)| blob.state(*id)).collect();
        Ok(UploadState { reserved, blobs, more: of_upload.next().is_some() })
    }

    pub(super) fn blob_state(&mut self, access: &Access, upload: UploadId, id: BlobId) -> Answer<BlobState> {
        access.may(UPLOADERS)?;
        let blob = self.touch(access, upload)?.blobs.get(&id);
        Ok(blob.map_or(BlobState { blob: id, stored: 0, complete: false }, |blob| blob.state(id)))
    }

    pub(super) fn put_ticket(&mut self, access: &Access, id: UploadId, ticket: Bytes) -> Answer<()> {
        if ticket.len() > TICKET_MAX {
            return Err(ErrorCode::TooLarge);
        }
        access.may(UPLOADERS)?;
        let others = self.space(access)?.uploads.iter().filter(|(other, _)| **other != id);
        let others: usize = others.filter_map(|(_, upload)| upload.ticket.as_ref()).map(Bytes::len).sum();
        if others + ticket.len() > TICKETS {
            return Err(ErrorCode::QuotaExceeded);
        }
        let upload = self.touch(access, id)?.uploads.get_mut(&id);
        upload.ok_or(ErrorCode::NotFound)?.ticket = Some(ticket);
        Ok(())
    }

    pub(super) fn end_upload(&mut self, access: &Access, id: UploadId) -> Answer<()> {
        access.may(UPLOADERS)?;
        self.end(access.space, id).ok_or(ErrorCode::NotFound)
    }

    /// Ends an upload: its reservation, and its blobs that no commit names.
    fn end(&mut self, space: SpaceId, id: UploadId) -> Option<()> {
        let space = self.spaces.get_mut(&space)?;
        let upload = space.uploads.remove(&id)?;
        space.blobs.retain(|_, blob| blob.upload != Some(id));
        self.accounts.get_mut(&space.owner)?.reserved -= upload.reserved;
        Some(())
    }

    /// Ends the uploads that were idle for too long.
    pub(super) fn collect_uploads(&mut self) {
        let before = self.clock.today().saturating_sub(UPLOAD_IDLE_DAYS);
        let of_space = |(space, uploads): (&SpaceId, &Space)| {
            let idle = uploads.uploads.iter().filter(|(_, upload)| upload.active_day < before);
            idle.map(|(upload, _)| (*space, *upload)).collect::<Vec<_>>()
        };
        let idle: Vec<_> = self.spaces.iter().flat_map(of_space).collect();
        for (space, upload) in idle {
            self.end(space, upload);
        }
    }
}
