//! Registration, the account, its sigchain and devices.

use anonicloud_proto::api::{
    AccountAnswer, AccountBoxes, AddDevice, Base64, ErrorCode, RegisterFinish, RegisterStart, RegisterStarted,
    RemoveDevice, SigchainAnswer,
};
use anonicloud_proto::capability::CapabilityKeys;
use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::DeviceId;
use anonicloud_proto::limits::{BOX_MAX, HANDLE_MAX, SIGCHAIN_ADDS_END, SIGCHAIN_PAGE_BYTES};

use super::commits::check_genesis;
use super::door::Shown;
use super::links;
use super::{AccountAccess, Permit, Service, ServiceError};
use crate::opaque;
use crate::store::meta::{Appended, NewAccount, NewLink, Registered};

/// A handle has at least this many characters.
const HANDLE_MIN: usize = 3;

impl Service {
    /// First half of a registration: the handle is free, and the server's answer to the OPAQUE request.
    pub(crate) async fn register_start(&self, start: &RegisterStart) -> Result<RegisterStarted, ServiceError> {
        check_handle(&start.handle)?;
        let RegisterStart { handle, invite, puzzle, .. } = start;
        self.admit(Shown { handle, invite: invite.as_ref(), puzzle: puzzle.as_ref() }).await?;
        let registered = self.meta.registered(start.account, start.handle.clone()).await?;
        refuse_registered(registered)?;
        let setup = self.secrets.setup();
        let response = setup.register(&start.account, start.request.as_bytes()).map_err(|_| ErrorCode::BadRequest)?;
        Ok(RegisterStarted { response: Base64::new(response) })
    }

    /// Second half: all of the account at once. `request_hash` tells the same request when it comes again, however it was let in.
    pub(crate) async fn register_finish(
        &self,
        finish: RegisterFinish,
        request_hash: ChainHash,
    ) -> Result<(), ServiceError> {
        check_handle(&finish.handle)?;
        // Who made the account by this very request has been let in.
        if self.meta.was_made_by(finish.account, request_hash).await? {
            return Ok(());
        }
        let RegisterFinish { handle, invite, puzzle, .. } = &finish;
        let invite = match self.admit(Shown { handle, invite: invite.as_ref(), puzzle: puzzle.as_ref() }).await {
            // Its first copy may have come through meanwhile, and used up what lets in once.
            Err(_) if self.meta.was_made_by(finish.account, request_hash).await? => return Ok(()),
            admitted => admitted?,
        };
        let mut account = self.check_registration(finish, request_hash)?;
        account.invite = invite;
        match self.meta.register(account).await? {
            Registered::Repeated => Ok(()),
            other => refuse_registered(other),
        }
    }

    /// The account of a session.
    pub(crate) async fn account(&self, access: &AccountAccess) -> Result<AccountAnswer, ServiceError> {
        let row = self.meta.account(access.account()).await?;
        let row = row.ok_or(ErrorCode::NotFound)?;
        Ok(AccountAnswer {
            account: access.account(),
            handle: row.handle,
            space: row.space,
            quota: row.quota,
            used: row.used,
            reserved: row.reserved,
            devices: row.devices,
        })
    }

    /// A page of the links of the account of a session, from `from` on; empty past the newest. The permit is for as long
    /// as the page is kept.
    pub(crate) async fn sigchain(
        &self,
        access: &AccountAccess,
        from: u64,
    ) -> Result<(SigchainAnswer, Permit), ServiceError> {
        let permit = self.sigchains.acquire(access.account()).await?;
        let links = self.meta.sigchain(access.account(), from, SIGCHAIN_PAGE_BYTES).await?;
        Ok((SigchainAnswer { links: links.into_iter().map(Base64::new).collect() }, permit))
    }

    /// Adds a device with the link that certifies it.
    pub(crate) async fn add_device(&self, access: &AccountAccess, add: AddDevice) -> Result<(), ServiceError> {
        let key = device_key(&add.device.auth_public_key)?;
        let link = self.new_link(access, &add.link, add.prev).await?;
        let device = add.device.device;
        match self.meta.add_device(link, device, key, SIGCHAIN_ADDS_END).await? {
            Appended::Done => self.bind_session(access, device).await,
            Appended::Full => Err(ErrorCode::SigchainFull.into()),
            Appended::Moved => Err(ErrorCode::SigchainMoved.into()),
            Appended::SenderRemoved => Err(ErrorCode::SessionExpired.into()),
            Appended::WrongDevice => Err(ErrorCode::AlreadyExists.into()),
        }
    }

    /// Removes a device, and ends its sessions.
    pub(crate) async fn remove_device(&self, access: &AccountAccess, remove: RemoveDevice) -> Result<(), ServiceError> {
        let link = self.new_link(access, &remove.link, remove.prev).await?;
        match self.meta.remove_device(link, remove.device).await? {
            Appended::Done => {
                self.account_sessions.close_where(access.account(), |opened| opened.device == Some(remove.device));
                Ok(())
            }
            Appended::Moved => Err(ErrorCode::SigchainMoved.into()),
            Appended::SenderRemoved => Err(ErrorCode::SessionExpired.into()),
            Appended::WrongDevice => Err(ErrorCode::NotFound.into()),
            // Nothing bounds what takes a device away but the devices that are there.
            Appended::Full => Err(ErrorCode::SigchainFull.into()),
        }
    }

