//! The newest commit of the space: fetched, verified against what this device has seen, durable before it is acted on.

use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::space::state::{LogPlace, SpaceState};
use anonicloud_core::space::verify::{NoOp, Step, VerifiedCommit, VerifyHeadError, VerifyNextError};
use anonicloud_core::tree::node::TreeRoot;
use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::commit::{CommitKind, HeadAnswer, LoggedCommit};
use anonicloud_proto::merkle::Frontier;

use super::kept::keep_root;
use crate::client::Client;
use crate::error::OperationError;
use crate::notice::Notice;
use crate::remote::Remote;
use crate::state::{LocalState, Seen, StateChange, StateError, Table};

/// A verified head and the tree it vouches for.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) state: SpaceState,
    /// `None` is the empty tree.
    pub(crate) root: Option<TreeRoot>,
}

impl Head {
    pub(crate) fn new(state: SpaceState, commit: &VerifiedCommit) -> Self {
        let root = commit.root().map(|root| TreeRoot::new(root.totals, root.piece, root.hash, &root.key));
        Self { state, root }
    }
}

/// Which commits of the log are read.
#[derive(Clone, Copy)]
enum Reading<'a> {
    /// Those after the ones that this device has read.
    Onwards,
    /// All of them.
    Whole {
        /// What this device has read before.
        known: Option<&'a SpaceState>,
    },
}

impl Reading<'_> {
    /// Checks that the log comes by what was read before, and says the same of it.
    fn check(self, state: &SpaceState) -> Result<(), OperationError> {
        let Self::Whole { known: Some(known) } = self else {
            return Ok(());
        };
        if state.head().seq != known.head().seq {
            return Ok(());
        }
        if state.head().hash != known.head().hash {
            return Err(OperationError::RolledBack);
        }
        if state.valid() == known.valid() { Ok(()) } else { Err(OperationError::HistorySplit) }
    }
}

/// Heads asked for, each while another process of this device gets on, before one that is behind counts as a rollback.
const HEAD_ROUNDS: usize = 16;

/// Whether an answer is older than `known`, or another commit in its place.
fn is_behind(answer: &HeadAnswer, known: LogPlace) -> bool {
    let (seq, hash) = (answer.commit.header.fields().seq, answer.commit.header.hash());
    seq < known.seq || (seq == known.seq && hash != known.hash)
}

/// Why the log was not followed.
enum FollowError {
    /// The chain that was just fetched does not certify the device that made a commit.
    DeviceUnknown,
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
            error => Self::Failed(error.into()),
        }
    }
}

