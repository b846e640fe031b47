//! Version records, sealed by a device that breaks the rules (spec: 2-content, "Version records").

use anonicloud_core::content::record::{VersionRecord, open_record};
use anonicloud_core::content::reference::VersionRef;
use anonicloud_core::crypto::kdf::derive_record_key;
use anonicloud_core::crypto::public::FileVersionId;
use anonicloud_core::crypto::secret::FileKey;
use anonicloud_core::crypto::wrap::{WrapContext, seal_piece};
use anonicloud_proto::codec::{Decode as _, Encode as _, Writer};
use anonicloud_proto::label::Label;
use anonicloud_proto::suite::Suite;

use crate::world::{REALM, SALT, SPACE, place};

const KEY: [u8; 32] = [19; 32];
const VERSION: FileVersionId = FileVersionId::from_bytes([23; 16]);

/// Opens the bytes as a record, and whatever it says about its segments.
pub fn run(plain: &[u8]) {
    let Some(record) = open(plain) else { return };
    assert!(record.pages().is_empty() || record.verify_pages(Vec::new()).is_err(), "pages are not asked for");
    if let Ok(leaves) = record.verify_pages(Vec::new()) {
        assert!(leaves.version() == Some(VERSION), "the leaves are another version's");
        let bytes: u64 = leaves.segments().map(|segment| segment.leaf.plain_len as u64).sum();
        assert!(bytes == record.size(), "the segments are not the file");
    }
}

/// The record with this plaintext.
pub(crate) fn open(plain: &[u8]) -> Option<VersionRecord> {
    let piece = seal(Label::WrapVersionRecord, 0, plain);
    let (at, hash) = place(&piece)?;
    let mut reference = Writer::default();
    Suite::V1.encode(&mut reference);
    VERSION.encode(&mut reference);
    reference.fixed(&KEY);
    at.encode(&mut reference);
    hash.encode(&mut reference);
    let reference = VersionRef::from_bytes(&reference.into_bytes()).expect("a reference");
    open_record(&REALM, &SPACE, &reference, &piece).ok()
}

/// What the version's own key seals.
pub(crate) fn seal(label: Label, number: u64, plain: &[u8]) -> Vec<u8> {
    let key = derive_record_key(&FileKey::from_bytes(KEY), Suite::V1, &VERSION, &REALM);
    let object = VERSION.as_bytes();
    let context = WrapContext { label, realm: &REALM, owner: SPACE.as_bytes(), object, version: number };
    seal_piece(&key, &context, plain, SALT)
}
