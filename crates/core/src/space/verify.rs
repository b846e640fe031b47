//! Reading commits (spec: 3-spaces, "Commits"): the checks, in the order of the spec.
//!
//! Up to the body hash a failure is the server's and stops the reader ([`Rejected`]): another reader may be shown something
//! else. After it a failure is the author's, the same for all readers, and the commit is a no-op. Between the two is what a
//! reader cannot decide with the chain it has: that gives no state to go on from, only the wish for a newer chain.

use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::commit::{CommitKind, HeadAnswer, LoggedCommit};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::DeviceId;
use anonicloud_proto::label::Label;
use anonicloud_proto::merkle::Frontier;

use thiserror::Error;

use super::author::{Before, Unread, check_tree};
use super::body::{BodyPlace, CommitBody, RootRef, SignedBody};
use super::kept::Base;
use super::private::PrivateSpace;
use super::state::{LogPlace, SpaceState};
use crate::account::sigchain::{CertifiedDevice, Sigchain};
use crate::crypto::rejected::Rejected;

/// A commit that passed every check: nothing else makes this value.
#[derive(Debug)]
pub struct VerifiedCommit {
    place: LogPlace,
    root: Option<RootRef>,
    device: DeviceId,
    day: u32,
}

impl VerifiedCommit {
    fn of(commit: &LoggedCommit, body: &CommitBody, root: Option<RootRef>) -> Self {
        let place = LogPlace { seq: commit.header.fields().seq, hash: commit.header.hash() };
        Self { place, root, device: body.device, day: body.day }
    }

    /// Which commit it is.
    pub const fn place(&self) -> LogPlace {
        self.place
    }

    /// The tree; an empty one has none.
    pub const fn root(&self) -> Option<&RootRef> {
        self.root.as_ref()
    }

    /// The device that made it.
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// The day its author says it was made on, counted from 1970-01-01.
    pub const fn day(&self) -> u32 {
        self.day
    }
}

/// Why a commit that stands in the log changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoOp {
    /// It was made on another commit than the last valid one: by a program that does not follow the rules, or by one that was
    /// shown another log.
    OtherBase {
        /// The device that signed it.
        device: DeviceId,
    },
    /// Anything else: not readable, not canonical, not signed, or by who may not.
    Invalid,
}

/// What one commit of the log does.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// It is the state of the space now.
    Verified(VerifiedCommit),
    /// It changes nothing, for all readers.
    Skipped(NoOp),
}

/// Why a device without state cannot go on from a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyHeadError {
    /// It is not the server's to show: not signed by the right capability, or not what its header says.
    #[error("verify head: {0}")]
    Rejected(#[from] Rejected),
    /// The owner's sigchain as it is known here cannot tell: fetch it, and try once more.
    #[error("verify head: the owner's sigchain is not known far enough")]
    NeedChain,
    /// It is a sweep: whether it keeps the tree is told by the commit at this place, see [`PrivateSpace::verify_head_on`].
    #[error("verify head: the commit before the sweep is not known")]
    NeedBase(LogPlace),
    /// A writer put an invalid commit there: the log, read from the genesis, tells the last valid one.
    #[error("verify head: the newest commit is a no-op")]
    NoOp(NoOp),
}

/// Why a commit of the log was not read. The state stays the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyNextError {
    /// It does not follow, is not signed by the right capability, or its body is not the one it names.
    #[error("verify commit: {0}")]
    Rejected(#[from] Rejected),
    /// It has the number of the one after the state and is genuine, but goes on from another history.
    #[error("verify commit: it goes on from another history")]
    Forked,
    /// The owner's sigchain as it is known here cannot tell: fetch it, and try once more. Of a chain that was just fetched it
    /// means that the server holds links back.
    #[error("verify commit: the owner's sigchain is not known far enough")]
    NeedChain,
    /// It is a sweep: whether it keeps the tree is told by the last valid commit, see [`PrivateSpace::verify_next_on`].
    #[error("verify commit: the commit before the sweep is not known")]
    NeedBase,
    /// No link certifies the author's device, neither of those that are known here nor of those the commit carries: fetch the
    /// chain, and try once more. Where the chain that was just fetched lacks it too, the log decides
    /// ([`PrivateSpace::verify_next_by_log`]).
    #[error("verify commit: the author's device is not known")]
    DeviceUnknown,
}

impl PrivateSpace {
    /// Verifies the head of the space for a device that has no state, or a genesis with an empty frontier.
    ///
    /// The state knows only of removals that the head itself tells. When the chain has removed devices
    /// ([`Sigchain::has_removed_devices`]) a reader that must agree with all others begins with the genesis.
    ///
    /// # Errors
    /// [`VerifyHeadError`] when the head is not valid, or cannot be judged yet.
    pub fn verify_head(&mut self, answer: &HeadAnswer) -> Result<(VerifiedCommit, SpaceState), VerifyHeadError> {
        self.read_head(answer, Base::UNKNOWN)
    }

