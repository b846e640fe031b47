//! The newest commit of the space: fetched, verified against what this device has seen, durable before it is acted on.

use anonicloud_core::space::state::{LogPlace, SpaceState};
use anonicloud_core::space::verify::{VerifiedCommit, VerifyHeadError};
use anonicloud_core::tree::node::TreeRoot;
use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::commit::{CommitHeader, HeadAnswer};

use super::follow::{FollowError, Reading};
use super::halt::keep_signed;
use super::kept::keep_root;
use crate::client::Client;
use crate::error::OperationError;
use crate::remote::Remote;
use crate::state::{LocalState, Seen, StateChange, StateError, Table};

/// A verified head and the tree it vouches for.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) state: SpaceState,
    /// `None` is the empty tree.
    pub(crate) root: Option<TreeRoot>,
    /// The header of the newest commit, when it was just read.
    pub(crate) signed: Option<CommitHeader>,
}

impl Head {
    /// `signed` is the header of the newest commit, and `commit` the newest valid one.
    pub(crate) fn new(state: SpaceState, commit: &VerifiedCommit, signed: &CommitHeader) -> Self {
        let root = commit.root().map(|root| TreeRoot::new(root.totals, root.piece, root.hash, &root.key));
        Self { state, root, signed: Some(signed.clone()) }
    }
}

/// Heads asked for, each while another process of this device gets on, before one that is behind counts as a rollback.
const HEAD_ROUNDS: usize = 16;

/// Whether an answer is older than `known`, or another commit in its place.
fn is_behind(answer: &HeadAnswer, known: LogPlace) -> bool {
    let (seq, hash) = (answer.commit.header.fields().seq, answer.commit.header.hash());
    seq < known.seq || (seq == known.seq && hash != known.hash)
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
            if let Some(known) = before.map(|before| before.head()).filter(|known| is_behind(&answer, *known)) {
                return Err(self.contradicted(Some(known), (known, None), &answer.commit).await);
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
                Some(kept) if kept.seq == ours.seq && kept.hash != ours.hash => {
                    if let Some(signed) = &head.signed {
                        self.halt(base, (kept, None), signed).await?;
                    }
                    return Err(OperationError::RolledBack);
                }
                Some(kept) if Some(kept) != base => self.check_leads(kept, ours).await?,
                _ => {}
            }
            let key = self.door().space();
            let mut seen = vec![seen_head];
            let state = StateChange::put(Table::Heads, key.as_bytes(), head.state.to_bytes());
            let nodes = changes.len();
            changes.extend([state, keep_root(&head)]);
            changes.extend(keep_signed(&head));
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
        // What is here was durable when it came, so that only an accepted loss makes what is durable older.
        let (kept, _) = self.kept_state().await?;
        Ok(kept.or_else(|| self.head().borrow().as_ref().map(|head| head.state.clone())))
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
            Ok((commit, state)) if is_enough => {
                let head = Head::new(state, &commit, &answer.commit.header);
                self.adopt(head, None, Vec::new()).await
            }
            Err(VerifyHeadError::Rejected(error)) => Err(error.into()),
            _ => self.read_from_genesis(&answer.commit, None).await,
        }
    }
}
