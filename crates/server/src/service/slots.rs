//! One writer at a time for each blob; the newest request wins, since an older one is a connection that broke unseen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anonicloud_proto::ids::{BlobId, SpaceId};
use tokio::sync::{OwnedMutexGuard, watch};

type Name = (SpaceId, BlobId);

/// Who writes which blob.
#[derive(Debug, Default)]
pub(super) struct Slots {
    table: Arc<Mutex<HashMap<Name, Arc<Slot>>>>,
}

#[derive(Debug, Default)]
struct Slot {
    busy: Arc<tokio::sync::Mutex<()>>,
    /// Counts the requests for this blob.
    newest: watch::Sender<u64>,
}

/// The right to write a blob, until a newer request wants it.
#[derive(Debug)]
pub(super) struct Claim {
    table: Arc<Mutex<HashMap<Name, Arc<Slot>>>>,
    name: Name,
    slot: Arc<Slot>,
    mine: u64,
    busy: Option<OwnedMutexGuard<()>>,
}

impl Slots {
    /// Asks the writer of a blob to stop, and waits until it did.
    pub(super) async fn claim(&self, space: SpaceId, blob: BlobId) -> Claim {
        let name = (space, blob);
        let slot = Arc::clone(lock(&self.table).entry(name).or_default());
        let mut mine = 0;
        slot.newest.send_modify(|newest| {
            *newest += 1;
            mine = *newest;
        });
        // Made before waiting, so that it also cleans up when the request is given up meanwhile.
        let mut claim = Claim { table: Arc::clone(&self.table), name, mine, busy: None, slot };
        claim.busy = Some(Arc::clone(&claim.slot.busy).lock_owned().await);
        claim
    }
}

impl Claim {
    /// Waits until a newer request wants the blob.
    pub(super) async fn lost(&self) {
        let mut newest = self.slot.newest.subscribe();
        let mine = self.mine;
        // The sender lives in this claim's slot, so the wait ends with a newer request only.
        drop(newest.wait_for(|newest| *newest > mine).await);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        drop(self.busy.take());
        let mut table = lock(&self.table);
        // The table's and this one: nobody else holds the slot, and nobody can while the table is locked.
        if Arc::strong_count(&self.slot) == 2 {
            table.remove(&self.name);
        }
    }
}

fn lock(table: &Mutex<HashMap<Name, Arc<Slot>>>) -> MutexGuard<'_, HashMap<Name, Arc<Slot>>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_newer_request_stops_the_older_and_nothing_is_left_behind() {
        let slots = Arc::new(Slots::default());
        let (space, blob) = (SpaceId::from_bytes([1; 32]), BlobId::from_bytes([2; 32]));
        let first = slots.claim(space, blob).await;
        let other = slots.claim(space, BlobId::from_bytes([3; 32])).await;
        let waiting = tokio::spawn({
            let slots = Arc::clone(&slots);
            async move { slots.claim(space, blob).await }
        });
        first.lost().await;
        assert!(!waiting.is_finished());
        drop(first);
        let second = waiting.await.unwrap();
        assert!(futures::FutureExt::now_or_never(second.lost()).is_none());
        drop((second, other));
        assert!(lock(&slots.table).is_empty());
    }
}
