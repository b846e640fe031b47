//! The log, read commit by commit up to a head.

use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::space::state::{LogPlace, SpaceState};
use anonicloud_core::space::verify::{NoOp, Step, VerifiedCommit, VerifyNextError};
use anonicloud_proto::commit::{CommitHeader, CommitKind, HeadAnswer, LoggedCommit};
use anonicloud_proto::merkle::Frontier;

use super::head::Head;
use crate::client::Client;
use crate::error::OperationError;
use crate::notice::Notice;
use crate::remote::Remote;
use crate::state::LocalState;

/// Which commits of the log are read.
#[derive(Clone, Copy)]
pub(super) enum Reading<'a> {
    /// Those after the ones that this device has read.
    Onwards,
    /// All of them.
    Whole {
        /// What this device has read before.
        known: Option<&'a SpaceState>,
    },
}

impl<'a> Reading<'a> {
    /// What this device knew before it read on from `state`.
    fn base(self, state: &SpaceState) -> Option<LogPlace> {
        match self {
            Self::Onwards => Some(state.head()),
            Self::Whole { known } => known.map(SpaceState::head),
        }
    }

    /// What was read before at the place of `state`.
    fn known_at(self, state: &SpaceState) -> Option<&'a SpaceState> {
        let Self::Whole { known: Some(known) } = self else { return None };
        Some(known).filter(|known| known.head().seq == state.head().seq)
    }
}

/// How far the log was read.
pub(super) struct ReadLog {
    pub(super) state: SpaceState,
    /// The last commit on the way that is no no-op.
    valid: Option<VerifiedCommit>,
    /// The header of the newest commit.
    signed: CommitHeader,
}

/// Why the log was not followed.
pub(super) enum FollowError {
    /// The chain that was just fetched does not certify the device that made a commit.
    DeviceUnknown,
    /// The commit is genuine, and goes on from another one.
    Forked,
    Failed(OperationError),
}

impl From<OperationError> for FollowError {
    fn from(error: OperationError) -> Self {
        Self::Failed(error)
    }
}

impl From<VerifyNextError> for FollowError {
    fn from(error: VerifyNextError) -> Self {
        match error {
            VerifyNextError::DeviceUnknown => Self::DeviceUnknown,
            VerifyNextError::Forked => Self::Forked,
            error => Self::Failed(error.into()),
        }
    }
}

