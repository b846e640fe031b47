//! Reading commits (spec: 3-spaces, "Commits"): the checks, in the order of the spec.
//!
//! Up to the body hash a failure is the server's and stops the reader ([`Rejected`]): another reader may be shown something
//! else. After it a failure is the author's, the same for all readers, and the commit is a no-op.

use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::commit::{CommitKind, HeadAnswer, LoggedCommit, UnsignedHeader};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::DeviceId;
use anonicloud_proto::label::Label;
use anonicloud_proto::merkle::Frontier;

use super::body::{BodyPlace, CommitBody, GenesisExtra, RootRef};
use super::private::{PrivateSpace, derive_space_id};
use super::state::{LogPlace, SpaceState};
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
    /// The owner's sigchain, as far as it is known here, has no such device or is older than what the space has seen: fetch the
    /// chain anew and try once more.
    UnknownDevice,
    /// It was made on another commit than the last valid one: by a program that does not follow the rules, or by one that was
    /// shown another log.
    OtherBase,
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

/// What the reader knows of the commits before.
#[derive(Clone, Copy)]
enum Before<'a> {
    /// Only what the head says of them.
    Head,
    /// All that matters.
    State(&'a SpaceState),
}

impl PrivateSpace {
    /// Verifies the head of the space for a device that has no state, or a genesis with an empty frontier.
    ///
    /// # Errors
    /// [`Rejected`] when the head is not valid. If a writer put an invalid commit there, the log read from the genesis still
    /// tells the last valid one.
    pub fn verify_head(&mut self, answer: &HeadAnswer) -> Result<(VerifiedCommit, SpaceState), Rejected> {
        let header = &answer.commit.header;
        let genesis = header.fields().seq == 0;
        if genesis && header.fields().prev != ChainHash::ZERO {
            return Err(Rejected);
        }
        self.check_header(&answer.commit, &answer.frontier)?;
        let read = self.read_commit(&answer.commit, Before::Head).map_err(|_| Rejected)?;
        let place = read.commit.place;
        let state = SpaceState {
            space: self.space,
            epoch: header.fields().epoch,
            head: place,
            valid: place,
            genesis: if genesis { place.hash } else { read.roster.hash },
            frontier: grow(&answer.frontier, &answer.commit)?,
            // Whoever was removed before this device first read the space cannot have made anything after its head.
            links_seen: self.owner.link_count(),
            links_carried: read.links_end,
        };
        Ok((read.commit, state))
    }

    /// Verifies the commit after `state`; gives what it does and the state to carry on from. A rejected one leaves `state` as
    /// it was; the new one must be durable before the commit is acted on.
    ///
    /// # Errors
    /// [`Rejected`] when it does not follow, is not signed by the right capability, or its body is not the one it names.
    pub fn verify_next(&mut self, state: &SpaceState, commit: &LoggedCommit) -> Result<(Step, SpaceState), Rejected> {
        let fields = commit.header.fields();
        if state.space != self.space || fields.prev != state.head.hash {
            return Err(Rejected);
        }
        self.check_header(commit, &state.frontier)?;
        let mut next = SpaceState { frontier: grow(&state.frontier, commit)?, ..state.clone() };
        next.head = LogPlace { seq: fields.seq, hash: commit.header.hash() };
        let step = match self.read_commit(commit, Before::State(state)) {
            Ok(read) => {
                next.valid = next.head;
                next.links_seen = next.links_seen.max(read.links_end);
                next.links_carried = next.links_carried.max(read.links_end);
                Step::Verified(read.commit)
            }
            Err(skipped) => Step::Skipped(skipped),
        };
        Ok((step, next))
    }

    /// Verifies again the last valid commit of `state`, for a device that kept the state but not the tree.
    ///
    /// # Errors
    /// [`Rejected`] when `commit` is another one.
    pub fn verify_again(&mut self, state: &SpaceState, commit: &LoggedCommit) -> Result<VerifiedCommit, Rejected> {
        if state.space != self.space || commit.header.hash() != state.valid.hash {
            return Err(Rejected);
        }
        check_body_hash(commit)?;
        // It stood every check when the state was made: what is left is to open it.
        let read = self.read_commit(commit, Before::Head).map_err(|_| Rejected)?;
        Ok(read.commit)
    }

    /// Everything that is the server's to get right.
    fn check_header(&self, commit: &LoggedCommit, before: &Frontier) -> Result<(), Rejected> {
        let fields = commit.header.fields();
        let follows = fields.space == self.space
            && fields.epoch == self.keys.epoch()
            && fields.seq == before.size()
            && fields.history == before.root();
        if !follows {
            return Err(Rejected);
        }
        let key = match fields.kind {
            CommitKind::Genesis if fields.seq == 0 => &self.capability.admin,
            CommitKind::Tree if fields.seq > 0 => &self.capability.write,
            _ => return Err(Rejected),
        };
        commit.header.verify(&self.realm, key).map_err(|_| Rejected)?;
        check_body_hash(commit)
    }

