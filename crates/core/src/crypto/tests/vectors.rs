//! The files `vectors/crypto-*.json`: one scenario each, `{kind, about, inputs, outputs}`, bytes in hex. A file is never edited.
//!
//! A new one is added with `"outputs": {}`; the failing test then prints what this code computes, to be compared with another
//! implementation before it is pasted.

use std::path::Path;

use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::label::Label;
use anonicloud_proto::puzzle;
use anonicloud_proto::suite::Suite;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::opaque::{opaque_client, opaque_rfc9807};
use crate::crypto::device_key::{LockId, LockKind, LockedDeviceKey, derive_passphrase_key};
use crate::crypto::kdf;
use crate::crypto::password::PasswordInput;
use crate::crypto::public::{FileVersionId, SegmentHash};
use crate::crypto::secret::{
    AccountKey, CapabilitySeed, CompositeSeed, DeviceSeed, ExportKey, FileKey, KemSeed, MasterKey, RecoveryEntropy,
    SpaceKey, WrapKey,
};
use crate::crypto::segment::{self, SegmentKeys, SegmentLeaf};
use crate::crypto::wrap::{self, WrapContext};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    kind: String,
    about: String,
    inputs: Inputs,
    outputs: Value,
}

/// The inputs of a vector, by name.
#[derive(Deserialize)]
pub(super) struct Inputs(Map<String, Value>);

impl Inputs {
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("a text {name}"))
    }

    pub(super) fn bytes(&self, name: &str) -> Vec<u8> {
        HEXLOWER.decode(self.text(name).as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(super) fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.bytes(name).try_into().unwrap_or_else(|_| panic!("{N} bytes of {name}"))
    }

    pub(super) fn realm(&self) -> RealmId {
        RealmId::from_bytes(self.array("realm"))
    }

    fn number(&self, name: &str) -> u64 {
        self.0.get(name).and_then(Value::as_u64).unwrap_or_else(|| panic!("a number {name}"))
    }

    fn label(&self) -> Label {
        let text = self.text("label");
        *Label::ALL.iter().find(|label| label.as_str() == text).unwrap_or_else(|| panic!("no label {text}"))
    }
}

pub(super) fn hex(bytes: impl AsRef<[u8]>) -> String {
    HEXLOWER.encode(bytes.as_ref())
}

#[test]
fn every_vector_is_what_this_code_computes() {
    let folder = Path::new("../../vectors");
    let mut kinds = std::collections::BTreeSet::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.file_name().unwrap().to_str().unwrap().starts_with("crypto-") {
            continue;
        }
        let text = fs_err::read_to_string(&path).unwrap();
        let vector: Vector = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let outputs =
            compute(&vector.kind, &vector.inputs).unwrap_or_else(|| panic!("{}: unknown kind", path.display()));
        assert!(vector.outputs == outputs, "{}: {}\n{outputs:#}", path.display(), vector.about);
        kinds.insert(vector.kind);
    }
    assert_eq!(kinds.len(), 16, "each kind has a vector: {kinds:?}");
}

fn compute(kind: &str, inputs: &Inputs) -> Option<Value> {
    Some(match kind {
        "kdf-account" => kdf_account(inputs),
        "kdf-space" => kdf_space(inputs),
        "kdf-space-names" => kdf_space_names(inputs),
        "kdf-file" => kdf_file(inputs),
        "wrap" => sealed_wrap(inputs),
        "segment" => sealed_segment(inputs),
        "content-root" => content_root(inputs),
        "composite-signature" => composite_signature(inputs),
        "capability-signature" => capability_signature(inputs),
        "x-wing-public-key" => {
            json!({ "public_key": hex(KemSeed::from_bytes(inputs.array("seed")).public().to_bytes()) })
        }
        "words-and-passwords" => words_and_passwords(inputs),
        "opaque-rfc9807" => opaque_rfc9807(inputs),
        "opaque-client" => opaque_client(inputs),
        "puzzle" => solved_puzzle(inputs),
        "device-key" => locked_device_key(inputs),
        "device-key-keyring" => device_key_in_keyring(inputs),
        _ => return None,
    })
}