impl From<FollowError> for OperationError {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::DeviceUnknown => VerifyNextError::DeviceUnknown.into(),
            FollowError::Failed(error) => error,
        }
    }
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Makes sure that the newest head is known here.
    pub(crate) async fn sync(&self) -> Result<(), OperationError> {
        if self.is_offline() {
            return self.take_kept_head().await;
        }
        let Some((answer, state)) = self.ask_head().await? else { return Ok(()) };
        if self.head().borrow().as_ref().is_some_and(|head| head.state.head() != state.head()) {
            // Another process of this device has read on, past sweeps for all that is known here.
            self.sweeps().set(self.sweeps().get() + 1);
        }
        match self.follow_log(state.clone(), &answer.commit, Reading::Onwards).await {
            // What this device has read so far began at some head: an earlier commit may carry the link.
            Err(FollowError::DeviceUnknown) => self.read_from_genesis(&answer.commit, Some(&state)).await,
            other => Ok(other?),
        }
    }

    /// The newest head by the server, and what this device knows, which is no newer; `None` when it knew nothing and
    /// has read all.
    ///
    /// # Errors
    /// [`OperationError::RolledBack`] when the answer is older than what was known when it was asked for, or another one.
    async fn ask_head(&self) -> Result<Option<(HeadAnswer, SpaceState)>, OperationError> {
        let remote = self.remote();
        let mut before = self.known_state().await?;
        for _ in 0..HEAD_ROUNDS {
            let answer = self.door().request(remote, async |access| remote.head(access).await).await?;
            if before.is_some_and(|before| is_behind(&answer, before.head())) {
                return Err(OperationError::RolledBack);
            }
            let Some(state) = self.known_state().await? else {
                self.trust_first(&answer).await?;
                return Ok(None);
            };
            if !is_behind(&answer, state.head()) {
                return Ok(Some((answer, state)));
            }
            // It may be older than what another process of this device has seen since it was asked for.
            before = Some(state);
        }
        Err(OperationError::RolledBack)
    }

    /// Whether somebody gave back room since `sweeps` was counted: what the server does not have any more may have moved.
    pub(crate) async fn is_swept_since(&self, sweeps: u64) -> Result<bool, OperationError> {
        self.sync().await?;
        Ok(self.sweeps().get() != sweeps)
    }

    /// Takes the head that this device saw last for the newest.
    async fn take_kept_head(&self) -> Result<(), OperationError> {
        let state = self.known_state().await?.ok_or(OperationError::NotKept)?;
        let head = self.kept_head(&state).await?.ok_or(OperationError::NotKept)?;
        self.head().replace(Some(head));
        Ok(())
    }

    /// The tree's root as far as this device knows; fetches the head when it knows none.
    pub(crate) async fn root(&self) -> Result<Option<TreeRoot>, OperationError> {
        if self.head().borrow().is_none() {
            self.sync().await?;
        }
        Ok(self.head().borrow().as_ref().and_then(|head| head.root.as_ref().map(TreeRoot::duplicate)))
    }

    /// Takes over a head that was verified from `base` on, and makes the `changes` that keep its nodes with that; durable when
    /// this returns.
    ///
    /// # Errors
    /// [`OperationError::RolledBack`] when another process of this device has meanwhile seen another history.
    pub(crate) async fn adopt(
        &self,
        head: Head,
        base: Option<LogPlace>,
        mut changes: Vec<StateChange>,
    ) -> Result<(), OperationError> {
        let ours = head.state.head();
        loop {
            let (kept, seen_head) = self.kept_state().await?;
            let chain = self.chain_change().await?;
            let is_kept = chain.is_none() && kept.as_ref() == Some(&head.state);
            if is_kept && changes.is_empty() && self.kept_head(&head.state).await?.is_some() {
                break;
            }
            match kept.map(|kept| kept.head()) {
                // What is remembered never sinks.
                Some(kept) if kept.seq > ours.seq => {
                    self.check_leads(ours, kept).await?;
                    break;
                }
                Some(kept) if Some(kept) != base => self.check_leads(kept, ours).await?,
                _ => {}
            }
            let key = self.door().space();
            let mut seen = vec![seen_head];
            let state = StateChange::put(Table::Heads, key.as_bytes(), head.state.to_bytes());
            let nodes = changes.len();
            changes.extend([state, keep_root(&head)]);
            // The state counts links that the chain of the next process must have.
            if let Some((seen_chain, change)) = chain {
                seen.push(seen_chain);
                changes.push(change);
            }
            // Another process came between; it got on.
            if self.state().apply_if(&seen, &changes).await? {
                break;
            }
            changes.truncate(nodes);
        }
        self.head().replace(Some(head));
        Ok(())
    }

    /// The newest state that this device knows: what another process of it has seen counts as much.
    async fn known_state(&self) -> Result<Option<SpaceState>, OperationError> {
        let (kept, _) = self.kept_state().await?;
        let here = self.head().borrow().as_ref().map(|head| head.state.clone());
        Ok(match (kept, here) {
            (Some(kept), Some(here)) if kept.head().seq <= here.head().seq => Some(here),
            (kept, here) => kept.or(here),
        })
    }

    /// The state that is durable, and what a change of it is to be made on.
    pub(super) async fn kept_state(&self) -> Result<(Option<SpaceState>, Seen), OperationError> {
        let (row, seen) = self.state().read_seen(Table::Heads, self.door().space().as_bytes()).await?;
        let state = row.map(|row| SpaceState::from_bytes(&row)).transpose();
        Ok((state.map_err(|_| StateError::Corrupt)?, seen))
    }

    async fn trust_first(&self, answer: &HeadAnswer) -> Result<(), OperationError> {
        let mut verified = self.private_space().borrow_mut().verify_head(answer);
        if matches!(verified, Err(VerifyHeadError::NeedChain)) {
            // The head may be of a device that was enrolled after this one's chain was fetched.
            self.refresh_owner().await?;
            verified = self.private_space().borrow_mut().verify_head(answer);
        }
        if let Err(VerifyHeadError::NeedBase(place)) = verified {
            let base = self.commit_at(place).await?;
            verified = self.private_space().borrow_mut().verify_head_on(answer, &base);
        }
        // Which devices count as removed, and since when, is told by the commits that carried it.
        let is_enough = !self.private_space().borrow().owner().has_removed_devices();
        match verified {
            Ok((commit, state)) if is_enough => self.adopt(Head::new(state, &commit), None, Vec::new()).await,
            Err(VerifyHeadError::Rejected(error)) => Err(error.into()),
            _ => self.read_from_genesis(&answer.commit, None).await,
        }
    }

    /// Reads the whole log, which decides what the chain that the server shows does not; on its way it must pass `known`.
    async fn read_from_genesis(&self, newest: &LoggedCommit, known: Option<&SpaceState>) -> Result<(), OperationError> {
        let page = self.log_page(0).await?;
        let commit = page.into_iter().next().ok_or(OperationError::RolledBack)?;
        let genesis = HeadAnswer { commit, frontier: Frontier::default() };
        let (_, state) = self.private_space().borrow_mut().verify_head(&genesis)?;
        Ok(self.follow_log(state, newest, Reading::Whole { known }).await?)
    }

    /// Verifies every commit after `state` up to `newest`, which the server says is the head.
    async fn follow_log(
        &self,
        mut state: SpaceState,
        newest: &LoggedCommit,
        reading: Reading<'_>,
    ) -> Result<(), FollowError> {
        let (seq, hash) = (newest.header.fields().seq, newest.header.hash());
        let base = match reading {
            Reading::Onwards => Some(state.head()),
            Reading::Whole { known } => known.map(SpaceState::head),
        };
        let mut valid = None;
        while state.head().seq < seq {
            let page = self.log_page(state.head().seq.saturating_add(1)).await?;
            if page.is_empty() {
                return Err(OperationError::RolledBack.into());
            }
            for commit in &page {
                let (step, next) = self.verify_step(&state, commit, reading).await?;
                state = next;
                // The server releases what it names also when it is a no-op to readers.
                let is_sweep = commit.header.fields().kind == CommitKind::Sweep;
                self.sweeps().set(self.sweeps().get() + u64::from(is_sweep));
                match step {
                    Step::Verified(verified) => valid = Some(verified),
                    Step::Skipped(_) if base.is_some_and(|base| state.head().seq <= base.seq) => {}
                    Step::Skipped(reason) => self.report_skipped(state.head().seq, reason)?,
                    _ => return Err(OperationError::from(Rejected).into()),
                }
                reading.check(&state)?;
                if state.head().seq == seq && state.head().hash != hash {
                    return Err(OperationError::RolledBack.into());
                }
            }
        }
        let known = self.head().borrow().as_ref().is_some_and(|head| head.state == state);
        let head = match valid {
            Some(verified) => Head::new(state, &verified),
            None if known => return Ok(()),
            None => self.head_again(state).await?,
        };
        Ok(self.adopt(head, base, Vec::new()).await?)
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

    /// The head that `state` has, by what is kept of it or by its commit, fetched again.
    async fn head_again(&self, state: SpaceState) -> Result<Head, OperationError> {
        if let Some(head) = self.kept_head(&state).await? {
            return Ok(head);
        }
        let verified = self.valid_commit(&state).await?;
        Ok(Head::new(state, &verified))
    }

    /// The commit that `state` says is the tree now, fetched again.
    async fn valid_commit(&self, state: &SpaceState) -> Result<VerifiedCommit, OperationError> {
        let commit = self.commit_at(state.valid()).await?;
        Ok(self.private_space().borrow().verify_again(state, &commit)?)
    }
}
