//! Released and doomed blobs in SQLite.

use anonicloud_proto::api::StoredBlob;
use anonicloud_proto::ids::{AccountId, BlobId, SpaceId};
use sqlx::SqliteConnection;

use super::writer::{Durability, Verdict};
use super::{SqliteMeta, blobs, fixed, signed, sql, unsigned};
use crate::store::meta::{Answer, Doom, Doomed, MetaError, NewCommit, Released, SweepStore, Through};
use crate::store::{Day, ObjectId};

/// A clock that moves on by more days at once is not believed.
const JUMP: u32 = 2;

impl SweepStore for SqliteMeta {
    fn count_day(&self, today: Day) -> Answer<'_, Day> {
        Box::pin(self.writer.write(Durability::Now, move |connection| {
            Box::pin(async move {
                let counted = sqlx::query_scalar::<_, i64>(sql!("day_count")).bind(today.0).bind(JUMP);
                day(counted.fetch_one(connection).await?).map(Verdict::Keep)
            })
        }))
    }

    fn counted_day(&self) -> Answer<'_, Option<Day>> {
        Box::pin(async move {
            let counted = sqlx::query_scalar::<_, i64>(sql!("day_counted")).fetch_optional(&self.reads);
            counted.await?.map(day).transpose()
        })
    }

    fn releases_found(&self, space: SpaceId, releases: Vec<BlobId>) -> Answer<'_, bool> {
        Box::pin(async move {
            let found = sqlx::query_scalar::<_, i64>(sql!("releases_found"))
                .bind(space.as_bytes().as_slice())
                .bind(as_json(&releases))
                .fetch_one(&self.reads)
                .await?;
            Ok(usize::try_from(found) == Ok(releases.len()))
        })
    }

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

    fn released(&self, account: AccountId, through: Option<Through>) -> Answer<'_, Released> {
        Box::pin(async move {
            let row = sqlx::query_as::<_, (i64, Option<i64>, Option<i64>)>(sql!("account_released"))
                .bind(account.as_bytes().as_slice())
                .bind(through.map(|through| through.space.as_bytes().to_vec()))
                .bind(through.map(Through::last))
                .fetch_one(&self.reads)
                .await?;
            let (bytes, first, last) = row;
            let days = first.zip(last).map(|(first, last)| Ok::<_, MetaError>((day(first)?, day(last)?)));
            Ok(Released { bytes: unsigned(bytes, "blobs.size")?, days: days.transpose()? })
        })
    }

    fn doom(&self, which: Doom, count: usize) -> Answer<'_, Doomed> {
        Box::pin(async move {
            let found = self.released_blobs(which, count).await?;
            let more = found.len() == count;
            let doomed = self.writer.write(Durability::Now, move |connection| {
                Box::pin(async move { doom(connection, found, which).await.map(Verdict::Keep) })
            });
            let (blobs, bytes) = doomed.await?;
            Ok(Doomed { blobs, more, bytes })
        })
    }

    fn doomed(&self, after: Option<ObjectId>, count: usize) -> Answer<'_, Vec<ObjectId>> {
        Box::pin(async move {
            let rows = sqlx::query_scalar::<_, Vec<u8>>(sql!("doomed_select"))
                .bind(after.map_or_else(Vec::new, |object| object.as_bytes().to_vec()))
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
    let marked = sqlx::query(sql!("releases_mark"))
        .bind(commit.space.as_bytes().as_slice())
        .bind(as_json(&commit.releases))
        .bind(i64::from(commit.day.0))
        .bind(signed(commit.seq)?)
        .execute(connection)
        .await?;
    Ok(usize::try_from(marked.rows_affected()) == Ok(commit.releases.len()))
}

impl SqliteMeta {
    /// At most `count` released blobs, each by its space and id.
    async fn released_blobs(&self, which: Doom, count: usize) -> Result<Vec<BlobKey>, MetaError> {
        let count = i64::try_from(count).map_err(|_| MetaError::TooLarge)?;
        let found = match which {
            Doom::Before(day) => sqlx::query_as(sql!("released_before")).bind(i64::from(day.0)),
            Doom::Account(account, through) => sqlx::query_as(sql!("released_of"))
                .bind(account.as_bytes().to_vec())
                .bind(through.space.as_bytes().to_vec())
                .bind(through.last()),
        };
        Ok(found.bind(count).fetch_all(&self.reads).await?)
    }
}

impl Through {
    /// The last place, as SQLite takes it; no commit has a greater one.
    fn last(self) -> i64 {
        i64::try_from(self.seq).unwrap_or(i64::MAX)
    }
}

impl Doom {
    /// The counted day before which, and the place up to which, a blob must have been released.
    fn bounds(self) -> (i64, i64) {
        match self {
            Self::Before(day) => (i64::from(day.0), i64::MAX),
            Self::Account(_, through) => (i64::MAX, through.last()),
        }
    }
}

/// A blob's space and id, as stored.
type BlobKey = (Vec<u8>, Vec<u8>);

/// Dooms those of `found` that are still released as `which` says; gives how many, and their bytes.
async fn doom(connection: &mut SqliteConnection, found: Vec<BlobKey>, which: Doom) -> Result<(usize, u64), MetaError> {
    let (mut blobs, mut bytes) = (0_usize, 0_u64);
    let (before, last) = which.bounds();
    for (space, blob) in found {
        let row =
            sqlx::query_as::<_, (Vec<u8>, i64)>(sql!("blob_doom")).bind(&space).bind(blob).bind(before).bind(last);
        let Some((object, size)) = row.fetch_optional(&mut *connection).await? else {
            continue;
        };
        sqlx::query(sql!("account_free")).bind(space).bind(size).execute(&mut *connection).await?;
        sqlx::query(sql!("doomed_insert")).bind(object).execute(&mut *connection).await?;
        blobs = blobs.saturating_add(1);
        bytes = bytes.saturating_add(unsigned(size, "blobs.size")?);
    }
    Ok((blobs, bytes))
}

/// `["id in hex", ...]`, so that one statement takes any number of blobs.
fn as_json(blobs: &[BlobId]) -> String {
    let ids: Vec<String> = blobs.iter().map(|blob| format!("\"{blob}\"")).collect();
    format!("[{}]", ids.join(","))
}

fn day(number: i64) -> Result<Day, MetaError> {
    u32::try_from(number).map(Day).map_err(|_| MetaError::Damaged("blobs.released_day"))
}
