//! Rows of blobs for who checks them, beside a server that may be running: reads only, and knows that rows go.

use std::collections::HashSet;
use std::path::Path;

use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, SpaceId};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Row as _, SqlitePool};

use super::blobs::object;
use super::{BUSY, fixed, sql, unsigned};
use crate::store::ObjectId;
use crate::store::meta::MetaError;

/// A blob that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WholeBlob {
    /// In which space.
    pub(crate) space: SpaceId,
    /// Under which id.
    pub(crate) blob: BlobId,
    /// Where its bytes are.
    pub(crate) object: ObjectId,
    /// How many there are.
    pub(crate) size: u64,
    /// BLAKE3-256 of them all.
    pub(crate) hash: StoredHash,
}

/// A metadata file of which nothing is changed.
#[derive(Debug)]
pub(crate) struct Audit(SqlitePool);

impl Audit {
    /// Opens a file that is there.
    pub(crate) async fn open(path: &Path) -> Result<Self, MetaError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY);
        Ok(Self(SqlitePoolOptions::new().max_connections(1).connect_with(options).await?))
    }

    /// How many blobs are whole.
    pub(crate) async fn count(&self) -> Result<u64, MetaError> {
        let count: i64 = sqlx::query_scalar(sql!("audit_count")).fetch_one(&self.0).await?;
        unsigned(count, "count")
    }

    /// At most `limit` whole blobs in the order of their objects, behind `after`.
    pub(crate) async fn page(&self, after: Option<ObjectId>, limit: u32) -> Result<Vec<WholeBlob>, MetaError> {
        let after = after.map(|object| object.as_bytes().to_vec()).unwrap_or_default();
        let rows = sqlx::query(sql!("audit_page")).bind(after).bind(limit).fetch_all(&self.0).await?;
        let whole = rows.into_iter().map(|row| {
            Ok(WholeBlob {
                space: SpaceId::from_bytes(fixed(row.try_get("space")?, "blobs.space")?),
                blob: BlobId::from_bytes(fixed(row.try_get("id")?, "blobs.id")?),
                object: object(row.try_get("object")?)?,
                size: unsigned(row.try_get("size")?, "blobs.size")?,
                hash: StoredHash::from_bytes(fixed(row.try_get("hash")?, "blobs.hash")?),
            })
        });
        whole.collect()
    }

    /// Those of these objects that a row names.
    pub(crate) async fn named(&self, objects: &[ObjectId]) -> Result<HashSet<ObjectId>, MetaError> {
        let mut named = HashSet::new();
        for asked in objects {
            let row = sqlx::query(sql!("audit_named")).bind(asked.as_bytes().as_slice()).fetch_optional(&self.0);
            if row.await?.is_some() {
                named.insert(*asked);
            }
        }
        Ok(named)
    }
}
