//! Registration, the account, its sigchain and devices.

use std::collections::BTreeMap;

use anonicloud_proto::api::{
    AccountAnswer, AccountBoxes, AddDevice, Base64, ErrorCode, RegisterFinish, RegisterStart, RegisterStarted,
    RemoveDevice, SigchainAnswer,
};
use anonicloud_proto::capability::CapabilityKeys;
use anonicloud_proto::codec::Decode as _;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, DeviceId, RealmId, SpaceId};
use anonicloud_proto::limits::{BOX_MAX, HANDLE_MAX, SIGCHAIN_ADDS_END};

use super::commits::check_genesis;
use super::links::{check_first, check_signed, place_of};
use super::spaces::Space;
use super::{Answer, Server, opaque};

/// A handle has at least this many characters.
const HANDLE_MIN: usize = 3;

/// An account and its room.
pub(super) struct Account {
    pub(super) handle: String,
    pub(super) opaque_record: Vec<u8>,
    pub(super) boxes: AccountBoxes,
    pub(super) space: SpaceId,
    pub(super) devices: BTreeMap<DeviceId, [u8; 32]>,
    links: Vec<Vec<u8>>,
    /// What it was made by but how it was let in, to tell the same request when it comes again.
    request: RegisterFinish,
    pub(super) quota: u64,
    pub(super) used: u64,
    pub(super) reserved: u64,
}

impl Account {
    /// Whether `bytes` more fit, the quota being `spare` larger for once.
    pub(super) fn has_room(&self, bytes: u64, spare: u64) -> bool {
        let taken = self.used.saturating_add(self.reserved).saturating_add(bytes);
        taken <= self.quota.saturating_add(spare)
    }

    /// Whether a link is the next one.
    fn follows(&self, seq: u64, prev: ChainHash) -> bool {
        let newest = self.links.last().map(|link| ChainHash::of(link));
        seq == self.links.len() as u64 && newest == Some(prev)
    }
}

impl Server {
    pub(super) fn register_start(&mut self, start: &RegisterStart) -> Answer<RegisterStarted> {
        check_handle(&start.handle)?;
        self.admit(&start.handle, start.invite.as_ref(), start.puzzle.as_ref())?;
        self.check_new(start.account, &start.handle)?;
        let response = self.setup.register(&start.account, start.request.as_bytes())?;
        Ok(RegisterStarted { response: Base64::new(response) })
    }

    pub(super) fn register_finish(&mut self, finish: &RegisterFinish) -> Answer<()> {
        check_handle(&finish.handle)?;
        let lasting = RegisterFinish { invite: None, puzzle: None, ..finish.clone() };
        if self.accounts.get(&finish.account).is_some_and(|account| account.request == lasting) {
            return Ok(());
        }
        let invite = self.admit(&finish.handle, finish.invite.as_ref(), finish.puzzle.as_ref())?;
        let links = check_account(&self.realm, finish)?;
        let keys = CapabilityKeys::from_bytes(finish.space_keys.as_bytes()).map_err(|_| ErrorCode::BadRequest)?;
        let opaque_record = opaque::record(finish.record.as_bytes())?;
        let device_key = device_key(&finish.device.auth_public_key)?;
        let genesis = check_genesis(&self.realm, &keys, finish.genesis.as_bytes())?;
        self.check_new(finish.account, &finish.handle)?;
        let fields = genesis.header.fields();
        let (space, epoch) = (fields.space, fields.epoch);
        if self.spaces.contains_key(&space) {
            return Err(ErrorCode::AlreadyExists);
        }
        let invited = invite.and_then(|number| self.door.invites.remove(&number));
        let quota = invited.and_then(|(_, quota)| quota).unwrap_or(self.quota);
        self.spaces.insert(space, Space::new(finish.account, epoch, keys, genesis));
        let account = Account {
            handle: finish.handle.clone(),
            opaque_record,
            boxes: finish.boxes.clone(),
            space,
            devices: BTreeMap::from([(finish.device.device, device_key)]),
            links,
            request: lasting,
            quota,
            used: 0,
            reserved: 0,
        };
        self.accounts.insert(finish.account, account);
        Ok(())
    }

    fn check_new(&self, account: AccountId, handle: &str) -> Answer<()> {
        if self.accounts.contains_key(&account) {
            return Err(ErrorCode::AlreadyExists);
        }
        let taken = self.accounts.values().any(|account| account.handle == handle);
        if taken { Err(ErrorCode::HandleTaken) } else { Ok(()) }
    }