fn solved_puzzle(inputs: &Inputs) -> Value {
    let bits = u32::try_from(inputs.number("bits")).unwrap();
    json!({ "solution": puzzle::solve(&inputs.realm(), &inputs.bytes("puzzle"), bits) })
}

fn locked_device_key(inputs: &Inputs) -> Value {
    let id = LockId::from_bytes(inputs.array("id"));
    let lock_key = derive_passphrase_key(inputs.text("passphrase"), &id).unwrap();
    let device_key = WrapKey::from_bytes(inputs.array("device_key"));
    let locked = LockedDeviceKey::seal(LockKind::Passphrase, id, &lock_key, &device_key, inputs.array("salt"));
    json!({ "lock_key": hex(lock_key.expose_bytes()), "file": hex(locked.to_bytes()) })
}

fn device_key_in_keyring(inputs: &Inputs) -> Value {
    let id = LockId::from_bytes(inputs.array("id"));
    let lock_key = WrapKey::from_bytes(inputs.array("lock_key"));
    let device_key = WrapKey::from_bytes(inputs.array("device_key"));
    let locked = LockedDeviceKey::seal(LockKind::Keyring, id, &lock_key, &device_key, inputs.array("salt"));
    json!({ "file": hex(locked.to_bytes()) })
}

fn kdf_account(inputs: &Inputs) -> Value {
    let realm = inputs.realm();
    let export_key = ExportKey::from_bytes(inputs.array("export_key"));
    let entropy = RecoveryEntropy::from_bytes(inputs.array("recovery_entropy"));
    let master = MasterKey::from_bytes(inputs.array("master_key"));
    let device = DeviceSeed::from_bytes(inputs.array("device_seed"));
    json!({
        "password_key": hex(kdf::derive_password_key(&export_key, &realm).expose_bytes()),
        "recovery_key": hex(kdf::derive_recovery_key(&entropy, &realm).expose_bytes()),
        "recovery_auth_seeds": hex(kdf::derive_recovery_auth(&entropy, &realm).expose_bytes()),
        "identity_box_key": hex(kdf::derive_identity_box_key(&master, &realm).expose_bytes()),
        "ticket_key": hex(kdf::derive_ticket_key(&master, &realm).expose_bytes()),
        "space_root_key": hex(kdf::derive_space_root_key(&master, &realm).expose_bytes()),
        "device_login_seed": hex(kdf::derive_device_login(&device, &realm).expose_bytes()),
    })
}

fn kdf_space(inputs: &Inputs) -> Value {
    let realm = inputs.realm();
    let space = SpaceKey::from_bytes(inputs.array("space_key"));
    json!({
        "body_key": hex(kdf::derive_body_key(&space, &realm).expose_bytes()),
        "root_wrap_key": hex(kdf::derive_root_wrap_key(&space, &realm).expose_bytes()),
        "read_token": hex(kdf::derive_read_token(&space, &realm).expose_bytes()),
    })
}

fn kdf_space_names(inputs: &Inputs) -> Value {
    let names = kdf::derive_names_key(&SpaceKey::from_bytes(inputs.array("space_key")), &inputs.realm());
    let hash = names.hash_name(&inputs.bytes("name"));
    json!({ "name_key": hex(names.expose_bytes()), "hash": hex(hash) })
}

fn kdf_file(inputs: &Inputs) -> Value {
    let file = FileKey::from_bytes(inputs.array("file_key"));
    let version = FileVersionId::from_bytes(inputs.array("version"));
    let keys = SegmentKeys::derive(&file, Suite::V1, version, &inputs.realm());
    let [siv, encrypt, address, meta] = keys.expose_all();
    json!({
        "siv_key": hex(siv),
        "encrypt_key": hex(encrypt),
        "address_key": hex(address),
        "meta_key": hex(meta),
        "record_key": hex(kdf::derive_record_key(&file, Suite::V1, &version, &inputs.realm()).expose_bytes()),
    })
}

