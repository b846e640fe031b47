//! Who may sign up, and the invites, in SQLite.

use anonicloud_proto::hash::ChainHash;
use sqlx::{SqliteConnection, SqliteExecutor};

use super::writer::{Durability, Verdict};
use super::{SqliteMeta, sql, unsigned};
use crate::store::meta::{Answer, DoorStore, MetaError, SignUp};

impl SqliteMeta {
    /// Says who may sign up from now on.
    pub(crate) async fn set_sign_up(&self, mode: SignUp) -> Result<(), MetaError> {
        self.writer
            .write(Durability::Now, move |connection| {
                Box::pin(async move { set_sign_up(connection, mode).await.map(Verdict::Keep) })
            })
            .await
    }
}

impl DoorStore for SqliteMeta {
    fn sign_up(&self) -> Answer<'_, SignUp> {
        Box::pin(async move { sign_up(&self.reads).await })
    }

    fn has_invite(&self, hash: ChainHash) -> Answer<'_, bool> {
        Box::pin(async move { Ok(find_invite(&self.reads, hash).await?.is_some()) })
    }
}

/// An invite that is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GoodInvite {
    /// Bytes that its account may store, if it says so.
    pub(super) quota: Option<u64>,
}

/// The invite with this hash.
pub(super) async fn find_invite(
    executor: impl SqliteExecutor<'_>,
    hash: ChainHash,
) -> Result<Option<GoodInvite>, MetaError> {
    let row = sqlx::query_scalar::<_, Option<i64>>(sql!("invite_select"))
        .bind(hash.as_bytes().as_slice())
        .fetch_optional(executor)
        .await?;
    let Some(quota) = row else {
        return Ok(None);
    };
    let quota = quota.map(|quota| unsigned(quota, "invites.quota")).transpose()?;
    Ok(Some(GoodInvite { quota }))
}

/// Removes an invite that was used.
pub(super) async fn use_invite(connection: &mut SqliteConnection, hash: ChainHash) -> Result<(), MetaError> {
    sqlx::query(sql!("invite_use")).bind(hash.as_bytes().as_slice()).execute(connection).await?;
    Ok(())
}

/// Who may sign up now.
pub(super) async fn sign_up(executor: impl SqliteExecutor<'_>) -> Result<SignUp, MetaError> {
    let word: String = sqlx::query_scalar(sql!("door_select")).fetch_one(executor).await?;
    SignUp::named(&word).ok_or(MetaError::Damaged("door.sign_up"))
}

/// Says who may sign up from now on.
pub(super) async fn set_sign_up(executor: impl SqliteExecutor<'_>, mode: SignUp) -> Result<(), MetaError> {
    sqlx::query(sql!("door_update")).bind(mode.as_str()).execute(executor).await?;
    Ok(())
}
