//! The codec: what decodes encodes to the same bytes (spec: 0-conventions, "Codec").

use anonicloud_core::account::keys::{DeviceSeeds, SpaceKeys};
use anonicloud_core::content::layout::Page;
use anonicloud_core::content::reference::{PieceRef, Totals, VersionRef};
use anonicloud_core::crypto::device_key::LockedDeviceKey;
use anonicloud_core::crypto::kem::KemPublicKey;
use anonicloud_core::crypto::secret::SecretBytes;
use anonicloud_core::crypto::signature::{CompositePublicKey, CompositeSignature};
use anonicloud_core::space::state::{LogPlace, SpaceState};
use anonicloud_core::tree::node::{ChildRef, NodeId};
use anonicloud_proto::capability::{CapabilityKeys, CapabilityPublicKey, CapabilitySignature};
use anonicloud_proto::codec::{Decode, Encode};
use anonicloud_proto::commit::{CommitHeader, CommitLists, HeadAnswer, LoggedCommit, PostedCommit};
use anonicloud_proto::merkle::{Frontier, MerkleRoot};
use anonicloud_proto::suite::Suite;

/// What the first byte of an input chooses.
const DECODERS: [fn(&[u8]); 22] = [
    // What a client posts, read by the server.
    same::<PostedCommit>,
    same::<CommitLists>,
    same::<CapabilityKeys>,
    same::<CapabilityPublicKey>,
    same::<CapabilitySignature>,
    // What the server answers, read by a client.
    same::<HeadAnswer>,
    same::<LoggedCommit>,
    same::<CommitHeader>,
    same::<Frontier>,
    same::<MerkleRoot>,
    same::<CompositePublicKey>,
    same::<CompositeSignature>,
    same::<KemPublicKey>,
    // What stands in sealed objects and in the local state.
    same::<ChildRef>,
    same::<NodeId>,
    same::<PieceRef>,
    same::<VersionRef>,
    same::<Totals>,
    same::<Page>,
    same::<LogPlace>,
    same::<SpaceState>,
    same::<Suite>,
];

/// Decodes one value.
pub fn run(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    match DECODERS.get(usize::from(*choice)) {
        Some(decode) => decode(bytes),
        None => seeds(bytes),
    }
}

fn same<T: Decode + Encode>(bytes: &[u8]) {
    if let Ok(value) = T::from_bytes(bytes) {
        assert!(value.to_bytes() == bytes, "{} has two encodings", std::any::type_name::<T>());
    }
}

/// What has `from_encoded`, and the file of the device key.
fn seeds(bytes: &[u8]) {
    if let Ok(keys) = SpaceKeys::from_encoded(&SecretBytes::from_vec(bytes.to_vec())) {
        assert!(keys.expose_encoded().expose_bytes() == bytes, "space keys have two encodings");
    }
    if let Ok(seeds) = DeviceSeeds::from_encoded(&SecretBytes::from_vec(bytes.to_vec())) {
        assert!(seeds.expose_encoded().expose_bytes() == bytes, "device seeds have two encodings");
    }
    same::<LockedDeviceKey>(bytes);
}
