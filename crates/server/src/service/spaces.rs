//! Space sessions by capability, and reading a space's log.

use std::time::Duration;

use anonicloud_proto::api::{Challenge, ErrorCode, SpaceSessionAnswer, SpaceSessionFinish};
use anonicloud_proto::capability::{CapabilityKeys, Right, session_message};
use anonicloud_proto::codec::{Decode as _, Writer};
use anonicloud_proto::ids::SpaceId;
use anonicloud_proto::limits::{LOG_PAGE_BYTES, LOG_PAGE_COMMITS};
use anonicloud_proto::merkle::Frontier;
use tokio::time::{Instant, timeout_at};

use super::login::signature;
use super::rates::Rated;
use super::sessions::{IDLE, SessionKey};
use super::vouchers::{Owner, Purpose};
use super::{Permit, Service, ServiceError};
use crate::store::meta::{HeadRow, LogRow};

/// Bytes of a page's rows, which leaves each its four bytes of length in the encoding.
const ROWS_BYTES: usize = LOG_PAGE_BYTES - 4 * LOG_PAGE_COMMITS;

/// How long who waits for a head to move hears nothing: shorter than what lies between gives up an answer, and than the
/// minute of patience of a client.
const HEAD_WAIT: Duration = Duration::from_secs(25);

/// What a space session proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rights(Vec<Right>);

/// A space's session, which only a token gives.
#[derive(Debug, Clone)]
pub(crate) struct SpaceAccess {
    space: SpaceId,
    rights: Rights,
    session: SessionKey,
}

impl SpaceAccess {
    /// Which space.
    pub(crate) const fn space(&self) -> SpaceId {
        self.space
    }

    /// Which session.
    pub(super) const fn session(&self) -> SessionKey {
        self.session
    }

    /// Refuses unless the session has one of these rights.
    pub(crate) fn may(&self, one_of: &[Right]) -> Result<(), ErrorCode> {
        if one_of.iter().any(|right| self.rights.0.contains(right)) { Ok(()) } else { Err(ErrorCode::Forbidden) }
    }
}

impl Service {
    /// The space session of a bearer token.
    pub(crate) fn space_access(&self, token: &[u8]) -> Option<SpaceAccess> {
        let (space, rights) = self.space_sessions.find(token)?;
        Some(SpaceAccess { space, rights, session: SessionKey::of(token) })
    }

    /// Counts a request by a capability, whichever session it comes in.
    pub(crate) fn count_of_space(&self, access: &SpaceAccess) -> Result<(), ServiceError> {
        let strongest = access.rights.0.iter().max().copied();
        strongest.map_or(Ok(()), |right| self.rates.take(Rated::Capability(access.space, right)))
    }

    /// Draws a challenge for a space, known or not.
    pub(crate) fn space_session_start(&self, space: SpaceId) -> Challenge {
        self.challenge(Purpose::Space(space))
    }

    /// Checks the proofs of capabilities and opens a session.
    pub(crate) async fn space_session_finish(
        &self,
        space: SpaceId,
        finish: &SpaceSessionFinish,
    ) -> Result<SpaceSessionAnswer, ServiceError> {
        let challenge = self.open_challenge(&finish.challenge, Purpose::Space(space))?;
        let row = self.meta.space(space).await?;
        let row = row.ok_or(ErrorCode::LoginFailed)?;
        if row.epoch != finish.epoch {
            return Err(ErrorCode::EpochStale.into());
        }
        let keys = CapabilityKeys::from_bytes(&row.keys).map_err(|_| ServiceError::Damaged("capability keys"))?;
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
            let message = session_message(self.realm_id(), &space, finish.epoch, right, &challenge);
            key.verify(&message, &signature(proof)?).map_err(|_| ErrorCode::LoginFailed)?;
            rights.push(right);
        }
        if rights.is_empty() {
            return Err(ErrorCode::LoginFailed.into());
        }
        self.spend(Owner::Space(space), &finish.challenge)?;
        Ok(SpaceSessionAnswer {
            token: self.space_sessions.open(space, Rights(rights.clone())),
            expires_in: IDLE.as_secs(),
            rights,
        })
    }

    /// Lets a session have a page of up to some MiB. The permit is for as long as the page is kept.
    pub(crate) async fn page(&self, access: &SpaceAccess) -> Result<Permit, ServiceError> {
        Ok(self.pages.acquire(access.space).await?)
    }

    /// The encoded `HeadAnswer` of a space. The permit is for as long as the answer is kept.
    pub(crate) async fn head(&self, access: &SpaceAccess) -> Result<(Vec<u8>, Permit), ServiceError> {
        access.may(&[Right::Read])?;
        let permit = self.heads.acquire(access.space).await?;
        let head = self.meta.head(access.space).await?;
        Ok((head_answer(&head.ok_or(ErrorCode::NotFound)?), permit))
    }

    /// As [`Service::head`], once the head has another place than `after`; none if that does not come for a while.
    pub(crate) async fn head_after(
        &self,
        access: &SpaceAccess,
        after: u64,
    ) -> Result<Option<(Vec<u8>, Permit)>, ServiceError> {
        access.may(&[Right::Read])?;
        // First, so that no commit comes between the look and the wait.
        let mut wait = self.waits.enter(access.space)?;
        let end = Instant::now() + HEAD_WAIT;
        loop {
            if let Some(head) = self.head_unless(access, after).await? {
                return Ok(Some(head));
            }
            match timeout_at(end, wait.moved()).await {
                Ok(moved) => moved?,
                Err(_) => return Ok(None),
            }
        }
    }

    /// Ends every wait for a head.
    pub(crate) fn end_waits(&self) {
        self.waits.end();
    }

    async fn head_unless(&self, access: &SpaceAccess, seq: u64) -> Result<Option<(Vec<u8>, Permit)>, ServiceError> {
        let permit = self.heads.acquire(access.space).await?;
        let head = self.meta.head(access.space).await?;
        let head = head.ok_or(ErrorCode::NotFound)?;
        let frontier = Frontier::from_bytes(&head.frontier).map_err(|_| ServiceError::Damaged("frontier"))?;
        // Over the headers before the head, of which there are as many as its place says.
        Ok((frontier.size() != seq).then(|| (head_answer(&head), permit)))
    }

    /// A page of encoded `LoggedCommit`s from `from` on; empty past the head. The permit is for as long as the page is
    /// kept.
    pub(crate) async fn log(&self, access: &SpaceAccess, from: u64) -> Result<(Vec<u8>, Permit), ServiceError> {
        access.may(&[Right::Read])?;
        let permit = self.page(access).await?;
        let page = self.meta.log(access.space, from, LOG_PAGE_COMMITS, ROWS_BYTES).await?;
        let mut out = Writer::default();
        for commit in &page {
            write_commit(&mut out, commit);
        }
        Ok((out.into_bytes(), permit))
    }
}

fn head_answer(head: &HeadRow) -> Vec<u8> {
    let mut out = Writer::default();
    write_commit(&mut out, &head.commit);
    out.fixed(&head.frontier);
    out.into_bytes()
}

fn write_commit(out: &mut Writer, commit: &LogRow) {
    out.fixed(&commit.header);
    out.bytes(&commit.body);
}
