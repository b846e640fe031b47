//! Sweeps: what is released stays for a while, and is freed at once only by the password.

use std::sync::Arc;

use anonicloud_proto::api::{BlobsAnswer, CommitAnswer, ErrorCode, FreedAnswer, ReleasedAnswer};
use anonicloud_proto::capability::Right;
use anonicloud_proto::commit::{AddedBlob, CommitKind, CommitLists, PostedCommit};
use anonicloud_proto::ids::{BlobId, UploadId};
use anonicloud_proto::limits::RELEASED_DAYS;

use crate::accounts::add_and_sign_in;
use crate::actor::Actor;
use crate::process::{Server, bearer, expect, expect_status, refused};
use crate::space::{Blob, Space, usage};

const SIZE: usize = 20_000;
/// What a small upload has at most.
const SMALL: u64 = 256 << 10;

struct Fixture {
    server: Server,
    alice: Actor,
    space: Space,
    blobs: [Blob; 3],
}

impl Fixture {
    /// An account with three blobs that a commit named.
    async fn new() -> Self {
        let server = Server::start().await;
        let (alice, space) = Actor::with_space(&server, "alice").await;
        let upload = space.open_upload(&server, 1, 1 << 20).await;
        let blobs = [1, 2, 3].map(|name| Blob::new(name, SIZE));
        for blob in &blobs {
            space.send(&server, upload, blob).await;
        }
        space.commit(&server, &alice, &blobs.iter().collect::<Vec<_>>()).await;
        Self { server, alice, space, blobs }
    }

    /// A commit behind the head with these lists.
    async fn commit(&self, kind: CommitKind, adds: &[&Blob], releases: &[&Blob]) -> PostedCommit {
        let adds: Vec<AddedBlob> = adds.iter().map(|blob| blob.added()).collect();
        let releases: Vec<BlobId> = releases.iter().map(|blob| blob.id).collect();
        let lists = CommitLists { adds, releases, ..CommitLists::default() };
        let mut header = self.alice.header(&self.space.head(&self.server).await, b"sweep", &lists);
        header.kind = kind;
        let key = if kind == CommitKind::Sweep { &self.alice.admin } else { &self.alice.write };
        self.alice.sign(header, b"sweep", lists, key)
    }

    async fn sweep(&self, adds: &[&Blob], releases: &[&Blob]) -> CommitAnswer {
        let commit = self.commit(CommitKind::Sweep, adds, releases).await;
        let answer: CommitAnswer = expect(self.space.committing(&self.server, &commit), 200).await;
        // A lost answer does no harm.
        let again: CommitAnswer = expect(self.space.committing(&self.server, &commit), 200).await;
        assert_eq!(again, answer);
        answer
    }

    async fn released(&self) -> Vec<bool> {
        let get = self.server.get(&self.space.path("blobs")).bearer_auth(&self.space.token);
        let page: BlobsAnswer = expect(get, 200).await;
        assert!(!page.more);
        page.blobs.iter().map(|blob| blob.released.is_some()).collect()
    }

    async fn session(&self) -> String {
        bearer(&self.alice.login(&self.server).await.unwrap().token)
    }

    /// Where all that was released so far is told of and freed.
    async fn through(&self) -> String {
        let seq = self.space.head(&self.server).await.commit.header.fields().seq;
        format!("/v1/account/released?space={}&through={seq}", self.alice.space)
    }

    async fn free(&self) -> FreedAnswer {
        expect(self.server.delete(&self.through().await).bearer_auth(self.session().await), 200).await
    }
}

