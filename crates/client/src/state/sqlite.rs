//! The local state in an SQLite file.
//!
//! Enters: sealed values. Leaves: the same, durable. Never: a table of another program, or of a newer version of this one.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use sqlx::query::QueryScalar;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{QueryBuilder, Sqlite, SqlitePool, Transaction};

use super::folder::{make_private_dir, make_private_file, sync_dir};
use super::{Change, LocalState, Seen, StateError, StoredKey, Table};

/// The file in the state folder.
const FILE_NAME: &str = "state.db";
/// `ANON` in ASCII.
const APPLICATION_ID: i32 = 0x414e_4f4e;
/// The version of the table below.
const SCHEMA_VERSION: i32 = 1;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// What is kept of the log after a large value went through it.
const JOURNAL_SIZE_LIMIT: &str = "16777216";
/// Of a database that is made, in bytes: a pack is megabytes, and each page of it costs a call of its own. The log is copied to
/// the database from 1,000 pages on, when most packs in it are gone again.
const PAGE_SIZE: u32 = 16 << 10;
/// Changes that one statement makes at most, far below what SQLite takes.
const STATEMENT_CHANGES: usize = 256;
/// Longest value that goes with others in a statement.
const SHORT_VALUE: usize = 64 << 10;

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
            .pragma("journal_size_limit", JOURNAL_SIZE_LIMIT)
            .page_size(PAGE_SIZE);
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
        let mut transaction = begin(&self.pool).await?;
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
}

impl LocalState for SqliteState {
    async fn read(&self, table: Table, key: &StoredKey) -> Result<Option<Vec<u8>>, StateError> {
        Ok(query_value(table, key).fetch_optional(&self.pool).await?)
    }

    async fn read_all(&self, table: Table, keys: &[StoredKey]) -> Result<Vec<Option<Vec<u8>>>, StateError> {
        let mut values = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(STATEMENT_CHANGES) {
            let mut query = QueryBuilder::<Sqlite>::new("SELECT key, value FROM entries WHERE table_number = ");
            query.push_bind(table.number()).push(" AND key IN (");
            let mut listed = query.separated(", ");
            for key in keys {
                listed.push_bind(key.0.as_slice());
            }
            query.push(")");
            let rows: Vec<(Vec<u8>, Vec<u8>)> = query.build_query_as().persistent(false).fetch_all(&self.pool).await?;
            values.extend(rows);
        }
        Ok(keys.iter().map(|key| values.get(key.0.as_slice()).cloned()).collect())
    }

