//! A store of pieces in memory, and small builders.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use anonicloud_proto::codec::{Decode as _, Writer};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, RealmId, SpaceId};
use anonicloud_proto::suite::Suite;

use crate::content::reference::{PieceRef, Totals, VersionRef};
use crate::crypto::random::Random;
use crate::crypto::secret::NamesKey;
use crate::tree::dirty::DirtyTree;
use crate::tree::edit::{Before, Edit, EditError, MissingParents, Rules, apply};
use crate::tree::lookup::{DirectoryRef, Found, Walk, find};
use crate::tree::merge::ConflictNaming;
use crate::tree::name::{EntryName, RemotePath};
use crate::tree::node::{Attributes, DirectoryNode, Entry, EntryContent, NodeId, TreeRoot};
use crate::tree::seal::{SealTreeError, TreeSealer};
use crate::tree::store::{NodeSource, Step};

pub(super) const REALM: RealmId = RealmId::from_bytes([1; 16]);
pub(super) const SPACE: SpaceId = SpaceId::from_bytes([2; 32]);
pub(super) const NAMES: [u8; 32] = [3; 32];
pub(super) const PLAIN: Attributes = Attributes { mtime: 1, mode: 0o644 };
pub(super) const NAMING: ConflictNaming<'_> = ConflictNaming { device: "laptop", date: "2026-11-23" };

/// Deterministic bytes.
pub(super) struct Seeded(pub(super) u64);

impl Random for Seeded {
    fn fill(&mut self, out: &mut [u8]) {
        self.0 += 1;
        blake3::Hasher::new().update(&self.0.to_le_bytes()).finalize_xof().fill(out);
    }
}

/// Sealed pieces by hash; nodes are opened out of them when a step needs them, and kept.
pub(super) struct Memory {
    pub(super) pieces: HashMap<StoredHash, Vec<u8>>,
    opened: RefCell<HashMap<StoredHash, Arc<DirectoryNode>>>,
    pub(super) random: Seeded,
    /// Rounds of opening that the last call took.
    pub(super) rounds: usize,
}

impl NodeSource for Memory {
    fn node(&self, hash: &StoredHash) -> Option<Arc<DirectoryNode>> {
        self.opened.borrow().get(hash).map(Arc::clone)
    }
}

impl Memory {
    pub(super) fn new() -> Self {
        Self { pieces: HashMap::new(), opened: RefCell::default(), random: Seeded(0), rounds: 0 }
    }

    /// Forgets what was opened: all nodes come from their sealed bytes again.
    pub(super) fn forget(&self) {
        self.opened.borrow_mut().clear();
    }

    pub(super) fn opened_len(&self) -> usize {
        self.opened.borrow().len()
    }

    pub(super) fn run<T, E>(&mut self, mut work: impl FnMut(&Self, &mut Seeded) -> Result<Step<T>, E>) -> Result<T, E> {
        self.rounds = 0;
        loop {
            let mut random = Seeded(self.random.0);
            let step = work(self, &mut random);
            self.random = random;
            match step? {
                Step::Done(value) => return Ok(value),
                Step::Need(wanted) => {
                    self.rounds += 1;
                    assert!(!wanted.is_empty(), "a step that needs nothing never ends");
                    for wanted in wanted {
                        let piece = &self.pieces[&wanted.child().hash];
                        let node = wanted.open(&REALM, &SPACE, piece).expect("what was sealed opens");
                        let before = self.opened.borrow_mut().insert(wanted.child().hash, Arc::new(node));
                        assert!(before.is_none(), "a node is wanted twice");
                    }
                }
            }
        }
    }

    /// Seals a tree; gives its root and how many pieces it took.
    pub(super) fn seal(&mut self, tree: DirtyTree) -> (Option<TreeRoot>, usize) {
        self.try_seal(tree).expect("a tree that readers accept")
    }

    pub(super) fn try_seal(&mut self, tree: DirtyTree) -> Result<(Option<TreeRoot>, usize), SealTreeError> {
        let (pieces, mut offset) = (&mut self.pieces, 0);
        let sealed = tree.seal(&mut TreeSealer {
            realm: &REALM,
            space: &SPACE,
            names: &NamesKey::from_bytes(NAMES),
            random: &mut self.random,
            place: &mut |piece| {
                let length = u32::try_from(piece.len()).unwrap();
                pieces.insert(StoredHash::of(&piece), piece);
                offset = (offset + 7) % 1000;
                PieceRef { suite: Suite::V1, blob: BlobId::from_bytes([9; 32]), offset, length }
            },
        });
        sealed.map(|sealed| (sealed.root, sealed.nodes.len()))
    }

    pub(super) fn try_edit(
        &mut self,
        root: Option<&TreeRoot>,
        edits: &[Edit],
        parents: MissingParents,
    ) -> Result<Option<TreeRoot>, EditError> {
        let rules = Rules { parents, naming: NAMING };
        let edited = self.run(|source, random| apply(root, edits, rules, source, random))?;
        Ok(self.seal(edited.tree).0)
    }

