//! The local state in an SQLite file.
//!
//! Enters: sealed values. Leaves: the same, durable. Never: a table of another program, or of a newer version of this one.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};

use super::folder::{make_private_dir, make_private_file, sync_dir};
use super::{Change, LocalState, StateError, StoredKey, Table};

/// The file in the state folder.
const FILE_NAME: &str = "state.db";
/// `ANON` in ASCII.
const APPLICATION_ID: i32 = 0x414e_4f4e;
/// The version of the table below.
const SCHEMA_VERSION: i32 = 1;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// What is kept of the log after a large value went through it.
const JOURNAL_SIZE_LIMIT: &str = "16777216";

/// A table with row ids, since values may be megabytes: the index over the keys stays small.
const MAKE_TABLE: &str = "CREATE TABLE entries (
    table_number INTEGER NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (table_number, key)
) STRICT";

/// A [`LocalState`] in `state.db` of a folder.
#[derive(Debug)]
pub struct SqliteState {
    pool: SqlitePool,
}

impl SqliteState {
    /// Opens the state in the folder `dir`; makes both, for their owner alone, when they are not there.
    ///
    /// # Errors
    /// [`StateError::Corrupt`] when the file is damaged or another program's, [`StateError::Newer`] when a newer version of
    /// this program made it.
    pub async fn open(dir: &Path) -> Result<Self, StateError> {
        let path = dir.join(FILE_NAME);
        let made = make_private_dir(dir).and_then(|()| make_private_file(&path));
        made.and_then(|()| sync_dir(dir)).map_err(StateError::Io)?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("journal_size_limit", JOURNAL_SIZE_LIMIT);
        // One connection: SQLite has one writer, and a read is done in microseconds.
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options);
        let state = Self { pool: pool.await? };
        state.check_or_make_schema().await?;
        Ok(state)
    }

    /// Ends the connection, so that the file is whole without its log beside it.
    pub async fn close(self) {
        self.pool.close().await;
    }

    /// Whether nothing is stored in any table.
    pub(super) async fn is_empty(&self) -> Result<bool, StateError> {
        let query = sqlx::query_scalar("SELECT NOT EXISTS (SELECT 1 FROM entries)");
        Ok(query.fetch_one(&self.pool).await?)
    }

    async fn check_or_make_schema(&self) -> Result<(), StateError> {
        let mut transaction = self.begin().await?;
        let application: i32 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *transaction).await?;
        let version: i32 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *transaction).await?;
        let objects: i64 =
            sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *transaction).await?;
        match (application, version, objects) {
            (APPLICATION_ID, SCHEMA_VERSION, 1..) => return Ok(()),
            (APPLICATION_ID, found, 1..) if found > SCHEMA_VERSION => {
                return Err(StateError::Newer);
            }
            (0, 0, 0) => {}
            _ => return Err(StateError::Corrupt),
        }
        sqlx::query(MAKE_TABLE).execute(&mut *transaction).await?;
        // A PRAGMA takes no parameters; these are the two constants above.
        sqlx::query("PRAGMA application_id = 0x414e4f4e").execute(&mut *transaction).await?;
        sqlx::query("PRAGMA user_version = 1").execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Begins as a writer at once, so that two processes wait for each other instead of one failing half-way.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StateError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }
}

impl LocalState for SqliteState {
    async fn read(&self, table: Table, key: &StoredKey) -> Result<Option<Vec<u8>>, StateError> {
        let query = sqlx::query_scalar("SELECT value FROM entries WHERE table_number = ? AND key = ?");
        Ok(query.bind(table.number()).bind(key.0.as_slice()).fetch_optional(&self.pool).await?)
    }

    async fn scan(&self, table: Table) -> Result<Vec<(StoredKey, Vec<u8>)>, StateError> {
        let query = sqlx::query_as("SELECT key, value FROM entries WHERE table_number = ? ORDER BY key");
        let rows: Vec<(Vec<u8>, Vec<u8>)> = query.bind(table.number()).fetch_all(&self.pool).await?;
        let entries = rows.into_iter().map(|(key, value)| {
            let key = key.try_into().map_err(|_| StateError::Corrupt)?;
            Ok((StoredKey(key), value))
        });
        entries.collect()
    }

