//! The front of a sigchain link, which is all that a server reads of it (spec: 1-accounts, "Sigchain").

use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::codec::{Decode as _, DecodeError, Reader};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::AccountId;
use anonicloud_proto::limits::SIGCHAIN_LINK_MAX;
use anonicloud_proto::suite::Suite;

use super::Answer;

/// The place in the chain of a link that must be of `account` and follow `prev`.
pub(super) fn place_of(link: &[u8], account: AccountId, prev: ChainHash) -> Answer<u64> {
    if link.len() > SIGCHAIN_LINK_MAX {
        return Err(ErrorCode::TooLarge);
    }
    let (of, seq, follows) = front(link).map_err(|_| ErrorCode::BadRequest)?;
    if (of, follows) == (account, prev) { Ok(seq) } else { Err(ErrorCode::BadRequest) }
}

/// Checks the links of a new account: the genesis, without a predecessor, and the first device's, which follows it.
pub(super) fn check_first(links: &[&[u8]], account: AccountId) -> Answer<()> {
    let [genesis, device] = links else {
        return Err(ErrorCode::BadRequest);
    };
    let first = place_of(genesis, account, ChainHash::ZERO)?;
    let second = place_of(device, account, ChainHash::of(genesis))?;
    if (first, second) == (0, 1) { Ok(()) } else { Err(ErrorCode::BadRequest) }
}

fn front(link: &[u8]) -> Result<(AccountId, u64, ChainHash), DecodeError> {
    let mut input = Reader::new(link);
    Suite::decode(&mut input)?;
    Ok((AccountId::decode(&mut input)?, input.u64()?, ChainHash::decode(&mut input)?))
}
