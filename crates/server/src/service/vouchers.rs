//! What the first message of a login is answered with and the second brings back: sealed, dated, and bound to what it
//! is for. The server keeps nothing of it until it was used, so that no number of beginnings pushes out anybody's.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anonicloud_proto::api::PuzzlePurpose;
use anonicloud_proto::ids::{AccountId, DeviceId, SpaceId};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::random::random;

/// How long one is good for.
pub(super) const LIFE: Duration = Duration::from_mins(1);
/// Used ones of one owner that are remembered; of more, the oldest is forgotten.
const SPENT: usize = 256;

/// What a voucher is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose<'a> {
    /// A login by password; the account is inside.
    Password,
    Device(AccountId, DeviceId),
    Space(SpaceId),
    /// Work before a try with a handle; how hard it is is inside.
    Puzzle(PuzzlePurpose, &'a str),
}

/// Who used a voucher, which takes a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    Account(AccountId),
    Space(SpaceId),
}

/// Makes vouchers and takes them back.
#[derive(Debug)]
pub(super) struct Vouchers {
    clock: Arc<dyn Clock>,
    since: Instant,
    /// Of this process alone. Its nonces are random: after 2^32 vouchers, two have the same with a chance of 2^-33.
    key: RandomizedNonceKey,
    spent: Mutex<HashMap<Owner, VecDeque<(Instant, Name)>>>,
}

/// Tells a voucher from all others: its nonce.
pub(super) type Name = [u8; NONCE_LEN];
/// Seconds, in little-endian order.
type Seconds = [u8; 4];

