//! Commits: everything that the server can check without a key (spec: 4-http-api, "Commits").

use anonicloud_proto::api::{CommitAnswer, ErrorCode};
use anonicloud_proto::capability::{CapabilityKeys, Right};
use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::commit::{CommitKind, CommitLists, PostedCommit, UnsignedHeader};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::merkle::Frontier;
use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::{REMOVAL_SPARE, SPARE, Service, ServiceError, SpaceAccess};
use crate::store::Day;
use crate::store::meta::{CommitOutcome, HeadRow, LogRow, NewCommit, SpaceRow};

/// The rights that let a session commit, each by itself.
pub(super) const COMMITTERS: &[Right] = &[Right::Write, Right::Admin];

impl Service {
    /// Applies a commit to the session's space.
    pub(super) async fn commit(&self, access: &SpaceAccess, request: Bytes) -> Result<CommitAnswer, ServiceError> {
        access.may(COMMITTERS)?;
        // A commit may be long, and decoding it hashes all of it.
        let posted = spawn_blocking(move || PostedCommit::from_bytes(&request)).await;
        let posted = posted.map_err(|_| ServiceError::Task)?.map_err(|_| ErrorCode::CommitInvalid)?;
        check_right(access, posted.logged.header.fields().kind)?;
        let space = self.meta.space(access.space()).await?;
        let space = space.ok_or(ErrorCode::NotFound)?;
        let head = self.meta.head(access.space()).await?;
        let head = head.ok_or(ErrorCode::NotFound)?;
        let answer = CommitAnswer { seq: posted.logged.header.fields().seq, hash: posted.logged.header.hash() };
        if self.is_in_log(access, &answer).await? {
            return Ok(answer);
        }
        let mut commit = self.check_commit(access, posted, &space, &head)?;
        // Looked up beside the writer first, which thousands of blobs that are not there would keep from others.
        if !commit.adds.is_empty() && !self.meta.adds_found(commit.space, commit.adds.clone()).await? {
            return Err(ErrorCode::BlobMissing.into());
        }
        if !commit.releases.is_empty() {
            if !self.meta.releases_found(commit.space, commit.releases.clone()).await? {
                return Err(ErrorCode::BlobMissing.into());
            }
            commit.day = self.meta.count_day(commit.day).await?;
        }
        let spare = if access.may(&[Right::Admin]).is_ok() { REMOVAL_SPARE } else { SPARE };
        match self.meta.append_commit(commit, spare).await? {
            CommitOutcome::Applied => {
                self.waits.moved(access.space());
                Ok(answer)
            }
            CommitOutcome::BlobMissing => Err(ErrorCode::BlobMissing.into()),
            CommitOutcome::QuotaExceeded => Err(ErrorCode::QuotaExceeded.into()),
            CommitOutcome::HeadMoved => {
                // The same commit may have come over two connections at once.
                if self.is_in_log(access, &answer).await? { Ok(answer) } else { Err(ErrorCode::HeadMoved.into()) }
            }
        }
    }

    /// Whether a commit that comes again was taken, and only the answer was lost; others may stand on top of it by now.
    async fn is_in_log(&self, access: &SpaceAccess, commit: &CommitAnswer) -> Result<bool, ServiceError> {
        let rows = self.meta.log(access.space(), commit.seq, 1, 0).await?;
        Ok(rows.first().is_some_and(|row| ChainHash::of(&row.header) == commit.hash))
    }

    fn check_commit(
        &self,
        access: &SpaceAccess,
        posted: PostedCommit,
        space: &SpaceRow,
        head: &HeadRow,
    ) -> Result<NewCommit, ServiceError> {
        let fields = posted.logged.header.fields();
        let keys = CapabilityKeys::from_bytes(&space.keys).map_err(|_| ServiceError::Damaged("capability keys"))?;
        if fields.space != access.space() {
            return Err(ErrorCode::CommitInvalid.into());
        }
        if fields.epoch != space.epoch {
            return Err(ErrorCode::EpochStale.into());
        }
        let mut frontier = Frontier::from_bytes(&head.frontier).map_err(|_| ServiceError::Damaged("frontier"))?;
        frontier.append(&head.commit.header).map_err(|_| ServiceError::Damaged("frontier"))?;
        if fields.prev != head.hash || fields.seq != frontier.size() {
            return Err(ErrorCode::HeadMoved.into());
        }
        let PostedCommit { logged, lists } = &posted;
        let key = if fields.kind == CommitKind::Sweep { &keys.admin } else { &keys.write };
        let valid = fields.history == frontier.root()
            && may_have(fields.kind, lists)
            && logged.header.verify(self.realm_id(), key).is_ok();
        if !valid {
            return Err(ErrorCode::CommitInvalid.into());
        }
        Ok(new_commit(posted, &frontier, self.clock.today()))
    }
}

/// Checks the commit that begins a space, which adds nothing.
pub(super) fn check_genesis(
    realm: &RealmId,
    keys: &CapabilityKeys,
    bytes: &[u8],
    day: Day,
) -> Result<NewCommit, ErrorCode> {
    let posted = PostedCommit::from_bytes(bytes).map_err(|_| ErrorCode::CommitInvalid)?;
    let PostedCommit { logged, lists } = &posted;
    let UnsignedHeader { suite: _, kind, space: _, epoch: _, seq, prev, history, lists: _, body: _ } =
        logged.header.fields();
    let frontier = Frontier::default();
    let valid = *kind == CommitKind::Genesis
        && *seq == 0
        && *prev == ChainHash::ZERO
        && *history == frontier.root()
        && *lists == CommitLists::default()
        && logged.header.verify(realm, &keys.admin).is_ok();
    if valid { Ok(new_commit(posted, &frontier, day)) } else { Err(ErrorCode::CommitInvalid) }
}

fn check_right(access: &SpaceAccess, kind: CommitKind) -> Result<(), ErrorCode> {
    if kind == CommitKind::Tree {
        return access.may(&[Right::Write]);
    }
    access.may(&[Right::Admin])?;
    // Rosters and fences are not served yet, and a genesis comes in a registration.
    if kind == CommitKind::Sweep { Ok(()) } else { Err(ErrorCode::CommitInvalid) }
}

/// Whether a commit of this kind may have these lists: only a sweep releases, and nothing that it adds.
fn may_have(kind: CommitKind, lists: &CommitLists) -> bool {
    let releases = match kind {
        // Both are ascending.
        CommitKind::Sweep => lists.adds.iter().all(|added| lists.releases.binary_search(&added.blob).is_err()),
        _ => lists.releases.is_empty(),
    };
    releases && lists.keyboxes.is_empty()
}

fn new_commit(posted: PostedCommit, frontier: &Frontier, day: Day) -> NewCommit {
    let header = posted.logged.header;
    NewCommit {
        space: header.fields().space,
        epoch: header.fields().epoch,
        seq: header.fields().seq,
        prev: header.fields().prev,
        hash: header.hash(),
        frontier: frontier.to_bytes(),
        row: LogRow { header: header.to_bytes(), body: posted.logged.body },
        adds: posted.lists.adds,
        releases: posted.lists.releases,
        day,
    }
}
