//! Commits: everything that a server can check without a key (spec: 4-http-api, "Commits").

use anonicloud_proto::api::{CommitAnswer, ErrorCode};
use anonicloud_proto::capability::{CapabilityKeys, Right};
use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::commit::{AddedBlob, CommitKind, CommitLists, LoggedCommit, PostedCommit};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::limits::COMMIT_REQUEST_MAX;
use anonicloud_proto::merkle::Frontier;

use super::spaces::{Access, Space};
use super::sweeps::Release;
use super::uploads::{REMOVAL_SPARE, SPARE};
use super::{Answer, Server};

impl Server {
    /// Applies a commit to the session's space: all of it or nothing.
    pub(super) fn commit(&mut self, access: &Access, request: &[u8]) -> Answer<CommitAnswer> {
        access.may(&[Right::Write, Right::Admin])?;
        if request.len() > COMMIT_REQUEST_MAX {
            return Err(ErrorCode::TooLarge);
        }
        let posted = PostedCommit::from_bytes(request).map_err(|_| ErrorCode::CommitInvalid)?;
        let fields = posted.logged.header.fields();
        check_right(access, fields.kind)?;
        let answer = CommitAnswer { seq: fields.seq, hash: posted.logged.header.hash() };
        let realm = self.realm;
        let space = self.space(access)?;
        // One that comes again was taken, and only the answer was lost; others may stand on top of it by now.
        let place = usize::try_from(answer.seq).unwrap_or(usize::MAX);
        if space.log.get(place).is_some_and(|commit| commit.header.hash() == answer.hash) {
            return Ok(answer);
        }
        let head = space.log.last().ok_or(ErrorCode::Internal)?;
        let mut frontier = space.frontier.clone();
        frontier.append(&head.header.to_bytes()).map_err(|_| ErrorCode::Internal)?;
        let head = head.header.hash();
        check_commit(&realm, (space, access), &posted, (head, &frontier))?;
        let moved = space.bytes_to_move(&posted.lists.adds)?;
        if !space.has_named(&posted.lists.releases) {
            return Err(ErrorCode::BlobMissing);
        }
        let length = (posted.logged.header.to_bytes().len() + posted.logged.body.len()) as u64;
        let owner = space.owner;
        let account = self.accounts.get_mut(&owner).ok_or(ErrorCode::Internal)?;
        let spare = if access.may(&[Right::Admin]).is_ok() { REMOVAL_SPARE } else { SPARE };
        if !account.has_room(length, spare) {
            return Err(ErrorCode::QuotaExceeded);
        }
        account.used += moved + length;
        account.reserved -= moved;
        let release = Release { day: self.days.counted, seq: answer.seq };
        let space = self.space(access)?;
        space.take_adds(&posted.lists.adds);
        space.release(&posted.lists.releases, release);
        space.frontier = frontier;
        space.log.push(posted.logged);
        Ok(answer)
    }
}

impl Space {
    /// The bytes of `adds` that no commit names yet; all must be complete with the sizes named.
    fn bytes_to_move(&self, adds: &[AddedBlob]) -> Answer<u64> {
        let mut moved = 0;
        for add in adds {
            let blob = self.blobs.get(&add.blob).filter(|blob| blob.complete && blob.size == add.size);
            let blob = blob.ok_or(ErrorCode::BlobMissing)?;
            moved += if blob.upload.is_some() { blob.size } else { 0 };
        }
        Ok(moved)
    }

    /// Moves blobs out of their uploads.
    fn take_adds(&mut self, adds: &[AddedBlob]) {
        for add in adds {
            let Some(blob) = self.blobs.get_mut(&add.blob) else { continue };
            blob.released = None;
            let upload = blob.upload.take().and_then(|upload| self.uploads.get_mut(&upload));
            if let Some(upload) = upload {
                upload.reserved -= add.size;
                upload.charged -= add.size;
            }
        }
    }
}

fn check_commit(
    realm: &RealmId,
    (space, access): (&Space, &Access),
    posted: &PostedCommit,
    (head, frontier): (ChainHash, &Frontier),
) -> Answer<()> {
    let PostedCommit { logged, lists } = posted;
    let fields = logged.header.fields();
    if fields.space != access.space {
        return Err(ErrorCode::CommitInvalid);
    }
    if fields.epoch != space.epoch {
        return Err(ErrorCode::EpochStale);
    }
    if fields.prev != head || fields.seq != frontier.size() {
        return Err(ErrorCode::HeadMoved);
    }
    let is_sweep = fields.kind == CommitKind::Sweep;
    let key = if is_sweep { &space.keys.admin } else { &space.keys.write };
    let both = |added: &AddedBlob| lists.releases.contains(&added.blob);
    let valid = fields.history == frontier.root()
        && (is_sweep || lists.releases.is_empty())
        && !lists.adds.iter().any(both)
        && lists.keyboxes.is_empty()
        && logged.header.verify(realm, key).is_ok();
    if valid { Ok(()) } else { Err(ErrorCode::CommitInvalid) }
}

fn check_right(access: &Access, kind: CommitKind) -> Answer<()> {
    if kind == CommitKind::Tree {
        return access.may(&[Right::Write]);
    }
    access.may(&[Right::Admin])?;
    // Rosters and fences are not served yet, and a genesis comes in a registration.
    if kind == CommitKind::Sweep { Ok(()) } else { Err(ErrorCode::CommitInvalid) }
}

/// Checks the commit that begins a space, which adds nothing.
pub(super) fn check_genesis(realm: &RealmId, keys: &CapabilityKeys, bytes: &[u8]) -> Answer<LoggedCommit> {
    let PostedCommit { logged, lists } = PostedCommit::from_bytes(bytes).map_err(|_| ErrorCode::CommitInvalid)?;
    let fields = logged.header.fields();
    let valid = fields.kind == CommitKind::Genesis
        && fields.seq == 0
        && fields.prev == ChainHash::ZERO
        && fields.history == Frontier::default().root()
        && lists == CommitLists::default()
        && logged.header.verify(realm, &keys.admin).is_ok();
    if valid { Ok(logged) } else { Err(ErrorCode::CommitInvalid) }
}