impl Vouchers {
    /// Under a new key.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(random());
        let key = RandomizedNonceKey::new(&AES_256_GCM, bytes.as_slice()).expect("the key has the algorithm's length");
        Self { since: clock.now(), clock, key, spent: Mutex::default() }
    }

    /// A voucher with `content` inside, which is 32 bytes longer than that.
    pub(super) fn make(&self, purpose: Purpose<'_>, content: &[u8]) -> Vec<u8> {
        let mut sealed = Zeroizing::new(Vec::with_capacity(content.len() + 32));
        sealed.extend_from_slice(&self.now());
        sealed.extend_from_slice(content);
        let nonce = self.key.seal_in_place_append_tag(Aad::from(purpose.bytes()), &mut *sealed);
        let nonce = nonce.expect("the content is far below 64 GiB");
        [nonce.as_ref().as_slice(), sealed.as_slice()].concat()
    }

    /// What is inside a voucher that was made for this less than a minute ago.
    pub(super) fn open(&self, purpose: Purpose<'_>, voucher: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = voucher.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let opened = self.key.open_in_place(Nonce::from(nonce), Aad::from(purpose.bytes()), &mut sealed).ok()?;
        let (made, content) = opened.split_first_chunk()?;
        let age = u32::from_le_bytes(self.now()).saturating_sub(u32::from_le_bytes(*made));
        (u64::from(age) < LIFE.as_secs()).then(|| Zeroizing::new(content.to_vec()))
    }

    /// Uses a voucher that was opened, once its owner has proved what it proves. Whether it was not used before.
    pub(super) fn spend(&self, owner: Owner, voucher: &[u8]) -> bool {
        let Some(name) = voucher.first_chunk::<NONCE_LEN>() else {
            return false;
        };
        let now = self.clock.now();
        let mut table = self.lock();
        let spent = table.entry(owner).or_default();
        forget_over(spent, now);
        if spent.iter().any(|(_, other)| other == name) {
            return false;
        }
        if spent.len() >= SPENT {
            spent.pop_front();
        }
        spent.push_back((now, *name));
        true
    }

    /// Forgets the used ones whose time is over.
    pub(super) fn purge(&self) {
        let now = self.clock.now();
        self.lock().retain(|_, spent| {
            forget_over(spent, now);
            !spent.is_empty()
        });
    }

    fn now(&self) -> Seconds {
        let seconds = self.clock.now().saturating_duration_since(self.since).as_secs();
        u32::try_from(seconds).unwrap_or(u32::MAX).to_le_bytes()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Owner, VecDeque<(Instant, Name)>>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A second more than the life, since a voucher counts whole seconds.
fn forget_over(spent: &mut VecDeque<(Instant, Name)>, now: Instant) {
    let over = LIFE + Duration::from_secs(1);
    while spent.front().is_some_and(|(used, _)| now.saturating_duration_since(*used) >= over) {
        spent.pop_front();
    }
}

impl Purpose<'_> {
    /// Different for each.
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Password => vec![0],
            Self::Device(account, device) => [&[1], account.as_bytes().as_slice(), device.as_bytes()].concat(),
            Self::Space(space) => [&[2], space.as_bytes().as_slice()].concat(),
            Self::Puzzle(PuzzlePurpose::Login, handle) => [&[3], handle.as_bytes()].concat(),
            Self::Puzzle(_, handle) => [&[4], handle.as_bytes()].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::manual::ManualClock;

    const OWNER: Owner = Owner::Account(AccountId::from_bytes([1; 16]));
    const DEVICE: Purpose<'_> = Purpose::Device(AccountId::from_bytes([1; 16]), DeviceId::from_bytes([2; 16]));

    fn vouchers() -> (Arc<ManualClock>, Vouchers) {
        let clock = Arc::new(ManualClock::new());
        (Arc::clone(&clock), Vouchers::new(clock))
    }

    #[test]
    fn a_voucher_is_good_for_a_minute_and_for_what_it_was_made() {
        let (clock, vouchers) = vouchers();
        let (empty, full) = (vouchers.make(DEVICE, b""), vouchers.make(Purpose::Password, b"state"));
        assert_eq!((empty.len(), full.len()), (32, 37));
        assert_ne!(empty, vouchers.make(DEVICE, b""));
        clock.pass_seconds(59);
        assert_eq!(vouchers.open(DEVICE, &empty).unwrap().as_slice(), b"");
        assert_eq!(vouchers.open(Purpose::Password, &full).unwrap().as_slice(), b"state");
        let others = [
            Purpose::Password,
            Purpose::Device(AccountId::from_bytes([2; 16]), DeviceId::from_bytes([2; 16])),
            Purpose::Device(AccountId::from_bytes([1; 16]), DeviceId::from_bytes([1; 16])),
            Purpose::Space(SpaceId::from_bytes([1; 32])),
            Purpose::Puzzle(PuzzlePurpose::Login, "alice"),
            Purpose::Puzzle(PuzzlePurpose::Register, "alice"),
        ];
        for purpose in others {
            assert!(vouchers.open(purpose, &empty).is_none(), "{purpose:?}");
        }
        for at in 0..empty.len() {
            let mut forged = empty.clone();
            forged[at] ^= 1;
            assert!(vouchers.open(DEVICE, &forged).is_none() && vouchers.open(DEVICE, &empty[..at]).is_none());
        }
        let (_, elsewhere) = self::vouchers();
        assert!(elsewhere.open(DEVICE, &empty).is_none());
        clock.pass_seconds(1);
        assert!(vouchers.open(DEVICE, &empty).is_none());
    }

    #[test]
    fn a_voucher_is_used_once_and_forgotten_when_it_is_over() {
        let (clock, vouchers) = vouchers();
        let first = vouchers.make(DEVICE, b"");
        assert!(vouchers.spend(OWNER, &first));
        assert!(!vouchers.spend(OWNER, &first));
        // The uses of others push out none of these.
        let other = Owner::Space(SpaceId::from_bytes([1; 32]));
        for _ in 0..2 * SPENT {
            assert!(vouchers.spend(other, &vouchers.make(DEVICE, b"")));
        }
        assert_eq!(vouchers.lock()[&other].len(), SPENT);
        clock.pass_seconds(60);
        assert!(!vouchers.spend(OWNER, &first));
        clock.pass_seconds(1);
        vouchers.purge();
        assert!(vouchers.lock().is_empty());
    }
}
