//! Sigchains (spec: 1-accounts, "Sigchain"): the public history of an account's keys and devices, signed by its identity.

use std::collections::BTreeMap;

use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, DeviceId, RealmId};
use anonicloud_proto::label::Label;
use anonicloud_proto::limits::SIGCHAIN_LINK_MAX;
use thiserror::Error;

use super::handle::Handle;
use super::keys::{DeviceSeeds, Identity};
use super::link::{Action, Link, UnsignedLink, device_message};
use crate::crypto::kem::KemPublicKey;
use crate::crypto::rejected::Rejected;
use crate::crypto::signature::CompositePublicKey;

/// A device that a chain certifies, or certified once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedDevice {
    key: CompositePublicKey,
    added: u64,
    removed: Option<u64>,
}

impl CertifiedDevice {
    /// The key its commits are signed with.
    pub const fn key(&self) -> &CompositePublicKey {
        &self.key
    }

    /// The link that added it.
    pub const fn added(&self) -> u64 {
        self.added
    }

    /// The link that removed it, if one did.
    pub const fn removed(&self) -> Option<u64> {
        self.removed
    }
}

/// A sigchain of which every link was verified: nothing else makes this value.
#[derive(Debug, Clone)]
pub struct Sigchain {
    account: AccountId,
    identity: CompositePublicKey,
    sharing: KemPublicKey,
    handle: Handle,
    devices: BTreeMap<DeviceId, CertifiedDevice>,
    links: Vec<Vec<u8>>,
    head: ChainHash,
}

/// Why a link cannot be signed. All are the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignLinkError {
    /// The chain certifies another identity.
    #[error("sign sigchain link: the chain is not this identity's")]
    OtherIdentity,
    /// The device was added before; ids are used once.
    #[error("sign sigchain link: device {0} was added before")]
    DeviceKnown(DeviceId),
    /// The device is not certified now.
    #[error("sign sigchain link: device {0} is not certified")]
    DeviceUnknown(DeviceId),
}

impl Sigchain {
    /// Verifies the whole chain of `account`, the genesis first.
    ///
    /// # Errors
    /// [`Rejected`] when a link is missing, out of order, another account's, not canonical or not signed, or when it adds a
    /// device id again or removes one that is not there.
    pub fn verify<L: AsRef<[u8]>>(realm: &RealmId, account: &AccountId, links: &[L]) -> Result<Self, Rejected> {
        let (genesis, rest) = links.split_first().ok_or(Rejected)?;
        let mut chain = Self::begin(realm, account, genesis.as_ref())?;
        for link in rest {
            chain.append(realm, link.as_ref())?;
        }
        Ok(chain)
    }

    fn begin(realm: &RealmId, account: &AccountId, bytes: &[u8]) -> Result<Self, Rejected> {
        let Link { fields, signature } = read_link(bytes)?;
        if fields.account != *account || fields.seq != 0 || fields.prev != ChainHash::ZERO {
            return Err(Rejected);
        }
        let message = fields.to_bytes();
        let Action::Genesis { identity, sharing, handle } = fields.action else {
            return Err(Rejected);
        };
        identity.verify(Label::SignSigchain, realm, &message, &signature)?;
        Ok(Self {
            account: *account,
            identity,
            sharing,
            handle,
            devices: BTreeMap::new(),
            links: vec![bytes.to_vec()],
            head: ChainHash::of(bytes),
        })
    }

    /// Verifies `link` as the next one and takes it in; one that is rejected leaves the chain as it was.
    ///
    /// # Errors
    /// [`Rejected`] as for [`Sigchain::verify`].
    pub fn append(&mut self, realm: &RealmId, link: &[u8]) -> Result<(), Rejected> {
        let Link { fields, signature } = read_link(link)?;
        if fields.account != self.account || fields.seq != self.link_count() || fields.prev != self.head {
            return Err(Rejected);
        }
        self.identity.verify(Label::SignSigchain, realm, &fields.to_bytes(), &signature)?;
        let seq = fields.seq;
        match fields.action {
            Action::Genesis { .. } => return Err(Rejected),
            Action::AddDevice { device, key, signature } => {
                let message = device_message(&self.account, seq, &self.head, &device, &key);
                key.verify(Label::SignDevice, realm, &message, &signature)?;
                if self.devices.contains_key(&device) {
                    return Err(Rejected);
                }
                self.devices.insert(device, CertifiedDevice { key, added: seq, removed: None });
            }
            Action::RemoveDevice { device } => {
                let device = self.devices.get_mut(&device).filter(|device| device.removed.is_none());
                device.ok_or(Rejected)?.removed = Some(seq);
            }
        }
        self.head = ChainHash::of(link);
        self.links.push(link.to_vec());
        Ok(())
    }

