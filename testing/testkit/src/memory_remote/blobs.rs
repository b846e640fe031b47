//! Blobs: written once, in pieces, read when a commit names them (spec: 4-http-api, "Blobs are written once").

use anonicloud_client::remote::BlobPart;
use anonicloud_proto::api::{BlobProgress, BlobState, ErrorCode};
use anonicloud_proto::capability::Right;
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, UploadId};
use anonicloud_proto::limits::{BLOB_MAX, PACK_FLOOR};
use bytes::Bytes;

use super::spaces::{Access, Space};
use super::sweeps::Release;
use super::uploads::UPLOADERS;
use super::{Answer, Server};

/// A blob, whole or begun.
pub(super) struct Blob {
    pub(super) size: u64,
    hash: StoredHash,
    pub(super) complete: bool,
    /// Which upload is charged for it; none once a commit names it.
    pub(super) upload: Option<UploadId>,
    /// The sweep that released it.
    pub(super) released: Option<Release>,
    bytes: Vec<u8>,
}

impl Blob {
    /// How much of it is here.
    pub(super) const fn state(&self, blob: BlobId) -> BlobState {
        BlobState { blob, stored: self.bytes.len() as u64, complete: self.complete }
    }
}

impl Server {
    /// Stores the bytes of a blob.
    pub(super) fn put_blob(&mut self, access: &Access, upload: UploadId, part: &BlobPart) -> Answer<BlobProgress> {
        access.may(UPLOADERS)?;
        if part.size > BLOB_MAX {
            return Err(ErrorCode::TooLarge);
        }
        if part.size < PACK_FLOOR || part.offset > part.size {
            return Err(ErrorCode::BadRequest);
        }
        let space = self.touch(access, upload)?;
        if space.begin(upload, part)? {
            return Ok(BlobProgress { stored: part.size, complete: true });
        }
        space.receive(part)
    }

    /// Removes a blob of an upload that no commit names.
    pub(super) fn drop_blob(&mut self, access: &Access, upload: UploadId, blob: BlobId) -> Answer<()> {
        access.may(UPLOADERS)?;
        let space = self.space(access)?;
        match space.blobs.get(&blob).ok_or(ErrorCode::NotFound)?.upload {
            None => return Err(ErrorCode::BlobConflict),
            Some(of) if of != upload => return Err(ErrorCode::NotFound),
            Some(_) => space.forget(blob),
        }
        self.touch(access, upload).map(drop)
    }

    /// The bytes of a blob that a commit names.
    pub(super) fn blob(&mut self, access: &Access, blob: BlobId) -> Answer<Bytes> {
        access.may(&[Right::Read])?;
        let found = self.space(access)?.blobs.get(&blob).filter(|blob| blob.upload.is_none());
        Ok(Bytes::copy_from_slice(&found.ok_or(ErrorCode::NotFound)?.bytes))
    }

    /// Its bytes from `start` on, which lies inside it.
    pub(super) fn blob_from(&mut self, access: &Access, blob: BlobId, start: u64) -> Answer<Bytes> {
        let bytes = self.blob(access, blob)?;
        let start = usize::try_from(start).ok().filter(|start| *start < bytes.len());
        Ok(bytes.slice(start.ok_or(ErrorCode::BadRequest)?..))
    }
}

impl Space {
    /// Charges a blob before its bytes arrive; gives true when it is complete already.
    fn begin(&mut self, upload: UploadId, part: &BlobPart) -> Answer<bool> {
        let free = self.uploads.get(&upload).ok_or(ErrorCode::NotFound)?.free();
        let Some(stored) = self.blobs.get_mut(&part.blob) else {
            if part.offset > 0 {
                return Err(ErrorCode::OffsetMismatch);
            }
            return self.insert(upload, part, free).map(|()| false);
        };
        let same = stored.size == part.size && stored.hash == part.hash;
        match stored.upload {
            _ if stored.complete && same => Ok(true),
            _ if stored.complete => Err(ErrorCode::BlobConflict),
            Some(of) if same && of == upload => Ok(false),
            Some(of) if same => {
                if part.size > free {
                    return Err(ErrorCode::QuotaExceeded);
                }
                stored.upload = Some(upload);
                self.charge(of, |charged| charged - part.size);
                self.charge(upload, |charged| charged + part.size);
                Ok(false)
            }
            Some(of) if part.offset == 0 => {
                let given_back = if of == upload { stored.size } else { 0 };
                if part.size > free + given_back {
                    return Err(ErrorCode::QuotaExceeded);
                }
                self.forget(part.blob);
                self.insert(upload, part, free + given_back).map(|()| false)
            }
            _ => Err(ErrorCode::BlobConflict),
        }
    }

    fn insert(&mut self, upload: UploadId, part: &BlobPart, free: u64) -> Answer<()> {
        if part.size > free {
            return Err(ErrorCode::QuotaExceeded);
        }
        let (size, hash, upload_of) = (part.size, part.hash, Some(upload));
        let blob = Blob { size, hash, complete: false, upload: upload_of, released: None, bytes: Vec::new() };
        self.blobs.insert(part.blob, blob);
        self.charge(upload, |charged| charged + part.size);
        Ok(())
    }

    /// Appends to a blob that was begun.
    fn receive(&mut self, part: &BlobPart) -> Answer<BlobProgress> {
        let blob = self.blobs.get_mut(&part.blob).ok_or(ErrorCode::NotFound)?;
        let offset = usize::try_from(part.offset).unwrap_or(usize::MAX);
        if offset > blob.bytes.len() {
            return Err(ErrorCode::OffsetMismatch);
        }
        blob.bytes.truncate(offset);
        blob.bytes.extend_from_slice(&part.bytes);
        let stored = blob.bytes.len() as u64;
        if stored < part.size {
            return Ok(BlobProgress { stored, complete: false });
        }
        if stored > part.size || StoredHash::of(&blob.bytes) != part.hash {
            self.forget(part.blob);
            return Err(ErrorCode::BlobMismatch);
        }
        blob.complete = true;
        Ok(BlobProgress { stored, complete: true })
    }

    /// Removes a blob, and what it charges.
    fn forget(&mut self, blob: BlobId) {
        if let Some(blob) = self.blobs.remove(&blob)
            && let Some(upload) = blob.upload
        {
            self.charge(upload, |charged| charged - blob.size);
        }
    }

    fn charge(&mut self, upload: UploadId, change: impl FnOnce(u64) -> u64) {
        if let Some(upload) = self.uploads.get_mut(&upload) {
            upload.charged = change(upload.charged);
        }
    }
}
