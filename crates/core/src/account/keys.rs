//! Sets of keys that are kept and wrapped together (spec: 1-accounts): a space's, a device's, an identity's.

use core::fmt;

use anonicloud_proto::capability::{CapabilityKeys, ReadTokenHash};
use anonicloud_proto::codec::{Decode as _, DecodeError, Encode as _, Reader};
use anonicloud_proto::ids::{DeviceId, RealmId};
use zeroize::ZeroizeOnDrop;

use crate::content::encoding::encode_secret;
use crate::crypto::kdf::{derive_device_login, derive_names_key, derive_read_token};
use crate::crypto::random::{Random, make_bytes};
use crate::crypto::rejected::Rejected;
use crate::crypto::secret::{
    CapabilitySeed, CompositeSeed, DeviceSeed, KemSeed, NamesKey, ReadToken, SecretBytes, SpaceKey,
};

/// The keys of one epoch of a space. Whoever has them reads, writes and administers it.
#[derive(ZeroizeOnDrop)]
pub struct SpaceKeys {
    #[zeroize(skip)]
    epoch: u32,
    key: SpaceKey,
    append: CapabilitySeed,
    write: CapabilitySeed,
    admin: CapabilitySeed,
}

impl SpaceKeys {
    const ENCODED_LEN: usize = 4 + 4 * 32;

    /// Fresh keys of a new space, whose first epoch is 0.
    pub fn make(random: &mut dyn Random) -> Self {
        Self {
            epoch: 0,
            key: SpaceKey::make(random),
            append: CapabilitySeed::make(random),
            write: CapabilitySeed::make(random),
            admin: CapabilitySeed::make(random),
        }
    }

    /// The epoch they belong to.
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// SEK.
    pub(crate) const fn key(&self) -> &SpaceKey {
        &self.key
    }

    /// Proves the right to add blobs.
    pub const fn append(&self) -> &CapabilitySeed {
        &self.append
    }

    /// Proves the right to write; signs the headers of tree commits.
    pub const fn write(&self) -> &CapabilitySeed {
        &self.write
    }

    /// Proves the right to administer; signs the headers of other commits.
    pub const fn admin(&self) -> &CapabilitySeed {
        &self.admin
    }

    /// Proves the right to read.
    pub fn read_token(&self, realm: &RealmId) -> ReadToken {
        derive_read_token(&self.key, realm)
    }

    /// Splits large directories.
    pub fn names_key(&self, realm: &RealmId) -> NamesKey {
        derive_names_key(&self.key, realm)
    }

    /// What the server keeps to check the proofs.
    pub fn capability_keys(&self, realm: &RealmId) -> CapabilityKeys {
        CapabilityKeys {
            read: ReadTokenHash::of(self.read_token(realm).expose_bytes()),
            append: self.append.public(),
            write: self.write.public(),
            admin: self.admin.public(),
        }
    }

    /// The encoding, to be wrapped.
    pub fn expose_encoded(&self) -> SecretBytes {
        encode_secret(Self::ENCODED_LEN, |out| {
            out.u32(self.epoch);
            for key in [self.key.expose_bytes(), self.append.expose_bytes(), self.write.expose_bytes()] {
                out.fixed(key);
            }
            out.fixed(self.admin.expose_bytes());
        })
    }

    /// Reads what [`SpaceKeys::expose_encoded`] gave, after its wrap was opened.
    ///
    /// # Errors
    /// [`Rejected`] when the bytes have another length.
    pub fn from_encoded(encoded: &SecretBytes) -> Result<Self, Rejected> {
        read_all(encoded, |input| {
            Ok(Self {
                epoch: input.u32()?,
                key: SpaceKey::read(input)?,
                append: CapabilitySeed::read(input)?,
                write: CapabilitySeed::read(input)?,
                admin: CapabilitySeed::read(input)?,
            })
        })
    }
}

impl fmt::Debug for SpaceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpaceKeys(epoch {}, ..)", self.epoch)
    }
}

/// The secret half of a device: it signs the account's commits and signs in.
#[derive(ZeroizeOnDrop)]
pub struct DeviceSeeds {
    #[zeroize(skip)]
    device: DeviceId,
    signing: CompositeSeed,
    login: DeviceSeed,
}

impl DeviceSeeds {
    const ENCODED_LEN: usize = DeviceId::LEN + CompositeSeed::LEN + DeviceSeed::LEN;

    /// A fresh device.
    pub fn make(random: &mut dyn Random) -> Self {
        Self {
            device: DeviceId::from_bytes(make_bytes(random)),
            signing: CompositeSeed::make(random),
            login: DeviceSeed::make(random),
        }
    }

    /// The device.
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// Signs commits.
    pub(crate) const fn signing(&self) -> &CompositeSeed {
        &self.signing
    }

    /// Signs in; its public half is what the server keeps of the device.
    pub fn login_seed(&self, realm: &RealmId) -> CapabilitySeed {
        derive_device_login(&self.login, realm)
    }

    /// The encoding, for the device's encrypted local state.
    pub fn expose_encoded(&self) -> SecretBytes {
        encode_secret(Self::ENCODED_LEN, |out| {
            self.device.encode(out);
            out.fixed(self.signing.expose_bytes());
            out.fixed(self.login.expose_bytes());
        })
    }

    /// Reads what [`DeviceSeeds::expose_encoded`] gave.
    ///
    /// # Errors
    /// [`Rejected`] when the bytes have another length.
    pub fn from_encoded(encoded: &SecretBytes) -> Result<Self, Rejected> {
        read_all(encoded, |input| {
            Ok(Self {
                device: DeviceId::decode(input)?,
                signing: CompositeSeed::read(input)?,
                login: DeviceSeed::read(input)?,
            })
        })
    }
}

impl fmt::Debug for DeviceSeeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceSeeds({}, ..)", self.device)
    }
}

/// The secret half of an identity: it signs the sigchain and opens what others share.
#[derive(Debug, ZeroizeOnDrop)]
pub struct Identity {
    signing: CompositeSeed,
    sharing: KemSeed,
}

impl Identity {
    const ENCODED_LEN: usize = CompositeSeed::LEN + KemSeed::LEN;

    /// A fresh identity.
    pub fn make(random: &mut dyn Random) -> Self {
        Self { signing: CompositeSeed::make(random), sharing: KemSeed::make(random) }
    }

    /// Signs links of the sigchain.
    pub(super) const fn signing(&self) -> &CompositeSeed {
        &self.signing
    }

    /// Opens what others seal to the sharing key.
    pub const fn sharing(&self) -> &KemSeed {
        &self.sharing
    }

    /// The encoding, to be wrapped.
    pub(crate) fn expose_encoded(&self) -> SecretBytes {
        encode_secret(Self::ENCODED_LEN, |out| {
            out.fixed(self.signing.expose_bytes());
            out.fixed(self.sharing.expose_bytes());
        })
    }

    /// Reads what [`Identity::expose_encoded`] gave, after its wrap was opened.
    pub(crate) fn from_encoded(encoded: &SecretBytes) -> Result<Self, Rejected> {
        read_all(encoded, |input| Ok(Self { signing: CompositeSeed::read(input)?, sharing: KemSeed::read(input)? }))
    }
}

fn read_all<T>(
    encoded: &SecretBytes,
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<T, Rejected> {
    let mut input = Reader::new(encoded.expose_bytes());
    let value = read(&mut input).map_err(|_| Rejected)?;
    input.finish().map_err(|_| Rejected)?;
    Ok(value)
}
