//! One type per secret (spec: 0-conventions, "Keys"): boxed, wiped on drop, printed as its name, never compared, copied or encoded
//! but through a call that says so (`expose_bytes`, `duplicate`).

use core::fmt;

use anonicloud_proto::codec::{DecodeError, Reader};
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use super::kdf::keyed_hash;
use super::random::Random;

macro_rules! secret {
    ($(#[doc = $doc:literal])+ $name:ident, $len:literal) => {
        $(#[doc = $doc])+
        // Boxed, so that moving the value leaves no copy of the bytes behind.
        #[derive(ZeroizeOnDrop)]
        pub struct $name(Box<[u8; $len]>);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// The secret with these bytes. Its own copy of the array is wiped; one that the caller keeps is the caller's to wipe.
            pub fn from_bytes(mut bytes: [u8; $len]) -> Self {
                let secret = Self::copy_of(&bytes);
                bytes.zeroize();
                secret
            }

            /// The secret with these bytes, which are the caller's to wipe: no other copy of them is made.
            pub fn copy_of(bytes: &[u8; $len]) -> Self {
                Self::filled(|out| out.copy_from_slice(bytes))
            }

            /// The next secret of an encoding.
            ///
            /// # Errors
            /// [`DecodeError::Truncated`] when fewer bytes are left.
            pub fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let bytes = input.take($len)?;
                Ok(Self::filled(|out| out.copy_from_slice(bytes)))
            }

            /// A fresh random secret.
            pub fn make(random: &mut dyn Random) -> Self {
                Self::filled(|out| random.fill(out))
            }

            /// The secret that `fill` writes in place.
            pub(super) fn filled(fill: impl FnOnce(&mut [u8; $len])) -> Self {
                let mut secret = Self(Box::new([0; $len]));
                fill(&mut secret.0);
                secret
            }

            /// The bytes, for a primitive or for the inside of a wrap.
            pub fn expose_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// A second copy, where two owners need one each.
            #[must_use]
            pub fn duplicate(&self) -> Self {
                Self::copy_of(self.expose_bytes())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

secret!(
    /// UMK: the user master key, random; every other key of an account hangs on it.
    MasterKey, 32
);
secret!(
    /// FK: the key of one file version, random.
    FileKey, 32
);
secret!(
    /// DK: the key of one directory node, fresh at every rewrite of it.
    DirectoryKey, 32
);
secret!(
    /// RK: the key of a space's root directory in one commit, random.
    RootKey, 32
);
secret!(
    /// SEK: the key of one epoch of a space, random.
    SpaceKey, 32
);
secret!(
    /// The key by which a space's large directories are split, of one epoch.
    NamesKey, 32
);
secret!(
    /// KEK: a key that only wraps other keys or records, under a context of their own each.
    WrapKey, 32
);
secret!(
    /// The entropy of the 24 recovery words, random.
    RecoveryEntropy, 32
);
secret!(
    /// AK: the optional account key that enters the password input beside the password, random.
    AccountKey, 20
);
secret!(
    /// What proves the right to read a space in one epoch.
    ReadToken, 32
);
secret!(
    /// What OPAQUE gives a client who knows the password, and nobody else.
    ExportKey, 64
);
secret!(
    /// Seed of the Ed25519 key of one right in one epoch of a space, or of a device's sign-in key.
    CapabilitySeed, 32
);
secret!(
    /// The seed that a device draws when it is enrolled.
    DeviceSeed, 32
);
secret!(
    /// Seeds of a composite signing key: 32 bytes for Ed25519, then 32 for ML-DSA-65.
    CompositeSeed, 64
);
secret!(
    /// Seed of an X-Wing key pair (the private sharing key).
    KemSeed, 32
);

impl DirectoryKey {
    /// The key as what seals its directory node: one rewrite, one key, one wrap.
    #[must_use]
    pub fn wrap_key(&self) -> WrapKey {
        WrapKey::copy_of(self.expose_bytes())
    }
}

impl RootKey {
    /// The key as what seals the root directory node of its commit.
    #[must_use]
    pub fn wrap_key(&self) -> WrapKey {
        WrapKey::copy_of(self.expose_bytes())
    }
}

impl NamesKey {
    /// The keyed hash of a name. Names in its order lie in a large directory's shards from left to right.
    pub fn hash_name(&self, name: &[u8]) -> [u8; 32] {
        keyed_hash(self.expose_bytes(), |hasher| {
            hasher.update(name);
        })
    }
}

/// Secret bytes of any length: what a wrap opened to.
#[derive(ZeroizeOnDrop)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes over `bytes`; they are wiped when this is dropped.
    pub fn from_vec(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    pub fn expose_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

/// Secret text made to be shown to its owner once: a passphrase or the recovery words.
#[derive(ZeroizeOnDrop)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The words with one space between them.
    pub(super) fn join<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        // No BIP39 word is longer than 8 letters: 24 of them never make the text move.
        let mut text = String::with_capacity(24 * 9);
        for word in words {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        Self(Zeroizing::new(text))
    }

    /// The text.
    pub fn expose_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_names_only() {
        assert_eq!(format!("{:?}", FileKey::from_bytes([0x41; 32])), "FileKey(..)");
        assert_eq!(format!("{:?}", SecretBytes::from_vec(vec![0x41; 32])), "SecretBytes(..)");
        assert_eq!(format!("{:?}", SecretText::join(["a", "b"].into_iter())), "SecretText(..)");
    }

    #[test]
    fn a_duplicate_has_the_bytes_of_the_first() {
        let key = FileKey::from_bytes([7; 32]);
        assert_eq!(key.duplicate().expose_bytes(), key.expose_bytes());
    }
}
