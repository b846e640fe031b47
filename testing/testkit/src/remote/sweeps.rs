//! Sweeps: what is released stays for its days, and is freed at once only by the password.

use std::time::Duration;

use anonicloud_client::remote::{BlobPart, Remote, SpaceAccess, Through};
use anonicloud_proto::api::{ErrorCode, OpenUpload};
use anonicloud_proto::capability::Right;
use anonicloud_proto::commit::{AddedBlob, CommitKind, CommitLists, PostedCommit};
use anonicloud_proto::ids::{BlobId, SpaceId, UploadId};
use anonicloud_proto::limits::RELEASED_DAYS;

use super::actor::{Actor, posted, session};
use super::{QUOTA, Suite};

const LEN: usize = 20_000;
const SMALL: u64 = 256 << 10;
const SPARE: u64 = 16 << 20;
const DAY: Duration = Duration::from_hours(24);
const PASSWORD: Duration = Duration::from_mins(5);

/// Three blobs that a commit named.
struct Stored {
    actor: Actor,
    access: SpaceAccess,
    blobs: [BlobPart; 3],
}

impl Stored {
    async fn new<R: Remote>(remote: &R, handle: &str) -> Self {
        let (actor, access) = Actor::with_space(remote, handle).await;
        let upload = actor.upload(remote, &access, 1 << 20).await;
        let mut blobs = Vec::new();
        for _ in 0..3 {
            blobs.push(actor.sent(remote, &access, &upload, LEN).await);
        }
        let head = remote.head(&access).await.expect("a head");
        let named = actor.tree(&head, b"tree", &blobs.iter().collect::<Vec<_>>());
        remote.commit(&access, posted(&named)).await.expect("a commit");
        blobs.sort_unstable_by_key(|part| part.blob);
        Self { actor, access, blobs: blobs.try_into().expect("three") }
    }

    /// A commit of a kind behind the head, with blobs by their numbers.
    async fn made<R: Remote>(&self, remote: &R, kind: CommitKind, adds: &[usize], releases: &[BlobId]) -> PostedCommit {
        let added = |number: &usize| AddedBlob { blob: self.blobs[*number].blob, size: LEN as u64 };
        let (adds, mut releases) = (adds.iter().map(added).collect(), releases.to_vec());
        releases.sort_unstable();
        let lists = CommitLists { adds, releases, ..CommitLists::default() };
        let head = remote.head(&self.access).await.expect("a head");
        let mut header = self.actor.header(&head, b"sweep", &lists);
        header.kind = kind;
        let key = if kind == CommitKind::Tree { &self.actor.write } else { &self.actor.admin };
        self.actor.sign(header, b"sweep", lists, key)
    }

    /// What was released so far.
    async fn through<R: Remote>(&self, remote: &R) -> Through {
        let head = remote.head(&self.access).await.expect("a head");
        Through { space: self.access.space, seq: head.commit.header.fields().seq }
    }

    async fn sweep<R: Remote>(&self, remote: &R, adds: &[usize], releases: &[usize]) {
        let releases: Vec<_> = releases.iter().map(|number| self.blobs[*number].blob).collect();
        let sweep = self.made(remote, CommitKind::Sweep, adds, &releases).await;
        remote.commit(&self.access, posted(&sweep)).await.expect("a sweep");
    }

    /// Of each blob that is listed, whether it is released.
    async fn listed<R: Remote>(&self, remote: &R) -> Vec<bool> {
        let page = remote.blobs(&self.access, None).await.expect("a list");
        assert!(!page.more);
        page.blobs.iter().map(|blob| blob.released.is_some()).collect()
    }
}

impl<R: Remote> Suite<R> {
    /// What is released counts and is read until it is freed, which takes the password.
    pub(super) async fn sweeps(&self) {
        let remote = &self.remote;
        let stored = Stored::new(remote, "sweeps").await;
        let Stored { actor, access, blobs } = &stored;
        stored.sweep(remote, &[], &[0, 2]).await;
        assert_eq!(stored.listed(remote).await, [true, false, true]);
        remote.get_blob(access, &blobs[0].blob, None).await.expect("it is there");
        stored.sweep(remote, &[0], &[1]).await;
        assert_eq!(stored.listed(remote).await, [false, true, true]);
        let after = remote.blobs(access, Some(&blobs[1].blob)).await.expect("a page");
        assert_eq!(after.blobs.iter().map(|blob| blob.blob).collect::<Vec<_>>(), [blobs[2].blob]);

        let by_device = actor.device_login(remote, actor.device, &actor.device_key).await;
        let by_device = session(&remote.device_login_finish(&by_device).await.expect("a login"));
        let through = stored.through(remote).await;
        self.refused(remote.free_released(&by_device, through).await, ErrorCode::PasswordNeeded);
        let released = remote.released(&by_device, None).await.expect("an answer");
        assert_eq!(released.bytes, 2 * LEN as u64);
        assert_eq!(remote.released(&by_device, Some(through)).await.expect("an answer"), released);
        let before = Through { seq: through.seq - 1, ..through };
        assert_eq!(remote.released(&by_device, Some(before)).await.expect("an answer").bytes, LEN as u64);
        let (since, free_from) = (released.since.expect("a day"), released.free_from.expect("a day"));
        assert_eq!(free_from - since, RELEASED_DAYS + 1);

        let used = actor.account(remote).await.used;
        let by_password = session(&actor.login(remote).await);
        // What was released after the commit that is named stays, as does what is in another space.
        let elsewhere = Through { space: SpaceId::from_bytes([9; 32]), ..through };
        for (through, bytes) in [(elsewhere, 0), (before, LEN as u64), (before, 0), (through, LEN as u64)] {
            let freed = remote.free_released(&by_password, through).await.expect("an answer");
            assert_eq!((freed.freed, freed.more), (bytes, false));
        }
        assert_eq!(actor.account(remote).await.used, used - 2 * LEN as u64);
        assert_eq!(stored.listed(remote).await, [false]);
        let released = remote.released(&by_password, None).await.expect("an answer");
        assert_eq!((released.bytes, released.since, released.free_from), (0, None, None));
        // What is gone is sent anew, and cannot be named before.
        self.refused(remote.get_blob(access, &blobs[1].blob, None).await, ErrorCode::NotFound);
        let again = stored.made(remote, CommitKind::Tree, &[1], &[]).await;
        self.refused(remote.commit(access, posted(&again)).await, ErrorCode::BlobMissing);
        let upload = actor.upload(remote, access, 1 << 20).await;
        remote.put_blob(access, &upload, blobs[1].clone()).await.expect("a blob");
        remote.commit(access, posted(&again)).await.expect("a commit");
        assert_eq!(stored.listed(remote).await, [false, false]);
    }

