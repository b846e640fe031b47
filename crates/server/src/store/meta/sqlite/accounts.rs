//! Accounts in SQLite.

use anonicloud_proto::api::{AccountBoxes, Base64, SealedBox};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, DeviceId, SpaceId};
use futures::TryStreamExt as _;
use sqlx::{SqliteConnection, SqliteExecutor};

use super::writer::{Durability, Verdict};
use super::{SqliteMeta, door, fixed, signed, spaces, sql, unsigned};
use crate::store::meta::{
    AccountRow, AccountStore, Answer, Appended, LoginRecord, MetaError, NewAccount, NewLink, Registered,
};

impl AccountStore for SqliteMeta {
    fn register(&self, account: NewAccount) -> Answer<'_, Registered> {
        Box::pin(
            self.writer
                .write(Durability::Now, |connection| Box::pin(async move { register(connection, &account).await })),
        )
    }

    fn registered(&self, account: AccountId, handle: String) -> Answer<'_, Registered> {
        Box::pin(async move {
            let mut connection = self.reads.acquire().await?;
            find_registered(&mut connection, account, &handle, None).await
        })
    }

    fn was_made_by(&self, account: AccountId, request_hash: ChainHash) -> Answer<'_, bool> {
        Box::pin(async move {
            let found: i64 = sqlx::query_scalar(sql!("account_repeated"))
                .bind(account.as_bytes().as_slice())
                .bind(request_hash.as_bytes().as_slice())
                .fetch_one(&self.reads)
                .await?;
            Ok(found > 0)
        })
    }

    fn login_record(&self, handle: String) -> Answer<'_, Option<LoginRecord>> {
        Box::pin(async move {
            let row = sqlx::query_as::<_, (Vec<u8>, Vec<u8>)>(sql!("account_login"))
                .bind(handle)
                .fetch_optional(&self.reads)
                .await?;
            let Some((account, opaque_record)) = row else {
                return Ok(None);
            };
            let account = AccountId::from_bytes(fixed(account, "accounts.id")?);
            Ok(Some(LoginRecord { account, opaque_record }))
        })
    }

    fn account(&self, account: AccountId) -> Answer<'_, Option<AccountRow>> {
        Box::pin(async move {
            type Row = (String, Vec<u8>, i64, i64, i64);
            let row = sqlx::query_as::<_, Row>(sql!("account_select"))
                .bind(account.as_bytes().as_slice())
                .fetch_optional(&self.reads)
                .await?;
            let Some((handle, space, quota, used, reserved)) = row else {
                return Ok(None);
            };
            let devices = sqlx::query_scalar::<_, Vec<u8>>(sql!("devices_select"))
                .bind(account.as_bytes().as_slice())
                .fetch_all(&self.reads)
                .await?
                .into_iter()
                .map(|id| fixed(id, "devices.id").map(DeviceId::from_bytes))
                .collect::<Result<_, _>>()?;
            Ok(Some(AccountRow {
                handle,
                space: SpaceId::from_bytes(fixed(space, "accounts.space")?),
                quota: unsigned(quota, "accounts.quota")?,
                used: unsigned(used, "accounts.used")?,
                reserved: unsigned(reserved, "accounts.reserved")?,
                devices,
            }))
        })
    }

    fn boxes(&self, account: AccountId) -> Answer<'_, Option<(AccountBoxes, SpaceId)>> {
        Box::pin(async move {
            let space = sqlx::query_scalar::<_, Vec<u8>>(sql!("account_space"))
                .bind(account.as_bytes().as_slice())
                .fetch_optional(&self.reads)
                .await?;
            let Some(space) = space else {
                return Ok(None);
            };
            let rows = sqlx::query_as::<_, (String, i64, Vec<u8>)>(sql!("boxes_select"))
                .bind(account.as_bytes().as_slice())
                .fetch_all(&self.reads)
                .await?;
            let space = SpaceId::from_bytes(fixed(space, "accounts.space")?);
            Ok(Some((assemble(rows)?, space)))
        })
    }

    fn device_key(&self, account: AccountId, device: DeviceId) -> Answer<'_, Option<[u8; 32]>> {
        Box::pin(async move {
            let key = find_device(&self.reads, account, device).await?;
            key.map(|key| fixed(key, "devices.auth_public_key")).transpose()
        })
    }

    fn sigchain(&self, account: AccountId, from: u64, bytes: usize) -> Answer<'_, Vec<Vec<u8>>> {
        Box::pin(async move {
            let Ok(from) = signed(from) else {
                return Ok(Vec::new());
            };
            let mut links = sqlx::query_scalar::<_, Vec<u8>>(sql!("links_page"))
                .bind(account.as_bytes().as_slice())
                .bind(from)
                .fetch(&self.reads);
            let mut page = Vec::new();
            let mut total = 0;
            while let Some(link) = links.try_next().await? {
                total += link.len();
                if total > bytes && !page.is_empty() {
                    break;
                }
                page.push(link);
            }
            Ok(page)
        })
    }

    fn add_device(&self, link: NewLink, device: DeviceId, key: [u8; 32], most: u64) -> Answer<'_, Appended> {
        Box::pin(self.writer.write(Durability::Now, move |connection| {
            Box::pin(async move {
                if let Some(refused) = refused(connection, &link).await? {
                    return Ok(Verdict::Undo(refused));
                }
                if link.seq >= most {
                    return Ok(Verdict::Undo(Appended::Full));
                }
                if !insert_device(connection, link.account, device, &key).await? {
                    return Ok(Verdict::Undo(Appended::WrongDevice));
                }
                insert_link(connection, link.account, link.seq, &link.link).await?;
                Ok(Verdict::Keep(Appended::Done))
            })
        }))
    }

    fn remove_device(&self, link: NewLink, device: DeviceId) -> Answer<'_, Appended> {
        Box::pin(self.writer.write(Durability::Now, move |connection| {
            Box::pin(async move {
                if let Some(refused) = refused(connection, &link).await? {
                    return Ok(Verdict::Undo(refused));
                }
                let removed = sqlx::query(sql!("device_delete"))
                    .bind(link.account.as_bytes().as_slice())
                    .bind(device.as_bytes().as_slice())
                    .execute(&mut *connection)
                    .await?;
                if removed.rows_affected() == 0 {
                    return Ok(Verdict::Undo(Appended::WrongDevice));
                }
                insert_link(connection, link.account, link.seq, &link.link).await?;
                Ok(Verdict::Keep(Appended::Done))
            })
        }))
    }
}