fn sealed_wrap(inputs: &Inputs) -> Value {
    let (realm, owner, object) = (inputs.realm(), inputs.bytes("owner"), inputs.bytes("object"));
    let version = inputs.number("version");
    let ctx = WrapContext { label: inputs.label(), realm: &realm, owner: &owner, object: &object, version };
    let kek = WrapKey::from_bytes(inputs.array("kek"));
    let plaintext = inputs.bytes("plaintext");
    let sealed = wrap::seal(&kek, &ctx, &plaintext, inputs.array("salt"));
    let piece = wrap::seal_piece(&kek, &ctx, &plaintext, inputs.array("salt"));
    assert_eq!(wrap::open(&kek, &ctx, &sealed).unwrap().expose_bytes(), plaintext);
    assert_eq!(wrap::open_piece(Suite::V1, &kek, &ctx, &piece).unwrap().expose_bytes(), plaintext);
    json!({ "sealed": hex(sealed), "piece": hex(piece) })
}

fn segment_keys(inputs: &Inputs) -> SegmentKeys {
    let version = FileVersionId::from_bytes(inputs.array("version"));
    SegmentKeys::derive(&FileKey::from_bytes(inputs.array("file_key")), Suite::V1, version, &inputs.realm())
}

fn sealed_segment(inputs: &Inputs) -> Value {
    let keys = segment_keys(inputs);
    let plain_len = usize::try_from(inputs.number("content_len")).unwrap();
    let repeated = inputs.bytes("content_repeats");
    let content: Vec<u8> = repeated.iter().copied().cycle().take(plain_len).collect();
    let index = inputs.number("index");
    let (mut sealed, mut opened) = (Vec::new(), Vec::new());
    let address = segment::seal_segment(&keys, index, &content, &mut sealed);
    let leaf = SegmentLeaf { index, hash: address.hash, plain_len };
    segment::open_segment(&keys, &leaf, &sealed, &mut opened).unwrap();
    assert!(opened == content);
    json!({
        "segment_hash": address.hash.to_string(),
        "blob_id": address.blob.to_string(),
        "travels_in_pack": segment::fits_pack(plain_len),
        "sealed_len": sealed.len(),
        "sealed_first_72": hex(&sealed[..72]),
        "sealed_blake3": StoredHash::of(&sealed).to_string(),
    })
}

fn content_root(inputs: &Inputs) -> Value {
    let hashes: Vec<_> = inputs
        .bytes("segment_hashes")
        .chunks(32)
        .map(|hash| SegmentHash::from_bytes(hash.try_into().unwrap()))
        .collect();
    json!({ "content_root": segment::content_root(&segment_keys(inputs), inputs.number("size"), &hashes).to_string() })
}

fn composite_signature(inputs: &Inputs) -> Value {
    let seed = CompositeSeed::from_bytes(inputs.array("seed"));
    let (realm, body) = (inputs.realm(), inputs.bytes("body"));
    let signature = seed.sign(inputs.label(), &realm, &body);
    assert!(seed.public().verify(inputs.label(), &realm, &body, &signature).is_ok());
    json!({
        "public_key": hex(seed.public().to_bytes()),
        "public_key_hash": seed.public().hash(&realm).to_string(),
        "signature": hex(signature.to_bytes()),
    })
}

fn capability_signature(inputs: &Inputs) -> Value {
    let seed = CapabilitySeed::from_bytes(inputs.array("seed"));
    let signature = seed.sign(&inputs.bytes("message"));
    assert!(seed.public().verify(&inputs.bytes("message"), &signature).is_ok());
    json!({ "public_key": hex(seed.public().as_bytes()), "signature": hex(signature.as_bytes()) })
}

fn words_and_passwords(inputs: &Inputs) -> Value {
    let entropy = RecoveryEntropy::from_bytes(inputs.array("recovery_entropy"));
    let words = entropy.words();
    assert_eq!(RecoveryEntropy::from_words(words.expose_str()).unwrap().expose_bytes(), entropy.expose_bytes());
    let account_key = AccountKey::from_bytes(inputs.array("account_key"));
    let input = |key| hex(PasswordInput::derive(&inputs.realm(), inputs.text("password"), key).expose_bytes());
    json!({
        "recovery_words": words.expose_str(),
        "password_input": input(None),
        "password_input_with_account_key": input(Some(&account_key)),
    })
}
