//! The one writer: transactions that queue up while another is made durable share the next fsync.

use core::fmt;

use futures::future::BoxFuture;
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use crate::causes::with_causes;
use crate::store::meta::MetaError;

/// Transactions in one group.
const GROUP: usize = 256;

/// When a transaction must be durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// Before it is answered.
    Now,
    /// With the next one that must be durable.
    Soon,
}

/// What a transaction decided.
#[derive(Debug)]
pub(super) enum Verdict<T> {
    /// Keep the changes and answer this.
    Keep(T),
    /// Undo the changes and answer this.
    Undo(T),
}

/// Why a whole group failed.
#[derive(Debug, Clone, Copy)]
enum GroupFailed {
    Full,
    RolledBack,
}

type Transaction = Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Attempt> + Send>;

/// A transaction that ran; whether it counts is known after the group's commit.
struct Attempt {
    keep: bool,
    deliver: Box<dyn FnOnce(Result<(), GroupFailed>) + Send>,
}

struct Queued {
    durability: Durability,
    transaction: Transaction,
}

/// Hands transactions to the writer's task, which ends when this is dropped.
pub(super) struct Writer {
    queue: mpsc::Sender<Queued>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    /// Starts the writer over its connection.
    pub(super) fn start(connection: SqliteConnection) -> Self {
        let (queue, queued) = mpsc::channel(GROUP * 4);
        tokio::spawn(run(connection, queued));
        Self { queue }
    }

    /// Runs a transaction and gives its answer once its group is committed.
    pub(super) async fn write<T, F>(&self, durability: Durability, transaction: F) -> Result<T, MetaError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<Verdict<T>, MetaError>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let transaction: Transaction = Box::new(move |connection| {
            Box::pin(async move {
                let result = transaction(connection).await;
                Attempt {
                    keep: matches!(result, Ok(Verdict::Keep(_))),
                    deliver: Box::new(move |group| {
                        let value = match (result, group) {
                            (Ok(Verdict::Keep(value) | Verdict::Undo(value)), Ok(())) => Ok(value),
                            (Ok(_), Err(GroupFailed::Full)) => Err(MetaError::Full),
                            (Ok(_), Err(GroupFailed::RolledBack)) => Err(MetaError::RolledBack),
                            (Err(error), _) => Err(error),
                        };
                        // Who asked may have gone away meanwhile.
                        drop(answer.send(value));
                    }),
                }
            })
        });
        let queued = Queued { durability, transaction };
        self.queue.send(queued).await.map_err(|_| MetaError::Closed)?;
        answered.await.map_err(|_| MetaError::RolledBack)?
    }
}

async fn run(mut connection: SqliteConnection, mut queued: mpsc::Receiver<Queued>) {
    let mut durability = Durability::Now;
    while let Some(first) = queued.recv().await {
        let mut group = vec![first];
        while group.len() < GROUP {
            match queued.try_recv() {
                Ok(next) => group.push(next),
                Err(_) => break,
            }
        }
        let mut attempts = Vec::with_capacity(group.len());
        let outcome = commit(&mut connection, group, &mut durability, &mut attempts).await;
        let outcome = match outcome {
            Ok(()) => Ok(()),
            Err(cause) => {
                error!(cause = with_causes(&cause), "a group of transactions failed");
                // After some failures SQLite has rolled back by itself, and then this one fails; both are the same end.
                drop(execute(&mut connection, "ROLLBACK").await);
                Err(match cause {
                    MetaError::Full => GroupFailed::Full,
                    _ => GroupFailed::RolledBack,
                })
            }
        };
        for attempt in attempts {
            (attempt.deliver)(outcome);
        }
    }
}

async fn commit(
    connection: &mut SqliteConnection,
    group: Vec<Queued>,
    current: &mut Durability,
    attempts: &mut Vec<Attempt>,
) -> Result<(), MetaError> {
    let wanted =
        if group.iter().any(|one| one.durability == Durability::Now) { Durability::Now } else { Durability::Soon };
    if wanted != *current {
        let text = match wanted {
            Durability::Now => "PRAGMA synchronous = FULL",
            Durability::Soon => "PRAGMA synchronous = NORMAL",
        };
        execute(connection, text).await?;
        *current = wanted;
    }
    execute(connection, "BEGIN IMMEDIATE").await?;
    for queued in group {
        execute(connection, "SAVEPOINT one").await?;
        let attempt = (queued.transaction)(connection).await;
        let keep = attempt.keep;
        attempts.push(attempt);
        if !keep {
            execute(connection, "ROLLBACK TO one").await?;
        }
        execute(connection, "RELEASE one").await?;
    }
    execute(connection, "COMMIT").await
}

async fn execute(connection: &mut SqliteConnection, text: &'static str) -> Result<(), MetaError> {
    sqlx::query(text).execute(connection).await?;
    Ok(())
}
