//! Every table of the server's database, as whoever holds the disk reads it.

use std::path::Path;

use anonicloud_e2e::world::World;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, SqliteConnection};

/// A column with all that is in it.
pub(super) struct Column {
    pub(super) table: String,
    pub(super) name: String,
    pub(super) values: Vec<Stored>,
}

/// What stands in one row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Nothing,
    Number(i128),
    Text(String),
    Bytes(Vec<u8>),
}

/// All columns, tables in order of their names; read from a copy, so that the data folder stays as the server left it.
pub(super) fn read(world: &World) -> Vec<Column> {
    let copy = world.folder("database-copy");
    for name in ["metadata.sqlite", "metadata.sqlite-wal"] {
        let from = world.server().data().join(name);
        if from.exists() {
            fs_err::copy(from, copy.join(name)).unwrap();
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(read_all(&copy.join("metadata.sqlite"))).unwrap()
}

async fn read_all(path: &Path) -> Result<Vec<Column>, sqlx::Error> {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await?;
    let names: Vec<(String, String)> = sqlx::query_as(
        "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
         WHERE t.type = 'table' ORDER BY t.name, c.cid",
    )
    .fetch_all(&mut connection)
    .await?;
    let mut columns = Vec::new();
    for (table, name) in names {
        let values = column(&mut connection, &table, &name).await?;
        columns.push(Column { table, name, values });
    }
    Ok(columns)
}

async fn column(connection: &mut SqliteConnection, table: &str, name: &str) -> Result<Vec<Stored>, sqlx::Error> {
    let query = format!("SELECT typeof({name}), CAST({name} AS BLOB) FROM {table}");
    let rows: Vec<(String, Option<Vec<u8>>)> = sqlx::query_as(AssertSqlSafe(query)).fetch_all(connection).await?;
    let text = |bytes| String::from_utf8(bytes).expect("SQLite keeps text in UTF-8");
    let stored = |(kind, bytes): (String, Option<Vec<u8>>)| match (kind.as_str(), bytes) {
        (_, None) => Stored::Nothing,
        ("integer", Some(bytes)) => Stored::Number(text(bytes).parse().expect("a number")),
        ("text", Some(bytes)) => Stored::Text(text(bytes)),
        (_, Some(bytes)) => Stored::Bytes(bytes),
    };
    Ok(rows.into_iter().map(stored).collect())
}
