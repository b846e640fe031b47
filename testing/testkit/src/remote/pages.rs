//! Answers that come in pages.

use anonicloud_client::remote::{Remote, SpaceAccess};
use anonicloud_proto::commit::LoggedCommit;
use anonicloud_proto::ids::UploadId;
use anonicloud_proto::limits::{COMMIT_BODY_MAX, LOG_PAGE_BYTES, LOG_PAGE_COMMITS, UPLOADS_PAGE};

use super::Suite;
use super::actor::{Actor, posted};

impl<R: Remote> Suite<R> {
    /// A page has so many uploads, or commits, or bytes, and the next one goes on behind it.
    pub(super) async fn pages(&self) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "pages").await;
        let mut all: Vec<UploadId> = Vec::new();
        for _ in 0..=UPLOADS_PAGE {
            all.push(actor.upload(remote, &access, 0).await);
        }
        all.sort();
        let first = remote.uploads(&access, None).await.expect("a page");
        assert!(first.more);
        let last = first.uploads.last().map(|upload| upload.upload);
        let second = remote.uploads(&access, last.as_ref()).await.expect("a page");
        assert_eq!((second.uploads.len(), second.more), (1, false));
        let paged: Vec<_> = first.uploads.iter().chain(&second.uploads).map(|upload| upload.upload).collect();
        assert_eq!(paged, all);

        for _ in 1..=LOG_PAGE_COMMITS {
            self.commit(&actor, &access, b"short").await;
        }
        let seqs = |page: &[LoggedCommit]| page.iter().map(|commit| commit.header.fields().seq).collect::<Vec<_>>();
        let page = remote.log(&access, 0).await.expect("a page");
        assert_eq!(seqs(&page), (0..LOG_PAGE_COMMITS as u64).collect::<Vec<_>>());
        let long = vec![0; COMMIT_BODY_MAX];
        for _ in 0..LOG_PAGE_BYTES / COMMIT_BODY_MAX {
            self.commit(&actor, &access, &long).await;
        }
        let next = LOG_PAGE_COMMITS as u64;
        let page = remote.log(&access, next).await.expect("a page");
        // The short one, and of the long ones as many as fit with their headers.
        assert_eq!(seqs(&page), (next..next + 4).collect::<Vec<_>>());
        let page = remote.log(&access, next + 4).await.expect("a page");
        assert_eq!(seqs(&page), [next + 4]);
    }

    async fn commit(&self, actor: &Actor, access: &SpaceAccess, body: &[u8]) {
        let head = self.remote.head(access).await.expect("a head");
        self.remote.commit(access, posted(&actor.tree(&head, body, &[]))).await.expect("a commit");
    }
}
