//! What must be durable here before something is sent, written in the order it was put in; what waits at once is written at once.
//!
//! Enters: changes of the local state. Leaves: the same, durable. Never: a later change without an earlier one.

use std::cell::{Cell, RefCell};

use futures::future::pending;
use futures::lock::Mutex;

use crate::error::OperationError;
use crate::state::{LocalState, SealedState, StateChange};

/// The journal of one run.
pub(super) struct Journal<'a, S> {
    state: &'a SealedState<S>,
    waiting: RefCell<Vec<StateChange>>,
    turn: Mutex<()>,
    failed: Cell<bool>,
}

impl<'a, S: LocalState> Journal<'a, S> {
    pub(super) fn new(state: &'a SealedState<S>) -> Self {
        Self { state, waiting: RefCell::default(), turn: Mutex::default(), failed: Cell::new(false) }
    }

    /// Puts changes in line; nothing is written yet.
    pub(super) fn put(&self, changes: Vec<StateChange>) {
        self.waiting.borrow_mut().extend(changes);
    }

    /// Makes all changes durable that were put in before. Who comes while others are written waits for them, then writes for
    /// all that came meanwhile: many wait for the disk once.
    /// To be awaited in flights alone, which all go on while one is waited for: the one who writes must not stand still.
    ///
    /// # Errors
    /// Those of the local state, for the one who wrote. The others then wait for ever: the run ends with that error, and nothing
    /// that is not durable is sent.
    pub(super) async fn settle(&self) -> Result<(), OperationError> {
        let _turn = self.turn.lock().await;
        if self.failed.get() {
            pending::<()>().await;
        }
        let changes = self.waiting.take();
        if !changes.is_empty() {
            // Also when the writer is dropped half-way, nobody may take its changes for durable.
            self.failed.set(true);
            self.state.apply(changes).await?;
            self.failed.set(false);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::poll;

    use super::*;
    use crate::state::{Change, DeviceKey, Seen, StateError, StoredKey, Table};

    /// Remembers how many changes came at once, after a turn in which others may come; takes no number twice.
    #[derive(Default)]
    struct Groups(RefCell<Vec<usize>>);

    impl LocalState for &Groups {
        async fn read(&self, _: Table, _: &StoredKey) -> Result<Option<Vec<u8>>, StateError> {
            Ok(None)
        }

        async fn scan(&self, _: Table) -> Result<Vec<(StoredKey, Vec<u8>)>, StateError> {
            Ok(Vec::new())
        }

        async fn apply_if(&self, _: &[Seen], changes: &[Change]) -> Result<bool, StateError> {
            tokio::task::yield_now().await;
            if self.0.borrow().contains(&changes.len()) {
                return Err(StateError::Full);
            }
            self.0.borrow_mut().push(changes.len());
            Ok(true)
        }
    }

    fn change(number: u8) -> StateChange {
        StateChange::put(Table::Staged, &[number], vec![number])
    }

    #[tokio::test]
    async fn what_comes_while_others_are_written_is_written_at_once_and_nobody_goes_on_before() {
        let groups = Groups::default();
        let state = SealedState::new(&groups, &DeviceKey::copy_of(&[1; 32]));
        let journal = Journal::new(&state);
        journal.put(vec![change(1)]);
        let mut first = pin!(journal.settle());
        assert!(poll!(first.as_mut()).is_pending());
        journal.put(vec![change(2)]);
        let mut second = pin!(journal.settle());
        assert!(poll!(second.as_mut()).is_pending());
        journal.put(vec![change(3), change(4)]);
        let mut third = pin!(journal.settle());
        assert!(poll!(third.as_mut()).is_pending());
        assert!(groups.0.borrow().is_empty());
        futures::try_join!(first, second, third).unwrap();
        assert_eq!(*groups.0.borrow(), [1, 3]);
    }

    #[tokio::test]
    async fn after_a_failure_nobody_goes_on() {
        let groups = Groups(RefCell::new(vec![1]));
        let state = SealedState::new(&groups, &DeviceKey::copy_of(&[1; 32]));
        let journal = Journal::new(&state);
        journal.put(vec![change(1)]);
        let (mut first, mut second) = (pin!(journal.settle()), pin!(journal.settle()));
        assert!(poll!(first.as_mut()).is_pending());
        assert!(poll!(second.as_mut()).is_pending());
        assert!(first.await.is_err());
        assert!(poll!(second.as_mut()).is_pending());
        journal.put(vec![change(2), change(3)]);
        assert!(poll!(pin!(journal.settle())).is_pending());
        assert_eq!(*groups.0.borrow(), [1]);
    }
}
