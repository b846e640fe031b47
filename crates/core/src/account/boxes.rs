//! The wrapped objects of an account (spec: 1-accounts, "Sign-up"): two slots of the master key, the identity, the private
//! space's keys. The version in each wrap is the one that travels beside it; a device refuses one below the highest it saw.

use anonicloud_proto::api::{Base64, SealedBox};
use anonicloud_proto::ids::{AccountId, RealmId, SpaceId};
use anonicloud_proto::label::Label;
use anonicloud_proto::limits::BOX_MAX;

use super::keys::{Identity, SpaceKeys};
use super::sigchain::Sigchain;
use crate::crypto::kdf::{derive_identity_box_key, derive_password_key, derive_recovery_key, derive_space_root_key};
use crate::crypto::random::{Random, make_bytes};
use crate::crypto::rejected::Rejected;
use crate::crypto::secret::{ExportKey, MasterKey, RecoveryEntropy, SecretBytes, WrapKey};
use crate::crypto::wrap::{WrapContext, open, seal};
use crate::space::private::PrivateSpace;

/// Whose boxes they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoxOwner {
    /// The installation.
    pub realm: RealmId,
    /// The account.
    pub account: AccountId,
}

impl BoxOwner {
    /// Wraps the master key under the key that the password gives. Versions count from 1 up.
    pub fn seal_password_slot(
        &self,
        version: u64,
        export: &ExportKey,
        master: &MasterKey,
        random: &mut dyn Random,
    ) -> SealedBox {
        let place = self.place(Label::WrapPasswordSlot, version);
        place.seal(&derive_password_key(export, &self.realm), master.expose_bytes(), random)
    }

    /// The master key out of the password slot.
    ///
    /// # Errors
    /// [`Rejected`] when the password, the owner, the version or a byte differs.
    pub fn open_password_slot(&self, export: &ExportKey, slot: &SealedBox) -> Result<MasterKey, Rejected> {
        let place = self.place(Label::WrapPasswordSlot, slot.version);
        read_master(&place.open(&derive_password_key(export, &self.realm), slot)?)
    }

    /// Wraps the master key under the key that the recovery words give. Versions count from 1 up.
    pub fn seal_recovery_slot(
        &self,
        version: u64,
        entropy: &RecoveryEntropy,
        master: &MasterKey,
        random: &mut dyn Random,
    ) -> SealedBox {
        let place = self.place(Label::WrapRecoverySlot, version);
        place.seal(&derive_recovery_key(entropy, &self.realm), master.expose_bytes(), random)
    }

    /// The master key out of the recovery slot.
    ///
    /// # Errors
    /// [`Rejected`] when the words, the owner, the version or a byte differs.
    pub fn open_recovery_slot(&self, entropy: &RecoveryEntropy, slot: &SealedBox) -> Result<MasterKey, Rejected> {
        let place = self.place(Label::WrapRecoverySlot, slot.version);
        read_master(&place.open(&derive_recovery_key(entropy, &self.realm), slot)?)
    }

    /// Wraps the identity seeds under the master key. Versions count from 1 up.
    pub fn seal_identity(
        &self,
        version: u64,
        master: &MasterKey,
        identity: &Identity,
        random: &mut dyn Random,
    ) -> SealedBox {
        let place = self.place(Label::WrapIdentityBox, version);
        let plain = identity.expose_encoded();
        place.seal(&derive_identity_box_key(master, &self.realm), plain.expose_bytes(), random)
    }

    /// The identity, whose public halves `chain` certifies.
    ///
    /// # Errors
    /// [`Rejected`] when the master key, the owner, the version or a byte differs, or when the chain is another account's or
    /// certifies other keys.
    pub fn open_identity(
        &self,
        master: &MasterKey,
        sealed: &SealedBox,
        chain: &Sigchain,
    ) -> Result<Identity, Rejected> {
        let place = self.place(Label::WrapIdentityBox, sealed.version);
        let plain = place.open(&derive_identity_box_key(master, &self.realm), sealed)?;
        let identity = Identity::from_encoded(&plain)?;
        let certified = chain.account() == self.account
            && *chain.identity_key() == identity.signing().public()
            && *chain.sharing_key() == identity.sharing().public();
        if certified { Ok(identity) } else { Err(Rejected) }
    }

    /// Wraps the keys of the private space under the master key. Versions count from 1 up.
    pub fn seal_space(
        &self,
        version: u64,
        master: &MasterKey,
        space: &PrivateSpace,
        random: &mut dyn Random,
    ) -> SealedBox {
        let id = space.id();
        let place = Place { object: id.as_bytes(), ..self.place(Label::WrapSpaceKeys, version) };
        let plain = space.keys().expose_encoded();
        place.seal(&derive_space_root_key(master, &self.realm), plain.expose_bytes(), random)
    }

    /// The keys of the private space.
    ///
    /// # Errors
    /// [`Rejected`] when the master key, the owner, the space, the version or a byte differs.
    pub fn open_space(&self, space: &SpaceId, master: &MasterKey, sealed: &SealedBox) -> Result<SpaceKeys, Rejected> {
        let place = Place { object: space.as_bytes(), ..self.place(Label::WrapSpaceKeys, sealed.version) };
        SpaceKeys::from_encoded(&place.open(&derive_space_root_key(master, &self.realm), sealed)?)
    }

    const fn place(&self, label: Label, version: u64) -> Place<'_> {
        Place { owner: self, label, object: self.account.as_bytes(), version }
    }
}

/// What one box is bound to.
struct Place<'a> {
    owner: &'a BoxOwner,
    label: Label,
    object: &'a [u8],
    version: u64,
}

impl Place<'_> {
    const fn context(&self) -> WrapContext<'_> {
        WrapContext {
            label: self.label,
            realm: &self.owner.realm,
            owner: self.owner.account.as_bytes(),
            object: self.object,
            version: self.version,
        }
    }

    fn seal(&self, key: &WrapKey, plain: &[u8], random: &mut dyn Random) -> SealedBox {
        let sealed = seal(key, &self.context(), plain, make_bytes(random));
        SealedBox { version: self.version, sealed: Base64::new(sealed) }
    }

    fn open(&self, key: &WrapKey, sealed: &SealedBox) -> Result<SecretBytes, Rejected> {
        let bytes = sealed.sealed.as_bytes();
        if self.version == 0 || bytes.len() > BOX_MAX {
            return Err(Rejected);
        }
        open(key, &self.context(), bytes)
    }
}

fn read_master(plain: &SecretBytes) -> Result<MasterKey, Rejected> {
    let bytes = plain.expose_bytes().try_into().map_err(|_| Rejected)?;
    Ok(MasterKey::copy_of(bytes))
}
