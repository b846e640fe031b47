//! The journal of packs that are sealed and not committed (spec: 2-content, "Packs"): a restart sends them as they were.

use std::collections::{HashMap, HashSet};

use anonicloud_core::content::reference::VersionRef;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::tree::name::{EntryName, RemotePath};
use anonicloud_core::tree::node::Attributes;
use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};
use anonicloud_proto::commit::AddedBlob;
use anonicloud_proto::ids::{BlobId, UploadId};
use anonicloud_proto::limits::{COMMIT_BLOBS_MAX, PACK_MAX};
use bytes::Bytes;

use crate::space::reached::Needs;

const NAME_MAX: usize = 255;
const DEPTH_MAX: usize = 1 << 12;
const FILES_MAX: usize = 1 << 17;

/// A file whose record lies in a staged pack: all that its entry needs.
#[derive(Debug)]
pub(crate) struct StagedFile {
    pub(crate) path: RemotePath,
    pub(crate) size: u64,
    pub(crate) attributes: Attributes,
    pub(crate) version: VersionRef,
    /// The version that it replaces.
    pub(crate) base: Option<VersionRef>,
    /// Every blob that its version refers to: segments, kept ones too, and packs of tails, leaf pages and the record. Its commit
    /// names them all, whether one before did or not: a sweep between the two may have released them.
    pub(crate) adds: Vec<AddedBlob>,
    /// Its own upload, ended once it is committed.
    pub(crate) upload: Option<UploadId>,
}

impl StagedFile {
    /// Adds the packs that its record needs, and the one that has the record, of which `sizes` knows the lengths. What has no
    /// length there must have been added before: a commit that leaves one out could lose it to a sweep.
    pub(super) fn add_packs(&mut self, needs: &Needs, sizes: &HashMap<BlobId, u64>) -> Result<(), Rejected> {
        let added: HashSet<BlobId> = self.adds.iter().map(|added| added.blob).collect();
        for blob in needs.blobs.iter().chain([&self.version.record().blob]) {
            match sizes.get(blob) {
                Some(size) => self.adds.push(AddedBlob { blob: *blob, size: *size }),
                None if added.contains(blob) => {}
                None => return Err(Rejected),
            }
        }
        Ok(())
    }

    /// Whether it names the pack that has its record, and so all that it refers to.
    pub(super) fn names_its_packs(&self) -> bool {
        self.adds.iter().any(|added| added.blob == self.version.record().blob)
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self {
            path: self.path.clone(),
            size: self.size,
            attributes: self.attributes,
            version: self.version.duplicate(),
            base: self.base.as_ref().map(VersionRef::duplicate),
            adds: self.adds.clone(),
            upload: self.upload,
        }
    }
}

/// A pack and the files that wait for it.
#[derive(Debug)]
pub(crate) struct StagedPack {
    pub(crate) upload: UploadId,
    pub(crate) blob: BlobId,
    pub(crate) bytes: Bytes,
    pub(crate) files: Vec<StagedFile>,
}

impl Encode for StagedPack {
    fn encode(&self, out: &mut Writer) {
        self.upload.encode(out);
        self.blob.encode(out);
        out.bytes(&self.bytes);
        out.list(&self.files);
    }
}

impl Decode for StagedPack {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            upload: UploadId::decode(input)?,
            blob: BlobId::decode(input)?,
            bytes: Bytes::copy_from_slice(input.bytes(PACK_MAX)?),
            files: input.list(FILES_MAX)?,
        })
    }
}

impl Encode for StagedFile {
    fn encode(&self, out: &mut Writer) {
        encode_path(&self.path, out);
        out.u64(self.size);
        out.i64(self.attributes.mtime);
        out.u16(self.attributes.mode);
        self.version.encode(out);
        encode_option(self.base.as_ref(), out);
        out.list(&self.adds);
        encode_option(self.upload.as_ref(), out);
    }
}

impl Decode for StagedFile {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            path: decode_path(input)?,
            size: input.u64()?,
            attributes: Attributes { mtime: input.i64()?, mode: input.u16()? },
            version: VersionRef::decode(input)?,
            base: decode_option(input)?,
            adds: input.list(COMMIT_BLOBS_MAX)?,
            upload: decode_option(input)?,
        })
    }
}

fn encode_option(value: Option<&impl Encode>, out: &mut Writer) {
    out.u8(u8::from(value.is_some()));
    if let Some(value) = value {
        value.encode(out);
    }
}

fn decode_option<T: Decode>(input: &mut Reader<'_>) -> Result<Option<T>, DecodeError> {
    match input.u8()? {
        0 => Ok(None),
        1 => T::decode(input).map(Some),
        _ => Err(DecodeError::UnknownVariant),
    }
}

/// Writes the names of a path, root first.
pub(crate) fn encode_path(path: &RemotePath, out: &mut Writer) {
    out.count(path.names().len());
    for name in path.names() {
        out.bytes(name.as_bytes());
    }
}

/// Reads what [`encode_path`] wrote.
pub(crate) fn decode_path(input: &mut Reader<'_>) -> Result<RemotePath, DecodeError> {
    let mut path = RemotePath::root();
    for _ in 0..input.count(DEPTH_MAX)? {
        let name = EntryName::new(input.bytes(NAME_MAX)?).map_err(|_| DecodeError::NotCanonical)?;
        path = path.join(&name);
    }
    Ok(path)
}
