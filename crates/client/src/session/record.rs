//! What a device keeps of the account that is signed in on it (spec: 1-accounts, "Local state").

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use anonicloud_core::account::keys::{DeviceSeeds, SpaceKeys};
use anonicloud_core::account::sigchain::Sigchain;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::crypto::secret::{MasterKey, SecretBytes};
use anonicloud_proto::api::AccountBoxes;
use anonicloud_proto::codec::{Decode as _, DecodeError, Encode as _, Reader, Writer};
use anonicloud_proto::ids::{AccountId, RealmId, SpaceId};
use anonicloud_proto::limits::SIGCHAIN_LINK_MAX;
use zeroize::Zeroizing;

use crate::error::OperationError;
use crate::remote::ServerAddress;
use crate::state::{LocalState, SealedState, Seen, StateChange, StateError, Table};

const KEY: &[u8] = b"account";
const TEXT_MAX: usize = 4 << 10;
const KEYS_MAX: usize = 1 << 10;
const LINKS_MAX: usize = 1 << 16;

/// The account of this device.
#[derive(Debug)]
pub(crate) struct AccountRecord {
    pub(crate) realm: RealmId,
    pub(crate) account: AccountId,
    pub(crate) handle: String,
    pub(crate) server: ServerAddress,
    pub(crate) master: MasterKey,
    pub(crate) device: DeviceSeeds,
    pub(crate) space: SpaceId,
    pub(crate) space_keys: SpaceKeys,
    pub(crate) sigchain: Sigchain,
    pub(crate) slots: SlotVersions,
}

/// The highest version seen of each box; a lower one is a rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotVersions {
    pub(crate) password: u64,
    pub(crate) recovery: u64,
    pub(crate) identity: u64,
    pub(crate) space: u64,
}

impl SlotVersions {
    pub(crate) const fn of(boxes: &AccountBoxes) -> Self {
        Self {
            password: boxes.password_slot.version,
            recovery: boxes.recovery_slot.version,
            identity: boxes.identity.version,
            space: boxes.space.version,
        }
    }

    /// Checks that no box is older than one that was seen before.
    ///
    /// # Errors
    /// [`OperationError::RolledBack`] when one is.
    pub(crate) fn check_not_older(&self, seen: &Self) -> Result<(), OperationError> {
        let older = self.password < seen.password
            || self.recovery < seen.recovery
            || self.identity < seen.identity
            || self.space < seen.space;
        if older { Err(OperationError::RolledBack) } else { Ok(()) }
    }
}

impl AccountRecord {
    /// The record of this device; `None` when nobody is signed in.
    pub(crate) async fn load<S: LocalState>(state: &SealedState<S>) -> Result<Option<Self>, OperationError> {
        Ok(Self::load_seen(state).await?.0)
    }

    /// The same, and what a change of it is to be made on.
    pub(crate) async fn load_seen<S: LocalState>(
        state: &SealedState<S>,
    ) -> Result<(Option<Self>, Seen), OperationError> {
        let (row, seen) = state.read_seen(Table::Account, KEY).await?;
        let Some(row) = row else {
            return Ok((None, seen));
        };
        let mut input = Reader::new(&row);
        let record = Self::decode(&mut input).map_err(|_| StateError::Corrupt)?;
        input.finish().map_err(|_| StateError::Corrupt)?;
        Ok((Some(record), seen))
    }

    /// The change that keeps the record.
    pub(crate) fn change(&self) -> StateChange {
        StateChange::put(Table::Account, KEY, self.encode().to_vec())
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let ca_file = self.server.ca_file.as_ref().map_or(&b""[..], |path| path.as_os_str().as_bytes());
        let texts = [self.handle.as_bytes(), self.server.url.as_bytes(), ca_file];
        let parts = self.sigchain.links().iter().map(Vec::as_slice).chain(texts);
        // It holds keys, so it is written where it need not move.
        let mut out = Writer::with_capacity(parts.map(|part| part.len() + 4).sum::<usize>() + KEYS_MAX);
        self.realm.encode(&mut out);
        self.account.encode(&mut out);
        out.bytes(self.handle.as_bytes());
        out.bytes(self.server.url.as_bytes());
        out.bytes(ca_file);
        out.fixed(self.master.expose_bytes());
        out.bytes(self.device.expose_encoded().expose_bytes());
        self.space.encode(&mut out);
        out.bytes(self.space_keys.expose_encoded().expose_bytes());
        out.count(self.sigchain.links().len());
        for link in self.sigchain.links() {
            out.bytes(link);
        }
        for version in [self.slots.password, self.slots.recovery, self.slots.identity, self.slots.space] {
            out.u64(version);
        }
        Zeroizing::new(out.into_bytes())
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, RecordError> {
        let realm = RealmId::decode(input)?;
        let account = AccountId::decode(input)?;
        let handle = text(input)?;
        let url = text(input)?;
        let ca_file = OsString::from_vec(input.bytes(TEXT_MAX)?.to_vec());
        let ca_file = (!ca_file.is_empty()).then(|| PathBuf::from(ca_file));
        let master = MasterKey::read(input)?;
        let device = DeviceSeeds::from_encoded(&secret(input)?)?;
        let space = SpaceId::decode(input)?;
        let space_keys = SpaceKeys::from_encoded(&secret(input)?)?;
        let mut links = Vec::new();
        for _ in 0..input.count(LINKS_MAX)? {
            links.push(input.bytes(SIGCHAIN_LINK_MAX)?);
        }
        let sigchain = Sigchain::verify(&realm, &account, &links)?;
        let slots = SlotVersions {
            password: input.u64()?,
            recovery: input.u64()?,
            identity: input.u64()?,
            space: input.u64()?,
        };
        let server = ServerAddress { url, ca_file };
        Ok(Self { realm, account, handle, server, master, device, space, space_keys, sigchain, slots })
    }
}

fn text(input: &mut Reader<'_>) -> Result<String, RecordError> {
    String::from_utf8(input.bytes(TEXT_MAX)?.to_vec()).map_err(|_| RecordError)
}

fn secret(input: &mut Reader<'_>) -> Result<SecretBytes, RecordError> {
    Ok(SecretBytes::from_vec(input.bytes(KEYS_MAX)?.to_vec()))
}

/// The row is not one that this program wrote.
struct RecordError;

impl From<DecodeError> for RecordError {
    fn from(_: DecodeError) -> Self {
        Self
    }
}

impl From<Rejected> for RecordError {
    fn from(_: Rejected) -> Self {
        Self
    }
}
