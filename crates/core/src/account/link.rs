//! One link of a sigchain (spec: 1-accounts, "Sigchain").

use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, DeviceId};
use anonicloud_proto::limits::HANDLE_MAX;
use anonicloud_proto::suite::Suite;

use super::handle::Handle;
use crate::crypto::kem::KemPublicKey;
use crate::crypto::signature::{CompositePublicKey, CompositeSignature};

/// What a link does.
pub(super) enum Action {
    /// Begins the chain.
    Genesis { identity: CompositePublicKey, sharing: KemPublicKey, handle: Handle },
    /// Certifies a device, which signs as well.
    AddDevice { device: DeviceId, key: CompositePublicKey, signature: CompositeSignature },
    /// Ends a device.
    RemoveDevice { device: DeviceId },
}

/// A link before its signature.
pub(super) struct UnsignedLink {
    pub(super) account: AccountId,
    pub(super) seq: u64,
    pub(super) prev: ChainHash,
    pub(super) action: Action,
}

/// A signed link.
pub(super) struct Link {
    pub(super) fields: UnsignedLink,
    pub(super) signature: CompositeSignature,
}

/// What a device signs when it is added.
pub(super) fn device_message(
    account: &AccountId,
    seq: u64,
    prev: &ChainHash,
    device: &DeviceId,
    key: &CompositePublicKey,
) -> Vec<u8> {
    let mut out = Writer::default();
    account.encode(&mut out);
    out.u64(seq);
    prev.encode(&mut out);
    device.encode(&mut out);
    key.encode(&mut out);
    out.into_bytes()
}

impl Encode for UnsignedLink {
    fn encode(&self, out: &mut Writer) {
        Suite::V1.encode(out);
        self.account.encode(out);
        out.u64(self.seq);
        self.prev.encode(out);
        match &self.action {
            Action::Genesis { identity, sharing, handle } => {
                out.u8(0);
                identity.encode(out);
                sharing.encode(out);
                out.bytes(handle.as_str().as_bytes());
            }
            Action::AddDevice { device, key, signature } => {
                out.u8(1);
                device.encode(out);
                key.encode(out);
                signature.encode(out);
            }
            Action::RemoveDevice { device } => {
                out.u8(2);
                device.encode(out);
            }
        }
    }
}

impl Decode for UnsignedLink {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let Suite::V1 = Suite::decode(input)? else {
            return Err(DecodeError::UnknownVariant);
        };
        Ok(Self {
            account: AccountId::decode(input)?,
            seq: input.u64()?,
            prev: ChainHash::decode(input)?,
            action: match input.u8()? {
                0 => Action::Genesis {
                    identity: CompositePublicKey::decode(input)?,
                    sharing: KemPublicKey::decode(input)?,
                    handle: decode_handle(input)?,
                },
                1 => Action::AddDevice {
                    device: DeviceId::decode(input)?,
                    key: CompositePublicKey::decode(input)?,
                    signature: CompositeSignature::decode(input)?,
                },
                2 => Action::RemoveDevice { device: DeviceId::decode(input)? },
                _ => return Err(DecodeError::UnknownVariant),
            },
        })
    }
}

fn decode_handle(input: &mut Reader<'_>) -> Result<Handle, DecodeError> {
    let text = core::str::from_utf8(input.bytes(HANDLE_MAX)?).map_err(|_| DecodeError::NotCanonical)?;
    text.parse().map_err(|_| DecodeError::NotCanonical)
}

impl Encode for Link {
    fn encode(&self, out: &mut Writer) {
        self.fields.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for Link {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { fields: UnsignedLink::decode(input)?, signature: CompositeSignature::decode(input)? })
    }
}
