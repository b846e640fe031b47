//! Accounts and devices.

use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, DeviceId};

use super::super::{Appended, MetaStore, NewAccount, NewLink, Registered};
use super::{commit, new_account};

/// An account appears whole or not at all, once, and stays.
pub(super) async fn registration<S: MetaStore, F: Future<Output = S>>(open: &impl Fn() -> F) {
    let store = open().await;
    let first = new_account(1);
    assert_eq!(store.register(first.clone()).await.unwrap(), Registered::Created);
    assert_eq!(store.register(first.clone()).await.unwrap(), Registered::Repeated);
    let mut other_request = first.clone();
    other_request.request_hash = ChainHash::ZERO;
    assert_eq!(store.register(other_request).await.unwrap(), Registered::Exists);
    let mut same_handle = new_account(2);
    same_handle.handle.clone_from(&first.handle);
    assert_eq!(store.register(same_handle).await.unwrap(), Registered::HandleTaken);
    let mut same_space = new_account(2);
    same_space.genesis = commit(1, 0, ChainHash::ZERO, &[]);
    assert_eq!(store.register(same_space).await.unwrap(), Registered::Exists);
    drop(store);
    is_kept(&open().await, first).await;
}

async fn is_kept(store: &impl MetaStore, first: NewAccount) {
    let second = AccountId::from_bytes([2; 16]);
    assert!(store.account(second).await.unwrap().is_none());
    assert_eq!(store.registered(second, "handle2".to_owned()).await.unwrap(), Registered::Created);
    assert_eq!(store.registered(second, "handle1".to_owned()).await.unwrap(), Registered::HandleTaken);
    let record = store.login_record("handle1".to_owned()).await.unwrap().unwrap();
    assert_eq!((record.account, record.opaque_record), (first.account, first.opaque_record));
    assert!(store.login_record("handle2".to_owned()).await.unwrap().is_none());
    let (boxes, space) = store.boxes(first.account).await.unwrap().unwrap();
    assert_eq!((boxes, space), (first.boxes, first.genesis.space));
    assert_eq!(store.sigchain(first.account, 0, 1 << 20).await.unwrap(), first.links);
    let row = store.account(first.account).await.unwrap().unwrap();
    assert_eq!((row.quota, row.devices), (10_000, vec![first.device.0]));
    let kept = store.space(space).await.unwrap().unwrap();
    assert_eq!((kept.epoch, kept.keys), (0, first.space_keys));
    let head = store.head(space).await.unwrap().unwrap();
    assert_eq!((head.hash, head.commit), (first.genesis.hash, first.genesis.row));
}

/// Links follow the head of their chain, and change the devices with it.
pub(super) async fn devices<S: MetaStore, F: Future<Output = S>>(open: &impl Fn() -> F) {
    let store = open().await;
    let account = new_account(10);
    store.register(account.clone()).await.unwrap();
    let link = |seq: u64, prev: &[u8]| NewLink {
        account: account.account,
        seq,
        prev: ChainHash::of(prev),
        by: None,
        link: vec![seq.to_le_bytes()[0]],
    };
    let (old, new) = (account.device.0, DeviceId::from_bytes([99; 16]));
    let add = |link, device| store.add_device(link, device, [5; 32], 3);
    assert_eq!(add(link(2, b"other"), new).await.unwrap(), Appended::Moved);
    assert_eq!(add(link(3, &[10, 1]), new).await.unwrap(), Appended::Moved);
    assert_eq!(add(link(2, &[10, 1]), old).await.unwrap(), Appended::WrongDevice);
    assert_eq!(add(link(2, &[10, 1]), new).await.unwrap(), Appended::Done);
    let remove = |link, device| store.remove_device(link, device);
    assert_eq!(remove(link(2, &[10, 1]), old).await.unwrap(), Appended::Moved);
    assert_eq!(remove(link(3, &[2]), DeviceId::from_bytes([1; 16])).await.unwrap(), Appended::WrongDevice);
    // A chain that is full takes no device, and still loses one.
    assert_eq!(add(link(3, &[2]), DeviceId::from_bytes([98; 16])).await.unwrap(), Appended::Full);
    assert_eq!(remove(link(3, &[2]), old).await.unwrap(), Appended::Done);
    // Nor does one that was removed append anything.
    let by = |by| NewLink { by: Some(by), ..link(4, &[3]) };
    assert_eq!(store.add_device(by(old), old, [6; 32], 9).await.unwrap(), Appended::SenderRemoved);
    assert_eq!(remove(by(old), new).await.unwrap(), Appended::SenderRemoved);
    assert_eq!(remove(by(new), old).await.unwrap(), Appended::WrongDevice);
    drop(store);
    let store = open().await;
    assert_eq!(store.device_key(account.account, new).await.unwrap(), Some([5; 32]));
    assert_eq!(store.device_key(account.account, old).await.unwrap(), None);
    let page = async |from, bytes| store.sigchain(account.account, from, bytes).await.unwrap();
    assert_eq!(page(0, 1 << 20).await, [vec![10, 0], vec![10, 1], vec![2], vec![3]]);
    assert_eq!(page(1, 3).await, [vec![10, 1], vec![2]]);
    assert_eq!(page(1, 1).await, [[10, 1]]);
    assert!(page(4, 1 << 20).await.is_empty() && page(u64::MAX, 1 << 20).await.is_empty());
}
