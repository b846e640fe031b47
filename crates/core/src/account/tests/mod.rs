//! Tests of accounts as a whole: boxes and sigchains, as a hostile server would serve them.

mod boxes;
mod keys;
mod sigchain;

use anonicloud_proto::ids::AccountId;

use super::keys::{DeviceSeeds, Identity};
use super::sigchain::Sigchain;
pub(crate) use crate::content::tests::{REALM, SeededRandom, flip};
use crate::crypto::random::make_bytes;
use crate::crypto::secret::MasterKey;

/// An account with one device.
pub(crate) struct Person {
    pub(crate) account: AccountId,
    pub(crate) master: MasterKey,
    pub(crate) identity: Identity,
    pub(crate) device: DeviceSeeds,
    pub(crate) chain: Sigchain,
}

impl Person {
    pub(crate) fn make(random: &mut SeededRandom) -> Self {
        let account = AccountId::from_bytes(make_bytes(random));
        let identity = Identity::make(random);
        let genesis = Sigchain::sign_genesis(&REALM, &account, &identity, &"alice".parse().unwrap());
        let chain = Sigchain::verify(&REALM, &account, &[genesis]).unwrap();
        let device = DeviceSeeds::make(random);
        let mut person = Self { account, master: MasterKey::make(random), identity, device, chain };
        let link = person.chain.sign_add_device(&REALM, &person.identity, &person.device).unwrap();
        person.chain.append(&REALM, &link).unwrap();
        person
    }

    /// Adds a second device.
    pub(crate) fn add_device(&mut self, random: &mut SeededRandom) -> DeviceSeeds {
        let device = DeviceSeeds::make(random);
        let link = self.chain.sign_add_device(&REALM, &self.identity, &device).unwrap();
        self.chain.append(&REALM, &link).unwrap();
        device
    }

    pub(crate) fn remove_device(&mut self, device: &DeviceSeeds) {
        let link = self.chain.sign_remove_device(&REALM, &self.identity, device.device()).unwrap();
        self.chain.append(&REALM, &link).unwrap();
    }
}
