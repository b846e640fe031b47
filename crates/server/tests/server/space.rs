//! A space that an actor has opened, and blobs to put into it.

use anonicloud_proto::api::{AccountAnswer, BlobProgress, CommitAnswer, OpenUpload, UploadAnswer};
use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::commit::{AddedBlob, HeadAnswer, PostedCommit};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, SpaceId, UploadId};
use reqwest::RequestBuilder;

use crate::actor::Actor;
use crate::process::{Server, bearer, expect, expect_status};

/// An open space.
pub(crate) struct Space {
    pub(crate) id: SpaceId,
    pub(crate) token: String,
}

impl Space {
    /// A path below this space.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/spaces/{}/{rest}", self.id)
    }

    /// The space's head.
    pub(crate) async fn head(&self, server: &Server) -> HeadAnswer {
        let get = server.get(&self.path("head")).bearer_auth(&self.token);
        let response = expect_status(get, 200).await;
        HeadAnswer::from_bytes(&response.bytes().await.unwrap()).unwrap()
    }

    /// Opens an upload.
    pub(crate) async fn open_upload(&self, server: &Server, name: u8, bytes: u64) -> UploadId {
        let upload = UploadId::from_bytes([name; 16]);
        let answer: UploadAnswer = expect(self.opening(server, upload, bytes), 200).await;
        assert_eq!((answer.upload, answer.idle_days), (upload, 7));
        upload
    }

    /// The request that opens an upload.
    pub(crate) fn opening(&self, server: &Server, upload: UploadId, bytes: u64) -> RequestBuilder {
        server.post(&self.path("uploads")).bearer_auth(&self.token).json(&OpenUpload { upload, bytes })
    }

    /// The request that sends a blob's bytes from `offset` on.
    pub(crate) fn sending(&self, server: &Server, upload: UploadId, blob: &Blob, offset: usize) -> RequestBuilder {
        server
            .put(&self.path(&blob.put_path(upload, offset)))
            .bearer_auth(&self.token)
            .body(blob.bytes[offset..].to_vec())
    }

    /// Sends a whole blob.
    pub(crate) async fn send(&self, server: &Server, upload: UploadId, blob: &Blob) {
        let progress: BlobProgress = expect(self.sending(server, upload, blob, 0), 200).await;
        let stored = blob.bytes.len() as u64;
        let complete = true;
        assert_eq!(progress, BlobProgress { stored, complete });
    }

    /// The request that posts a commit.
    pub(crate) fn committing(&self, server: &Server, commit: &PostedCommit) -> RequestBuilder {
        server.post(&self.path("commits")).bearer_auth(&self.token).body(commit.to_bytes())
    }

    /// Commits behind the head.
    pub(crate) async fn commit(&self, server: &Server, actor: &Actor, blobs: &[&Blob]) {
        let adds: Vec<AddedBlob> = blobs.iter().map(|blob| blob.added()).collect();
        let commit = actor.commit(&self.head(server).await, b"tree", &adds);
        let answer: CommitAnswer = expect(self.committing(server, &commit), 200).await;
        assert_eq!(answer.hash, commit.logged.header.hash());
    }

    /// The request that reads a blob.
    pub(crate) fn reading(&self, server: &Server, blob: &Blob) -> RequestBuilder {
        let path = self.path(&format!("blobs/{}", blob.id));
        server.get(&path).bearer_auth(&self.token)
    }
}

/// Bytes under an id.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) id: BlobId,
    pub(crate) bytes: Vec<u8>,
}

impl Blob {
    /// A blob of `len` bytes that depend on its name.
    pub(crate) fn new(name: u8, len: usize) -> Self {
        let mut bytes = vec![0; len];
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[name]).finalize_xof().fill(&mut bytes);
        Self { id: BlobId::from_bytes([name; 32]), bytes }
    }

    pub(crate) fn added(&self) -> AddedBlob {
        AddedBlob { blob: self.id, size: self.bytes.len() as u64 }
    }

    /// The path, below the space, to send it from `offset` on.
    pub(crate) fn put_path(&self, upload: UploadId, offset: usize) -> String {
        let (id, size) = (self.id, self.bytes.len());
        let hash = StoredHash::of(&self.bytes);
        format!("uploads/{upload}/blobs/{id}?offset={offset}&size={size}&hash={hash}")
    }
}

/// Bytes that a space's head takes of the quota by itself.
pub(crate) fn commit_len(head: &HeadAnswer) -> u64 {
    (head.commit.header.to_bytes().len() + head.commit.body.len()) as u64
}

/// Bytes that an account uses and has reserved.
pub(crate) async fn usage(server: &Server, actor: &Actor) -> (u64, u64) {
    let token = bearer(&actor.login(server).await.unwrap().token);
    let account: AccountAnswer = expect(server.get("/v1/account").bearer_auth(token), 200).await;
    (account.used, account.reserved)
}