impl From<FollowError> for OperationError {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::DeviceUnknown => VerifyNextError::DeviceUnknown.into(),
            FollowError::Forked => VerifyNextError::Forked.into(),
            FollowError::Failed(error) => error,
        }
    }
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Reads the whole log, which decides what the chain that the server shows does not; on its way it must pass `known`.
    pub(super) async fn read_from_genesis(
        &self,
        newest: &LoggedCommit,
        known: Option<&SpaceState>,
    ) -> Result<(), OperationError> {
        let genesis = self.genesis().await?;
        Ok(self.follow_log(genesis, newest, Reading::Whole { known }).await?)
    }

    /// The state after the first commit.
    pub(super) async fn genesis(&self) -> Result<SpaceState, OperationError> {
        let page = self.log_page(0).await?;
        let commit = page.into_iter().next().ok_or(OperationError::RolledBack)?;
        let genesis = HeadAnswer { commit, frontier: Frontier::default() };
        let (_, state) = self.private_space().borrow_mut().verify_head(&genesis)?;
        Ok(state)
    }

    /// Verifies every commit after `state` up to `newest`, which the server says is the head, and takes it over.
    pub(super) async fn follow_log(
        &self,
        state: SpaceState,
        newest: &LoggedCommit,
        reading: Reading<'_>,
    ) -> Result<(), FollowError> {
        let base = reading.base(&state);
        let read = self.read_log(state, newest, reading).await?;
        let is_known = self.head().borrow().as_ref().is_some_and(|head| head.state == read.state);
        if read.valid.is_none() && is_known {
            return Ok(());
        }
        let head = self.head_of(read).await?;
        Ok(self.adopt(head, base, Vec::new()).await?)
    }

    /// Verifies every commit after `state` up to `newest`, which the server says is the head.
    pub(super) async fn read_log(
        &self,
        mut state: SpaceState,
        newest: &LoggedCommit,
        reading: Reading<'_>,
    ) -> Result<ReadLog, FollowError> {
        let (seq, hash) = (newest.header.fields().seq, newest.header.hash());
        let base = reading.base(&state);
        self.check_successor(base, state.head(), newest).await?;
        let (mut valid, mut signed) = (None, newest.header.clone());
        while state.head().seq < seq {
            let page = self.log_page(state.head().seq.saturating_add(1)).await?;
            if page.is_empty() {
                return Err(OperationError::RolledBack.into());
            }
            for commit in &page {
                let (step, next) = match self.verify_step(&state, commit, reading).await {
                    Err(FollowError::Forked) => {
                        return Err(self.contradicted(base, (state.head(), Some(&signed)), commit).await.into());
                    }
                    stepped => stepped?,
                };
                (state, signed) = (next, commit.header.clone());
                // The server releases what it names also when it is a no-op to readers.
                let is_sweep = commit.header.fields().kind == CommitKind::Sweep;
                self.sweeps().set(self.sweeps().get() + u64::from(is_sweep));
                match step {
                    Step::Verified(verified) => valid = Some(verified),
                    Step::Skipped(_) if base.is_some_and(|base| state.head().seq <= base.seq) => {}
                    Step::Skipped(reason) => self.report_skipped(state.head().seq, reason)?,
                    _ => return Err(OperationError::from(Rejected).into()),
                }
                self.check_passed(base, reading.known_at(&state), &state, commit).await?;
                if state.head().seq == seq && state.head().hash != hash {
                    return Err(self.contradicted(base, (state.head(), Some(&signed)), newest).await.into());
                }
            }
        }
        Ok(ReadLog { state, valid, signed })
    }

    /// Checks that `newest` goes on from the commit at `state`, if its number is the next one: a server may show it and no log.
    async fn check_successor(
        &self,
        base: Option<LogPlace>,
        state: LogPlace,
        newest: &LoggedCommit,
    ) -> Result<(), OperationError> {
        let fields = newest.header.fields();
        if state.seq.checked_add(1) == Some(fields.seq) && fields.prev != state.hash {
            return Err(self.contradicted(base, (state, None), newest).await);
        }
        Ok(())
    }

    /// Checks that the log comes by what was `known`, and says the same of it, when it is at `state` by `commit`.
    async fn check_passed(
        &self,
        base: Option<LogPlace>,
        known: Option<&SpaceState>,
        state: &SpaceState,
        commit: &LoggedCommit,
    ) -> Result<(), OperationError> {
        match known {
            Some(known) if state.head() != known.head() => {
                Err(self.contradicted(base, (known.head(), None), commit).await)
            }
            Some(known) if state.valid() != known.valid() => Err(OperationError::HistorySplit),
            _ => Ok(()),
        }
    }

    /// Says that a commit changes nothing. One of this device means that others read another history than this one did: what
    /// it would write from here on nobody else would see.
    pub(crate) fn report_skipped(&self, seq: u64, reason: NoOp) -> Result<(), OperationError> {
        match reason {
            NoOp::OtherBase { device } if device == self.record().device.device() => Err(OperationError::HistorySplit),
            _ => {
                self.notify(&Notice::CommitSkipped { seq });
                Ok(())
            }
        }
    }

    /// Verifies the commit after `state`, with a fresh chain when the one that is here does not decide it, and with the commit
    /// whose tree a sweep keeps.
    async fn verify_step(
        &self,
        state: &SpaceState,
        commit: &LoggedCommit,
        reading: Reading<'_>,
    ) -> Result<(Step, SpaceState), FollowError> {
        let mut verified = self.private_space().borrow_mut().verify_next(state, commit);
        if matches!(verified, Err(VerifyNextError::NeedChain | VerifyNextError::DeviceUnknown)) {
            self.refresh_owner().await?;
            let mut space = self.private_space().borrow_mut();
            verified = match reading {
                Reading::Onwards => space.verify_next(state, commit),
                Reading::Whole { .. } => space.verify_next_by_log(state, commit),
            };
        }
        if matches!(verified, Err(VerifyNextError::NeedBase)) {
            let base = self.commit_at(state.valid()).await?;
            verified = self.private_space().borrow_mut().verify_next_on(state, commit, &base);
        }
        Ok(verified?)
    }

    /// Verifies the commit after `state` that this device made.
    pub(crate) async fn verify_own(
        &self,
        state: &SpaceState,
        commit: &LoggedCommit,
    ) -> Result<(Step, SpaceState), OperationError> {
        Ok(self.verify_step(state, commit, Reading::Onwards).await?)
    }

    /// The head that was read; of a log with no valid commit, by what is kept of the tree or by its commit, fetched again.
    pub(super) async fn head_of(&self, read: ReadLog) -> Result<Head, OperationError> {
        let ReadLog { state, valid, signed } = read;
        if let Some(verified) = valid {
            return Ok(Head::new(state, &verified, &signed));
        }
        if let Some(head) = self.kept_head(&state).await? {
            return Ok(Head { signed: Some(signed), ..head });
        }
        let verified = self.valid_commit(&state).await?;
        Ok(Head::new(state, &verified, &signed))
    }

    /// The commit that `state` says is the tree now, fetched again.
    async fn valid_commit(&self, state: &SpaceState) -> Result<VerifiedCommit, OperationError> {
        let commit = self.commit_at(state.valid()).await?;
        Ok(self.private_space().borrow().verify_again(state, &commit)?)
    }
}