    /// Checks that this chain, as it was fetched, is `known` or goes on from it: an identity that signs on top of another one
    /// would sign two links with one number.
    ///
    /// # Errors
    /// [`Rejected`] when it is shorter, or another one.
    pub fn continues(&self, known: &Self) -> Result<(), Rejected> {
        let follows = self.account == known.account && self.links.starts_with(&known.links);
        if follows { Ok(()) } else { Err(Rejected) }
    }

    /// Whether the chain's identity signed `link`, wherever in a chain it belongs.
    pub(crate) fn is_signed(&self, realm: &RealmId, link: &[u8]) -> bool {
        read_link(link).is_ok_and(|Link { fields, signature }| {
            let message = fields.to_bytes();
            let verified = self.identity.verify(Label::SignSigchain, realm, &message, &signature);
            fields.account == self.account && verified.is_ok()
        })
    }

    /// Whose chain it is.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// What verifies its links.
    pub const fn identity_key(&self) -> &CompositePublicKey {
        &self.identity
    }

    /// What others seal to.
    pub const fn sharing_key(&self) -> &KemPublicKey {
        &self.sharing
    }

    /// The account's public name.
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Hash of the newest link.
    pub const fn head(&self) -> ChainHash {
        self.head
    }

    /// How many links there are; the newest has one less as its number.
    pub fn link_count(&self) -> u64 {
        u64::try_from(self.links.len()).unwrap_or(u64::MAX)
    }

    /// All links as they travel, the genesis first.
    pub fn links(&self) -> &[Vec<u8>] {
        &self.links
    }

    /// A device that is or was certified.
    pub fn device(&self, device: &DeviceId) -> Option<&CertifiedDevice> {
        self.devices.get(device)
    }

    /// Whether a device was removed.
    pub fn has_removed_devices(&self) -> bool {
        self.devices.values().any(|device| device.removed.is_some())
    }

    /// The first link of the chain of a new account.
    pub fn sign_genesis(realm: &RealmId, account: &AccountId, identity: &Identity, handle: &Handle) -> Vec<u8> {
        let action = Action::Genesis {
            identity: identity.signing().public(),
            sharing: identity.sharing().public(),
            handle: handle.clone(),
        };
        sign(realm, identity, UnsignedLink { account: *account, seq: 0, prev: ChainHash::ZERO, action })
    }

    /// The link that adds a device.
    ///
    /// # Errors
    /// [`SignLinkError`] when the identity is not the chain's, or the device was there before.
    pub fn sign_add_device(
        &self,
        realm: &RealmId,
        identity: &Identity,
        seeds: &DeviceSeeds,
    ) -> Result<Vec<u8>, SignLinkError> {
        let device = seeds.device();
        if self.devices.contains_key(&device) {
            return Err(SignLinkError::DeviceKnown(device));
        }
        let key = seeds.signing().public();
        let message = device_message(&self.account, self.link_count(), &self.head, &device, &key);
        let signature = seeds.signing().sign(Label::SignDevice, realm, &message);
        self.sign_next(realm, identity, Action::AddDevice { device, key, signature })
    }

    /// The link that removes a device.
    ///
    /// # Errors
    /// [`SignLinkError`] when the identity is not the chain's, or the device is not certified.
    pub fn sign_remove_device(
        &self,
        realm: &RealmId,
        identity: &Identity,
        device: DeviceId,
    ) -> Result<Vec<u8>, SignLinkError> {
        let known = self.devices.get(&device).filter(|known| known.removed.is_none());
        known.ok_or(SignLinkError::DeviceUnknown(device))?;
        self.sign_next(realm, identity, Action::RemoveDevice { device })
    }

    fn sign_next(&self, realm: &RealmId, identity: &Identity, action: Action) -> Result<Vec<u8>, SignLinkError> {
        if identity.signing().public() != self.identity {
            return Err(SignLinkError::OtherIdentity);
        }
        let link = UnsignedLink { account: self.account, seq: self.link_count(), prev: self.head, action };
        Ok(sign(realm, identity, link))
    }
}

fn read_link(bytes: &[u8]) -> Result<Link, Rejected> {
    if bytes.len() > SIGCHAIN_LINK_MAX {
        return Err(Rejected);
    }
    Link::from_bytes(bytes).map_err(|_| Rejected)
}

fn sign(realm: &RealmId, identity: &Identity, fields: UnsignedLink) -> Vec<u8> {
    let signature = identity.signing().sign(Label::SignSigchain, realm, &fields.to_bytes());
    Link { fields, signature }.to_bytes()
}
