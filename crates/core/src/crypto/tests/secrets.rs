//! Every type that holds a secret is wiped when it is dropped: what is listed here does not compile without that.
//!
//! Types whose fields are of these types alone, and otherwise public, are not listed: `Registration` and `Login` beside the
//! state of OPAQUE below, `Source`, `VersionRef`, `Ticket`, `ChildRef`, `RootRef`, `PrivateSpace`.

use ml_dsa::MlDsa65;
use opaque_ke::{ClientLogin, ClientRegistration};
use sha2::Sha512;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::account::keys::{DeviceSeeds, Identity, SpaceKeys};
use crate::crypto::opaque::{Argon2idKsf, OpaqueWith};
use crate::crypto::password::PasswordInput;
use crate::crypto::secret::{
    AccountKey, CapabilitySeed, CompositeSeed, DeviceSeed, DirectoryKey, ExportKey, FileKey, KemSeed, MasterKey,
    NamesKey, ReadToken, RecoveryEntropy, RootKey, SecretBytes, SecretText, SpaceKey, WrapKey,
};
use crate::crypto::segment::SegmentKeys;
use crate::crypto::wrap::WrapKeys;

const fn wiped<T: ZeroizeOnDrop>() {}

/// Ours.
const _: () = {
    wiped::<MasterKey>();
    wiped::<FileKey>();
    wiped::<DirectoryKey>();
    wiped::<RootKey>();
    wiped::<SpaceKey>();
    wiped::<NamesKey>();
    wiped::<WrapKey>();
    wiped::<RecoveryEntropy>();
    wiped::<AccountKey>();
    wiped::<ReadToken>();
    wiped::<ExportKey>();
    wiped::<CapabilitySeed>();
    wiped::<DeviceSeed>();
    wiped::<CompositeSeed>();
    wiped::<KemSeed>();
    wiped::<SecretBytes>();
    wiped::<SecretText>();
    wiped::<PasswordInput>();
    wiped::<SegmentKeys>();
    wiped::<WrapKeys>();
    wiped::<SpaceKeys>();
    wiped::<DeviceSeeds>();
    wiped::<Identity>();
};

/// What libraries make of them, with the features that the workspace chooses. HMAC is two states of its hash. Of BLAKE3 under a
/// key `keyed_hash` takes care, of what they all leave on the stack `swept`; AWS-LC wipes what it frees.
const _: () = {
    wiped::<Zeroizing<Vec<u8>>>();
    wiped::<bip39::Mnemonic>();
    wiped::<ed25519_dalek::SigningKey>();
    wiped::<ml_dsa::SigningKey<MlDsa65>>();
    wiped::<x_wing::DecapsulationKey>();
    wiped::<Sha512>();
    wiped::<ClientRegistration<OpaqueWith<Argon2idKsf>>>();
    wiped::<ClientLogin<OpaqueWith<Argon2idKsf>>>();
    wiped::<aes_gcm::Aes256Gcm>();
};