    pub(super) fn edit(&mut self, root: Option<&TreeRoot>, edits: &[Edit]) -> Option<TreeRoot> {
        self.try_edit(root, edits, MissingParents::Create(PLAIN)).expect("the edits are fine")
    }

    pub(super) fn find(&mut self, root: Option<&TreeRoot>, path: &str) -> Found {
        let path = path_of(path);
        self.run(|source, _| find(root, &path, source)).expect("the tree is well-formed")
    }

    pub(super) fn entry(&mut self, root: Option<&TreeRoot>, path: &str) -> Arc<Entry> {
        match self.find(root, path) {
            Found::Entry(entry) => entry,
            other => panic!("{path}: {other:?}"),
        }
    }

    /// Every entry with its path, parents before children. Checks the totals of every directory and that no id occurs twice.
    pub(super) fn walk(&mut self, root: Option<&TreeRoot>) -> Vec<(RemotePath, Arc<Entry>)> {
        let Some(root) = root else { return Vec::new() };
        let mut walk = Walk::new(RemotePath::root(), DirectoryRef::root(root));
        let mut all = Vec::new();
        while let Some((path, entries)) = self.run(|source, _| walk.next(source)).expect("the tree is well-formed") {
            assert!(entries.is_sorted_by(|a, b| a.name < b.name));
            all.extend(entries.into_iter().map(|entry| (path.join(&entry.name), entry)));
        }
        let ids: std::collections::HashSet<_> = all.iter().map(|(_, entry)| entry.id).collect();
        assert_eq!(ids.len(), all.len(), "an id occurs twice: {all:?}");
        assert_totals(&all, &RemotePath::root(), root.totals);
        for (path, entry) in &all {
            if let EntryContent::Directory { totals, .. } = &entry.content {
                assert_totals(&all, path, *totals);
            }
        }
        all
    }

    /// Paths with what is there, in one line each.
    pub(super) fn show(&mut self, root: Option<&TreeRoot>) -> Vec<String> {
        let mut lines: Vec<_> = self.walk(root).iter().map(|(path, entry)| format!("{path} {}", what(entry))).collect();
        lines.sort();
        lines
    }
}

fn assert_totals(all: &[(RemotePath, Arc<Entry>)], path: &RemotePath, totals: Totals) {
    let below = all.iter().filter(|(below, entry)| path.contains(below) && !entry.content.is_directory());
    let sum = below.fold(Totals::default(), |sum, (_, entry)| {
        let one = entry.content.totals();
        Totals { files: sum.files + one.files, bytes: sum.bytes + one.bytes }
    });
    assert_eq!(sum, totals, "totals of {path}");
}

/// What an entry holds, without its id.
pub(super) fn what(entry: &Entry) -> String {
    match &entry.content {
        EntryContent::File { version, .. } => format!("v{}", version.version().as_bytes()[0]),
        EntryContent::Directory { .. } => "dir".to_owned(),
        EntryContent::Symlink { target } => format!("-> {}", String::from_utf8_lossy(target)),
    }
}

pub(super) fn path_of(path: &str) -> RemotePath {
    RemotePath::parse(path.as_bytes()).expect("a path")
}

pub(super) fn name_of(name: &str) -> EntryName {
    EntryName::new(name.as_bytes()).expect("a name")
}

/// The reference to a version with this number.
pub(super) fn version(number: u8) -> VersionRef {
    let mut out = Writer::default();
    out.u16(1);
    out.fixed(&[number; 16]);
    out.fixed(&[number; 32]);
    out.u16(1);
    out.fixed(&[number; 32]);
    out.u32(0);
    out.u32(100);
    out.fixed(&[number; 32]);
    VersionRef::from_bytes(&out.into_bytes()).expect("a reference")
}

/// Puts version `number`, which is as many bytes long, over what is there.
pub(super) fn put(path: &str, number: u8, random: &mut Seeded) -> Edit {
    put_over(path, number, Before::Anything, random)
}

/// Puts version `number` where `before` was.
pub(super) fn put_over(path: &str, number: u8, before: Before, random: &mut Seeded) -> Edit {
    Edit::PutFile {
        path: path_of(path),
        attributes: PLAIN,
        size: u64::from(number),
        version: version(number),
        id: NodeId::make(random),
        before,
    }
}

pub(super) fn remove(path: &str) -> Edit {
    Edit::Remove { path: path_of(path), recursive: true }
}

pub(super) fn rename(from: &str, to: &str) -> Edit {
    Edit::Move { from: path_of(from), to: path_of(to), replace: false }
}

pub(super) fn make_directory(path: &str) -> Edit {
    Edit::MakeDirectory { path: path_of(path), attributes: PLAIN }
}