    /// [`PrivateSpace::verify_head`] of a sweep, whose tree must be that of `base`.
    ///
    /// # Errors
    /// [`VerifyHeadError`]; that of another commit than the base is wanted still.
    pub fn verify_head_on(
        &mut self,
        answer: &HeadAnswer,
        base: &LoggedCommit,
    ) -> Result<(VerifiedCommit, SpaceState), VerifyHeadError> {
        self.read_head(answer, Base::of(base))
    }

    fn read_head(
        &mut self,
        answer: &HeadAnswer,
        base: Base<'_>,
    ) -> Result<(VerifiedCommit, SpaceState), VerifyHeadError> {
        let header = &answer.commit.header;
        let genesis = header.fields().seq == 0;
        if genesis && header.fields().prev != ChainHash::ZERO {
            return Err(Rejected.into());
        }
        self.check_header(&answer.commit, &answer.frontier)?;
        let read = self.read_commit(&answer.commit, Before::Head, base)?;
        let place = read.commit.place;
        let state = SpaceState {
            space: self.space,
            epoch: header.fields().epoch,
            head: place,
            valid: place,
            genesis: if genesis { place.hash } else { read.roster.hash },
            frontier: grow(&answer.frontier, &answer.commit)?,
            // Not the length of the chain: the server showed that beside, and may have chosen an old head for it.
            links_seen: read.links_seen,
            links_carried: read.links_carried,
        };
        self.take_links(read.longer);
        Ok((read.commit, state))
    }

    /// Verifies the commit after `state`; gives what it does and the state to carry on from. A rejected one leaves `state` as
    /// it was; the new one must be durable, and the owner's chain with it, before the commit is acted on.
    ///
    /// # Errors
    /// [`VerifyNextError`] when it is not the commit after `state`, or cannot be judged yet.
    pub fn verify_next(
        &mut self,
        state: &SpaceState,
        commit: &LoggedCommit,
    ) -> Result<(Step, SpaceState), VerifyNextError> {
        self.read_next(state, commit, Base::UNKNOWN)
    }

    /// [`PrivateSpace::verify_next`] of a sweep, whose tree must be that of `base`, the last valid commit of `state`.
    ///
    /// # Errors
    /// [`VerifyNextError`]; when `base` is another commit, that one is wanted still.
    pub fn verify_next_on(
        &mut self,
        state: &SpaceState,
        commit: &LoggedCommit,
        base: &LoggedCommit,
    ) -> Result<(Step, SpaceState), VerifyNextError> {
        self.read_next(state, commit, Base::of(base))
    }

    fn read_next(
        &mut self,
        state: &SpaceState,
        commit: &LoggedCommit,
        base: Base<'_>,
    ) -> Result<(Step, SpaceState), VerifyNextError> {
        let fields = commit.header.fields();
        if state.space != self.space || fields.seq != state.frontier.size() {
            return Err(Rejected.into());
        }
        self.check_genuine(commit)?;
        if fields.prev != state.head.hash || fields.history != state.frontier.root() {
            return Err(VerifyNextError::Forked);
        }
        let mut next = state.step_over(commit)?;
        let step = match self.read_commit(commit, Before::State(state), base) {
            Ok(read) => {
                next.valid = next.head;
                next.links_seen = next.links_seen.max(read.links_seen);
                next.links_carried = next.links_carried.max(read.links_carried);
                self.take_links(read.longer);
                Step::Verified(read.commit)
            }
            Err(Unread::NoOp(reason)) => Step::Skipped(reason),
            Err(Unread::NeedChain) => return Err(VerifyNextError::NeedChain),
            Err(Unread::NeedBase(_)) => return Err(VerifyNextError::NeedBase),
            Err(Unread::DeviceUnknown) => return Err(VerifyNextError::DeviceUnknown),
        };
        Ok((step, next))
    }

    /// Opens again the last valid commit of `state`, for a device that kept the state but not the tree.
    ///
    /// # Errors
    /// [`Rejected`] when `commit` is another one.
    pub fn verify_again(&self, state: &SpaceState, commit: &LoggedCommit) -> Result<VerifiedCommit, Rejected> {
        if state.space != self.space || commit.header.hash() != state.valid.hash {
            return Err(Rejected);
        }
        check_body_hash(commit)?;
        // It stood every check when the state was made, its author's too: what is left is to open it.
        let (signed, root) = self.open_body(commit).map_err(|_| Rejected)?;
        Ok(VerifiedCommit::of(commit, &signed.body, root))
    }

    /// Everything that is the server's to get right.
    fn check_header(&self, commit: &LoggedCommit, before: &Frontier) -> Result<(), Rejected> {
        let fields = commit.header.fields();
        if fields.seq != before.size() || fields.history != before.root() {
            return Err(Rejected);
        }
        self.check_genuine(commit)
    }

