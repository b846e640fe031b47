//! Attacks, each by its row. `forge` has the keys of the space, as a malicious writer has; what it makes is signed by the
//! right capability, and must still be nothing to a reader.

mod author;
mod server;
mod sweep;

use super::World;
use crate::account::keys::DeviceSeeds;
use crate::account::tests::REALM;
use crate::space::body::{BodyPlace, SignedBody};
use anonicloud_proto::commit::{LoggedCommit, UnsignedHeader};
use anonicloud_proto::label::Label;

impl World {
    pub(super) fn place(&self, seq: u64) -> BodyPlace<'_> {
        BodyPlace { realm: &REALM, space: &self.space.space, keys: &self.space.keys, seq }
    }

    /// A fresh commit with its header changed, its body as it was, and the right capability's signature over both.
    fn forge_header(&mut self, change: impl FnOnce(&mut UnsignedHeader)) -> LoggedCommit {
        let commit = self.commit();
        let mut header = commit.header.fields().clone();
        change(&mut header);
        self.space.sign_header(header, commit.body)
    }

    /// A fresh commit with its body changed, then signed by `device`, sealed, and signed by the right capability.
    pub(super) fn forge(&mut self, device: &DeviceSeeds, change: impl FnOnce(&mut SignedBody)) -> LoggedCommit {
        let commit = self.commit();
        let header = commit.header.fields().clone();
        let mut signed = self.place(header.seq).open_body(&commit.body).unwrap();
        change(&mut signed);
        let message = signed.body.message(&header);
        signed.signature = device.signing().sign(Label::SignCommit, &REALM, &message);
        self.reseal(header, &signed)
    }

    pub(super) fn reseal(&mut self, header: UnsignedHeader, signed: &SignedBody) -> LoggedCommit {
        let place = BodyPlace { realm: &REALM, space: &self.space.space, keys: &self.space.keys, seq: header.seq };
        let sealed = place.seal_body(signed, &mut self.random).unwrap();
        self.space.sign_header(header, sealed)
    }

    /// [`World::forge`] by the device that may.
    pub(super) fn forge_by_owner(&mut self, change: impl FnOnce(&mut SignedBody)) -> LoggedCommit {
        let device = DeviceSeeds::from_encoded(&self.person.device.expose_encoded()).unwrap();
        self.forge(&device, change)
    }
}
