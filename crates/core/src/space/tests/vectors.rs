//! The files `vectors/model-*.json`: one sealed object each, `{kind, about, inputs, outputs}`, bytes in hex. A file is never
//! edited. `random` holds the bytes that are drawn, one draw after the other.
//!
//! A new one is added with `"outputs": {}`; the failing test then prints what this code computes, to be compared with another
//! implementation before it is pasted.

use std::collections::BTreeSet;
use std::path::Path;

use anonicloud_proto::api::{Base64, SealedBox};
use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::commit::{AddedBlob, HeadAnswer, PostedCommit};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{AccountId, BlobId, RealmId, SpaceId, UploadId};
use anonicloud_proto::merkle::Frontier;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::boxes::BoxOwner;
use crate::account::keys::{DeviceSeeds, Identity, SpaceKeys};
use crate::account::sigchain::Sigchain;
use crate::content::layout::segment_count;
use crate::content::record::open_record;
use crate::content::reference::{PieceRef, Source, Totals, VersionRef};
use crate::content::ticket::{Ticket, TicketOwner};
use crate::content::write::{FileFacts, RecordBuilder};
use crate::crypto::public::SegmentHash;
use crate::crypto::random::Random;
use crate::crypto::secret::{ExportKey, MasterKey, RecoveryEntropy, RootKey, SecretBytes};
use crate::space::body::{BodyPlace, RootRef};
use crate::space::build::TreeChange;
use crate::space::private::PrivateSpace;
use crate::space::verify::Step;

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
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("an input {name}"))
    }

    fn text(&self, name: &str) -> &str {
        self.value(name)
            .as_str()
            .unwrap_or_else(|| panic!("a text {name}"))
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        unhex(self.text(name))
    }

    fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.bytes(name)
            .try_into()
            .unwrap_or_else(|_| panic!("{N} bytes of {name}"))
    }

    fn number(&self, name: &str) -> u64 {
        self.value(name)
            .as_u64()
            .unwrap_or_else(|| panic!("a number {name}"))
    }

    fn list(&self, name: &str) -> Vec<Vec<u8>> {
        let items = self.value(name).as_array().unwrap();
        items
            .iter()
            .map(|item| unhex(item.as_str().unwrap()))
            .collect()
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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
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
        assert!(
            vector.outputs == outputs,
            "{name}: {}\n{outputs:#}",
            vector.about
        );
        kinds.insert(vector.kind);
    }
    assert_eq!(kinds.len(), 7, "each kind has a vector: {kinds:?}");
}

fn compute(kind: &str, inputs: &Inputs) -> Value {
    match kind {
        "record" => record(inputs),
        "record-kept" => record_kept(inputs),
        "ticket" => ticket(inputs),
        "boxes" => boxes(inputs),
        "sigchain" => sigchain(inputs),
        "genesis-commit" => genesis(inputs),
        "tree-commit" => tree(inputs),
        other => panic!("unknown kind {other}"),
    }
}

/// Hash and blob of leaf `i` are BLAKE3 of `i` as u64 and of its complement; one that lies in a pack begins at 64.
fn push_leaf(builder: &mut RecordBuilder, size: u64, number: u64) {
    let [hash, blob] = [number, !number].map(|i| *blake3::hash(&i.to_le_bytes()).as_bytes());
    let full = size - (builder.next_index() << 22) >= 1 << 22;
    let offset = if full { 0 } else { 64 };
    let hash = SegmentHash::from_bytes(hash);
    builder
        .push_sealed(hash, BlobId::from_bytes(blob), offset)
        .unwrap();
}

/// A record whose leaves are all its own. Drawn: the salts of the pages, the salt of the record.
fn record(inputs: &Inputs) -> Value {
    let predecessor = inputs.list("predecessor");
    let facts = FileFacts {
        size: inputs.number("size"),
        mtime: inputs.value("mtime").as_i64().unwrap(),
        predecessor: predecessor
            .first()
            .map(|bytes| VersionRef::from_bytes(bytes).unwrap()),
    };
    let (size, source) = (
        facts.size,
        Source::from_bytes(&inputs.bytes("source")).unwrap(),
    );
    let mut builder = RecordBuilder::new(inputs.realm(), inputs.space(), source, facts).unwrap();
    for index in 0..segment_count(size) {
        push_leaf(&mut builder, size, index);
    }
    sealed_record(builder, inputs)
}

