//! A folder as large as one node may be.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use anonicloud_core::content::pack::PackBuilder;
use anonicloud_core::content::reference::{PieceRef, Source, VersionRef};
use anonicloud_core::content::write::{FileFacts, RecordBuilder};
use anonicloud_core::crypto::secret::NamesKey;
use anonicloud_core::tree::dirty::DirtyTree;
use anonicloud_core::tree::edit::{Before, Edit, MissingParents, Rules, apply};
use anonicloud_core::tree::lookup::{DirectoryRef, list};
use anonicloud_core::tree::merge::{ConflictNaming, MergeInput, merge};
use anonicloud_core::tree::name::RemotePath;
use anonicloud_core::tree::node::{Attributes, DirectoryNode, NodeId, TreeRoot};
use anonicloud_core::tree::seal::TreeSealer;
use anonicloud_core::tree::store::{NodeSource, Step, Wanted};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{RealmId, SpaceId};
use anonicloud_testkit::random::SeededRandom;

const REALM: RealmId = RealmId::from_bytes([1; 16]);
const SPACE: SpaceId = SpaceId::from_bytes([2; 32]);
const ENTRIES: usize = 2048;
const PLAIN: Attributes = Attributes { mtime: 1, mode: 0o644 };
const NAMING: ConflictNaming<'_> = ConflictNaming { device: "laptop", date: "2026-11-23" };

/// Puts one file into the folder and seals it, on top of the same tree each time.
pub(crate) fn edits() -> impl FnMut() {
    let mut folder = Folder::new("hot path: edit a folder");
    let base = folder.full();
    move || {
        let edit = folder.put(ENTRIES / 2);
        black_box(folder.edit(Some(&base), &[edit]));
    }
}

/// Opens the sealed node and lists it.
pub(crate) fn lists() -> impl FnMut() {
    let mut folder = Folder::new("hot path: list a folder");
    let base = folder.full();
    move || {
        let piece = folder.pieces.get(&base.child.hash).expect("the root was sealed");
        let opened = Wanted::root(&base).open(&REALM, &SPACE, piece).expect("what was sealed opens");
        folder.opened.insert(base.child.hash, Arc::new(opened));
        black_box(done(list(&DirectoryRef::root(&base), &folder.opened)));
    }
}

/// Merges a tree whose first half was put again with one whose second half was, and seals the result.
pub(crate) fn merges() -> impl FnMut() {
    let mut folder = Folder::new("hot path: merge folders");
    let base = folder.full();
    let [ours, theirs] = [0..ENTRIES / 2, ENTRIES / 2..ENTRIES].map(|half| {
        let edits: Vec<_> = half.map(|number| folder.put(number)).collect();
        folder.edit(Some(&base), &edits)
    });
    move || {
        let input = MergeInput { base: Some(&base), ours: Some(&ours), theirs: Some(&theirs) };
        let merged = done(merge(input, NAMING, &folder.opened));
        assert!(merged.notes.is_empty(), "different files merge by themselves");
        black_box(folder.seal(merged.tree));
    }
}

/// The opened nodes, as a source.
#[derive(Default)]
struct Opened(HashMap<StoredHash, Arc<DirectoryNode>>);

impl Opened {
    fn insert(&mut self, hash: StoredHash, node: Arc<DirectoryNode>) {
        self.0.insert(hash, node);
    }
}

impl NodeSource for Opened {
    fn node(&self, hash: &StoredHash) -> Option<Arc<DirectoryNode>> {
        self.0.get(hash).map(Arc::clone)
    }
}

/// Trees in memory: the sealed pieces and the opened nodes.
struct Folder {
    pieces: HashMap<StoredHash, Vec<u8>>,
    opened: Opened,
    random: SeededRandom,
}

impl Folder {
    fn new(seed: &str) -> Self {
        Self { pieces: HashMap::new(), opened: Opened::default(), random: SeededRandom::new(seed) }
    }

    /// A root folder as large as one node may be.
    fn full(&mut self) -> TreeRoot {
        let edits: Vec<_> = (0..ENTRIES).map(|number| self.put(number)).collect();
        self.edit(None, &edits)
    }

    fn put(&mut self, number: usize) -> Edit {
        Edit::PutFile {
            path: RemotePath::parse(format!("/picture {number:05}.jpeg").as_bytes()).expect("a path"),
            attributes: PLAIN,
            size: 0,
            version: version(&mut self.random),
            id: NodeId::make(&mut self.random),
            before: Before::Anything,
        }
    }

    fn edit(&mut self, root: Option<&TreeRoot>, edits: &[Edit]) -> TreeRoot {
        let rules = Rules { parents: MissingParents::Refuse, naming: NAMING };
        let edited = done(apply(root, edits, rules, &self.opened, &mut self.random));
        self.seal(edited.tree)
    }

    fn seal(&mut self, tree: DirtyTree) -> TreeRoot {
        let pieces = &mut self.pieces;
        let mut places = SeededRandom::new("hot path: where nodes are placed");
        let sealed = tree.seal(&mut TreeSealer {
            realm: &REALM,
            space: &SPACE,
            names: &NamesKey::from_bytes([3; 32]),
            random: &mut self.random,
            place: &mut |piece| place(pieces, piece, &mut places),
        });
        let sealed = sealed.expect("the tree is well-formed");
        for (hash, node) in sealed.nodes {
            self.opened.insert(hash, node);
        }
        sealed.root.expect("the tree is not empty")
    }
}

fn place(pieces: &mut HashMap<StoredHash, Vec<u8>>, piece: Vec<u8>, random: &mut SeededRandom) -> PieceRef {
    let placed = PackBuilder::make(random).add(&piece).expect("a node fits a pack");
    pieces.insert(StoredHash::of(&piece), piece);
    placed
}

/// The reference to an empty file's version.
fn version(random: &mut SeededRandom) -> VersionRef {
    let facts = FileFacts { size: 0, mtime: 0, predecessor: None };
    let record = RecordBuilder::new(REALM, SPACE, Source::make(random), facts).expect("the file is empty");
    let pages = record.seal_pages(random).expect("it is whole");
    let record = pages.seal_record(&[], random).expect("it has no pages");
    let placed = PackBuilder::make(random).add(record.piece()).expect("the pack has room");
    record.placed_at(placed).expect("it was placed as it is")
}

fn done<T, E: core::fmt::Debug>(step: Result<Step<T>, E>) -> T {
    match step.expect("the tree is well-formed") {
        Step::Done(value) => value,
        Step::Need(_) => unreachable!("all nodes are opened"),
    }
}
