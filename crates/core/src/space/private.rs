//! A private space: its keys and its owner's sigchain, which together verify and make its commits.

use anonicloud_proto::capability::CapabilityKeys;
use anonicloud_proto::context::context;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{RealmId, SpaceId};
use anonicloud_proto::label::Label;

use crate::account::keys::SpaceKeys;
use crate::account::sigchain::Sigchain;
use crate::crypto::rejected::Rejected;

/// A space that only its owner's devices read and write.
#[derive(Debug)]
pub struct PrivateSpace {
    pub(super) realm: RealmId,
    pub(super) space: SpaceId,
    pub(super) keys: SpaceKeys,
    pub(super) capability: CapabilityKeys,
    pub(super) owner: Sigchain,
}

impl PrivateSpace {
    /// The space that `keys` open, as its owner's box says, and the owner's verified sigchain.
    pub fn new(realm: RealmId, space: SpaceId, keys: SpaceKeys, owner: Sigchain) -> Self {
        let capability = keys.capability_keys(&realm);
        Self { realm, space, keys, capability, owner }
    }

    /// The installation.
    pub const fn realm(&self) -> &RealmId {
        &self.realm
    }

    /// The space.
    pub const fn id(&self) -> SpaceId {
        self.space
    }

    /// The keys of its epoch.
    pub const fn keys(&self) -> &SpaceKeys {
        &self.keys
    }

    /// What the server keeps of them.
    pub const fn capability_keys(&self) -> &CapabilityKeys {
        &self.capability
    }

    /// The owner's sigchain, with all links that commits brought: to be made durable with the state that they moved.
    pub const fn owner(&self) -> &Sigchain {
        &self.owner
    }

    /// Takes over a newer chain of the owner, fetched because a commit's device was unknown.
    ///
    /// # Errors
    /// [`Rejected`] when it does not continue the one that is here.
    pub fn update_owner(&mut self, newer: Sigchain) -> Result<(), Rejected> {
        newer.continues(&self.owner)?;
        self.owner = newer;
        Ok(())
    }
}

/// `SHA-512/256(ctx("space-id", [realm, owner account, owner key hash, 32 random bytes]))`.
pub(super) fn derive_space_id(realm: &RealmId, owner: &Sigchain, random: &[u8; 32]) -> SpaceId {
    let key_hash = owner.identity_key().hash(realm);
    let account = owner.account();
    let fields: [&[u8]; 3] = [account.as_bytes(), key_hash.as_bytes(), random];
    SpaceId::from_bytes(*ChainHash::of(&context(Label::SpaceId, realm, &fields)).as_bytes())
}