/// The version after `predecessor_record`: leaf 1 is its own, numbered 1001; all others are kept.
fn record_kept(inputs: &Inputs) -> Value {
    let (realm, space) = (inputs.realm(), inputs.space());
    let predecessor = VersionRef::from_bytes(&inputs.bytes("predecessor")).unwrap();
    let before = open_record(
        &realm,
        &space,
        &predecessor,
        &inputs.bytes("predecessor_record"),
    )
    .unwrap();
    let leaves = before.verify_pages(vec![]).unwrap();
    let mtime = inputs.value("mtime").as_i64().unwrap();
    let facts = FileFacts {
        size: before.size(),
        mtime,
        predecessor: Some(predecessor),
    };
    let source = Source::from_bytes(&inputs.bytes("source")).unwrap();
    let mut builder = RecordBuilder::new(realm, space, source, facts).unwrap();
    for index in 0..segment_count(before.size()) {
        if index == 1 {
            push_leaf(&mut builder, before.size(), 1001);
        } else {
            builder.push_kept(&leaves).unwrap();
        }
    }
    sealed_record(builder, inputs)
}

/// `places` are those of the pages, then that of the record.
fn sealed_record(builder: RecordBuilder, inputs: &Inputs) -> Value {
    let mut random = inputs.random();
    let sealed = builder.seal_pages(&mut random).unwrap();
    let pages = sealed.pieces().to_vec();
    let places = inputs.list("places");
    let places: Vec<_> = places
        .iter()
        .map(|place| PieceRef::from_bytes(place).unwrap())
        .collect();
    let (own, of_pages) = places.split_last().unwrap();
    let sealed = sealed.seal_record(of_pages, &mut random).unwrap();
    random.finish();
    let piece = sealed.piece().to_vec();
    let reference = sealed.placed_at(*own).unwrap();
    let record = open_record(&inputs.realm(), &inputs.space(), &reference, &piece).unwrap();
    let opened = pages
        .iter()
        .enumerate()
        .map(|(number, page)| record.open_page(number, page).unwrap());
    assert!(record.verify_pages(opened.collect()).is_ok());
    json!({
        "record": hex(&piece),
        "reference": hex(reference.to_bytes()),
        "pages_blake3": pages.iter().map(|page| StoredHash::of(page).to_string()).collect::<Vec<_>>(),
        "first_page_first_100": pages.first().map(|page| hex(&page[..100])),
    })
}

fn ticket(inputs: &Inputs) -> Value {
    let (realm, account) = (inputs.realm(), inputs.account());
    let upload = UploadId::from_bytes(inputs.array("upload"));
    let owner = TicketOwner {
        realm: &realm,
        account: &account,
        upload: &upload,
    };
    let master = MasterKey::from_bytes(inputs.array("master_key"));
    let base = inputs.list("base");
    let ticket = Ticket {
        space: inputs.space(),
        epoch: u32::try_from(inputs.number("epoch")).unwrap(),
        source: Source::from_bytes(&inputs.bytes("source")).unwrap(),
        base: base
            .first()
            .map(|bytes| VersionRef::from_bytes(bytes).unwrap()),
        path: inputs.list("path"),
        size: inputs.number("size"),
        mtime: inputs.value("mtime").as_i64().unwrap(),
    };
    let mut random = inputs.random();
    let sealed = ticket.seal(&master, &owner, &mut random).unwrap();
    random.finish();
    assert_eq!(
        Ticket::open(&master, &owner, &sealed).unwrap().path,
        ticket.path
    );
    json!({ "sealed": hex(sealed) })
}

fn boxes(inputs: &Inputs) -> Value {
    let owner = BoxOwner {
        realm: inputs.realm(),
        account: inputs.account(),
    };
    let master = MasterKey::from_bytes(inputs.array("master_key"));
    let export = ExportKey::from_bytes(inputs.array("export_key"));
    let words = RecoveryEntropy::from_bytes(inputs.array("recovery_entropy"));
    let identity = Identity::from_encoded(&inputs.secret("identity")).unwrap();
    let keys = SpaceKeys::from_encoded(&inputs.secret("space_keys")).unwrap();
    let capability = keys.capability_keys(&owner.realm);
    let (chain, version) = (inputs.chain(), inputs.number("version"));
    let space = PrivateSpace::new(owner.realm, inputs.space(), keys, chain.clone());
    let mut random = inputs.random();
    let sealed = [
        owner.seal_password_slot(version, &export, &master, &mut random),
        owner.seal_recovery_slot(version, &words, &master, &mut random),
        owner.seal_identity(version, &master, &identity, &mut random),
        owner.seal_space(version, &master, &space, &mut random),
    ];
    random.finish();
    let again = |sealed: &SealedBox| SealedBox {
        version,
        sealed: Base64::new(sealed.sealed.as_bytes().to_vec()),
    };
    assert!(
        owner
            .open_password_slot(&export, &again(&sealed[0]))
            .is_ok()
    );
    assert!(owner.open_recovery_slot(&words, &again(&sealed[1])).is_ok());
    assert!(
        owner
            .open_identity(&master, &again(&sealed[2]), &chain)
            .is_ok()
    );
    assert!(
        owner
            .open_space(&space.id(), &master, &again(&sealed[3]))
            .is_ok()
    );
    let [password, recovery, identity, keys] = sealed.map(|sealed| hex(sealed.sealed.as_bytes()));
    json!({
        "password_slot": password,
        "recovery_slot": recovery,
        "identity_box": identity,
        "space_box": keys,
        "capability_keys": hex(capability.to_bytes()),
    })
}

