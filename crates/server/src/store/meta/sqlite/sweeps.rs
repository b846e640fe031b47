//! Released and doomed blobs in SQLite.

use anonicloud_proto::api::StoredBlob;
use anonicloud_proto::ids::{AccountId, BlobId, SpaceId};
use sqlx::SqliteConnection;

use super::writer::{Durability, Verdict};
use super::{SqliteMeta, blobs, fixed, sql, unsigned};
use crate::store::meta::{Answer, Doom, Doomed, MetaError, NewCommit, Released, SweepStore};
use crate::store::{Day, ObjectId};

impl SweepStore for SqliteMeta {
    fn stored_blobs(&self, space: SpaceId, after: Option<BlobId>, count: usize) -> Answer<'_, Vec<StoredBlob>> {
        Box::pin(async move {
            // No bytes come before any id.
            let after = after.map_or_else(Vec::new, |blob| blob.as_bytes().to_vec());
            let rows = sqlx::query_as::<_, (Vec<u8>, i64, Option<i64>)>(sql!("blobs_page"))
                .bind(space.as_bytes().as_slice())
                .bind(after)
                .bind(i64::try_from(count).map_err(|_| MetaError::TooLarge)?)
                .fetch_all(&self.reads)
                .await?;
            rows.into_iter()
                .map(|(id, size, released)| {
                    Ok(StoredBlob {
                        blob: BlobId::from_bytes(fixed(id, "blobs.id")?),
                        size: unsigned(size, "blobs.size")?,
                        released: released.map(day).transpose()?.map(|day| day.0),
                    })
                })
                .collect()
        })
    }

    fn released(&self, account: AccountId) -> Answer<'_, Released> {
        Box::pin(async move {
            let (bytes, last) = sqlx::query_as::<_, (i64, Option<i64>)>(sql!("account_released"))
                .bind(account.as_bytes().as_slice())
                .fetch_one(&self.reads)
                .await?;
            Ok(Released { bytes: unsigned(bytes, "blobs.size")?, last: last.map(day).transpose()? })
        })
    }

    fn doom(&self, which: Doom, count: usize) -> Answer<'_, Doomed> {
        Box::pin(self.writer.write(Durability::Now, move |connection| {
            Box::pin(async move { doom(connection, which, count).await.map(Verdict::Keep) })
        }))
    }

    fn doomed(&self, count: usize) -> Answer<'_, Vec<ObjectId>> {
        Box::pin(async move {
            let rows = sqlx::query_scalar::<_, Vec<u8>>(sql!("doomed_select"))
                .bind(i64::try_from(count).map_err(|_| MetaError::TooLarge)?)
                .fetch_all(&self.reads)
                .await?;
            rows.into_iter().map(blobs::object).collect()
        })
    }

    fn forget_doomed(&self, objects: Vec<ObjectId>) -> Answer<'_, ()> {
        Box::pin(self.writer.write(Durability::Soon, move |connection| {
            Box::pin(async move {
                for object in objects {
                    let object = object.as_bytes().as_slice();
                    sqlx::query(sql!("doomed_delete")).bind(object).execute(&mut *connection).await?;
                }
                Ok(Verdict::Keep(()))
            })
        }))
    }
}

/// Notes the day of what a commit releases. Gives false if the space has one of the blobs not, or not by a commit.
pub(super) async fn apply_releases(connection: &mut SqliteConnection, commit: &NewCommit) -> Result<bool, MetaError> {
    let ids: Vec<String> = commit.releases.iter().map(|blob| format!("\"{blob}\"")).collect();
    let marked = sqlx::query(sql!("releases_mark"))
        .bind(commit.space.as_bytes().as_slice())
        .bind(format!("[{}]", ids.join(",")))
        .bind(i64::from(commit.day.0))
        .execute(connection)
        .await?;
    Ok(usize::try_from(marked.rows_affected()) == Ok(commit.releases.len()))
}

async fn doom(connection: &mut SqliteConnection, which: Doom, count: usize) -> Result<Doomed, MetaError> {
    type Row = (Vec<u8>, Vec<u8>);
    let count = i64::try_from(count).map_err(|_| MetaError::TooLarge)?;
    let found = match which {
        Doom::Before(day) => sqlx::query_as::<_, Row>(sql!("released_before")).bind(i64::from(day.0)),
        Doom::Account(account) => {
            sqlx::query_as::<_, Row>(sql!("released_of")).bind(account.as_bytes().as_slice().to_vec())
        }
    };
    let found = found.bind(count).fetch_all(&mut *connection).await?;
    let mut doomed = Doomed { blobs: 0, bytes: 0 };
    for (space, blob) in found {
        let (object, size) = sqlx::query_as::<_, (Vec<u8>, i64)>(sql!("blob_doom"))
            .bind(&space)
            .bind(blob)
            .fetch_one(&mut *connection)
            .await?;
        sqlx::query(sql!("account_free")).bind(space).bind(size).execute(&mut *connection).await?;
        sqlx::query(sql!("doomed_insert")).bind(object).execute(&mut *connection).await?;
        doomed.blobs += 1;
        doomed.bytes = doomed.bytes.saturating_add(unsigned(size, "blobs.size")?);
    }
    Ok(doomed)
}

fn day(number: i64) -> Result<Day, MetaError> {
    u32::try_from(number).map(Day).map_err(|_| MetaError::Damaged("blobs.released_day"))
}
