//! What a server checks of a sigchain link (spec: 1-accounts, "Sigchain").

use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, RealmId};
use anonicloud_proto::limits::SIGCHAIN_LINK_MAX;
use anonicloud_proto::link::{LinkFront, check_link_signed};

use super::Answer;

/// The place in the chain of a link that must be of `account` and follow `prev`.
pub(super) fn place_of(link: &[u8], account: AccountId, prev: ChainHash) -> Answer<u64> {
    if link.len() > SIGCHAIN_LINK_MAX {
        return Err(ErrorCode::TooLarge);
    }
    let front = LinkFront::read(link).map_err(|_| ErrorCode::BadRequest)?;
    if (front.account, front.prev) == (account, prev) { Ok(front.seq) } else { Err(ErrorCode::BadRequest) }
}

/// Checks that the identity of `genesis` signed `link`.
pub(super) fn check_signed(realm: &RealmId, genesis: &[u8], link: &[u8]) -> Answer<()> {
    check_link_signed(realm, genesis, link).map_err(|_| ErrorCode::BadRequest)
}

/// Checks the links of a new account: the genesis, without a predecessor, and the first device's, which follows it.
pub(super) fn check_first(realm: &RealmId, links: &[&[u8]], account: AccountId) -> Answer<()> {
    let [genesis, device] = links else {
        return Err(ErrorCode::BadRequest);
    };
    let first = place_of(genesis, account, ChainHash::ZERO)?;
    let second = place_of(device, account, ChainHash::of(genesis))?;
    if (first, second) != (0, 1) {
        return Err(ErrorCode::BadRequest);
    }
    check_signed(realm, genesis, genesis)?;
    check_signed(realm, genesis, device)
}
