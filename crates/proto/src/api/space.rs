//! Space sessions, uploads and commits.

use serde::{Deserialize, Serialize};

use super::Base64;
use super::account::wire;
use crate::capability::Right;
use crate::hash::ChainHash;
use crate::ids::{BlobId, UploadId};

wire! {
    /// `POST /v1/spaces/{space}/sessions/finish`, after a challenge from `../start`. Proofs that are there are checked;
    /// one that does not hold refuses the whole session.
    SpaceSessionFinish {
        /// As answered.
        challenge: Base64,
        /// The epoch whose keys sign.
        epoch: u32,
        /// The read token, to read.
        read: Option<Base64>,
        /// Signature by the append key over `session_message`.
        append: Option<Base64>,
        /// Signature by the write key.
        write: Option<Base64>,
        /// Signature by the admin key.
        admin: Option<Base64>,
    }
    /// Its answer.
    SpaceSessionAnswer {
        /// Bearer token of the space session, 32 bytes.
        token: Base64,
        /// Seconds until it ends.
        expires_in: u64,
        /// What was proved.
        rights: Vec<Right>,
    }
    /// `POST /v1/spaces/{space}/uploads`: opens an upload, or raises the reservation of one.
    OpenUpload {
        /// Drawn by the client.
        upload: UploadId,
        /// Padded bytes to reserve in the owner's quota, at least what is reserved already.
        bytes: u64,
    }
    /// Its answer.
    UploadAnswer {
        /// As asked.
        upload: UploadId,
        /// Padded bytes reserved now.
        reserved: u64,
        /// Days without a request after which it is collected.
        idle_days: u32,
    }
    /// `GET /v1/spaces/{space}/uploads/{upload}?after=BLOB`: a page of blobs in ascending order of id.
    UploadState {
        /// Padded bytes reserved.
        reserved: u64,
        /// Blobs begun or complete.
        blobs: Vec<BlobState>,
        /// Whether more follow after the last one.
        more: bool,
    }
    /// A blob of an upload.
    BlobState {
        /// Its id.
        blob: BlobId,
        /// Bytes that are durable.
        stored: u64,
        /// Whether these are all.
        complete: bool,
    }
    /// `PUT /v1/spaces/{space}/uploads/{upload}/blobs/{blob}?offset=&size=&hash=`.
    BlobProgress {
        /// Bytes that are durable.
        stored: u64,
        /// Whether these are all.
        complete: bool,
    }
    /// `GET /v1/spaces/{space}/uploads?after=UPLOAD`: a page of open uploads in ascending order of id.
    UploadsAnswer {
        /// Open uploads.
        uploads: Vec<UploadSummary>,
        /// Whether more follow after the last one.
        more: bool,
    }
    /// One open upload.
    UploadSummary {
        /// Its id.
        upload: UploadId,
        /// Its sealed ticket; of a small upload, none.
        ticket: Option<Base64>,
    }
    /// `GET /v1/spaces/{space}/blobs?after=BLOB`: a page of what commits added, in ascending order of id.
    BlobsAnswer {
        /// Blobs that a commit added and that were not freed since.
        blobs: Vec<StoredBlob>,
        /// Whether more follow after the last one.
        more: bool,
    }
    /// A blob that counts in the quota.
    StoredBlob {
        /// Its id.
        blob: BlobId,
        /// Its length in bytes.
        size: u64,
        /// The day of its release as the server counts days; of one that was not released, nothing.
        released: Option<u32>,
    }
    /// `POST /v1/spaces/{space}/commits`.
    CommitAnswer {
        /// The place of the commit.
        seq: u64,
        /// Its hash, the head now.
        hash: ChainHash,
    }
}