#[tokio::test]
async fn what_is_released_is_read_until_it_is_freed() {
    let fixture = Fixture::new().await;
    let Fixture { server, alice, space, blobs } = &fixture;
    let (used, _) = usage(server, alice).await;
    fixture.sweep(&[], &[&blobs[0], &blobs[2]]).await;
    assert_eq!(fixture.released().await, [true, false, true]);
    assert!(usage(server, alice).await.0 > used, "it counts, and so does the sweep");
    expect_status(space.reading(server, &blobs[0]), 200).await;
    let get = server.get("/v1/account/released").bearer_auth(fixture.session().await);
    let released: ReleasedAnswer = expect(get, 200).await;
    assert_eq!(released.bytes, 2 * SIZE as u64);
    let today = u32::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() / 86_400).unwrap();
    assert!(released.since.is_some_and(|day| day.abs_diff(today) <= 1));
    assert!(released.free_from.is_some_and(|day| day.abs_diff(today + RELEASED_DAYS + 1) <= 1));

    // Needed again, by a commit or by a sweep.
    space.commit(server, alice, &[&blobs[0]]).await;
    assert_eq!(fixture.released().await, [false, false, true]);
    fixture.sweep(&[&blobs[2]], &[&blobs[1]]).await;
    assert_eq!(fixture.released().await, [false, true, false]);

    let (used, _) = usage(server, alice).await;
    assert_eq!(fixture.free().await, FreedAnswer { freed: SIZE as u64, more: false });
    assert_eq!(usage(server, alice).await.0, used - SIZE as u64);
    assert_eq!(refused(space.reading(server, &blobs[1])).await, ErrorCode::NotFound);
    for kept in [&blobs[0], &blobs[2]] {
        expect_status(space.reading(server, kept), 200).await;
    }
    assert_eq!(fixture.free().await, FreedAnswer { freed: 0, more: false });
    // It is sent anew as if it had never been there.
    let missing = alice.commit(&space.head(server).await, b"tree", &[blobs[1].added()]);
    assert_eq!(refused(space.committing(server, &missing)).await, ErrorCode::BlobMissing);
    let upload = space.open_upload(server, 2, 1 << 20).await;
    space.send(server, upload, &blobs[1]).await;
    expect_status(space.committing(server, &missing), 200).await;
    expect_status(space.reading(server, &blobs[1]), 200).await;
}

#[tokio::test]
async fn only_a_sweep_releases_and_only_what_a_commit_named() {
    let fixture = Fixture::new().await;
    let Fixture { server, alice, space, blobs } = &fixture;
    let upload = space.open_upload(server, 2, 1 << 20).await;
    let open = Blob::new(7, SIZE);
    space.send(server, upload, &open).await;
    let unknown = Blob::new(8, SIZE);
    for (name, kind, adds, releases, code) in [
        ("a tree", CommitKind::Tree, vec![], vec![&blobs[0]], ErrorCode::CommitInvalid),
        ("both", CommitKind::Sweep, vec![&blobs[0]], vec![&blobs[0]], ErrorCode::CommitInvalid),
        ("unknown", CommitKind::Sweep, vec![], vec![&blobs[0], &unknown], ErrorCode::BlobMissing),
        ("open", CommitKind::Sweep, vec![], vec![&blobs[0], &open], ErrorCode::BlobMissing),
    ] {
        let commit = fixture.commit(kind, &adds, &releases).await;
        assert_eq!(refused(space.committing(server, &commit)).await, code, "{name}");
    }
    let sweep = fixture.commit(CommitKind::Sweep, &[], &[&blobs[0]]).await;
    let fields = sweep.logged.header.fields().clone();
    let by_writer = alice.sign(fields, b"sweep", sweep.lists.clone(), &alice.write);
    assert_eq!(refused(space.committing(server, &by_writer)).await, ErrorCode::CommitInvalid);
    let writer = alice.open_space(server, &[Right::Write]).await;
    assert_eq!(refused(writer.committing(server, &sweep)).await, ErrorCode::Forbidden);
    assert_eq!(fixture.released().await, [false, false, false]);
    // The right to write alone shows no list; the right to manage does.
    let list = |space: &Space| server.get(&space.path("blobs")).bearer_auth(&space.token);
    assert_eq!(refused(list(&writer)).await, ErrorCode::Forbidden);
    let admin = alice.open_space(server, &[Right::Admin]).await;
    expect_status(list(&admin), 200).await;
    let after = server.get(&space.path(&format!("blobs?after={}", blobs[1].id))).bearer_auth(&space.token);
    let page: BlobsAnswer = expect(after, 200).await;
    assert_eq!(page.blobs.iter().map(|blob| blob.blob).collect::<Vec<_>>(), [blobs[2].id]);
    // A sweep on a head that is old.
    space.commit(server, alice, &[]).await;
    assert_eq!(refused(space.committing(server, &sweep)).await, ErrorCode::HeadMoved);
}

