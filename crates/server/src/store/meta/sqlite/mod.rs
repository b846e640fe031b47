//! The metadata store in one SQLite file in WAL mode: readers beside one writer that groups transactions into one fsync.

mod accounts;
mod admin;
mod audit;
mod blobs;
mod door;
mod spaces;
mod sweeps;
mod uploads;
mod writer;

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqlitePool};

pub(crate) use self::admin::{Admin, InviteId, NewInvite};
pub(crate) use self::audit::{Audit, WholeBlob};

use self::writer::Writer;
use super::{MetaError, MetaStore};

/// The text of a query, one file each.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/sqlite/", $name, ".sql"))
    };
}
use sql;

/// What makes the tables, step by step.
static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
/// Connections that read at the same time.
const READERS: u32 = 4;
/// How long a connection waits for a lock; only a checkpoint or a backup holds one.
const BUSY: Duration = Duration::from_secs(20);

/// The store over one SQLite file.
#[derive(Debug)]
pub(crate) struct SqliteMeta {
    reads: SqlitePool,
    writer: Writer,
}

impl SqliteMeta {
    /// Opens the file, making it if there is none and bringing its tables up to date.
    pub(crate) async fn open(path: &Path) -> Result<Self, MetaError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("secure_delete", "ON")
            .busy_timeout(BUSY)
            .statement_cache_capacity(128);
        let mut connection = options.connect().await?;
        MIGRATIONS.run_direct(None, &mut connection, false).await.map_err(MetaError::Migration)?;
        // The migrator notes the second; nothing that is kept is finer than a day.
        sqlx::query(sql!("migrations_to_days")).execute(&mut connection).await?;
        let reads = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await?;
        Ok(Self { reads, writer: Writer::start(connection) })
    }
}

impl MetaStore for SqliteMeta {}

impl From<sqlx::Error> for MetaError {
    fn from(error: sqlx::Error) -> Self {
        // SQLITE_FULL, the primary code of every "no space" result.
        const FULL: &str = "13";
        match &error {
            sqlx::Error::Database(cause) if cause.code().as_deref() == Some(FULL) => Self::Full,
            _ => Self::Engine(error),
        }
    }
}

/// Bytes of a column whose length is fixed.
fn fixed<const N: usize>(bytes: Vec<u8>, column: &'static str) -> Result<[u8; N], MetaError> {
    bytes.try_into().map_err(|_| MetaError::Damaged(column))
}

/// A number as SQLite keeps it.
fn signed(number: u64) -> Result<i64, MetaError> {
    i64::try_from(number).map_err(|_| MetaError::TooLarge)
}

/// A number that SQLite kept.
fn unsigned(number: i64, column: &'static str) -> Result<u64, MetaError> {
    u64::try_from(number).map_err(|_| MetaError::Damaged(column))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::meta::conformance;
    use sqlx::Row as _;

    #[tokio::test]
    async fn sqlite_does_what_every_store_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metadata.sqlite");
        conformance::suite(|| async { SqliteMeta::open(&path).await.unwrap() }).await;
    }

    #[tokio::test]
    async fn what_grows_is_searched_by_key_and_never_scanned() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteMeta::open(&folder.path().join("metadata.sqlite")).await;
        let reads = store.unwrap().reads;
        for (text, key) in [
            (sql!("adds_found"), "(space=? AND id=?)"),
            (sql!("adds_uncharge"), "(space=? AND id=?)"),
            (sql!("adds_mark"), "(space=? AND id=?)"),
            (sql!("upload_blobs"), "(space=? AND upload=? AND id>?)"),
            (sql!("upload_blobs_delete"), "(space=? AND upload=?)"),
            (sql!("links_page"), "(account=? AND seq>?)"),
            (sql!("tickets_length"), "(space=?)"),
            (sql!("uploads_expired"), "(active_day<?)"),
            (sql!("objects_between"), "(object>? AND object<?)"),
            (sql!("audit_page"), "(object>?)"),
            (sql!("audit_named"), "(object=?)"),
            (sql!("commits_page"), "(space=? AND seq>?)"),
            (sql!("releases_mark"), "(space=? AND id=?)"),
            (sql!("blobs_page"), "(space=? AND id>?)"),
            (sql!("released_before"), "(released_day<?)"),
            (sql!("released_of"), "(space=? AND released_day>?)"),
            (sql!("account_released"), "(space=? AND released_day>?)"),
            (sql!("account_login"), "(handle=?)"),
            (sql!("account_repeated"), "(id=?)"),
            (sql!("invite_select"), "(hash=?)"),
            (sql!("invite_use"), "(hash=?)"),
        ] {
            let text = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
            let rows = sqlx::query(text).fetch_all(&reads).await.unwrap();
            let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
            assert!(plan.iter().any(|step| step.contains(key)), "{plan:?}");
        }
    }
}
