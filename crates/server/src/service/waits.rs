//! Who waits for the head of a space to move. Waiting takes a place here and nothing else: no connection of the store, and
//! no place of those who ask for heads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::ids::SpaceId;
use tokio::sync::watch;

/// Those who wait, of each space.
#[derive(Debug)]
pub(super) struct Waits {
    table: Arc<Mutex<Table>>,
    all: usize,
    each: usize,
    over: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Table {
    spaces: HashMap<SpaceId, watch::Sender<()>>,
    taken: usize,
}

/// A place among those who wait.
#[derive(Debug)]
pub(super) struct Wait {
    table: Arc<Mutex<Table>>,
    space: SpaceId,
    moved: watch::Receiver<()>,
    over: watch::Receiver<bool>,
}

impl Waits {
    /// `all` places in all, of which a space has at most `each`.
    pub(super) fn new(all: usize, each: usize) -> Self {
        Self { table: Arc::default(), all, each, over: watch::Sender::new(false) }
    }

    /// A place, from which every later move is seen; refused when there is none.
    pub(super) fn enter(&self, space: SpaceId) -> Result<Wait, ErrorCode> {
        let mut table = lock(&self.table);
        let waiting = table.spaces.get(&space).map_or(0, watch::Sender::receiver_count);
        if table.taken >= self.all || waiting >= self.each {
            return Err(ErrorCode::TooManyRequests);
        }
        table.taken += 1;
        let moved = table.spaces.entry(space).or_default().subscribe();
        drop(table);
        Ok(Wait { table: Arc::clone(&self.table), space, moved, over: self.over.subscribe() })
    }

    /// Tells all who wait for a space.
    pub(super) fn moved(&self, space: SpaceId) {
        if let Some(sender) = lock(&self.table).spaces.get(&space) {
            sender.send_replace(());
        }
    }

    /// Ends every wait, and those that come later at once.
    pub(super) fn end(&self) {
        self.over.send_replace(true);
    }
}

impl Wait {
    /// Waits until the space moved since the place was taken, or since this answered last; refused when the server stops.
    pub(super) async fn moved(&mut self) -> Result<(), ErrorCode> {
        // The sender of moves stays in the table as long as this is there.
        tokio::select! {
            biased;
            _ = self.over.wait_for(|over| *over) => Err(ErrorCode::Unavailable),
            _ = self.moved.changed() => Ok(()),
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut table = lock(&self.table);
        table.taken -= 1;
        // This one's own is the last.
        if table.spaces.get(&self.space).is_some_and(|sender| sender.receiver_count() == 1) {
            table.spaces.remove(&self.space);
        }
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    const ONE: SpaceId = SpaceId::from_bytes([1; 32]);
    const OTHER: SpaceId = SpaceId::from_bytes([2; 32]);

    #[tokio::test]
    async fn a_move_between_two_looks_is_not_missed_and_other_spaces_move_alone() {
        let waits = Waits::new(9, 9);
        let (mut one, mut other) = (waits.enter(ONE).unwrap(), waits.enter(OTHER).unwrap());
        assert!(one.moved().now_or_never().is_none());
        waits.moved(ONE);
        assert_eq!(one.moved().now_or_never(), Some(Ok(())));
        assert!(one.moved().now_or_never().is_none() && other.moved().now_or_never().is_none());
        waits.end();
        assert_eq!(other.moved().now_or_never(), Some(Err(ErrorCode::Unavailable)));
        let mut late = waits.enter(ONE).unwrap();
        assert_eq!(late.moved().now_or_never(), Some(Err(ErrorCode::Unavailable)));
    }

    #[test]
    fn places_have_bounds_and_are_free_again() {
        let waits = Waits::new(3, 2);
        let first = waits.enter(ONE).unwrap();
        let second = waits.enter(ONE).unwrap();
        assert_eq!(waits.enter(ONE).unwrap_err(), ErrorCode::TooManyRequests);
        let third = waits.enter(OTHER).unwrap();
        assert_eq!(waits.enter(OTHER).unwrap_err(), ErrorCode::TooManyRequests);
        drop(first);
        drop(waits.enter(OTHER).unwrap());
        drop((second, third));
        let table = lock(&waits.table);
        assert!(table.spaces.is_empty() && table.taken == 0);
    }
}