    async fn apply(&self, changes: &[Change]) -> Result<(), StateError> {
        let mut transaction = self.begin().await?;
        for change in changes {
            let query = match change {
                Change::Put(table, key, value) => {
                    sqlx::query("INSERT OR REPLACE INTO entries (table_number, key, value) VALUES (?, ?, ?)")
                        .bind(table.number())
                        .bind(key.0.as_slice())
                        .bind(value.as_slice())
                }
                Change::Delete(table, key) => sqlx::query("DELETE FROM entries WHERE table_number = ? AND key = ?")
                    .bind(table.number())
                    .bind(key.0.as_slice()),
                Change::Clear(table) => sqlx::query("DELETE FROM entries WHERE table_number = ?").bind(table.number()),
            };
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}

impl From<sqlx::Error> for StateError {
    /// By SQLite's result code (<https://sqlite.org/rescode.html>).
    fn from(error: sqlx::Error) -> Self {
        const FULL: i32 = 13;
        /// The shared-memory file beside the log could not grow.
        const IO_SHARED_MEMORY_SIZE: i32 = 0x130a;
        const CORRUPT: i32 = 11;
        const NOT_A_DATABASE: i32 = 26;
        const IO_SHORT_READ: i32 = 0x020a;
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
        match code {
            Some(IO_SHARED_MEMORY_SIZE) => Self::Full,
            Some(IO_SHORT_READ) => Self::Corrupt,
            Some(code) if code & 0xff == FULL => Self::Full,
            Some(code) if matches!(code & 0xff, CORRUPT | NOT_A_DATABASE) => Self::Corrupt,
            _ => Self::Database(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(state: &SqliteState, statement: &'static str) {
        sqlx::query(statement).execute(&state.pool).await.unwrap();
    }

    #[tokio::test]
    async fn a_full_disk_is_told_apart_and_nothing_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let state = SqliteState::open(dir.path()).await.unwrap();
        let key = StoredKey([1; 32]);
        let small = [Change::Put(Table::Jobs, key, b"small".to_vec())];
        state.apply(&small).await.unwrap();
        run(&state, "PRAGMA max_page_count = 8").await;
        let large = [Change::Delete(Table::Jobs, key), Change::Put(Table::Staged, key, vec![7; 1 << 20])];
        assert!(matches!(state.apply(&large).await, Err(StateError::Full)));
        assert_eq!(state.read(Table::Jobs, &key).await.unwrap(), Some(b"small".to_vec()));
        assert_eq!(state.read(Table::Staged, &key).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_file_of_a_newer_version_or_another_program_is_refused_and_not_touched() {
        for (statement, is_newer) in [
            ("PRAGMA user_version = 2", true),
            ("PRAGMA application_id = 7", false),
            ("PRAGMA user_version = 0", false),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let state = SqliteState::open(dir.path()).await.unwrap();
            run(&state, statement).await;
            state.close().await;
            let bytes = fs_err::read(dir.path().join(FILE_NAME)).unwrap();
            match SqliteState::open(dir.path()).await {
                Err(StateError::Newer) => assert!(is_newer, "{statement}"),
                Err(StateError::Corrupt) => assert!(!is_newer, "{statement}"),
                other => panic!("{statement}: {other:?}"),
            }
            assert_eq!(fs_err::read(dir.path().join(FILE_NAME)).unwrap(), bytes);
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a").join("b");
        let state = SqliteState::open(&folder).await.unwrap();
        state.apply(&[Change::Clear(Table::Jobs)]).await.unwrap();
        let mode = |path: &Path| fs_err::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        let files = fs_err::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let modes: Vec<u32> = files.map(|path| mode(&path)).collect();
        assert_eq!(modes, vec![0o600; 3], "the database, its log and its shared memory");
    }
}