    /// Only a sweep releases, by the admin key, and only what a commit named.
    pub(super) async fn sweeps_refused(&self) {
        let remote = &self.remote;
        let stored = Stored::new(remote, "sweeps-refused").await;
        let Stored { actor, access, blobs } = &stored;
        let upload = actor.upload(remote, access, 1 << 20).await;
        let open = actor.sent(remote, access, &upload, LEN).await;
        let unknown = actor.blob(LEN);
        let first = blobs[0].blob;
        for (kind, adds, releases, code) in [
            (CommitKind::Tree, vec![], vec![first], ErrorCode::CommitInvalid),
            (CommitKind::Sweep, vec![0], vec![first], ErrorCode::CommitInvalid),
            (CommitKind::Sweep, vec![], vec![first, open.blob], ErrorCode::BlobMissing),
            (CommitKind::Sweep, vec![], vec![first, unknown.blob], ErrorCode::BlobMissing),
        ] {
            let commit = stored.made(remote, kind, &adds, &releases).await;
            self.refused(remote.commit(access, posted(&commit)).await, code);
        }
        let sweep = stored.made(remote, CommitKind::Sweep, &[], &[first]).await;
        let fields = sweep.logged.header.fields().clone();
        let by_writer = actor.sign(fields, b"sweep", sweep.lists.clone(), &actor.write);
        self.refused(remote.commit(access, posted(&by_writer)).await, ErrorCode::CommitInvalid);
        let writer = actor.open(remote, &[Right::Write]).await;
        self.refused(remote.commit(&writer, posted(&sweep)).await, ErrorCode::Forbidden);
        self.refused(remote.blobs(&writer, None).await, ErrorCode::Forbidden);
        let admin = actor.open(remote, &[Right::Admin]).await;
        remote.blobs(&admin, None).await.expect("a list");
        assert_eq!(stored.listed(remote).await, [false, false, false]);
    }

    /// Over a full quota go small uploads only, deeper with the right to manage.
    pub(super) async fn room_to_remove(&self) {
        let remote = &self.remote;
        let (actor, managing) = Actor::with_space(remote, "room-to-remove").await;
        let writing = actor.open(remote, &[Right::Write]).await;
        actor.upload(remote, &writing, QUOTA - SMALL).await;
        let open = async |access: &SpaceAccess, number: u8, bytes| {
            remote.open_upload(access, &OpenUpload { upload: UploadId::from_bytes([number; 16]), bytes }).await
        };
        self.refused(open(&managing, 200, SMALL + 1).await, ErrorCode::QuotaExceeded);
        let mut small = 0;
        while open(&writing, small, SMALL).await.is_ok() {
            small += 1;
        }
        // Commits may have taken some of what was left.
        assert!((0..=1).contains(&(u64::from(small) - SPARE / SMALL)), "{small}");
        self.refused(open(&writing, 201, SMALL).await, ErrorCode::QuotaExceeded);
        open(&managing, 202, SMALL).await.expect("room to remove");
        self.refused(open(&managing, 203, SMALL + 1).await, ErrorCode::QuotaExceeded);
    }

    /// Released blobs go when 30 whole days have passed on which the server ran, and a password is believed for a while.
    pub(super) async fn released_goes(&self, pass: &impl Fn(Duration)) {
        let remote = &self.remote;
        let stored = Stored::new(remote, "released-goes").await;
        stored.sweep(remote, &[], &[0]).await;
        let by_password = session(&stored.actor.login(remote).await);
        pass(PASSWORD);
        let through = stored.through(remote).await;
        self.refused(remote.free_released(&by_password, through).await, ErrorCode::PasswordNeeded);
        // A year in which it did not run, or a clock that jumps.
        pass(365 * DAY);
        for _ in 0..=RELEASED_DAYS {
            let access = stored.actor.open(remote, &[Right::Read]).await;
            assert_eq!(remote.blobs(&access, None).await.expect("a list").blobs.len(), 3);
            pass(DAY);
        }
        let access = stored.actor.open(remote, &[Right::Read]).await;
        assert_eq!(remote.blobs(&access, None).await.expect("a list").blobs.len(), 2);
    }
}