async fn register(connection: &mut SqliteConnection, new: &NewAccount) -> Result<Verdict<Registered>, MetaError> {
    let hash = Some(new.request_hash);
    let found = find_registered(connection, new.account, &new.handle, hash).await?;
    if found == Registered::Repeated {
        return Ok(Verdict::Undo(found));
    }
    let mut quota = new.quota;
    // Before anything is said about the handle: that is for those who have an invite.
    if let Some(hash) = new.invite {
        let Some(invite) = door::find_invite(&mut *connection, hash).await? else {
            return Ok(Verdict::Undo(Registered::InviteInvalid));
        };
        door::use_invite(connection, hash).await?;
        quota = invite.quota.unwrap_or(quota);
    }
    if found != Registered::Created {
        return Ok(Verdict::Undo(found));
    }
    sqlx::query(sql!("account_insert"))
        .bind(new.account.as_bytes().as_slice())
        .bind(&new.handle)
        .bind(new.request_hash.as_bytes().as_slice())
        .bind(&new.opaque_record)
        .bind(&new.recovery_public_key)
        .bind(new.genesis.space.as_bytes().as_slice())
        .bind(signed(quota)?)
        .bind(i64::from(new.day.0))
        .execute(&mut *connection)
        .await?;
    let boxes = [
        ("password_slot", &new.boxes.password_slot),
        ("recovery_slot", &new.boxes.recovery_slot),
        ("identity", &new.boxes.identity),
        ("space", &new.boxes.space),
    ];
    for (kind, sealed) in boxes {
        sqlx::query(sql!("box_insert"))
            .bind(new.account.as_bytes().as_slice())
            .bind(kind)
            .bind(signed(sealed.version)?)
            .bind(sealed.sealed.as_bytes())
            .execute(&mut *connection)
            .await?;
    }
    for (seq, link) in (0..).zip(&new.links) {
        insert_link(connection, new.account, seq, link).await?;
    }
    insert_device(connection, new.account, new.device.0, &new.device.1).await?;
    if !spaces::insert(connection, new.account, &new.space_keys, &new.genesis).await? {
        return Ok(Verdict::Undo(Registered::Exists));
    }
    Ok(Verdict::Keep(Registered::Created))
}

