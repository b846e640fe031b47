//! Making commits (spec: 3-spaces, "Commits").

use std::collections::BTreeSet;

use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::commit::{AddedBlob, CommitKind, CommitLists, LoggedCommit, PostedCommit, UnsignedHeader};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{BlobId, DeviceId, RealmId};
use anonicloud_proto::label::Label;
use anonicloud_proto::limits::{COMMIT_BLOBS_MAX, COMMIT_BODY_MAX};
use anonicloud_proto::merkle::Frontier;
use anonicloud_proto::suite::Suite;
use thiserror::Error;

use super::body::{BodyPlace, CommitBody, GenesisExtra, RootRef, SignedBody};
use super::private::{PrivateSpace, derive_space_id};
use super::state::{LogPlace, SpaceState};
use crate::account::keys::{DeviceSeeds, SpaceKeys};
use crate::account::sigchain::Sigchain;
use crate::crypto::random::{Random, make_bytes};

/// Bytes of links that one body carries: the rest of it, and its padding, fit beside them.
pub(super) const CARRIED_LINKS_MAX: usize = COMMIT_BODY_MAX / 2;

/// Why a commit cannot be made. All are the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BuildCommitError {
    /// The owner's sigchain does not certify the device with its key.
    #[error("build commit: device {0} is not certified by the owner's sigchain")]
    DeviceNotCertified(DeviceId),
    /// The owner's sigchain is shorter than what the space has seen: fetch it, and try once more.
    #[error("build commit: the owner's sigchain is older than what the space has seen")]
    ChainTooOld,
    /// The state is another space's or another epoch's.
    #[error("build commit: the state is of another space or epoch")]
    OtherState,
    /// A blob is added twice with two sizes, or added and released.
    #[error("build commit: a blob is added twice with different sizes, or added and released")]
    BlobTwice,
    /// More blobs are added or released than a commit holds.
    #[error("build commit: {0} blobs are more than one commit may add or release")]
    TooManyBlobs(usize),
    /// The sealed body is over the limit.
    #[error("build commit: the body is too large")]
    BodyTooLarge,
}

/// A change of the tree, to be committed.
#[derive(Debug)]
pub struct TreeChange {
    /// The new tree; an empty one has none.
    pub root: Option<RootRef>,
    /// Every blob that the tree needs and the space does not have yet, in any order.
    pub adds: Vec<AddedBlob>,
    /// Today, counted from 1970-01-01.
    pub day: u32,
}

/// What a walk of the whole tree found, to be committed on top of exactly that tree.
#[derive(Debug)]
pub struct Sweep {
    /// The tree, which stays as it is.
    pub root: Option<RootRef>,
    /// Blobs that the tree needs and that were released all the same, in any order: adding them again keeps them.
    pub adds: Vec<AddedBlob>,
    /// Blobs of the space that nothing in the tree refers to, in any order.
    pub releases: Vec<BlobId>,
    /// Today, counted from 1970-01-01.
    pub day: u32,
}

/// What a body is made of beside its author.
struct Draft {
    kind: CommitKind,
    seq: u64,
    prev: ChainHash,
    history: Frontier,
    lists: CommitLists,
    root: Option<RootRef>,
    base: LogPlace,
    roster: LogPlace,
    links_from: u64,
    day: u32,
    extra: Vec<u8>,
}

impl PrivateSpace {
    /// Makes a new space of the account of `owner`, with fresh keys, and the genesis commit that begins it with an empty tree.
    /// [`PrivateSpace::verify_head`] takes the genesis and an empty frontier, and gives the state for the first change.
    ///
    /// # Errors
    /// [`BuildCommitError::DeviceNotCertified`] when the chain does not certify `device`.
    pub fn make(
        realm: RealmId,
        owner: Sigchain,
        device: &DeviceSeeds,
        day: u32,
        random: &mut dyn Random,
    ) -> Result<(Self, PostedCommit), BuildCommitError> {
        let keys = SpaceKeys::make(random);
        let id_random = make_bytes(random);
        let id = derive_space_id(&realm, &owner, &id_random);
        let space = Self::new(realm, id, keys, owner);
        let extra = GenesisExtra {
            owner_key: space.owner.identity_key().hash(&realm),
            random: id_random,
            keys: space.capability,
        };
        let draft = Draft {
            kind: CommitKind::Genesis,
            seq: 0,
            prev: ChainHash::ZERO,
            history: Frontier::default(),
            lists: CommitLists::default(),
            root: None,
            base: LogPlace::NONE,
            roster: LogPlace::NONE,
            links_from: 0,
            day,
            extra: extra.to_bytes(),
        };
        let posted = space.post(draft, device, random)?;
        Ok((space, posted))
    }

    /// Makes the commit that puts `change` on top of `state`.
    ///
    /// # Errors
    /// [`BuildCommitError`] when the device, the state or the size of the change does not allow it.
    pub fn make_tree_commit(
        &self,
        state: &SpaceState,
        device: &DeviceSeeds,
        change: TreeChange,
        random: &mut dyn Random,
    ) -> Result<PostedCommit, BuildCommitError> {
        let lists = CommitLists { adds: sort_adds(change.adds)?, ..CommitLists::default() };
        let draft = self.draft_on(state, CommitKind::Tree, lists, change.root)?;
        self.post(Draft { day: change.day, ..draft }, device, random)
    }

