//! The files `vectors/tree-*.json`: one scenario each, `{kind, about, inputs, outputs}`, bytes in hex. A file is never edited.
//!
//! A new one is added with `"outputs": {}`; the failing test then prints what this code computes, to be compared with another
//! implementation before it is pasted.

use std::collections::BTreeSet;
use std::path::Path;

use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{RealmId, SpaceId};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::crypto::secret::DirectoryKey;
use crate::crypto::wrap::seal_piece;
use crate::tree::encoding::{decode_body, encode_body};
use crate::tree::merge::{ConflictNaming, conflict};
use crate::tree::name::EntryName;
use crate::tree::node::{NodeBody, NodeId};
use crate::tree::shard::{NameKey, ShardPlace};
use crate::tree::store::wrap_context;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    kind: String,
    about: String,
    inputs: Map<String, Value>,
    outputs: Value,
}

impl Vector {
    fn text(&self, name: &str) -> &str {
        self.inputs.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("a text {name}"))
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        HEXLOWER.decode(self.text(name).as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.bytes(name).try_into().unwrap_or_else(|_| panic!("{N} bytes of {name}"))
    }

    fn name(&self) -> EntryName {
        EntryName::new(&self.bytes("name")).expect("a name")
    }

    /// The shard that the hex digits of `shard` lead to.
    fn place(&self) -> ShardPlace {
        let nibbles = self
            .text("shard")
            .chars()
            .map(|digit| u8::try_from(digit.to_digit(16).expect("a nibble")).expect("below 16"));
        nibbles.fold(ShardPlace::TOP, |place, nibble| place.below(NameKey(self.array("name_key")), nibble))
    }

    fn compute(&self) -> Value {
        match &*self.kind {
            "node" => self.node(),
            "refused" => {
                let refused = decode_body(NodeId::from_bytes(self.array("id")), &self.place(), &self.bytes("plain"));
                json!({ "error": refused.err().expect("it is refused").to_string() })
            }
            "shard" => {
                let key = NameKey(self.array("name_key"));
                let place =
                    (0..4).fold(ShardPlace::TOP, |place, level| place.below(key, key.nibble(&self.name(), level)));
                let nibbles: Vec<_> = (0..12).map(|level| format!("{:x}", key.nibble(&self.name(), level))).collect();
                json!({ "nibbles": nibbles.concat(), "version_at_4": place.version() })
            }
            "conflict-name" => {
                let naming = ConflictNaming { device: self.text("device"), date: self.text("date") };
                let names = [1, 2]
                    .map(|counter| HEXLOWER.encode(conflict::conflict_name(&self.name(), naming, counter).as_bytes()));
                json!({ "first": names[0], "second": names[1] })
            }
            other => panic!("no kind {other}"),
        }
    }

    /// A node from its plaintext, which must be what is encoded again.
    fn node(&self) -> Value {
        let (realm, space) = (RealmId::from_bytes(self.array("realm")), SpaceId::from_bytes(self.array("space")));
        let (id, place) = (NodeId::from_bytes(self.array("id")), self.place());
        let plain = self.bytes("plain");
        let body = decode_body(id, &place, &plain).expect("a node");
        assert_eq!(encode_body(&body).expose_bytes(), plain);
        let names = match &body {
            NodeBody::List(entries) => entries.iter().map(|entry| HEXLOWER.encode(entry.name.as_bytes())).collect(),
            NodeBody::Shards(_) => Vec::new(),
        };
        let key = DirectoryKey::from_bytes(self.array("key"));
        let piece = seal_piece(&key.wrap_key(), &wrap_context(&realm, &space, &id, &place), &plain, self.array("salt"));
        json!({ "names": names, "version": place.version(), "piece": HEXLOWER.encode(&piece), "hash": StoredHash::of(&piece).to_string() })
    }
}

#[test]
fn every_vector_is_what_this_code_computes() {
    let folder = Path::new("../../vectors");
    let (mut kinds, mut differing) = (BTreeSet::new(), Vec::new());
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.file_name().unwrap().to_string_lossy().starts_with("tree-") {
            continue;
        }
        let vector: Vector = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
        let computed = vector.compute();
        if computed != vector.outputs {
            differing.push(format!("{}: {}\n{computed:#}", path.display(), vector.about));
        }
        kinds.insert(vector.kind);
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["conflict-name", "node", "refused", "shard"]);
}