    /// Everything that is the author's to get right.
    fn read_commit(&mut self, commit: &LoggedCommit, before: Before<'_>) -> Result<ReadCommit, NoOp> {
        let fields = commit.header.fields();
        let place = BodyPlace { realm: &self.realm, space: &self.space, keys: &self.keys, seq: fields.seq };
        let signed = place.open_body(&commit.body).map_err(|_| NoOp::Invalid)?;
        let body = &signed.body;
        let root = body.root.as_ref().map(|root| place.open_root(root)).transpose();
        let root = root.map_err(|_| NoOp::Invalid)?;
        if body.author != self.owner.account() {
            return Err(NoOp::Invalid);
        }
        let links_end = self.read_links(&body.links)?;
        let device = self.owner.device(&body.device).ok_or(NoOp::UnknownDevice)?;
        if let Before::State(state) = before {
            // A chain shorter than what the space has seen cannot tell who was removed.
            if self.owner.link_count() < state.links_seen {
                return Err(NoOp::UnknownDevice);
            }
            let seen = links_end.max(state.links_seen);
            if device.removed().is_some_and(|removed| removed < seen) {
                return Err(NoOp::Invalid);
            }
        }
        let message = body.message(fields);
        let signature = device.key().verify(Label::SignCommit, &self.realm, &message, &signed.signature);
        signature.map_err(|_| NoOp::Invalid)?;
        // That a device made it which was certified means that its links were in the space by then.
        let links_end = links_end.max(device.added().saturating_add(1));
        match fields.kind {
            CommitKind::Genesis => self.check_genesis(body)?,
            _ => check_tree(fields, body, before)?,
        }
        let place = LogPlace { seq: fields.seq, hash: commit.header.hash() };
        let verified = VerifiedCommit { place, root, device: body.device, day: body.day };
        Ok(ReadCommit { commit: verified, roster: body.roster, links_end })
    }

    /// Checks that `links` are a run of the owner's chain, taking in those that are new; gives the number after the last one.
    fn read_links(&mut self, links: &[Vec<u8>]) -> Result<u64, NoOp> {
        let Some(first) = links.first() else {
            return Ok(0);
        };
        let known = self.owner.links();
        let start = known.iter().position(|link| link == first).unwrap_or(known.len());
        let (old, new) = links.split_at(links.len().min(known.len().saturating_sub(start)));
        if !known.get(start..).unwrap_or_default().starts_with(old) {
            return Err(NoOp::Invalid);
        }
        let end = start.saturating_add(links.len());
        if !new.is_empty() {
            let mut longer = self.owner.clone();
            for link in new {
                longer.append(&self.realm, link).map_err(|_| NoOp::Invalid)?;
            }
            self.owner = longer;
        }
        u64::try_from(end).map_err(|_| NoOp::Invalid)
    }

    fn check_genesis(&self, body: &CommitBody) -> Result<(), NoOp> {
        let extra = GenesisExtra::from_bytes(&body.extra).map_err(|_| NoOp::Invalid)?;
        let ours = extra.owner_key == self.owner.identity_key().hash(&self.realm)
            && derive_space_id(&self.realm, &self.owner, &extra.random) == self.space
            && extra.keys == self.capability;
        if !ours || body.roster != LogPlace::NONE {
            return Err(NoOp::Invalid);
        }
        if body.base == LogPlace::NONE { Ok(()) } else { Err(NoOp::OtherBase) }
    }
}

/// What came out of a body.
struct ReadCommit {
    commit: VerifiedCommit,
    roster: LogPlace,
    links_end: u64,
}

fn check_body_hash(commit: &LoggedCommit) -> Result<(), Rejected> {
    if ChainHash::of(&commit.body) == commit.header.fields().body { Ok(()) } else { Err(Rejected) }
}

fn check_tree(fields: &UnsignedHeader, body: &CommitBody, before: Before<'_>) -> Result<(), NoOp> {
    let roster = body.roster.seq == 0
        && match before {
            Before::State(state) => body.roster.hash == state.genesis,
            Before::Head => body.roster.hash != ChainHash::ZERO,
        };
    if !roster || !body.extra.is_empty() {
        return Err(NoOp::Invalid);
    }
    let base = match before {
        Before::State(state) => body.base == state.valid,
        // Without a state there is only what the head itself ties down.
        Before::Head => {
            let is_prev = body.base.seq.checked_add(1) == Some(fields.seq);
            body.base.seq < fields.seq
                && (!is_prev || body.base.hash == fields.prev)
                && (body.base.seq > 0 || body.base == body.roster)
        }
    };
    if base { Ok(()) } else { Err(NoOp::OtherBase) }
}

fn grow(before: &Frontier, commit: &LoggedCommit) -> Result<Frontier, Rejected> {
    let mut frontier = before.clone();
    frontier.append(&commit.header.to_bytes()).map_err(|_| Rejected)?;
    Ok(frontier)
}