    /// Makes the commit that releases what `sweep` found to be unused in the tree of `state`.
    ///
    /// # Errors
    /// [`BuildCommitError`] when the device, the state or the lists do not allow it.
    pub fn make_sweep_commit(
        &self,
        state: &SpaceState,
        device: &DeviceSeeds,
        sweep: Sweep,
        random: &mut dyn Random,
    ) -> Result<PostedCommit, BuildCommitError> {
        let adds = sort_adds(sweep.adds)?;
        let releases: BTreeSet<BlobId> = sweep.releases.into_iter().collect();
        if releases.len() > COMMIT_BLOBS_MAX {
            return Err(BuildCommitError::TooManyBlobs(releases.len()));
        }
        if adds.iter().any(|added| releases.contains(&added.blob)) {
            return Err(BuildCommitError::BlobTwice);
        }
        let lists = CommitLists { adds, releases: releases.into_iter().collect(), ..CommitLists::default() };
        let draft = self.draft_on(state, CommitKind::Sweep, lists, sweep.root)?;
        self.post(Draft { day: sweep.day, ..draft }, device, random)
    }

    /// Whether a commit on top of `state` brings links of the owner's sigchain that no commit brought before.
    pub fn brings_links(&self, state: &SpaceState) -> bool {
        self.owner.link_count() > state.links_carried
    }

    /// A draft on top of `state`; its day is still to be set.
    fn draft_on(
        &self,
        state: &SpaceState,
        kind: CommitKind,
        lists: CommitLists,
        root: Option<RootRef>,
    ) -> Result<Draft, BuildCommitError> {
        if state.space != self.space || state.epoch != self.keys.epoch() {
            return Err(BuildCommitError::OtherState);
        }
        // Its own verifier would not take the commit, nor would a reader learn the links from it.
        if self.owner.link_count() < state.links_seen.max(state.links_carried) {
            return Err(BuildCommitError::ChainTooOld);
        }
        Ok(Draft {
            kind,
            seq: state.frontier.size(),
            prev: state.head.hash,
            history: state.frontier.clone(),
            lists,
            root,
            base: state.valid,
            roster: LogPlace { seq: 0, hash: state.genesis },
            links_from: state.links_carried,
            day: 0,
            extra: Vec::new(),
        })
    }

    fn post(
        &self,
        draft: Draft,
        device: &DeviceSeeds,
        random: &mut dyn Random,
    ) -> Result<PostedCommit, BuildCommitError> {
        let id = device.device();
        let certified = self.owner.device(&id).filter(|known| known.removed().is_none());
        if certified.is_none_or(|known| *known.key() != device.signing().public()) {
            return Err(BuildCommitError::DeviceNotCertified(id));
        }
        let place = BodyPlace { realm: &self.realm, space: &self.space, keys: &self.keys, seq: draft.seq };
        let links_from = usize::try_from(draft.links_from).unwrap_or(usize::MAX);
        let body = CommitBody {
            root: draft.root.as_ref().map(|root| place.seal_root(root, random)),
            base: draft.base,
            roster: draft.roster,
            author: self.owner.account(),
            device: id,
            links: first_that_fit(self.owner.links().get(links_from..).unwrap_or_default()),
            checkpoint: Vec::new(),
            heads: Vec::new(),
            day: draft.day,
            extra: draft.extra,
        };
        let header = UnsignedHeader {
            suite: Suite::V1,
            kind: draft.kind,
            space: self.space,
            epoch: self.keys.epoch(),
            seq: draft.seq,
            prev: draft.prev,
            history: draft.history.root(),
            lists: draft.lists.hash(),
            body: ChainHash::ZERO,
        };
        let signature = device.signing().sign(Label::SignCommit, &self.realm, &body.message(&header));
        let sealed = place.seal_body(&SignedBody { body, signature }, random);
        let sealed = sealed.ok_or(BuildCommitError::BodyTooLarge)?;
        let logged = self.sign_header(header, sealed);
        Ok(PostedCommit { logged, lists: draft.lists })
    }

    /// Completes a header with the hash of its body and the capability signature that its kind asks for.
    pub(super) fn sign_header(&self, mut header: UnsignedHeader, body: Vec<u8>) -> LoggedCommit {
        header.body = ChainHash::of(&body);
        let seed = match header.kind {
            CommitKind::Tree => self.keys.write(),
            _ => self.keys.admin(),
        };
        let signature = seed.sign(&header.message(&self.realm));
        LoggedCommit { header: header.with_signature(signature), body }
    }
}

/// As many links as a body has room for. Who misses later ones fetches the chain, and the next commits bring them.
fn first_that_fit(links: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let ends = links.iter().scan(0_usize, |end, link| {
        *end = end.saturating_add(link.len());
        Some(*end)
    });
    let count = ends.take_while(|end| *end <= CARRIED_LINKS_MAX).count();
    links.iter().take(count).cloned().collect()
}

fn sort_adds(mut adds: Vec<AddedBlob>) -> Result<Vec<AddedBlob>, BuildCommitError> {
    adds.sort_unstable();
    adds.dedup();
    if !adds.is_sorted_by(|a, b| a.blob < b.blob) {
        return Err(BuildCommitError::BlobTwice);
    }
    if adds.len() > COMMIT_BLOBS_MAX {
        return Err(BuildCommitError::TooManyBlobs(adds.len()));
    }
    Ok(adds)
}
