//! What an account writes to its space: uploads, blobs, commits.

use anonicloud_client::remote::{BlobPart, Remote, SpaceAccess};
use anonicloud_proto::api::OpenUpload;
use anonicloud_proto::capability::CapabilitySignature;
use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::commit::{
    AddedBlob, CommitKind, CommitLists, HeadAnswer, LoggedCommit, PostedCommit, UnsignedHeader,
};
use anonicloud_proto::hash::{ChainHash, StoredHash};
use anonicloud_proto::ids::{BlobId, UploadId};
use anonicloud_proto::merkle::Frontier;
use anonicloud_proto::suite::Suite;
use bytes::Bytes;
use ed25519_dalek::{Signer as _, SigningKey};

use super::Actor;

impl Actor {
    /// Opens an upload of `bytes`.
    pub(in crate::remote) async fn upload<R: Remote>(&self, remote: &R, access: &SpaceAccess, bytes: u64) -> UploadId {
        let upload = UploadId::from_bytes(self.draw());
        remote.open_upload(access, &OpenUpload { upload, bytes }).await.expect("an upload");
        upload
    }

    /// A blob of `len` random bytes, whole.
    pub(in crate::remote) fn blob(&self, len: usize) -> BlobPart {
        let bytes = self.random.borrow_mut().bytes(len);
        let hash = StoredHash::of(&bytes);
        BlobPart { blob: BlobId::from_bytes(self.draw()), offset: 0, size: len as u64, hash, bytes: bytes.into() }
    }

    /// Sends a blob of `len` random bytes.
    pub(in crate::remote) async fn sent<R: Remote>(
        &self,
        remote: &R,
        access: &SpaceAccess,
        upload: &UploadId,
        len: usize,
    ) -> BlobPart {
        let part = self.blob(len);
        let progress = remote.put_blob(access, upload, part.clone()).await.expect("a blob");
        assert_eq!((progress.stored, progress.complete), (part.size, true));
        part
    }

    /// The commit that begins the private space.
    pub(in crate::remote) fn genesis(&self) -> PostedCommit {
        let header = UnsignedHeader {
            suite: Suite::V1,
            kind: CommitKind::Genesis,
            space: self.space,
            epoch: 0,
            seq: 0,
            prev: ChainHash::ZERO,
            history: Frontier::default().root(),
            lists: CommitLists::default().hash(),
            body: ChainHash::of(b"genesis"),
        };
        self.sign(header, b"genesis", CommitLists::default(), &self.admin)
    }

    /// A tree commit behind this head that adds these blobs.
    pub(in crate::remote) fn tree(&self, head: &HeadAnswer, body: &[u8], adds: &[&BlobPart]) -> PostedCommit {
        let mut adds: Vec<_> = adds.iter().map(|part| AddedBlob { blob: part.blob, size: part.size }).collect();
        adds.sort_unstable();
        let lists = CommitLists { adds, ..CommitLists::default() };
        self.sign(self.header(head, body, &lists), body, lists, &self.write)
    }

    /// The header of a tree commit behind this head.
    pub(in crate::remote) fn header(&self, head: &HeadAnswer, body: &[u8], lists: &CommitLists) -> UnsignedHeader {
        let mut frontier = head.frontier.clone();
        frontier.append(&head.commit.header.to_bytes()).expect("room for a leaf");
        UnsignedHeader {
            suite: Suite::V1,
            kind: CommitKind::Tree,
            space: self.space,
            epoch: 0,
            seq: frontier.size(),
            prev: head.commit.header.hash(),
            history: frontier.root(),
            lists: lists.hash(),
            body: ChainHash::of(body),
        }
    }

    /// Signs a header with one of the keys.
    pub(in crate::remote) fn sign(
        &self,
        header: UnsignedHeader,
        body: &[u8],
        lists: CommitLists,
        key: &SigningKey,
    ) -> PostedCommit {
        let signature = CapabilitySignature::from_bytes(key.sign(&header.message(&self.realm)).to_bytes());
        let header = header.with_signature(signature);
        PostedCommit { logged: LoggedCommit { header, body: body.to_vec() }, lists }
    }
}

/// A commit as it is posted.
pub(in crate::remote) fn posted(commit: &PostedCommit) -> Bytes {
    commit.to_bytes().into()
}