    /// Checks what shows that a writer of the space made the commit, whatever it goes on from.
    ///
    /// # Errors
    /// [`Rejected`] when it is of another space or epoch, not signed by the right capability, or has another body.
    pub fn check_genuine(&self, commit: &LoggedCommit) -> Result<(), Rejected> {
        let fields = commit.header.fields();
        if fields.space != self.space || fields.epoch != self.keys.epoch() {
            return Err(Rejected);
        }
        let key = match fields.kind {
            CommitKind::Genesis if fields.seq == 0 => &self.capability.admin,
            CommitKind::Tree if fields.seq > 0 => &self.capability.write,
            CommitKind::Sweep if fields.seq > 0 => &self.capability.admin,
            _ => return Err(Rejected),
        };
        commit.header.verify(&self.realm, key).map_err(|_| Rejected)?;
        check_body_hash(commit)
    }

    pub(super) fn open_body(&self, commit: &LoggedCommit) -> Result<(SignedBody, Option<RootRef>), NoOp> {
        let seq = commit.header.fields().seq;
        let place = BodyPlace { realm: &self.realm, space: &self.space, keys: &self.keys, seq };
        let signed = place.open_body(&commit.body).map_err(|_| NoOp::Invalid)?;
        let root = signed.body.root.as_ref().map(|root| place.open_root(root)).transpose();
        Ok((signed, root.map_err(|_| NoOp::Invalid)?))
    }

    /// Everything that is the author's to get right.
    fn read_commit(&self, commit: &LoggedCommit, before: Before<'_>, base: Base<'_>) -> Result<ReadCommit, Unread> {
        let fields = commit.header.fields();
        let (signed, root) = self.open_body(commit)?;
        let body = &signed.body;
        if body.author != self.owner.account() {
            return Err(NoOp::Invalid.into());
        }
        let seen_before = before.links_seen();
        // A chain shorter than what the space has seen cannot tell who was removed.
        if self.owner.link_count() < seen_before {
            return Err(Unread::NeedChain);
        }
        let (links_carried, longer) = self.read_links(&body.links)?;
        let chain = longer.as_ref().unwrap_or(&self.owner);
        let device = chain.device(&body.device).ok_or(Unread::DeviceUnknown)?;
        if device.removed().is_some_and(|removed| removed < links_carried.max(seen_before)) {
            return Err(NoOp::Invalid.into());
        }
        let message = body.message(fields);
        let signature = device.key().verify(Label::SignCommit, &self.realm, &message, &signed.signature);
        signature.map_err(|_| NoOp::Invalid)?;
        match fields.kind {
            CommitKind::Genesis => self.check_genesis(body)?,
            CommitKind::Sweep => {
                check_tree(fields, body, before)?;
                before.check_swept(fields, body)?;
                self.check_kept(body.base, root.as_ref(), base)?;
            }
            _ => check_tree(fields, body, before)?,
        }
        let links_seen = links_carried.max(links_shown_by(device));
        Ok(ReadCommit {
            commit: VerifiedCommit::of(commit, body, root),
            roster: body.roster,
            links_seen,
            links_carried,
            longer,
        })
    }

    fn take_links(&mut self, longer: Option<Sigchain>) {
        if let Some(longer) = longer {
            self.owner = longer;
        }
    }
}

/// The number after the last link that a commit of `device` shows without carrying it: the one that added the device.
const fn links_shown_by(device: &CertifiedDevice) -> u64 {
    device.added().saturating_add(1)
}

/// What came out of a body.
struct ReadCommit {
    commit: VerifiedCommit,
    roster: LogPlace,
    links_seen: u64,
    links_carried: u64,
    /// The owner's chain, when the body brought new links.
    longer: Option<Sigchain>,
}

impl From<Unread> for VerifyHeadError {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::NeedChain | Unread::DeviceUnknown => Self::NeedChain,
            Unread::NeedBase(place) => Self::NeedBase(place),
            Unread::NoOp(reason) => Self::NoOp(reason),
        }
    }
}

pub(super) fn check_body_hash(commit: &LoggedCommit) -> Result<(), Rejected> {
    if ChainHash::of(&commit.body) == commit.header.fields().body { Ok(()) } else { Err(Rejected) }
}

impl SpaceState {
    /// The state after `commit` when it changes nothing.
    pub(super) fn step_over(&self, commit: &LoggedCommit) -> Result<Self, Rejected> {
        let head = LogPlace { seq: commit.header.fields().seq, hash: commit.header.hash() };
        Ok(Self { head, frontier: grow(&self.frontier, commit)?, ..self.clone() })
    }
}

fn grow(before: &Frontier, commit: &LoggedCommit) -> Result<Frontier, Rejected> {
    let mut frontier = before.clone();
    frontier.append(&commit.header.to_bytes()).map_err(|_| Rejected)?;
    Ok(frontier)
}