/// Genesis, two devices, the second removed.
fn sigchain(inputs: &Inputs) -> Value {
    let (realm, account) = (inputs.realm(), inputs.account());
    let identity = Identity::from_encoded(&inputs.secret("identity")).unwrap();
    let handle = inputs.text("handle").parse().unwrap();
    let genesis = Sigchain::sign_genesis(&realm, &account, &identity, &handle);
    let mut chain = Sigchain::verify(&realm, &account, &[genesis]).unwrap();
    let devices = ["device", "second_device"]
        .map(|name| DeviceSeeds::from_encoded(&inputs.secret(name)).unwrap());
    for device in &devices {
        let link = chain.sign_add_device(&realm, &identity, device).unwrap();
        chain.append(&realm, &link).unwrap();
    }
    let [_, second] = devices;
    let link = chain
        .sign_remove_device(&realm, &identity, second.device())
        .unwrap();
    chain.append(&realm, &link).unwrap();
    json!({
        "links": chain.links().iter().map(hex).collect::<Vec<_>>(),
        "head": chain.head().to_string(),
        "identity_key_hash": chain.identity_key().hash(&realm).to_string(),
    })
}

/// Drawn: SEK, append, write and admin seed, the random of the space id, the salt of the body.
fn genesis(inputs: &Inputs) -> Value {
    let mut random = inputs.random();
    let made = PrivateSpace::make(
        inputs.realm(),
        inputs.chain(),
        &inputs.device(),
        inputs.day(),
        &mut random,
    );
    random.finish();
    let (mut space, posted) = made.unwrap();
    let answer = HeadAnswer {
        commit: posted.logged.clone(),
        frontier: Frontier::default(),
    };
    assert!(space.verify_head(&answer).unwrap().0.root().is_none());
    commit_outputs(&space, &posted)
}

/// Drawn: the salt of the root key's wrap, the salt of the body.
fn tree(inputs: &Inputs) -> Value {
    let keys = SpaceKeys::from_encoded(&inputs.secret("space_keys")).unwrap();
    let mut space = PrivateSpace::new(inputs.realm(), inputs.space(), keys, inputs.chain());
    let genesis = PostedCommit::from_bytes(&inputs.bytes("genesis")).unwrap();
    let answer = HeadAnswer {
        commit: genesis.logged,
        frontier: Frontier::default(),
    };
    let (_, state) = space.verify_head(&answer).unwrap();
    let root = RootRef {
        totals: Totals::from_bytes(&inputs.bytes("totals")).unwrap(),
        piece: PieceRef::from_bytes(&inputs.bytes("root_piece")).unwrap(),
        hash: StoredHash::from_bytes(inputs.array("root_hash")),
        key: RootKey::from_bytes(inputs.array("root_key")),
    };
    let adds = inputs
        .list("adds")
        .iter()
        .map(|add| AddedBlob::from_bytes(add).unwrap())
        .collect();
    let change = TreeChange {
        root: Some(root),
        adds,
        day: inputs.day(),
    };
    let mut random = inputs.random();
    let posted = space
        .make_tree_commit(&state, &inputs.device(), change, &mut random)
        .unwrap();
    random.finish();
    let (step, _) = space.verify_next(&state, &posted.logged).unwrap();
    let Step::Verified(verified) = step else {
        panic!("skipped")
    };
    assert_eq!(
        *verified.root().unwrap().key.expose_bytes(),
        inputs.array("root_key")
    );
    commit_outputs(&space, &posted)
}

fn commit_outputs(space: &PrivateSpace, posted: &PostedCommit) -> Value {
    let place = BodyPlace {
        realm: &space.realm,
        space: &space.space,
        keys: &space.keys,
        seq: posted.logged.header.fields().seq,
    };
    let body = place.open_body(&posted.logged.body).unwrap();
    json!({
        "space": space.id().to_string(),
        "head": posted.logged.header.hash().to_string(),
        "body": hex(body.to_bytes()),
        "posted": hex(posted.to_bytes()),
    })
}
