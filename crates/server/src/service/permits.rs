//! How many of something are under way, for each owner and in all, so that memory has a bound and nobody has all of it.
//!
//! Who is slow keeps its place as long as nobody else wants one: when all are taken, the one most behind makes room.

use core::fmt::Debug;
use core::hash::Hash;
use core::pin::pin;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use anonicloud_proto::api::ErrorCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};

/// Who waits longer is told to come again.
const WAIT: Duration = Duration::from_secs(30);
/// Who moves this many bytes a second is never behind.
const PACE: u64 = 32 << 10;
/// How long one may move nothing before it is behind, however much it moved before. Less than [`WAIT`], so that who
/// waits sees the end of it.
const GRACE: Duration = Duration::from_secs(15);
/// Owners that are remembered before those are forgotten that have nothing under way.
const OWNERS: usize = 4096;
/// How often who waits looks for one that is behind.
const LOOK: Duration = Duration::from_secs(1);

/// Permits for owners `K`.
#[derive(Debug)]
pub(crate) struct Permits<K> {
    all: Arc<Semaphore>,
    each: usize,
    owners: Mutex<HashMap<K, Arc<Semaphore>>>,
    under_way: Mutex<Vec<Weak<Place>>>,
}

/// Held while it is under way, by every clone.
#[derive(Debug, Clone)]
pub(crate) struct Permit {
    place: Arc<Place>,
    beside: Option<Arc<Place>>,
}

#[derive(Debug)]
struct Place {
    _held: [OwnedSemaphorePermit; 2],
    /// When it is behind, if it moves nothing until then.
    due: Mutex<Instant>,
    displaced: watch::Sender<bool>,
}

impl<K: Copy + Eq + Hash> Permits<K> {
    /// `all` in all, of which an owner has at most `each`.
    pub(crate) fn new(all: usize, each: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), each, owners: Mutex::default(), under_way: Mutex::default() }
    }

    /// Waits for a permit, which is refused when none comes free for a while. Who waits for its own waits in nobody's
    /// way, and displaces nobody.
    pub(crate) async fn acquire(&self, owner: K) -> Result<Permit, ErrorCode> {
        let own = self.share(owner);
        let both = async {
            let own = own.acquire_owned().await.ok()?;
            let all = self.place().await?;
            Some(self.permit([own, all]))
        };
        timeout(WAIT, both).await.ok().flatten().ok_or(ErrorCode::Unavailable)
    }

    /// Forgets owners that have nothing under way.
    pub(super) fn purge(&self) {
        forget_idle(&mut lock(&self.owners));
    }

    fn share(&self, owner: K) -> Arc<Semaphore> {
        let mut owners = lock(&self.owners);
        if owners.len() >= OWNERS {
            forget_idle(&mut owners);
        }
        Arc::clone(owners.entry(owner).or_insert_with(|| Arc::new(Semaphore::new(self.each))))
    }

    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        let mut free = pin!(Arc::clone(&self.all).acquire_owned());
        let mut look = Duration::ZERO;
        loop {
            tokio::select! {
                biased;
                free = &mut free => return free.ok(),
                () = sleep(look) => self.make_room(),
            }
            look = LOOK;
        }
    }

    fn permit(&self, held: [OwnedSemaphorePermit; 2]) -> Permit {
        let (due, displaced) = (Mutex::new(Instant::now() + GRACE), watch::Sender::new(false));
        let place = Arc::new(Place { _held: held, due, displaced });
        let mut under_way = lock(&self.under_way);
        under_way.retain(|place| place.strong_count() > 0);
        under_way.push(Arc::downgrade(&place));
        Permit { place, beside: None }
    }

    /// Tells the one that is most behind, and was not told before, to go.
    fn make_room(&self) {
        let now = Instant::now();
        let under_way: Vec<Arc<Place>> = lock(&self.under_way).iter().filter_map(Weak::upgrade).collect();
        let most_behind = under_way
            .iter()
            .filter(|place| !*place.displaced.borrow())
            .map(|place| (*lock(&place.due), place))
            .filter(|(due, _)| *due < now)
            .min_by_key(|(due, _)| *due);
        if let Some((_, place)) = most_behind {
            place.displaced.send_replace(true);
        }
    }
}

impl Permit {
    /// Holds the permit `other` as long as this one.
    pub(super) fn beside(mut self, other: Self) -> Self {
        self.beside = Some(other.place);
        self
    }

