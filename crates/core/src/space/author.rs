//! What the author of a commit must get right beside its signature (spec: 3-spaces, "Commits"): the links it carries, the base it
//! was made on, what its kind allows.

use anonicloud_proto::codec::Decode as _;
use anonicloud_proto::commit::UnsignedHeader;
use anonicloud_proto::hash::ChainHash;

use super::body::{CommitBody, GenesisExtra};
use super::private::{PrivateSpace, derive_space_id};
use super::state::{LogPlace, SpaceState};
use super::verify::NoOp;
use crate::account::sigchain::Sigchain;

/// What the reader knows of the commits before.
#[derive(Clone, Copy)]
pub(super) enum Before<'a> {
    /// Only what the head says of them.
    Head,
    /// All that matters.
    State(&'a SpaceState),
}

/// Why nothing came out of a body.
pub(super) enum Unread {
    /// The chain that is known here does not decide it.
    NeedChain,
    /// The commit at this place, which was not given, decides it.
    NeedBase(LogPlace),
    /// No link that is known here, nor one that the body carries, certifies the author's device.
    DeviceUnknown,
    /// The author's fault.
    NoOp(NoOp),
}

impl From<NoOp> for Unread {
    fn from(reason: NoOp) -> Self {
        Self::NoOp(reason)
    }
}

impl PrivateSpace {
    /// Checks that `links` are a run of the owner's chain; gives the number after the last one and, when there are new ones,
    /// the chain with them.
    pub(super) fn read_links(&self, links: &[Vec<u8>]) -> Result<(u64, Option<Sigchain>), Unread> {
        let Some(first) = links.first() else {
            return Ok((0, None));
        };
        let known = self.owner.links();
        let start = known.iter().position(|link| link == first).unwrap_or(known.len());
        let mut longer: Option<Sigchain> = None;
        for (link, at) in links.iter().zip(start..) {
            if known.get(at).is_some_and(|known| known == link) {
                continue;
            }
            let chain = longer.get_or_insert_with(|| self.owner.clone());
            if chain.append(&self.realm, link).is_err() {
                // What the identity signed and is not here shows a chain that is longer, or another one. Nothing else does.
                let is_missing = !chain.links().contains(link) && chain.is_signed(&self.realm, link);
                return Err(if is_missing { Unread::NeedChain } else { NoOp::Invalid.into() });
            }
        }
        let end = u64::try_from(start.saturating_add(links.len())).map_err(|_| NoOp::Invalid)?;
        Ok((end, longer))
    }

    pub(super) fn check_genesis(&self, body: &CommitBody) -> Result<(), NoOp> {
        let extra = GenesisExtra::from_bytes(&body.extra).map_err(|_| NoOp::Invalid)?;
        let ours = extra.owner_key == self.owner.identity_key().hash(&self.realm)
            && derive_space_id(&self.realm, &self.owner, &extra.random) == self.space
            && extra.keys == self.capability;
        if !ours || body.roster != LogPlace::NONE {
            return Err(NoOp::Invalid);
        }
        if body.base == LogPlace::NONE { Ok(()) } else { Err(NoOp::OtherBase { device: body.device }) }
    }
}

impl Before<'_> {
    pub(super) const fn links_seen(self) -> u64 {
        match self {
            Self::Head => 0,
            Self::State(state) => state.links_seen,
        }
    }

    /// Checks that a sweep is based on the commit right before it, where only the head is known: whether another base is the
    /// last valid commit is told by the log alone, and an author may name one that is not in it.
    pub(super) fn check_swept(self, fields: &UnsignedHeader, body: &CommitBody) -> Result<(), NoOp> {
        match self {
            Self::Head if body.base.seq.checked_add(1) != Some(fields.seq) => {
                Err(NoOp::OtherBase { device: body.device })
            }
            Self::Head | Self::State(_) => Ok(()),
        }
    }
}

/// Checks what a commit of the tree, or of nothing but releases, says of the commits before it.
pub(super) fn check_tree(fields: &UnsignedHeader, body: &CommitBody, before: Before<'_>) -> Result<(), NoOp> {
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
    if base { Ok(()) } else { Err(NoOp::OtherBase { device: body.device }) }
}
