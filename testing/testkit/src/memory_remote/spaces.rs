//! Space sessions by capability, and reading a space's log.

use std::collections::BTreeMap;

use anonicloud_proto::api::{ErrorCode, SpaceSessionAnswer, SpaceSessionFinish};
use anonicloud_proto::capability::{CapabilityKeys, Right, session_message};
use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::commit::{HeadAnswer, LoggedCommit};
use anonicloud_proto::ids::{AccountId, BlobId, SpaceId, UploadId};
use anonicloud_proto::limits::{LOG_PAGE_BYTES, LOG_PAGE_COMMITS};
use anonicloud_proto::merkle::Frontier;

use super::blobs::Blob;
use super::login::{Purpose, signature};
use super::sessions::IDLE;
use super::uploads::Upload;
use super::{Answer, Server};

/// Bytes of a page's headers and bodies, which leaves each its four bytes of length in the encoding.
const ROWS_BYTES: usize = LOG_PAGE_BYTES - 4 * LOG_PAGE_COMMITS;

/// What a space session proved.
pub(super) type Rights = Vec<Right>;

/// A space's session.
pub(super) struct Access {
    pub(super) space: SpaceId,
    pub(super) rights: Rights,
}

impl Access {
    /// Refuses unless the session has one of these rights.
    pub(super) fn may(&self, one_of: &[Right]) -> Answer<()> {
        if one_of.iter().any(|right| self.rights.contains(right)) { Ok(()) } else { Err(ErrorCode::Forbidden) }
    }
}

/// A space: its log, its uploads, its blobs.
pub(super) struct Space {
    pub(super) owner: AccountId,
    pub(super) epoch: u32,
    pub(super) keys: CapabilityKeys,
    pub(super) log: Vec<LoggedCommit>,
    /// Over the headers before the head.
    pub(super) frontier: Frontier,
    pub(super) uploads: BTreeMap<UploadId, Upload>,
    pub(super) blobs: BTreeMap<BlobId, Blob>,
}

impl Space {
    /// A space that its genesis begins.
    pub(super) fn new(owner: AccountId, epoch: u32, keys: CapabilityKeys, genesis: LoggedCommit) -> Self {
        Self {
            owner,
            epoch,
            keys,
            log: vec![genesis],
            frontier: Frontier::default(),
            uploads: BTreeMap::new(),
            blobs: BTreeMap::new(),
        }
    }
}

impl Server {
    /// The space of a session, which was there when the session was opened.
    pub(super) fn space(&mut self, access: &Access) -> Answer<&mut Space> {
        self.spaces.get_mut(&access.space).ok_or(ErrorCode::NotFound)
    }

    /// Checks the proofs of capabilities and opens a session.
    pub(super) fn open_space(&mut self, id: SpaceId, finish: &SpaceSessionFinish) -> Answer<SpaceSessionAnswer> {
        let challenge = self.take_challenge(&finish.challenge, Purpose::Space(id))?;
        let space = self.spaces.get(&id).ok_or(ErrorCode::LoginFailed)?;
        if space.epoch != finish.epoch {
            return Err(ErrorCode::EpochStale);
        }
        let keys = &space.keys;
        let mut rights = Vec::new();
        if let Some(token) = &finish.read {
            keys.read.check(token.as_bytes()).map_err(|_| ErrorCode::LoginFailed)?;
            rights.push(Right::Read);
        }
        let signed = [
            (Right::Append, &keys.append, &finish.append),
            (Right::Write, &keys.write, &finish.write),
            (Right::Admin, &keys.admin, &finish.admin),
        ];
        for (right, key, proof) in signed {
            let Some(proof) = proof else { continue };
            let message = session_message(&self.realm, &id, finish.epoch, right, &challenge);
            key.verify(&message, &signature(proof)?).map_err(|_| ErrorCode::LoginFailed)?;
            rights.push(right);
        }
        if rights.is_empty() {
            return Err(ErrorCode::LoginFailed);
        }
        let token = self.space_sessions.open(&mut self.random, id, rights.clone());
        Ok(SpaceSessionAnswer { token, expires_in: IDLE.as_secs(), rights })
    }

    pub(super) fn head(&mut self, access: &Access) -> Answer<HeadAnswer> {
        access.may(&[Right::Read])?;
        let space = self.space(access)?;
        let commit = space.log.last().ok_or(ErrorCode::Internal)?.clone();
        Ok(HeadAnswer { commit, frontier: space.frontier.clone() })
    }

    /// A page of the log from `from` on; empty past the head.
    pub(super) fn log(&mut self, access: &Access, from: u64) -> Answer<Vec<LoggedCommit>> {
        access.may(&[Right::Read])?;
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let mut page: Vec<LoggedCommit> = Vec::new();
        let mut bytes = 0;
        for commit in self.space(access)?.log.iter().skip(from).take(LOG_PAGE_COMMITS) {
            bytes += commit.header.to_bytes().len() + commit.body.len();
            if bytes > ROWS_BYTES && !page.is_empty() {
                break;
            }
            page.push(commit.clone());
        }
        Ok(page)
    }
}
