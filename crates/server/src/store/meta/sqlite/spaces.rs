//! Spaces and commits in SQLite.

use anonicloud_proto::commit::AddedBlob;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, SpaceId};
use futures::TryStreamExt as _;
use sqlx::SqliteConnection;

use super::writer::{Durability, Verdict};
use super::{SqliteMeta, fixed, signed, sql, sweeps};
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

    fn adds_found(&self, space: SpaceId, adds: Vec<AddedBlob>) -> Answer<'_, bool> {
        Box::pin(async move {
            let mut connection = self.reads.acquire().await?;
            let (found, _) = find_adds(&mut connection, space, &adds_as_json(&adds)).await?;
            Ok(usize::try_from(found) == Ok(adds.len()))
        })
    }

    fn append_commit(&self, commit: NewCommit, spare: u64) -> Answer<'_, CommitOutcome> {
        Box::pin(self.writer.write(Durability::Now, move |connection| {
            Box::pin(async move { append(connection, &commit, spare).await })
        }))
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

async fn append(
    connection: &mut SqliteConnection,
    commit: &NewCommit,
    spare: u64,
) -> Result<Verdict<CommitOutcome>, MetaError> {
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
    if !commit.releases.is_empty() && !sweeps::apply_releases(connection, commit).await? {
        return Ok(Verdict::Undo(CommitOutcome::BlobMissing));
    }
    let length = commit.row.header.len().saturating_add(commit.row.body.len());
    let charged = sqlx::query(sql!("account_charge"))
        .bind(commit.space.as_bytes().as_slice())
        .bind(i64::try_from(length).map_err(|_| MetaError::TooLarge)?)
        .bind(signed(spare)?)
        .execute(&mut *connection)
        .await?;
    if charged.rows_affected() == 0 {
        return Ok(Verdict::Undo(CommitOutcome::QuotaExceeded));
    }
    insert_commit(connection, commit).await?;
    Ok(Verdict::Keep(CommitOutcome::Applied))
}

/// Moves the added blobs from their uploads' reservations to what the owner uses. Gives false if one is missing.
async fn apply_adds(connection: &mut SqliteConnection, commit: &NewCommit) -> Result<bool, MetaError> {
    let space = commit.space.as_bytes().as_slice();
    let adds = adds_as_json(&commit.adds);
    let (found, moved) = find_adds(connection, commit.space, &adds).await?;
    if usize::try_from(found) != Ok(commit.adds.len()) {
        return Ok(false);
    }
    sqlx::query(sql!("adds_uncharge")).bind(space).bind(&adds).execute(&mut *connection).await?;
    sqlx::query(sql!("account_commit")).bind(space).bind(moved).execute(&mut *connection).await?;
    sqlx::query(sql!("adds_mark")).bind(space).bind(&adds).execute(&mut *connection).await?;
    Ok(true)
}

/// How many of the blobs are complete with these sizes, and the bytes of those that no commit names.
async fn find_adds(connection: &mut SqliteConnection, space: SpaceId, adds: &str) -> Result<(i64, i64), MetaError> {
    let found = sqlx::query_as(sql!("adds_found")).bind(space.as_bytes().as_slice()).bind(adds).fetch_one(connection);
    Ok(found.await?)
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