#[tokio::test]
async fn a_session_without_the_password_frees_nothing() {
    let fixture = Fixture::new().await;
    let Fixture { server, alice, space, blobs } = &fixture;
    fixture.sweep(&[], &[&blobs[0]]).await;
    let device = add_and_sign_in(server, alice).await;
    let through = fixture.through().await;
    let free = server.delete(&through).bearer_auth(&device);
    assert_eq!(refused(free).await, ErrorCode::PasswordNeeded);
    let free = server.delete(&through).bearer_auth(&space.token);
    assert_eq!(refused(free).await, ErrorCode::SessionExpired);
    expect_status(space.reading(server, &blobs[0]), 200).await;
    // Nor does another account's password.
    let bob = Actor::registered(server, "bob").await;
    let token = bearer(&bob.login(server).await.unwrap().token);
    let free: FreedAnswer = expect(server.delete(&through).bearer_auth(token), 200).await;
    assert_eq!(free.freed, 0);
    expect_status(space.reading(server, &blobs[0]), 200).await;
}

/// What came after the commit that is named may be a mistake that nobody has looked at.
#[tokio::test]
async fn what_was_released_after_the_commit_that_is_named_stays() {
    let fixture = Fixture::new().await;
    let Fixture { server, space, blobs, .. } = &fixture;
    fixture.sweep(&[], &[&blobs[0]]).await;
    let looked = fixture.through().await;
    fixture.sweep(&[], &[&blobs[0], &blobs[1]]).await;
    let session = fixture.session().await;
    let told: ReleasedAnswer = expect(server.get(&looked).bearer_auth(&session), 200).await;
    let freed: FreedAnswer = expect(server.delete(&looked).bearer_auth(&session), 200).await;
    assert_eq!((told.bytes, freed), (SIZE as u64, FreedAnswer { freed: SIZE as u64, more: false }));
    assert_eq!(fixture.released().await.len(), 2);
    expect_status(space.reading(server, &blobs[1]), 200).await;
    // Nor is anything freed that is not named.
    for path in ["/v1/account/released", "/v1/account/released?through=9"] {
        assert_eq!(refused(server.delete(path).bearer_auth(&session)).await, ErrorCode::BadRequest);
    }
    let half = server.get("/v1/account/released?through=9").bearer_auth(&session);
    assert_eq!(refused(half).await, ErrorCode::BadRequest);
}

/// Who has the right to manage goes deeper over the quota than who has not, and no further than that.
#[tokio::test]
async fn removing_has_room_where_nothing_else_has() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let server = Server::start_with(folder, &["--quota", "1MiB"]).await;
    let (alice, managing) = Actor::with_space(&server, "alice").await;
    let writing = alice.open_space(&server, &[Right::Read, Right::Write]).await;
    let upload = |name: u8| UploadId::from_bytes([name; 16]);
    // As much as small uploads may take.
    let mut name = 0;
    while writing.opening(&server, upload(name), SMALL).send().await.unwrap().status().is_success() {
        name += 1;
    }
    assert_eq!(u64::from(name), (17 << 20) / SMALL);
    assert_eq!(refused(writing.opening(&server, upload(200), 1)).await, ErrorCode::QuotaExceeded);
    let head = writing.head(&server).await;
    let commit = alice.commit(&head, b"tree", &[]);
    assert_eq!(refused(writing.committing(&server, &commit)).await, ErrorCode::QuotaExceeded);
    expect_status(managing.committing(&server, &commit), 200).await;
    // Small uploads alone: who has taken the right to manage shall not fill the room that removing needs.
    assert_eq!(refused(managing.opening(&server, upload(201), SMALL + 1)).await, ErrorCode::QuotaExceeded);
    let mut more = 0;
    while managing.opening(&server, upload(202 + more), SMALL - 4096).send().await.unwrap().status().is_success() {
        more += 1;
        if more == 50 {
            break;
        }
    }
    assert_eq!(more, 50, "there is room for many");
}