    async fn keys(&self, table: Table) -> Result<Vec<StoredKey>, StateError> {
        let query = sqlx::query_scalar("SELECT key FROM entries WHERE table_number = ? ORDER BY key");
        let keys: Vec<Vec<u8>> = query.bind(table.number()).fetch_all(&self.pool).await?;
        let keys = keys.into_iter().map(|key| key.try_into().map(StoredKey).map_err(|_| StateError::Corrupt));
        keys.collect()
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

    async fn apply_if(&self, seen: &[Seen], changes: &[Change]) -> Result<bool, StateError> {
        // Every statement wakes the connection's thread and waits for it: what is alike goes in one.
        let alike = changes.chunk_by(is_alike).flat_map(|alike| alike.chunks(STATEMENT_CHANGES));
        let statements: Vec<_> = alike.map(|alike| (statement_of(alike), alike.len() == 1)).collect();
        // In a task of its own, which goes on when nobody polls this future: a caller that waits for the connection meanwhile
        // would wait for ever.
        let write = tokio::spawn(write(self.pool.clone(), seen.to_vec(), statements));
        match write.await {
            Ok(written) => written,
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        }
    }
}

/// Runs statements, and whether each is worth keeping prepared, as one transaction, if all that was `seen` still stands.
async fn write(
    pool: SqlitePool,
    seen: Vec<Seen>,
    statements: Vec<(QueryBuilder<Sqlite>, bool)>,
) -> Result<bool, StateError> {
    let mut transaction = begin(&pool).await?;
    for Seen { table, key, value } in seen {
        let there: Option<Vec<u8>> = query_value(table, &key).fetch_optional(&mut *transaction).await?;
        if there != value {
            return Ok(false);
        }
    }
    for (mut statement, persistent) in statements {
        statement.build().persistent(persistent).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// Asks for the value at a key.
fn query_value(table: Table, key: &StoredKey) -> QueryScalar<'_, Sqlite, Vec<u8>, SqliteArguments> {
    let query = sqlx::query_scalar("SELECT value FROM entries WHERE table_number = ? AND key = ?");
    query.bind(table.number()).bind(key.0.as_slice())
}

/// Begins as a writer at once, so that two processes wait for each other instead of one failing half-way.
async fn begin(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, StateError> {
    Ok(pool.begin_with("BEGIN IMMEDIATE").await?)
}

/// Whether one statement can make both changes, which follow each other.
fn is_alike(first: &Change, second: &Change) -> bool {
    match (first, second) {
        // A statement holds copies of its values: large ones go one by one.
        (Change::Put(_, _, first), Change::Put(_, _, second)) => first.len().max(second.len()) <= SHORT_VALUE,
        (Change::Delete(table, _), Change::Delete(other, _)) => table == other,
        _ => false,
    }
}

/// The statement that makes changes which are alike.
fn statement_of(changes: &[Change]) -> QueryBuilder<Sqlite> {
    let mut statement = match changes.first() {
        Some(Change::Put(..)) => QueryBuilder::new("INSERT OR REPLACE INTO entries (table_number, key, value) VALUES "),
        Some(Change::Delete(table, _)) => {
            let mut statement = QueryBuilder::new("DELETE FROM entries WHERE table_number = ");
            statement.push_bind(table.number()).push(" AND key IN (");
            statement
        }
        _ => QueryBuilder::new("DELETE FROM entries WHERE table_number = "),
    };
    let mut separator = "";
    for change in changes {
        statement.push(separator);
        separator = ", ";
        match change {
            Change::Put(table, key, value) => {
                statement.push("(").push_bind(table.number()).push(", ").push_bind(key.0.as_slice());
                statement.push(", ").push_bind(value.as_slice()).push(")");
            }
            Change::Delete(_, key) => {
                statement.push_bind(key.0.as_slice());
            }
            Change::Clear(table) => {
                statement.push_bind(table.number());
            }
        }
    }
    if matches!(changes.first(), Some(Change::Delete(..))) {
        statement.push(")");
    }
    statement
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

    #[tokio::test]
    async fn changes_are_made_in_order_however_many_go_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let state = SqliteState::open(dir.path()).await.unwrap();
        let key = |number: u16| {
            let mut key = [0; 32];
            key[..2].copy_from_slice(&number.to_be_bytes());
            StoredKey(key)
        };
        let put = |table, number, value: &[u8]| Change::Put(table, key(number), value.to_vec());
        let mut changes: Vec<_> = (0..1000).map(|number| put(Table::Nodes, number, b"old")).collect();
        changes.extend([put(Table::Jobs, 0, b"job"), put(Table::Nodes, 7, b"new")]);
        changes.extend((10..1000).map(|number| Change::Delete(Table::Nodes, key(number))));
        changes.extend([Change::Delete(Table::Jobs, key(3)), put(Table::Nodes, 20, &vec![7; 100_000])]);
        changes.extend([put(Table::Heads, 1, b"head"), Change::Clear(Table::Heads), put(Table::Heads, 2, b"head")]);
        state.apply(&changes).await.unwrap();
        let nodes = state.scan(Table::Nodes).await.unwrap();
        let numbers: Vec<_> = nodes.iter().map(|(key, _)| u16::from_be_bytes([key.0[0], key.0[1]])).collect();
        assert_eq!(numbers, (0..10).chain([20]).collect::<Vec<_>>());
        assert_eq!((&*nodes[6].1, &*nodes[7].1, nodes[10].1.len()), (&b"old"[..], &b"new"[..], 100_000));
        assert_eq!(state.scan(Table::Jobs).await.unwrap(), [(key(0), b"job".to_vec())]);
        assert_eq!(state.scan(Table::Heads).await.unwrap(), [(key(2), b"head".to_vec())]);
    }

    #[tokio::test]
    async fn a_write_that_nobody_waits_for_holds_nobody_up() {
        let dir = tempfile::tempdir().unwrap();
        let state = SqliteState::open(dir.path()).await.unwrap();
        let (first, second) = (StoredKey([1; 32]), StoredKey([2; 32]));
        let changes = [Change::Put(Table::Staged, first, vec![1; 1 << 20]), Change::Put(Table::Jobs, first, vec![1])];
        let mut write = std::pin::pin!(state.apply(&changes));
        assert!(futures::poll!(write.as_mut()).is_pending());
        state.apply(&[Change::Put(Table::Jobs, second, vec![2])]).await.unwrap();
        assert_eq!(state.read(Table::Jobs, &first).await.unwrap(), Some(vec![1]));
        write.await.unwrap();
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
