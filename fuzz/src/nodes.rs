//! Directory nodes, sealed by a device that breaks the rules (spec: 3-spaces, "Directories").

use anonicloud_core::content::reference::Totals;
use anonicloud_core::crypto::secret::{DirectoryKey, RootKey};
use anonicloud_core::crypto::wrap::{WrapContext, seal_piece};
use anonicloud_core::tree::name::EntryName;
use anonicloud_core::tree::node::{ChildRef, NodeId, TreeRoot};
use anonicloud_core::tree::store::Wanted;
use anonicloud_proto::codec::{Encode as _, Writer};
use anonicloud_proto::label::Label;

use crate::world::{REALM, SALT, SPACE, place};

const KEY: [u8; 32] = [11; 32];
const DIRECTORY: [u8; 16] = [13; 16];
const NAME_KEY: [u8; 32] = [17; 32];

/// Opens the bytes as the root, as a directory below it, or as one of the root's shards.
pub fn run(data: &[u8]) {
    let Some((choice, plain)) = data.split_first() else { return };
    let wanted = match choice % 18 {
        0 => root(plain),
        1 => child(&NodeId::ROOT, 0, &one_directory, &DIRECTORY, plain),
        shard => child(
            &NodeId::ROOT,
            u64::from(shard - 2) + 1,
            &|sealed| one_shard(shard - 2, sealed),
            NodeId::ROOT.as_bytes(),
            plain,
        ),
    };
    let Some((wanted, piece)) = wanted else { return };
    let Ok(node) = wanted.open(&REALM, &SPACE, &piece) else { return };
    assert!(wanted.place_key() == node.place_key(), "a node opens at another place");
    let names: Vec<&[u8]> = node.entries().unwrap_or_default().iter().map(|entry| entry.name.as_bytes()).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "names are out of order");
    assert!(names.iter().all(|name| EntryName::new(name).is_ok()), "a name is none");
    for child in node.children() {
        assert!(child.open(&REALM, &SPACE, &piece).is_err(), "a node opens where it was not sealed for");
    }
}

fn root(plain: &[u8]) -> Option<(Wanted, Vec<u8>)> {
    let piece = seal(NodeId::ROOT.as_bytes(), 0, plain);
    Some((Wanted::root(&root_of(&piece)?), piece))
}

fn root_of(piece: &[u8]) -> Option<TreeRoot> {
    let (at, hash) = place(piece)?;
    Some(TreeRoot::new(Totals::default(), at, hash, &RootKey::from_bytes(KEY)))
}

/// What an honest node above, made by `parent`, asks for.
fn child(
    above: &NodeId,
    version: u64,
    parent: &dyn Fn(&ChildRef) -> Vec<u8>,
    id: &[u8; 16],
    plain: &[u8],
) -> Option<(Wanted, Vec<u8>)> {
    let piece = seal(id, version, plain);
    let (at, hash) = place(&piece)?;
    let sealed = ChildRef { piece: at, hash, key: DirectoryKey::from_bytes(KEY) };
    let top = seal(above.as_bytes(), 0, &parent(&sealed));
    let opened = Wanted::root(&root_of(&top)?).open(&REALM, &SPACE, &top).expect("an honest node");
    Some((opened.children().pop().expect("its one child"), piece))
}

fn seal(id: &[u8; 16], version: u64, plain: &[u8]) -> Vec<u8> {
    let context =
        WrapContext { label: Label::WrapDirectory, realm: &REALM, owner: SPACE.as_bytes(), object: id, version };
    seal_piece(&RootKey::from_bytes(KEY).wrap_key(), &context, plain, SALT)
}

/// A list with one directory.
fn one_directory(child: &ChildRef) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(0);
    out.count(1);
    out.fixed(&DIRECTORY);
    out.bytes(b"d");
    out.i64(0);
    out.u16(0o755);
    out.u8(1);
    Totals::default().encode(&mut out);
    child.encode(&mut out);
    out.into_bytes()
}

/// A top node with one shard.
fn one_shard(nibble: u8, child: &ChildRef) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(1);
    out.u8(0);
    out.fixed(&NAME_KEY);
    for at in 0..16 {
        out.u8(u8::from(at == nibble));
        if at == nibble {
            child.encode(&mut out);
        }
    }
    out.into_bytes()
}
