//! Upload tickets (spec: 2-content, "Upload tickets"): what another device needs to go on with an upload.

use core::fmt;

use anonicloud_proto::codec::{Decode as _, DecodeError, Encode as _, Reader, Writer};
use anonicloud_proto::ids::{AccountId, RealmId, SpaceId, UploadId};
use anonicloud_proto::label::Label;
use anonicloud_proto::limits::TICKET_MAX;
use anonicloud_proto::suite::Suite;
use thiserror::Error;

use super::encoding::{decode_padded, encode_padded, encode_secret};
use super::reference::{Source, VersionRef, decode_base, encode_base};
use crate::crypto::kdf::derive_ticket_key;
use crate::crypto::public::FileVersionId;
use crate::crypto::random::{Random, make_bytes};
use crate::crypto::rejected::Rejected;
use crate::crypto::secret::{FileKey, MasterKey};
use crate::crypto::wrap::{WRAP_OVERHEAD, WrapContext, open, seal};

const FLOOR: u64 = 1 << 10;
const NAME_MAX: usize = 255;
const FIXED_LEN: usize = 32 + 4 + 16 + 32 + 1 + VersionRef::ENCODED_LEN + 4 + 8 + 8;

/// An upload of one file, as its author's devices know it.
pub struct Ticket {
    /// Where it goes.
    pub space: SpaceId,
    /// The epoch in which it began.
    pub epoch: u32,
    /// The key of the version that is being written.
    pub source: Source,
    /// The version that it replaces, if any.
    pub base: Option<VersionRef>,
    /// Names from the root of the space down to the file, in exact bytes.
    pub path: Vec<Vec<u8>>,
    /// Content bytes when it began.
    pub size: u64,
    /// When the content last changed, in nanoseconds since 1970 (UTC), as seen when it began.
    pub mtime: i64,
}

/// Which upload of which account a ticket belongs to.
#[derive(Debug, Clone, Copy)]
pub struct TicketOwner<'a> {
    /// The installation.
    pub realm: &'a RealmId,
    /// The account.
    pub account: &'a AccountId,
    /// The upload.
    pub upload: &'a UploadId,
}

impl<'a> TicketOwner<'a> {
    const fn context(&self) -> WrapContext<'a> {
        WrapContext {
            label: Label::WrapTicket,
            realm: self.realm,
            owner: self.account.as_bytes(),
            object: self.upload.as_bytes(),
            version: 0,
        }
    }
}

/// Why a ticket cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealTicketError {
    /// The path has more bytes than a ticket holds.
    #[error("seal upload ticket: the path is too long")]
    PathTooLong,
    /// A name of the path is empty or over 255 bytes.
    #[error("seal upload ticket: a name of the path is empty or too long")]
    InvalidName,
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({}, {:?}, {} names)", self.space, self.source.version(), self.path.len())
    }
}

impl Ticket {
    /// Seals the ticket under the account's master key.
    ///
    /// # Errors
    /// [`SealTicketError`] when the path cannot be held.
    pub fn seal(
        &self,
        master: &MasterKey,
        owner: &TicketOwner<'_>,
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, SealTicketError> {
        if self.path.iter().any(|name| !is_name(name)) {
            return Err(SealTicketError::InvalidName);
        }
        let names = self.path.iter().map(|name| name.len().saturating_add(4));
        let capacity = names.fold(FIXED_LEN, usize::saturating_add);
        let padded = encode_padded(&encode_secret(capacity, |out| self.encode(out)), FLOOR);
        if padded.expose_bytes().len() > TICKET_MAX - WRAP_OVERHEAD {
            return Err(SealTicketError::PathTooLong);
        }
        let key = derive_ticket_key(master, owner.realm);
        Ok(seal(&key, &owner.context(), padded.expose_bytes(), make_bytes(random)))
    }

    /// Opens what [`Ticket::seal`] made for the same upload of the same account.
    ///
    /// # Errors
    /// [`Rejected`] when the key, the owner or a byte differs.
    pub fn open(master: &MasterKey, owner: &TicketOwner<'_>, sealed: &[u8]) -> Result<Self, Rejected> {
        if sealed.len() > TICKET_MAX {
            return Err(Rejected);
        }
        let key = derive_ticket_key(master, owner.realm);
        let padded = open(&key, &owner.context(), sealed)?;
        let plain = decode_padded(padded.expose_bytes(), FLOOR).map_err(|_| Rejected)?;
        Self::decode(plain).map_err(|_| Rejected)
    }

    fn encode(&self, out: &mut Writer) {
        self.space.encode(out);
        out.u32(self.epoch);
        self.source.version().encode(out);
        out.fixed(self.source.key().expose_bytes());
        encode_base(self.base.as_ref(), out);
        out.count(self.path.len());
        for name in &self.path {
            out.bytes(name);
        }
        out.u64(self.size);
        out.i64(self.mtime);
    }

    fn decode(plain: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(plain);
        let space = SpaceId::decode(&mut input)?;
        let epoch = input.u32()?;
        let version = FileVersionId::decode(&mut input)?;
        // The wrap opened, and it opens in one suite only.
        let source = Source::from_parts(Suite::V1, version, FileKey::read(&mut input)?);
        let base = decode_base(&mut input)?;
        let mut path = Vec::new();
        for _ in 0..input.count(TICKET_MAX)? {
            let name = input.bytes(NAME_MAX)?;
            if !is_name(name) {
                return Err(DecodeError::NotCanonical);
            }
            path.push(name.to_vec());
        }
        let ticket = Self { space, epoch, source, base, path, size: input.u64()?, mtime: input.i64()? };
        input.finish()?;
        Ok(ticket)
    }
}

const fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.len() <= NAME_MAX
}
