//! The front of a sigchain link, which is all that the server reads of it (spec: 1-accounts, "Sigchain").

use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::codec::{Decode as _, DecodeError, Reader};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::AccountId;
use anonicloud_proto::limits::SIGCHAIN_LINK_MAX;
use anonicloud_proto::suite::Suite;

/// Where a link says it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LinkFront {
    account: AccountId,
    /// Its place in the chain.
    pub(super) seq: u64,
    prev: ChainHash,
}

impl LinkFront {
    /// Reads the front of a link that must be of `account` and follow `prev`.
    pub(super) fn check(link: &[u8], account: AccountId, prev: ChainHash) -> Result<Self, ErrorCode> {
        if link.len() > SIGCHAIN_LINK_MAX {
            return Err(ErrorCode::TooLarge);
        }
        let front = Self::read(link).map_err(|_| ErrorCode::BadRequest)?;
        if front.account != account || front.prev != prev {
            return Err(ErrorCode::BadRequest);
        }
        Ok(front)
    }

    fn read(link: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(link);
        Suite::decode(&mut input)?;
        Ok(Self { account: AccountId::decode(&mut input)?, seq: input.u64()?, prev: ChainHash::decode(&mut input)? })
    }
}

/// Checks the links of a new account: the genesis, without a predecessor, and the first device's, which follows it.
pub(super) fn check_first(links: &[&[u8]], account: AccountId) -> Result<(), ErrorCode> {
    let [genesis, device] = links else {
        return Err(ErrorCode::BadRequest);
    };
    let first = LinkFront::check(genesis, account, ChainHash::ZERO)?;
    let second = LinkFront::check(device, account, ChainHash::of(genesis))?;
    if (first.seq, second.seq) == (0, 1) { Ok(()) } else { Err(ErrorCode::BadRequest) }
}