async fn find_registered(
    connection: &mut SqliteConnection,
    account: AccountId,
    handle: &str,
    request_hash: Option<ChainHash>,
) -> Result<Registered, MetaError> {
    // The row with this id comes first, and alone tells whether the request was here before.
    let row = sqlx::query_as::<_, (Vec<u8>, Vec<u8>)>(sql!("account_registered"))
        .bind(account.as_bytes().as_slice())
        .bind(handle)
        .fetch_optional(connection)
        .await?;
    Ok(match row {
        None => Registered::Created,
        Some((id, _)) if id != account.as_bytes() => Registered::HandleTaken,
        Some((_, hash)) if request_hash.is_some_and(|known| hash == known.as_bytes()) => Registered::Repeated,
        Some(_) => Registered::Exists,
    })
}

/// Why a link is not appended, whatever it says.
async fn refused(connection: &mut SqliteConnection, link: &NewLink) -> Result<Option<Appended>, MetaError> {
    if let Some(by) = link.by
        && find_device(&mut *connection, link.account, by).await?.is_none()
    {
        return Ok(Some(Appended::SenderRemoved));
    }
    Ok((!follows(connection, link).await?).then_some(Appended::Moved))
}

async fn find_device<'c, E: SqliteExecutor<'c>>(
    database: E,
    account: AccountId,
    device: DeviceId,
) -> Result<Option<Vec<u8>>, MetaError> {
    let key = sqlx::query_scalar(sql!("device_key"))
        .bind(account.as_bytes().as_slice())
        .bind(device.as_bytes().as_slice())
        .fetch_optional(database)
        .await?;
    Ok(key)
}

async fn follows(connection: &mut SqliteConnection, link: &NewLink) -> Result<bool, MetaError> {
    let newest = sqlx::query_as::<_, (i64, Vec<u8>)>(sql!("link_newest"))
        .bind(link.account.as_bytes().as_slice())
        .fetch_optional(connection)
        .await?;
    Ok(newest.is_some_and(|(seq, hash)| {
        seq.checked_add(1).and_then(|next| u64::try_from(next).ok()) == Some(link.seq) && hash == link.prev.as_bytes()
    }))
}

async fn insert_link(
    connection: &mut SqliteConnection,
    account: AccountId,
    seq: u64,
    link: &[u8],
) -> Result<(), MetaError> {
    sqlx::query(sql!("link_insert"))
        .bind(account.as_bytes().as_slice())
        .bind(signed(seq)?)
        .bind(ChainHash::of(link).as_bytes().as_slice())
        .bind(link)
        .execute(connection)
        .await?;
    Ok(())
}

async fn insert_device(
    connection: &mut SqliteConnection,
    account: AccountId,
    device: DeviceId,
    key: &[u8; 32],
) -> Result<bool, MetaError> {
    let inserted = sqlx::query(sql!("device_insert"))
        .bind(account.as_bytes().as_slice())
        .bind(device.as_bytes().as_slice())
        .bind(key.as_slice())
        .execute(connection)
        .await?;
    Ok(inserted.rows_affected() == 1)
}

fn assemble(rows: Vec<(String, i64, Vec<u8>)>) -> Result<AccountBoxes, MetaError> {
    let mut rows = rows
        .into_iter()
        .map(|(kind, version, sealed)| {
            let version = unsigned(version, "boxes.version")?;
            let sealed = Base64::new(sealed);
            Ok((kind, SealedBox { version, sealed }))
        })
        .collect::<Result<std::collections::HashMap<_, _>, MetaError>>()?;
    let mut take = |kind| rows.remove(kind).ok_or(MetaError::Damaged("boxes.kind"));
    Ok(AccountBoxes {
        password_slot: take("password_slot")?,
        recovery_slot: take("recovery_slot")?,
        identity: take("identity")?,
        space: take("space")?,
    })
}
