//! Large directories: how they split and join, and how few nodes an edit touches.

use super::memory::{Memory, NAMES, NAMING, PLAIN, make_directory, path_of, remove, version};
use crate::crypto::secret::NamesKey;
use crate::tree::edit::{Before, Edit, MissingParents, Rules, apply};
use crate::tree::node::{EntryContent, NodeId, TreeRoot};

fn numbered(range: core::ops::Range<u32>) -> impl Iterator<Item = Edit> {
    range.map(|number| {
        let mut id = [7; 16];
        id[..4].copy_from_slice(&number.to_le_bytes());
        let (path, id) = (path_of(&format!("/big/file {number:06}")), NodeId::from_bytes(id));
        Edit::PutFile { path, attributes: PLAIN, size: 1, version: version(1), id, before: Before::Anything }
    })
}

fn sealed_by(store: &mut Memory, root: Option<&TreeRoot>, edits: &[Edit]) -> (Option<TreeRoot>, usize) {
    let rules = Rules { parents: MissingParents::Create(PLAIN), naming: NAMING };
    let edited = store.run(|source, random| apply(root, edits, rules, source, random));
    store.seal(edited.unwrap().tree)
}

#[test]
fn a_hundred_thousand_entries_are_sharded_and_one_edit_touches_one_shard() {
    let mut store = Memory::new();
    let mut root = None;
    for start in (0..100_000).step_by(4096) {
        let edits: Vec<_> = numbered(start..(start + 4096).min(100_000)).collect();
        root = sealed_by(&mut store, root.as_ref(), &edits).0;
    }
    assert_eq!(root.as_ref().unwrap().totals.files, 100_000);
    store.forget();
    let all = store.walk(root.as_ref());
    assert_eq!(all.len(), 100_001);
    assert_eq!(all[1 + 77].0, path_of("/big/file 000077"));

    store.forget();
    let edits: Vec<_> = numbered(50_000..50_001).collect();
    let (_, pieces) = sealed_by(&mut store, root.as_ref(), &edits);
    // The root, the directory's top node, one node of shards and one list.
    assert_eq!((pieces, store.opened_len()), (4, 4));

    store.forget();
    let (_, pieces) = sealed_by(&mut store, root.as_ref(), &[remove("/big/file 050000")]);
    assert_eq!(pieces, 4);
    assert!(store.opened_len() <= 9, "{} nodes were looked at to see that the shards stay", store.opened_len());
}

#[test]
fn names_that_differ_late_are_listed_in_order() {
    let mut store = Memory::new();
    let names = (0..3000_usize).map(|number| format!("/{}{}", "same ".repeat(number % 9), number / 9));
    let edits: Vec<_> = names.map(|name| make_directory(&name)).collect();
    let root = store.edit(None, &edits);
    store.forget();
    // The walk holds that names ascend.
    assert_eq!(store.walk(root.as_ref()).len(), 3000);
}

#[test]
fn names_in_the_order_of_the_space_s_hash_seal_each_shard_about_once() {
    let mut store = Memory::new();
    let names = NamesKey::from_bytes(NAMES);
    let mut edits: Vec<_> = numbered(0..20_000).collect();
    edits.sort_by_cached_key(|edit| match edit {
        Edit::PutFile { path, .. } => names.hash_name(path.names().last().unwrap().as_bytes()),
        _ => unreachable!("files are put"),
    });
    let (mut root, mut sealed) = (None, 0);
    for edits in edits.chunks(4096) {
        let pieces;
        (root, pieces) = sealed_by(&mut store, root.as_ref(), edits);
        sealed += pieces;
    }
    assert_eq!(store.walk(root.as_ref()).len(), 20_001);
    // 16 shards; at each of 5 commits the root, the top node, and the shard that the one before had begun.
    assert!(sealed <= 16 + 5 * 2 + 4, "{sealed} nodes were sealed");
}

#[test]
fn a_directory_splits_above_2048_and_joins_at_1024() {
    let mut store = Memory::new();
    let edits: Vec<_> = numbered(0..2048).collect();
    let (root, pieces) = sealed_by(&mut store, None, &edits);
    assert_eq!(pieces, 2);
    let edits: Vec<_> = numbered(2048..2049).collect();
    let (root, pieces) = sealed_by(&mut store, root.as_ref(), &edits);
    assert_eq!(pieces, 1 + 1 + 16);
    store.forget();
    let gone = |range: core::ops::Range<u32>| {
        range.map(|number| remove(&format!("/big/file {number:06}"))).collect::<Vec<_>>()
    };
    let (root, pieces) = sealed_by(&mut store, root.as_ref(), &gone(0..1024));
    assert_eq!(pieces, 1 + 1 + 16);
    assert_eq!(root.as_ref().unwrap().totals.files, 1025);
    store.forget();
    let (root, pieces) = sealed_by(&mut store, root.as_ref(), &gone(1024..1025));
    assert_eq!(pieces, 2);
    store.forget();
    assert_eq!(store.walk(root.as_ref()).len(), 1025);
}

#[test]
fn long_links_split_a_directory_before_its_node_outgrows_a_pack() {
    let mut store = Memory::new();
    let edits: Vec<_> = (0..600)
        .map(|number| Edit::PutSymlink {
            path: path_of(&format!("/{number}")),
            attributes: PLAIN,
            target: vec![b'x'; 4095],
            before: Before::Nothing,
        })
        .collect();
    let root = store.edit(None, &edits);
    assert!(store.pieces.values().all(|piece| piece.len() <= anonicloud_proto::limits::PACKED_PIECE_MAX));
    store.forget();
    let all = store.walk(root.as_ref());
    assert_eq!(all.len(), 600);
    assert!(
        all.iter().all(|(_, entry)| matches!(&entry.content, EntryContent::Symlink { target } if target.len() == 4095))
    );
}
