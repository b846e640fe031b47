//! The files `vectors/model-*.json`: one sealed object each, `{kind, about, inputs, outputs}`, bytes in hex. A file is never
//! edited. `random` holds the bytes that are drawn, one draw after the other.
//!
//! A new one is added with `"outputs": {}`; the failing test then prints what this code computes, to be compared with another
//! implementation before it is pasted.

mod accounts;
mod codes;
mod stored;

use crate::account::keys::DeviceSeeds;
use crate::account::sigchain::Sigchain;
use crate::crypto::random::Random;
use crate::crypto::secret::SecretBytes;
use anonicloud_proto::ids::{AccountId, RealmId, SpaceId};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    kind: String,
    about: String,
    inputs: Inputs,
    outputs: Value,
}

#[derive(Deserialize)]
struct Inputs(Map<String, Value>);

impl Inputs {
    fn value(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or_else(|| panic!("an input {name}"))
    }

    fn text(&self, name: &str) -> &str {
        self.value(name).as_str().unwrap_or_else(|| panic!("a text {name}"))
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        unhex(self.text(name))
    }

    fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.bytes(name).try_into().unwrap_or_else(|_| panic!("{N} bytes of {name}"))
    }

    fn number(&self, name: &str) -> u64 {
        self.value(name).as_u64().unwrap_or_else(|| panic!("a number {name}"))
    }

    fn list(&self, name: &str) -> Vec<Vec<u8>> {
        let items = self.value(name).as_array().unwrap();
        items.iter().map(|item| unhex(item.as_str().unwrap())).collect()
    }

    fn realm(&self) -> RealmId {
        RealmId::from_bytes(self.array("realm"))
    }

    fn account(&self) -> AccountId {
        AccountId::from_bytes(self.array("account"))
    }

    fn space(&self) -> SpaceId {
        SpaceId::from_bytes(self.array("space"))
    }

    fn secret(&self, name: &str) -> SecretBytes {
        SecretBytes::from_vec(self.bytes(name))
    }

    fn random(&self) -> Drawn {
        Drawn(self.bytes("random"))
    }

    fn chain(&self) -> Sigchain {
        Sigchain::verify(&self.realm(), &self.account(), &self.list("links")).unwrap()
    }

    fn device(&self) -> DeviceSeeds {
        DeviceSeeds::from_encoded(&self.secret("device")).unwrap()
    }

    fn day(&self) -> u32 {
        u32::try_from(self.number("day")).unwrap()
    }
}

/// Gives out the bytes of a vector, and must be empty in the end.
struct Drawn(Vec<u8>);

impl Random for Drawn {
    fn fill(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&self.0[..out.len()]);
        self.0.drain(..out.len());
    }
}

impl Drawn {
    fn finish(self) {
        assert!(self.0.is_empty(), "{} bytes were not drawn", self.0.len());
    }
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    HEXLOWER.encode(bytes.as_ref())
}

fn unhex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

#[test]
fn every_vector_is_what_this_code_computes_and_opens() {
    let folder = Path::new("../../vectors");
    let mut kinds = BTreeSet::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.starts_with("model-") {
            continue;
        }
        let text = fs_err::read_to_string(&path).unwrap();
        let vector: Vector = serde_json::from_str(&text).unwrap();
        let outputs = compute(&vector.kind, &vector.inputs);
        assert!(vector.outputs == outputs, "{name}: {}\n{outputs:#}", vector.about);
        kinds.insert(vector.kind);
    }
    assert_eq!(kinds.len(), 9, "each kind has a vector: {kinds:?}");
}

fn compute(kind: &str, inputs: &Inputs) -> Value {
    match kind {
        "record" => stored::record(inputs),
        "record-kept" => stored::record_kept(inputs),
        "ticket" => stored::ticket(inputs),
        "boxes" => accounts::boxes(inputs),
        "sigchain" => accounts::sigchain(inputs),
        "genesis-commit" => accounts::genesis(inputs),
        "tree-commit" => accounts::tree(inputs),
        "sweep-commit" => accounts::sweep(inputs),
        "state-code" => codes::state(inputs),
        other => panic!("unknown kind {other}"),
    }
}
