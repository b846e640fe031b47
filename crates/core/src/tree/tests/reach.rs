//! The walk of a sweep: everything once, whatever refers to it.

use std::sync::Arc;

use anonicloud_proto::ids::BlobId;

use super::hostile::{list_of, sealed};
use crate::content::reference::Totals;
use crate::tree::name::EntryName;
use crate::tree::node::{Attributes, ChildRef, DirectoryNode, Entry, EntryContent, NodeBody, NodeId};
use crate::tree::reach::Reach;
use crate::tree::shard::ShardPlace;

fn folder(name: &[u8], child: &ChildRef) -> Arc<Entry> {
    Arc::new(Entry {
        id: NodeId::from_bytes([9; 16]),
        name: EntryName::new(name).unwrap(),
        attributes: Attributes { mtime: 0, mode: 0o755 },
        content: EntryContent::Directory { totals: Totals::default(), child: child.duplicate() },
    })
}

/// A writer that put one directory in two places stops no sweep, and hides none of what is stored.
#[test]
fn a_directory_in_two_places_is_walked_once_and_each_piece_of_it_is_met() {
    let id = NodeId::from_bytes([9; 16]);
    let (child, _) = sealed(&list_of(&[]), id, &ShardPlace::TOP);
    let mut elsewhere = child.duplicate();
    elsewhere.piece.blob = BlobId::from_bytes([8; 32]);
    let (changed, _) = sealed(&list_of(&[super::hostile::file(1, b"a")]), id, &ShardPlace::TOP);
    let entries = vec![folder(b"a", &child), folder(b"b", &child), folder(b"c", &elsewhere), folder(b"d", &changed)];
    let root = DirectoryNode { id: NodeId::ROOT, place: ShardPlace::TOP, body: NodeBody::List(entries) };
    let mut reach = Reach::new(None);
    assert!(reach.next(9).is_empty());
    reach.enter(&root);
    let met: Vec<_> = reach.next(9).iter().map(|wanted| (wanted.child().hash, wanted.child().piece.blob)).collect();
    let expected = [&child, &elsewhere, &changed].map(|child| (child.hash, child.piece.blob));
    assert_eq!(met, expected);
    reach.enter(&root);
    assert!(reach.next(9).is_empty());
}
