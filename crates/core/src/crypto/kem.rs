//! X-Wing key pairs (spec: 1-accounts, "Sign-up"): ML-KEM-768 and X25519, draft-connolly-cfrg-xwing-kem.

use core::fmt;

use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};
use x_wing::{DecapsulationKey, Decapsulator as _, KeyExport as _};

use super::secret::KemSeed;
use super::stack::{DEEP, swept};

const PUBLIC_LEN: usize = x_wing::ENCAPSULATION_KEY_SIZE;

/// The public sharing key: what others seal to (1,216 bytes). Whether it is one at all shows when it is used.
#[derive(Clone, PartialEq, Eq)]
pub struct KemPublicKey(Box<[u8; PUBLIC_LEN]>);

impl KemSeed {
    /// The public key of this seed.
    pub fn public(&self) -> KemPublicKey {
        swept::<DEEP, _>(|| {
            let key = DecapsulationKey::from(*self.expose_bytes());
            KemPublicKey(Box::new(key.encapsulation_key().to_bytes().into()))
        })
    }
}

impl fmt::Debug for KemPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KemPublicKey(..)")
    }
}

impl Encode for KemPublicKey {
    fn encode(&self, out: &mut Writer) {
        out.fixed(&*self.0);
    }
}

impl Decode for KemPublicKey {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.fixed().map(|bytes| Self(Box::new(bytes)))
    }
}
