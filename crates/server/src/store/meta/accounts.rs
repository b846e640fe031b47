//! Accounts, their devices and sigchains, as kept.

use core::fmt::Debug;

use anonicloud_proto::api::AccountBoxes;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, DeviceId, SpaceId};

use super::{Answer, NewCommit};
use crate::store::Day;

/// All of a new account; it appears at once or not at all.
#[derive(Debug, Clone)]
pub(crate) struct NewAccount {
    /// Its id.
    pub(crate) account: AccountId,
    /// Its handle.
    pub(crate) handle: String,
    /// SHA-512/256 of the request, to recognise it when it comes again.
    pub(crate) request_hash: ChainHash,
    /// The OPAQUE record.
    pub(crate) opaque_record: Vec<u8>,
    /// What recovery words sign in with.
    pub(crate) recovery_public_key: Vec<u8>,
    /// The wrapped keys.
    pub(crate) boxes: AccountBoxes,
    /// The sigchain so far, the genesis first.
    pub(crate) links: Vec<Vec<u8>>,
    /// The first device and its sign-in key.
    pub(crate) device: (DeviceId, [u8; 32]),
    /// Encoded capability keys of the private space.
    pub(crate) space_keys: Vec<u8>,
    /// The genesis of the private space.
    pub(crate) genesis: NewCommit,
    /// Bytes it may store.
    pub(crate) quota: u64,
    /// Today.
    pub(crate) day: Day,
    /// The hash of the invite that is used up by it, whose quota it then has.
    pub(crate) invite: Option<ChainHash>,
}

/// How a registration went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Registered {
    /// The account is new.
    Created,
    /// The same request made it earlier.
    Repeated,
    /// The account id or space id is in use.
    Exists,
    /// The handle is in use.
    HandleTaken,
    /// The invite is not good; nothing is said about the rest.
    InviteInvalid,
}

/// What a login needs before anything is proved.
#[derive(Debug, Clone)]
pub(crate) struct LoginRecord {
    /// Whose.
    pub(crate) account: AccountId,
    /// The OPAQUE record.
    pub(crate) opaque_record: Vec<u8>,
}

/// An account's row and devices.
#[derive(Debug, Clone)]
pub(crate) struct AccountRow {
    /// Its handle.
    pub(crate) handle: String,
    /// Its private space.
    pub(crate) space: SpaceId,
    /// Bytes it may store.
    pub(crate) quota: u64,
    /// Bytes that commits name.
    pub(crate) used: u64,
    /// Bytes promised to open uploads.
    pub(crate) reserved: u64,
    /// Its devices, ascending.
    pub(crate) devices: Vec<DeviceId>,
}

/// A link to append to a sigchain.
#[derive(Debug, Clone)]
pub(crate) struct NewLink {
    /// Whose chain.
    pub(crate) account: AccountId,
    /// Its place in the chain.
    pub(crate) seq: u64,
    /// Hash of the link before.
    pub(crate) prev: ChainHash,
    /// The device whose session sends it, if it is a device's.
    pub(crate) by: Option<DeviceId>,
    /// The link.
    pub(crate) link: Vec<u8>,
}

/// How an append to a sigchain went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    /// It is the head now.
    Done,
    /// The head was another.
    Moved,
    /// The device that sends it was removed.
    SenderRemoved,
    /// The device to add is there, or the one to remove is not.
    WrongDevice,
    /// The chain has as many links as it may.
    Full,
}

/// The accounts of the metadata store.
pub(crate) trait AccountStore: Send + Sync + Debug {
    /// Makes an account with its private space.
    fn register(&self, account: NewAccount) -> Answer<'_, Registered>;

    /// Whether an account id or a handle is in use: [`Registered::Created`] when neither is.
    fn registered(&self, account: AccountId, handle: String) -> Answer<'_, Registered>;

    /// Whether this account was made by the request with this hash.
    fn was_made_by(&self, account: AccountId, request_hash: ChainHash) -> Answer<'_, bool>;

    /// The login record behind a handle.
    fn login_record(&self, handle: String) -> Answer<'_, Option<LoginRecord>>;

    /// The row of an account.
    fn account(&self, account: AccountId) -> Answer<'_, Option<AccountRow>>;

    /// The wrapped keys of an account, and its private space.
    fn boxes(&self, account: AccountId) -> Answer<'_, Option<(AccountBoxes, SpaceId)>>;

    /// The sign-in key of a device.
    fn device_key(&self, account: AccountId, device: DeviceId) -> Answer<'_, Option<[u8; 32]>>;

    /// Links of an account from `from` on, at most `bytes` bytes of them, but at least one if there is one.
    fn sigchain(&self, account: AccountId, from: u64, bytes: usize) -> Answer<'_, Vec<Vec<u8>>>;

    /// Appends a link that adds a device with this sign-in key, while the chain has fewer than `most`.
    fn add_device(&self, link: NewLink, device: DeviceId, key: [u8; 32], most: u64) -> Answer<'_, Appended>;

    /// Appends a link that removes a device.
    fn remove_device(&self, link: NewLink, device: DeviceId) -> Answer<'_, Appended>;
}
