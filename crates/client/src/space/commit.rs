//! Edits become a commit: nodes sealed, packed and stored, then compare-and-swap; who loses merges and tries again.

use anonicloud_core::content::pack::{Pack, PackBuilder};
use anonicloud_core::content::reference::PieceRef;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::space::body::RootRef;
use anonicloud_core::space::build::{BuildCommitError, TreeChange};
use anonicloud_core::space::private::PrivateSpace;
use anonicloud_core::space::state::SpaceState;
use anonicloud_core::space::verify::Step as CommitStep;
use anonicloud_core::tree::dirty::DirtyTree;
use anonicloud_core::tree::edit::{Conflict, Edit, EditError, MissingParents, Rules, apply};
use anonicloud_core::tree::lookup::Found;
use anonicloud_core::tree::merge::{ConflictNaming, MergeInput, MergeNote, merge};
use anonicloud_core::tree::node::{EntryContent, TreeRoot};
use anonicloud_core::tree::seal::{SealedTree, TreeSealer};
use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::commit::{AddedBlob, PostedCommit};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::head::Head;
use super::kept::keep_node;
use crate::client::Client;
use crate::clock::date_of;
use crate::error::OperationError;
use crate::notice::Notice;
use crate::random::SystemRandom;
use crate::remote::{Remote, RemoteError};
use crate::state::{LocalState, StateChange};
use crate::upload::SealedBlob;
use crate::upload::reservation::Reservation;

/// Times that a commit is merged anew before it gives up; each loss means that another device got on.
const ATTEMPTS: u32 = 50;
/// The same for what can wait for another day.
const REPACK_ATTEMPTS: u32 = 3;
/// Packs of nodes sent at once.
const IN_FLIGHT: usize = 4;

/// What a commit came to.
#[derive(Debug)]
pub(crate) struct Committed {
    /// Sealed bytes sent for the nodes.
    pub(crate) sent: u64,
    /// What other devices changed meanwhile, and where ours is.
    pub(crate) conflicts: Vec<Conflict>,
}

/// A tree that is not committed yet, and what it has conflict copies of.
struct Changed {
    tree: DirtyTree,
    conflicts: Vec<Conflict>,
}

/// What was stored for a commit that does not stand yet.
#[derive(Default)]
struct StoredNodes {
    /// Sealed bytes that were sent.
    sent: u64,
    /// The changes that keep the nodes.
    kept: Vec<StateChange>,
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Commits `edits` on the newest tree, together with blobs that are stored. [`OperationError::Contended`] also when another
    /// device has put one of the versions meanwhile.
    pub(crate) async fn commit_edits(
        &self,
        edits: &[Edit],
        parents: MissingParents,
        mut adds: Vec<AddedBlob>,
        reservation: &Reservation,
    ) -> Result<Committed, OperationError> {
        let (device, date) = self.conflict_mark();
        let naming = ConflictNaming { device: &device, date: &date };
        let rules = Rules { parents, naming };
        let mut base = self.root().await?;
        let mut sweeps = self.sweeps().get();
        let mut edited = self.apply_edits(base.as_ref(), edits, rules).await?;
        let brought = adds.len();
        let mut stored = StoredNodes::default();
        let attempts = if edits.iter().all(is_repacking) { REPACK_ATTEMPTS } else { ATTEMPTS };
        for _ in 0..attempts {
            let sealed = self.store_tree(edited.tree, reservation, &mut adds, &mut stored).await?;
            if self.try_commit(sealed.as_ref(), &adds, &mut stored.kept).await? {
                let nodes = adds.iter().skip(brought);
                reservation.release(nodes.map(|added| added.size).sum());
                return Ok(Committed { sent: stored.sent, conflicts: edited.conflicts });
            }
            self.sync().await?;
            let theirs = self.root().await?;
            if self.has_version_of(edits).await? || self.is_moved_by_others(edits).await? {
                return Err(OperationError::Contended);
            }
            // A merge of removals takes nothing from the tree before: it only takes out of theirs what theirs did not change.
            let is_merged = self.sweeps().get() == sweeps || edits.iter().all(is_removal);
            // What is brought elsewhere is brought out of the newest tree, or not at all: to a merge it is no change.
            edited = if is_merged && !edits.iter().all(is_repacking) {
                let trees = MergeInput { base: base.as_ref(), ours: sealed.as_ref(), theirs: theirs.as_ref() };
                match self.merge_trees(trees, naming, edited.conflicts).await {
                    // The tree before was freed meanwhile.
                    Err(error) if error.is_not_found() => return Err(OperationError::Contended),
                    merged => merged?,
                }
            } else {
                // What the other side removed may have been released: a merge could bring it back from the tree before, and
                // nobody would have kept it. Only what the newest tree has, and what is added here, is there for sure.
                match self.apply_edits(theirs.as_ref(), edits, rules).await {
                    // An upload is planned anew, and sends what is gone.
                    Err(OperationError::Tree(EditError::NotFound(_))) if parents != MissingParents::Refuse => {
                        return Err(OperationError::Contended);
                    }
                    applied => applied?,
                }
            };
            sweeps = self.sweeps().get();
            base = theirs;
        }
        Err(OperationError::Contended)
    }

