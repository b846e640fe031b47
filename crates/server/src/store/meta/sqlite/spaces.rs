//! Spaces and commits in SQLite.

use anonicloud_proto::commit::AddedBlob;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, SpaceId};
use futures::TryStreamExt as _;
use sqlx::SqliteConnection;

use super::writer::{Durability, Verdict};
use super::{SqliteMeta, fixed, signed, sql};
use crate::store::meta::{Answer, CommitOutcome, HeadRow, LogRow, MetaError, NewCommit, SpaceRow, SpaceStore};

impl SpaceStore for SqliteMeta {
    fn space(&self, space: SpaceId) -> Answer<'_, Option<SpaceRow>> {
        Box::pin(async move {
            let row = sqlx::query_as::<_, (i64, Vec<u8>)>(sql!("space_select"))
                .bind(space.as_bytes().as_slice())
                .fetch_optional(&self.reads)
                .await?;
            let Some((epoch, keys)) = row else {
                return Ok(None);
            };
            let epoch = u32::try_from(epoch).map_err(|_| MetaError::Damaged("spaces.epoch"))?;
            Ok(Some(SpaceRow { epoch, keys }))
        })
    }

    fn head(&self, space: SpaceId) -> Answer<'_, Option<HeadRow>> {
        Box::pin(async move {
            type Row = (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>);
            let row = sqlx::query_as::<_, Row>(sql!("space_head"))
                .bind(space.as_bytes().as_slice())
                .fetch_optional(&self.reads)
                .await?;
            let Some((hash, frontier, header, body)) = row else {
                return Ok(None);
            };
            Ok(Some(HeadRow {
                hash: ChainHash::from_bytes(fixed(hash, "spaces.head")?),
                frontier,
                commit: LogRow { header, body },
            }))
        })
    }

    fn log(&self, space: SpaceId, from: u64, count: usize, bytes: usize) -> Answer<'_, Vec<LogRow>> {
        Box::pin(async move {
            let Ok(from) = signed(from) else {
                return Ok(Vec::new());
            };
            let limit = i64::try_from(count).map_err(|_| MetaError::TooLarge)?;
            let mut rows = sqlx::query_as::<_, (Vec<u8>, Vec<u8>)>(sql!("commits_page"))
                .bind(space.as_bytes().as_slice())
                .bind(from)
                .bind(limit)
                .fetch(&self.reads);
            let mut page: Vec<LogRow> = Vec::new();
            let mut total = 0;
            while let Some((header, body)) = rows.try_next().await? {
                total += header.len() + body.len();
                if total > bytes && !page.is_empty() {
                    break;
                }
                page.push(LogRow { header, body });
            }
            Ok(page)
        })
    }

    fn append_commit(&self, commit: NewCommit) -> Answer<'_, CommitOutcome> {
        Box::pin(
            self.writer.write(Durability::Now, |connection| Box::pin(async move { append(connection, &commit).await })),
        )
    }
}

/// Makes a space with its genesis. Gives false if there is one with this id.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    owner: AccountId,
    keys: &[u8],
    genesis: &NewCommit,
) -> Result<bool, MetaError> {
    let inserted = sqlx::query(sql!("space_insert"))
        .bind(genesis.space.as_bytes().as_slice())
        .bind(owner.as_bytes().as_slice())
        .bind(i64::from(genesis.epoch))
        .bind(keys)
        .bind(genesis.hash.as_bytes().as_slice())
        .bind(&genesis.frontier)
        .execute(&mut *connection)
        .await?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    insert_commit(connection, genesis).await?;
    Ok(true)
}

async fn append(connection: &mut SqliteConnection, commit: &NewCommit) -> Result<Verdict<CommitOutcome>, MetaError> {
    let advanced = sqlx::query(sql!("space_advance"))
        .bind(commit.space.as_bytes().as_slice())
        .bind(commit.prev.as_bytes().as_slice())
        .bind(commit.hash.as_bytes().as_slice())
        .bind(signed(commit.seq)?)
        .bind(&commit.frontier)
        .execute(&mut *connection)
        .await?;
    if advanced.rows_affected() == 0 {
        return Ok(Verdict::Undo(CommitOutcome::HeadMoved));
    }
    if !commit.adds.is_empty() && !apply_adds(connection, commit).await? {
        return Ok(Verdict::Undo(CommitOutcome::BlobMissing));
    }
    insert_commit(connection, commit).await?;
    Ok(Verdict::Keep(CommitOutcome::Applied))
}

/// Moves the added blobs from their uploads' reservations to what the owner uses. Gives false if one is missing.
async fn apply_adds(connection: &mut SqliteConnection, commit: &NewCommit) -> Result<bool, MetaError> {
    let space = commit.space.as_bytes().as_slice();
    let adds = adds_as_json(&commit.adds);
    let (found, moved) =
        sqlx::query_as::<_, (i64, i64)>(sql!("adds_found")).bind(space).bind(&adds).fetch_one(&mut *connection).await?;
    if usize::try_from(found) != Ok(commit.adds.len()) {
        return Ok(false);
    }
    sqlx::query(sql!("adds_uncharge")).bind(space).bind(&adds).execute(&mut *connection).await?;
    sqlx::query(sql!("account_commit")).bind(space).bind(moved).execute(&mut *connection).await?;
    sqlx::query(sql!("adds_mark")).bind(space).bind(&adds).execute(&mut *connection).await?;
    Ok(true)
}

async fn insert_commit(connection: &mut SqliteConnection, commit: &NewCommit) -> Result<(), MetaError> {
    sqlx::query(sql!("commit_insert"))
        .bind(commit.space.as_bytes().as_slice())
        .bind(signed(commit.seq)?)
        .bind(&commit.row.header)
        .bind(&commit.row.body)
        .execute(connection)
        .await?;
    Ok(())
}

/// `[["id in hex", size], ...]`, so that one statement takes any number of blobs.
fn adds_as_json(adds: &[AddedBlob]) -> String {
    let pairs: Vec<String> = adds.iter().map(|add| format!("[\"{}\",{}]", add.blob, add.size)).collect();
    format!("[{}]", pairs.join(","))
}
