//! Uploads and blobs, as kept.

use core::fmt::Debug;
use std::collections::HashSet;

use anonicloud_proto::api::UploadSummary;
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, SpaceId, UploadId};

use super::Answer;
use crate::store::{Day, ObjectId};

/// Names an upload and the day of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UploadRequest {
    /// Its space.
    pub(crate) space: SpaceId,
    /// Its id.
    pub(crate) upload: UploadId,
    /// Today.
    pub(crate) day: Day,
}

/// What bounds the uploads of a space.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UploadLimits {
    /// How many there may be.
    pub(crate) count: usize,
    /// Bytes by which this one may go over the quota.
    pub(crate) spare: u64,
}

/// How keeping a ticket went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TicketKept {
    /// It is kept.
    Kept,
    /// There is no such upload.
    NoUpload,
    /// The tickets of the space would be too long.
    TooMuch,
}

/// How opening an upload went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenedUpload {
    /// Bytes reserved now.
    Reserved(u64),
    /// The owner's quota does not allow it.
    QuotaExceeded,
    /// The space has as many uploads as it may.
    TooMany,
}

/// A blob that is about to arrive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewBlob {
    /// Its id.
    pub(crate) blob: BlobId,
    /// Its whole length.
    pub(crate) size: u64,
    /// Hash of all of it.
    pub(crate) hash: StoredHash,
    /// Whether the bytes come from the first on.
    pub(crate) from_start: bool,
    /// The object to use if the blob is new.
    pub(crate) object: ObjectId,
}

/// How beginning a blob went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    /// All of it is there.
    Complete,
    /// Bytes may be written to this object.
    Write(ObjectId),
    /// As [`Begun::Write`] with the new object; the one that was begun with other bytes is to be removed.
    Replaced(ObjectId),
    /// The id holds other bytes.
    Conflict,
    /// Nothing of it is stored, and the bytes do not come from the first on.
    NothingStored,
    /// There is no such upload.
    NoUpload,
    /// The reservation does not allow it.
    QuotaExceeded,
}

/// A blob of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlobRow {
    /// Its id.
    pub(crate) blob: BlobId,
    /// Where its bytes are.
    pub(crate) object: ObjectId,
    /// Its whole length.
    pub(crate) size: u64,
    /// Whether all of it is there.
    pub(crate) complete: bool,
}

/// A blob whose row went with its upload, and whose object is to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EndedBlob {
    /// Its space.
    pub(crate) space: SpaceId,
    /// Its id.
    pub(crate) blob: BlobId,
    /// Where its bytes are, or will be if somebody still writes them.
    pub(crate) object: ObjectId,
}

/// How removing a blob went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RemovedBlob {
    /// Its row is gone; so may the object be.
    Gone(ObjectId),
    /// A commit names it.
    Committed,
    /// There is no such blob in this upload.
    Absent,
}

/// A blob that a commit names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommittedBlob {
    /// Where its bytes are.
    pub(crate) object: ObjectId,
    /// Its length.
    pub(crate) size: u64,
}

/// The uploads of the metadata store.
pub(crate) trait UploadStore: Send + Sync + Debug {
    /// Opens an upload or raises its reservation to `bytes`, within `limits`.
    fn open_upload(&self, request: UploadRequest, bytes: u64, limits: UploadLimits) -> Answer<'_, OpenedUpload>;

    /// At most `count` open uploads of a space, ascending, behind `after`.
    fn uploads(&self, space: SpaceId, after: Option<UploadId>, count: usize) -> Answer<'_, Vec<UploadSummary>>;

    /// Bytes reserved for an upload, which this marks as in use today (soon).
    fn touch_upload(&self, request: UploadRequest) -> Answer<'_, Option<u64>>;

    /// At most `count` blobs of an upload that no commit names, ascending, behind `after`.
    fn upload_blobs(&self, request: UploadRequest, after: Option<BlobId>, count: usize) -> Answer<'_, Vec<BlobRow>>;

    /// A blob of the space, whichever upload brought it.
    fn blob(&self, space: SpaceId, blob: BlobId) -> Answer<'_, Option<BlobRow>>;

    /// Keeps an upload's ticket, if those of the space then have at most `most` bytes.
    fn set_ticket(&self, request: UploadRequest, ticket: Vec<u8>, most: usize) -> Answer<'_, TicketKept>;

    /// Ends an upload and its reservation. Gives its blobs that no commit names, or nothing if there is no such upload.
    fn end_upload(&self, space: SpaceId, upload: UploadId) -> Answer<'_, Option<Vec<EndedBlob>>>;

    /// Ends at most `count` uploads not used since `before`. Gives how many, and their blobs that no commit names.
    fn end_idle_uploads(&self, before: Day, count: usize) -> Answer<'_, (usize, Vec<EndedBlob>)>;

    /// Charges a blob to an upload before its bytes arrive (soon).
    fn begin_blob(&self, request: UploadRequest, blob: NewBlob) -> Answer<'_, Begun>;

    /// Marks a blob as complete. Gives whether its row still names this object.
    fn complete_blob(&self, space: SpaceId, blob: BlobId, object: ObjectId) -> Answer<'_, bool>;

    /// Removes a blob that no commit names.
    fn remove_blob(&self, request: UploadRequest, blob: BlobId) -> Answer<'_, RemovedBlob>;

    /// A blob that a commit names.
    fn committed_blob(&self, space: SpaceId, blob: BlobId) -> Answer<'_, Option<CommittedBlob>>;

    /// Every object whose first byte is `first`.
    fn objects(&self, first: u8) -> Answer<'_, HashSet<ObjectId>>;

    /// Makes durable what was promised for soon.
    fn flush(&self) -> Answer<'_, ()>;
}