    /// Makes the session by password that added a device the device's, which ends with it.
    async fn bind_session(&self, access: &AccountAccess, device: DeviceId) -> Result<(), ServiceError> {
        self.account_sessions.change(access.key(), |opened| opened.device = opened.device.or(Some(device)));
        // Removed meanwhile: then its sessions were ended before this was one.
        if self.meta.device_key(access.account(), device).await?.is_none() {
            self.account_sessions.close_where(access.account(), |opened| opened.device == Some(device));
        }
        Ok(())
    }

    /// A link of the account of a session, which its identity signed.
    async fn new_link(&self, access: &AccountAccess, link: &Base64, prev: ChainHash) -> Result<NewLink, ServiceError> {
        let (account, link) = (access.account(), link.as_bytes());
        let seq = links::place_of(link, account, prev)?;
        let genesis = self.meta.sigchain(account, 0, 1).await?;
        let genesis = genesis.first().ok_or(ErrorCode::NotFound)?;
        links::check_signed(self.realm_id(), genesis, link)?;
        // The body of a request may come after the device's end: its session counted as it began.
        Ok(NewLink { account, seq, prev, by: access.device(), link: link.to_vec() })
    }

    fn check_registration(&self, finish: RegisterFinish, request_hash: ChainHash) -> Result<NewAccount, ErrorCode> {
        check_boxes(&finish.boxes)?;
        check_size(&finish.recovery_public_key)?;
        let links: Vec<&[u8]> = finish.sigchain.iter().map(Base64::as_bytes).collect();
        links::check_first(self.realm_id(), &links, finish.account)?;
        let keys = CapabilityKeys::from_bytes(finish.space_keys.as_bytes()).map_err(|_| ErrorCode::BadRequest)?;
        Ok(NewAccount {
            account: finish.account,
            request_hash,
            opaque_record: opaque::record(finish.record.as_bytes()).map_err(|_| ErrorCode::BadRequest)?,
            recovery_public_key: finish.recovery_public_key.as_bytes().to_vec(),
            links: links.into_iter().map(<[u8]>::to_vec).collect(),
            device: (finish.device.device, device_key(&finish.device.auth_public_key)?),
            space_keys: keys.to_bytes(),
            genesis: check_genesis(self.realm_id(), &keys, finish.genesis.as_bytes(), self.clock.today())?,
            handle: finish.handle,
            boxes: finish.boxes,
            quota: self.quota,
            day: self.clock.today(),
            invite: None,
        })
    }
}

fn refuse_registered(registered: Registered) -> Result<(), ServiceError> {
    match registered {
        Registered::Created => Ok(()),
        Registered::Repeated | Registered::Exists => Err(ErrorCode::AlreadyExists.into()),
        Registered::HandleTaken => Err(ErrorCode::HandleTaken.into()),
        Registered::InviteInvalid => Err(ErrorCode::InviteInvalid.into()),
    }
}

/// 3 to 32 of `a-z 0-9 . _ -`, the first and the last a letter or a digit.
fn check_handle(handle: &str) -> Result<(), ErrorCode> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = handle.as_bytes();
    let length = (HANDLE_MIN..=HANDLE_MAX).contains(&bytes.len());
    let ends = bytes.first().is_some_and(|b| plain(*b)) && bytes.last().is_some_and(|b| plain(*b));
    let all = bytes.iter().all(|byte| plain(*byte) || b"._-".contains(byte));
    if length && ends && all { Ok(()) } else { Err(ErrorCode::HandleInvalid) }
}

fn check_boxes(boxes: &AccountBoxes) -> Result<(), ErrorCode> {
    let AccountBoxes { password_slot, recovery_slot, identity, space } = boxes;
    for sealed in [password_slot, recovery_slot, identity, space] {
        check_size(&sealed.sealed)?;
        // Versions count up by one; one that a signed store cannot hold was not counted.
        if i64::try_from(sealed.version).is_err() {
            return Err(ErrorCode::BadRequest);
        }
    }
    Ok(())
}

fn check_size(bytes: &Base64) -> Result<(), ErrorCode> {
    match bytes.as_bytes().len() {
        0 => Err(ErrorCode::BadRequest),
        1..=BOX_MAX => Ok(()),
        _ => Err(ErrorCode::TooLarge),
    }
}

fn device_key(key: &Base64) -> Result<[u8; 32], ErrorCode> {
    let key = key.as_bytes().try_into();
    key.map_err(|_| ErrorCode::BadRequest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_what_the_rule_says() {
        let longest = "a".repeat(32);
        for good in ["abc", "a.b", "0-9", "a_b-c.d", longest.as_str()] {
            assert_eq!(check_handle(good), Ok(()), "{good}");
        }
        let too_long = "a".repeat(33);
        let bad = ["", "ab", "Abc", ".ab", "ab-", "a b", "a/b", "äbc", "ab\0"];
        for bad in bad.into_iter().chain([too_long.as_str()]) {
            assert_eq!(check_handle(bad), Err(ErrorCode::HandleInvalid), "{bad}");
        }
    }
}