    async fn apply_edits(
        &self,
        tree: Option<&TreeRoot>,
        edits: &[Edit],
        rules: Rules<'_>,
    ) -> Result<Changed, OperationError> {
        let mut random = SystemRandom;
        let edited = self.walk_steps(|nodes| apply(tree, edits, rules, nodes, &mut random)).await?;
        Ok(Changed { tree: edited.tree, conflicts: edited.conflicts })
    }

    /// Merges what other devices committed; `conflicts` are those so far.
    async fn merge_trees(
        &self,
        trees: MergeInput<'_>,
        naming: ConflictNaming<'_>,
        mut conflicts: Vec<Conflict>,
    ) -> Result<Changed, OperationError> {
        let merged = self.walk_steps(|nodes| merge(trees, naming, nodes)).await?;
        for note in merged.notes {
            match note {
                MergeNote::Conflict { path, copy } => conflicts.push(Conflict { path, copy }),
                MergeNote::MoveRefused { path } => self.notify(&Notice::MoveRefused { path }),
                _ => {}
            }
        }
        Ok(Changed { tree: merged.tree, conflicts })
    }

    /// Whether the tree has a version that one of `edits` puts: another device went on with the same upload and was faster.
    /// Its record is another one, so that a merge would keep both.
    async fn has_version_of(&self, edits: &[Edit]) -> Result<bool, OperationError> {
        for edit in edits {
            if let Edit::PutFile { path, version, .. } = edit
                && let Found::Entry(entry) = self.find(path).await?
                && let EntryContent::File { version: there, .. } = &entry.content
                && there.version().is_same_content(&version.version())
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether all that `edits` bring elsewhere has another record by now: then their packs would hold nothing.
    async fn is_moved_by_others(&self, edits: &[Edit]) -> Result<bool, OperationError> {
        let mut is_any = false;
        for edit in edits {
            let Edit::MoveRecord { path, from, .. } = edit else { continue };
            is_any = true;
            if let Found::Entry(entry) = self.find(path).await?
                && let EntryContent::File { version, .. } = &entry.content
                && version.hash() == from
            {
                return Ok(false);
            }
        }
        Ok(is_any)
    }

    /// Seals what changed, and stores its packs; gives the new root.
    async fn store_tree(
        &self,
        dirty: DirtyTree,
        reservation: &Reservation,
        adds: &mut Vec<AddedBlob>,
        stored: &mut StoredNodes,
    ) -> Result<Option<TreeRoot>, OperationError> {
        let mut random = SystemRandom;
        let mut packer = Packer::new(SystemRandom);
        let mut pieces = Vec::new();
        let sealed = dirty.seal(&mut TreeSealer {
            realm: self.realm(),
            space: &self.door().space(),
            names: &self.names_key(),
            random: &mut random,
            place: &mut |piece| {
                let placed = packer.place(&piece);
                pieces.push(piece);
                placed
            },
        });
        let SealedTree { root, nodes } = sealed.map_err(|_| Rejected)?;
        let kept = nodes.iter().zip(pieces).map(|((hash, node), piece)| keep_node(&node.place_key(), hash, &piece));
        let packs = packer.finish();
        let blobs: Vec<_> = packs.into_iter().map(SealedBlob::from).collect();
        stored.kept.extend(kept);
        let sends = stream::iter(&blobs).map(|blob| async move {
            reservation.add(self.remote(), self.door(), blob.size()).await?;
            reservation.send(self.remote(), self.door(), blob, 0).await
        });
        let sizes: Vec<u64> = sends.buffer_unordered(IN_FLIGHT).try_collect().await?;
        stored.sent += sizes.iter().sum::<u64>();
        adds.extend(blobs.iter().map(SealedBlob::added));
        self.nodes().keep(nodes);
        Ok(root)
    }

    /// Posts the commit; `false` when another one came first. Once it stands, the nodes in `kept` are kept: not before, since
    /// they take the places of those in the tree that stands.
    async fn try_commit(
        &self,
        root: Option<&TreeRoot>,
        adds: &[AddedBlob],
        kept: &mut Vec<StateChange>,
    ) -> Result<bool, OperationError> {
        let state = self.known_head()?;
        let make = |space: &PrivateSpace| {
            let change = TreeChange { root: root.map(root_ref), adds: adds.to_vec(), day: self.clock().today() };
            space.make_tree_commit(&state, &self.record().device, change, &mut SystemRandom)
        };
        self.post(&state, make, kept).await
    }

    /// Posts the commit that `make` makes on top of `state`; `false` when another one came first. Once it stands, the nodes in
    /// `kept` are kept.
    pub(super) async fn post(
        &self,
        state: &SpaceState,
        make: impl Fn(&PrivateSpace) -> Result<PostedCommit, BuildCommitError>,
        kept: &mut Vec<StateChange>,
    ) -> Result<bool, OperationError> {
        self.refuse_halted().await?;
        self.refuse_lost_links(state).await?;
        let mut made = make(&self.private_space().borrow());
        if matches!(made, Err(BuildCommitError::ChainTooOld)) {
            self.refresh_owner().await?;
            made = make(&self.private_space().borrow());
        }
        let posted = made.map_err(|error| match error {
            BuildCommitError::DeviceNotCertified(_) => OperationError::DeviceUnknown,
            _ => Rejected.into(),
        })?;
        let (remote, bytes) = (self.remote(), Bytes::from(posted.to_bytes()));
        let post = async |access: &_| remote.commit(access, bytes.clone()).await;
        match self.door().request(remote, post).await {
            Ok(_) => {}
            Err(OperationError::Remote(RemoteError::Refused { code: ErrorCode::HeadMoved, .. })) => return Ok(false),
            Err(error) => return Err(error),
        }
        let (step, next) = self.verify_own(state, &posted.logged).await?;
        let CommitStep::Verified(verified) = step else {
            return Err(OperationError::HistorySplit);
        };
        let head = Head::new(next, &verified, &posted.logged.header);
        self.adopt(head, Some(state.head()), std::mem::take(kept)).await?;
        self.nodes().kept_more();
        Ok(true)
    }

    /// The head that this process acts on.
    pub(crate) fn known_head(&self) -> Result<SpaceState, OperationError> {
        Ok(self.head().borrow().as_ref().map(|head| head.state.clone()).ok_or(Rejected)?)
    }

    /// This device and today, as the names of conflict copies tell them.
    fn conflict_mark(&self) -> (String, String) {
        let device = self.record().device.device().to_string().chars().take(8).collect();
        (device, date_of(self.clock().today()))
    }
}

const fn is_removal(edit: &Edit) -> bool {
    matches!(edit, Edit::Remove { .. })
}

const fn is_repacking(edit: &Edit) -> bool {
    matches!(edit, Edit::MoveRecord { .. } | Edit::Reseal { .. })
}

/// A tree as a commit names it.
pub(super) fn root_ref(root: &TreeRoot) -> RootRef {
    RootRef { totals: root.totals, piece: root.child.piece, hash: root.child.hash, key: root.root_key() }
}

/// Lays pieces in as many packs as they need.
pub(crate) struct Packer {
    random: SystemRandom,
    open: PackBuilder,
    full: Vec<Pack>,
}

impl Packer {
    pub(crate) fn new(mut random: SystemRandom) -> Self {
        Self { open: PackBuilder::make(&mut random), full: Vec::new(), random }
    }

    /// Places a piece that fits an empty pack.
    ///
    /// # Panics
    /// When it does not.
    pub(crate) fn place(&mut self, piece: &[u8]) -> PieceRef {
        if let Ok(placed) = self.open.add(piece) {
            return placed;
        }
        let next = PackBuilder::make(&mut self.random);
        let full = std::mem::replace(&mut self.open, next);
        self.full.push(full.finish(&mut self.random));
        let placed = self.open.add(piece);
        placed.expect("the piece fits an empty pack")
    }

    /// All packs, the last one finished.
    pub(crate) fn finish(mut self) -> Vec<Pack> {
        if !self.open.is_empty() {
            self.full.push(self.open.finish(&mut self.random));
        }
        self.full
    }
}
