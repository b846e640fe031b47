//! A locked device key opens for its own key alone, and no other file is one.

use anonicloud_proto::codec::{Decode as _, DecodeError, Encode as _};

use super::SeededRandom;
use crate::crypto::device_key::{LockId, LockKind, LockedDeviceKey, derive_passphrase_key};
use crate::crypto::rejected::Rejected;
use crate::crypto::secret::WrapKey;

const PASSPHRASE: &str = "seven quiet otters";

fn locked() -> (LockedDeviceKey, WrapKey, WrapKey) {
    let mut random = SeededRandom::new("device key");
    let (id, device_key) = (LockId::make(&mut random), WrapKey::make(&mut random));
    let lock_key = derive_passphrase_key(PASSPHRASE, &id).unwrap();
    let locked = LockedDeviceKey::seal(LockKind::Passphrase, id, &lock_key, &device_key, [3; 32]);
    (locked, lock_key, device_key)
}

#[test]
fn it_comes_back_from_its_bytes_and_opens_for_the_passphrase_alone() {
    let (locked, lock_key, device_key) = locked();
    let bytes = locked.to_bytes();
    assert_eq!(bytes.len(), LockedDeviceKey::LEN);
    assert!(!bytes.windows(32).any(|window| window == device_key.expose_bytes()));
    let read = LockedDeviceKey::from_bytes(&bytes).unwrap();
    assert_eq!(read, locked);
    assert_eq!(read.kind(), LockKind::Passphrase);
    assert_eq!(read.open(&lock_key).unwrap().expose_bytes(), device_key.expose_bytes());
    for wrong in [derive_passphrase_key("seven quiet otter", read.id()).unwrap(), WrapKey::from_bytes([0; 32])] {
        assert_eq!(read.open(&wrong).err(), Some(Rejected));
    }
}

#[test]
fn the_lock_enters_its_key_and_the_wrap() {
    let (_, lock_key, _) = locked();
    let other = derive_passphrase_key(PASSPHRASE, &LockId::from_bytes([9; 16])).unwrap();
    assert_ne!(lock_key.expose_bytes(), other.expose_bytes());
}

#[test]
fn no_changed_byte_opens() {
    let (locked, lock_key, _) = locked();
    let bytes = locked.to_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let opened = LockedDeviceKey::from_bytes(&changed).map(|read| read.open(&lock_key).is_ok());
        assert!(matches!(opened, Err(DecodeError::UnknownVariant) | Ok(false)), "byte {at}: {opened:?}");
    }
    for len in 0..bytes.len() {
        assert!(LockedDeviceKey::from_bytes(&bytes[..len]).is_err(), "{len} bytes");
    }
    assert!(LockedDeviceKey::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn a_lock_of_one_kind_is_none_of_another() {
    let (locked, lock_key, device_key) = locked();
    let mut bytes = locked.to_bytes();
    bytes[2] = 2;
    let read = LockedDeviceKey::from_bytes(&bytes).unwrap();
    assert_eq!((read.kind(), read.open(&lock_key).err()), (LockKind::Keyring, Some(Rejected)));
    let kept = LockedDeviceKey::seal(LockKind::Keyring, *locked.id(), &lock_key, &device_key, [3; 32]);
    assert_eq!(kept.open(&lock_key).unwrap().expose_bytes(), device_key.expose_bytes());
}