    /// Notes that bytes moved.
    pub(crate) fn moved(&self, bytes: usize) {
        let gained = Duration::from_micros((bytes as u64).saturating_mul(1_000_000) / PACE);
        let mut due = lock(&self.place.due);
        *due = (*due + gained).min(Instant::now() + GRACE);
    }

    /// Waits until somebody else is to have the place.
    pub(crate) async fn displaced(&self) {
        let mut displaced = self.place.displaced.subscribe();
        // The sender is here, so the wait ends by its value only.
        drop(displaced.wait_for(|displaced| *displaced).await);
    }
}

/// Nobody else holds such a semaphore, and nobody can while the table is locked.
fn forget_idle<K: Eq + Hash>(owners: &mut HashMap<K, Arc<Semaphore>>) {
    owners.retain(|_, own| Arc::strong_count(own) > 1);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[tokio::test(start_paused = true)]
    async fn an_owner_has_its_share_and_who_waits_too_long_is_refused() {
        let permits = Permits::new(3, 2);
        let (first, second) = (permits.acquire('a').await.unwrap(), permits.acquire('a').await.unwrap());
        let start = Instant::now();
        assert_eq!(permits.acquire('a').await.unwrap_err(), ErrorCode::Unavailable);
        assert_eq!(start.elapsed(), Duration::from_secs(30));
        // Who waits for its own tells nobody to go.
        assert!(first.displaced().now_or_never().is_none());
        let other = permits.acquire('b').await.unwrap();
        assert_eq!(permits.acquire('c').await.unwrap_err(), ErrorCode::Unavailable);
        let clone = first.clone();
        drop(first);
        assert_eq!(permits.acquire('a').await.unwrap_err(), ErrorCode::Unavailable);
        drop(clone);
        let again = permits.acquire('a').await.unwrap();
        permits.purge();
        assert_eq!(lock(&permits.owners).len(), 2);
        drop((second, other, again));
        permits.purge();
        assert!(lock(&permits.owners).is_empty());
    }

    #[tokio::test]
    async fn owners_with_nothing_under_way_are_forgotten_before_they_are_too_many() {
        let permits = Permits::new(2, 1);
        let held = permits.acquire(0).await.unwrap();
        for owner in 1..2 * OWNERS {
            drop(permits.acquire(owner).await.unwrap());
        }
        assert!(lock(&permits.owners).len() <= OWNERS && lock(&permits.owners).contains_key(&0));
        drop(held);
    }

    /// Moves so many bytes every second until it is displaced, and tells when that was.
    async fn hold(permit: Permit, bytes: usize) -> Duration {
        let start = Instant::now();
        let moving = async {
            loop {
                sleep(Duration::from_secs(1)).await;
                permit.moved(bytes);
            }
        };
        tokio::select! {
            () = permit.displaced() => start.elapsed(),
            () = moving => start.elapsed(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_most_behind_makes_room_and_who_keeps_the_pace_does_not() {
        let permits = Permits::new(3, 1);
        let (fast, slow, slowest) = (
            permits.acquire('a').await.unwrap(),
            permits.acquire('b').await.unwrap(),
            permits.acquire('c').await.unwrap(),
        );
        // What it moved before buys it no more than anybody has.
        slowest.moved(40 << 20);
        let fast = tokio::spawn(hold(fast, 32 << 10));
        let slow = tokio::spawn(hold(slow, 2 << 10));
        let slowest = tokio::spawn(hold(slowest, 1 << 10));
        // Nobody else wants a place: each keeps it.
        sleep(Duration::from_hours(1)).await;
        assert!(!fast.is_finished() && !slow.is_finished() && !slowest.is_finished());
        let start = Instant::now();
        let first = permits.acquire('d').await.unwrap();
        assert!(slowest.is_finished() && !slow.is_finished() && start.elapsed() < Duration::from_secs(1));
        let second = permits.acquire('e').await.unwrap();
        assert!(slow.is_finished() && start.elapsed() < Duration::from_secs(1));
        // Who has just come has its time.
        let start = Instant::now();
        let (third, mut first) = (permits.acquire('f'), Box::pin(first.displaced()));
        tokio::select! {
            third = third => drop(third.unwrap_err()),
            () = &mut first => assert!(start.elapsed() >= Duration::from_secs(14), "{:?}", start.elapsed()),
        }
        assert!(!fast.is_finished());
        drop(second);
    }
}