    pub(super) fn account(&self, id: AccountId) -> Answer<AccountAnswer> {
        let account = self.accounts.get(&id).ok_or(ErrorCode::NotFound)?;
        Ok(AccountAnswer {
            account: id,
            handle: account.handle.clone(),
            space: account.space,
            quota: account.quota,
            used: account.used,
            reserved: account.reserved,
            devices: account.devices.keys().copied().collect(),
        })
    }

    pub(super) fn sigchain(&self, id: AccountId) -> Answer<SigchainAnswer> {
        let account = self.accounts.get(&id).ok_or(ErrorCode::NotFound)?;
        Ok(SigchainAnswer { links: account.links.iter().cloned().map(Base64::new).collect() })
    }

    /// Adds a device; the session of `token`, if a password opened it, becomes the device's.
    pub(super) fn add_device(&mut self, id: AccountId, token: &[u8], add: &AddDevice) -> Answer<()> {
        let key = device_key(&add.device.auth_public_key)?;
        let seq = place_of(add.link.as_bytes(), id, add.prev)?;
        let account = self.accounts.get_mut(&id).ok_or(ErrorCode::NotFound)?;
        check_signed(&self.realm, &account.links[0], add.link.as_bytes())?;
        if !account.follows(seq, add.prev) {
            return Err(ErrorCode::SigchainMoved);
        }
        if seq >= SIGCHAIN_ADDS_END {
            return Err(ErrorCode::SigchainFull);
        }
        let device = add.device.device;
        if account.devices.contains_key(&device) {
            return Err(ErrorCode::AlreadyExists);
        }
        account.devices.insert(device, key);
        account.links.push(add.link.as_bytes().to_vec());
        self.account_sessions.change(token, |opened| opened.device = opened.device.or(Some(device)));
        Ok(())
    }

    /// Removes a device, and ends its sessions.
    pub(super) fn remove_device(&mut self, id: AccountId, remove: &RemoveDevice) -> Answer<()> {
        let seq = place_of(remove.link.as_bytes(), id, remove.prev)?;
        let account = self.accounts.get_mut(&id).ok_or(ErrorCode::NotFound)?;
        check_signed(&self.realm, &account.links[0], remove.link.as_bytes())?;
        if !account.follows(seq, remove.prev) {
            return Err(ErrorCode::SigchainMoved);
        }
        account.devices.remove(&remove.device).ok_or(ErrorCode::NotFound)?;
        account.links.push(remove.link.as_bytes().to_vec());
        self.account_sessions.close_where(id, |opened| opened.device == Some(remove.device));
        Ok(())
    }
}

/// Checks what needs no keys; gives the links.
fn check_account(realm: &RealmId, finish: &RegisterFinish) -> Answer<Vec<Vec<u8>>> {
    let AccountBoxes { password_slot, recovery_slot, identity, space } = &finish.boxes;
    for sealed in [password_slot, recovery_slot, identity, space] {
        check_size(&sealed.sealed)?;
        if i64::try_from(sealed.version).is_err() {
            return Err(ErrorCode::BadRequest);
        }
    }
    check_size(&finish.recovery_public_key)?;
    let links: Vec<&[u8]> = finish.sigchain.iter().map(Base64::as_bytes).collect();
    check_first(realm, &links, finish.account)?;
    Ok(links.into_iter().map(<[u8]>::to_vec).collect())
}

fn check_handle(handle: &str) -> Answer<()> {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = handle.as_bytes();
    let length = (HANDLE_MIN..=HANDLE_MAX).contains(&bytes.len());
    let ends = bytes.first().is_some_and(plain) && bytes.last().is_some_and(plain);
    let all = bytes.iter().all(|byte| plain(byte) || b"._-".contains(byte));
    if length && ends && all { Ok(()) } else { Err(ErrorCode::HandleInvalid) }
}

fn check_size(bytes: &Base64) -> Answer<()> {
    match bytes.as_bytes().len() {
        0 => Err(ErrorCode::BadRequest),
        1..=BOX_MAX => Ok(()),
        _ => Err(ErrorCode::TooLarge),
    }
}

fn device_key(key: &Base64) -> Answer<[u8; 32]> {
    key.as_bytes().try_into().map_err(|_| ErrorCode::BadRequest)
}
