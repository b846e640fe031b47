//! The metadata for who runs the server, beside a server that may be running: lists by id, and changes what an operator
//! decides. Never: a handle, a migration.

use std::path::Path;

use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::AccountId;
use data_encoding::HEXLOWER;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Row as _, SqliteConnection};

use super::{BUSY, MIGRATIONS, door, fixed, signed, sql, unsigned};
use crate::store::Day;
use crate::store::meta::{MetaError, SignUp};

/// Names an invite to the operator; says nothing of the invite itself.
pub(crate) type InviteId = [u8; 8];

/// An invite to keep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewInvite {
    /// Its name.
    pub(crate) id: InviteId,
    /// SHA-512/256 of its bytes.
    pub(crate) hash: ChainHash,
    /// Bytes that its account may store, if not what the server gives to all.
    pub(crate) quota: Option<u64>,
    /// Today.
    pub(crate) day: Day,
}

/// An invite that nobody has used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InviteRow {
    /// Its name in hex.
    pub(crate) id: String,
    /// Bytes that its account may store, if not what the server gives to all.
    pub(crate) quota: Option<u64>,
    /// The day it was made.
    pub(crate) made: String,
}

/// What an operator may see of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccountListing {
    /// Its id.
    pub(crate) account: AccountId,
    /// The day it was made.
    pub(crate) registered: String,
    /// Bytes that commits name.
    pub(crate) used: u64,
    /// Bytes promised to open uploads.
    pub(crate) reserved: u64,
    /// Bytes it may store.
    pub(crate) quota: u64,
}

/// A metadata file of exactly this version.
#[derive(Debug)]
pub(crate) struct Admin(SqliteConnection);

impl Admin {
    /// Opens a file that is there and has the tables of this version.
    pub(crate) async fn open(path: &Path) -> Result<Self, MetaError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("secure_delete", "ON")
            .busy_timeout(BUSY);
        let mut connection = options.connect().await?;
        check_version(&mut connection).await?;
        Ok(Self(connection))
    }

    /// Who may sign up now.
    pub(crate) async fn sign_up(&mut self) -> Result<SignUp, MetaError> {
        door::sign_up(&mut self.0).await
    }

    /// Says who may sign up from now on.
    pub(crate) async fn set_sign_up(&mut self, mode: SignUp) -> Result<(), MetaError> {
        door::set_sign_up(&mut self.0, mode).await
    }

    /// Keeps invites, all or none.
    pub(crate) async fn add_invites(&mut self, invites: &[NewInvite]) -> Result<(), MetaError> {
        // Closing the connection before the end undoes it.
        sqlx::query("BEGIN IMMEDIATE").execute(&mut self.0).await?;
        for invite in invites {
            sqlx::query(sql!("invite_insert"))
                .bind(invite.id.as_slice())
                .bind(invite.hash.as_bytes().as_slice())
                .bind(invite.quota.map(signed).transpose()?)
                .bind(i64::from(invite.day.0))
                .execute(&mut self.0)
                .await?;
        }
        sqlx::query("COMMIT").execute(&mut self.0).await?;
        Ok(())
    }

    /// The invites that nobody has used, the oldest first.
    pub(crate) async fn invites(&mut self) -> Result<Vec<InviteRow>, MetaError> {
        let rows = sqlx::query(sql!("invites_select")).fetch_all(&mut self.0).await?;
        let invites = rows.into_iter().map(|row| {
            let id: InviteId = fixed(row.try_get("id")?, "invites.id")?;
            let quota: Option<i64> = row.try_get("quota")?;
            let quota = quota.map(|quota| unsigned(quota, "invites.quota")).transpose()?;
            Ok(InviteRow { id: HEXLOWER.encode(&id), quota, made: row.try_get("made")? })
        });
        invites.collect()
    }

    /// Ends an invite; whether there was one.
    pub(crate) async fn revoke_invite(&mut self, id: InviteId) -> Result<bool, MetaError> {
        let revoked = sqlx::query(sql!("invite_revoke")).bind(id.as_slice()).execute(&mut self.0).await?;
        Ok(revoked.rows_affected() == 1)
    }

    /// All accounts, the oldest first.
    pub(crate) async fn accounts(&mut self) -> Result<Vec<AccountListing>, MetaError> {
        let rows = sqlx::query(sql!("accounts_select")).fetch_all(&mut self.0).await?;
        let accounts = rows.into_iter().map(|row| {
            Ok(AccountListing {
                account: AccountId::from_bytes(fixed(row.try_get("id")?, "accounts.id")?),
                registered: row.try_get("registered")?,
                used: unsigned(row.try_get("used")?, "accounts.used")?,
                reserved: unsigned(row.try_get("reserved")?, "accounts.reserved")?,
                quota: unsigned(row.try_get("quota")?, "accounts.quota")?,
            })
        });
        accounts.collect()
    }

    /// Says how much an account may store from now on; whether there is one.
    pub(crate) async fn set_quota(&mut self, account: AccountId, quota: u64) -> Result<bool, MetaError> {
        let changed = sqlx::query(sql!("account_quota"))
            .bind(account.as_bytes().as_slice())
            .bind(signed(quota)?)
            .execute(&mut self.0)
            .await?;
        Ok(changed.rows_affected() == 1)
    }
}

/// The tables were made by the migrations of this program, all of them and no others.
async fn check_version(connection: &mut SqliteConnection) -> Result<(), MetaError> {
    // SQLITE_ERROR, which a missing table is.
    const NO_TABLE: &str = "1";
    let applied = sqlx::query_as::<_, (i64, Vec<u8>)>(sql!("migrations_select")).fetch_all(connection).await;
    let applied = match applied {
        Err(sqlx::Error::Database(cause)) if cause.code().as_deref() == Some(NO_TABLE) => {
            return Err(MetaError::OtherVersion);
        }
        applied => applied?,
    };
    let known = MIGRATIONS.iter().map(|migration| (migration.version, migration.checksum.to_vec()));
    if known.eq(applied) { Ok(()) } else { Err(MetaError::OtherVersion) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::meta::conformance::new_account;
    use crate::store::meta::{AccountStore as _, DoorStore as _, Registered, SqliteMeta};
    use tempfile::TempDir;

    struct Fixture {
        folder: TempDir,
        store: SqliteMeta,
        admin: Admin,
    }

    impl Fixture {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("metadata.sqlite");
            let store = SqliteMeta::open(&path).await.unwrap();
            let admin = Admin::open(&path).await.unwrap();
            Self { folder, store, admin }
        }

        /// Registers an account that shows an invite.
        async fn register(&self, name: u8, handle: Option<&str>, invite: ChainHash) -> Registered {
            let mut account = new_account(name);
            if let Some(handle) = handle {
                handle.clone_into(&mut account.handle);
            }
            account.invite = Some(invite);
            self.store.register(account).await.unwrap()
        }

        async fn quota_of(&self, name: u8) -> u64 {
            self.store.account(AccountId::from_bytes([name; 16])).await.unwrap().unwrap().quota
        }
    }

    fn invite(number: u8, quota: Option<u64>) -> NewInvite {
        NewInvite { id: [number; 8], hash: ChainHash::of(&[number]), quota, day: Day(20_000) }
    }

    #[tokio::test]
    async fn an_invite_goes_with_the_account_that_it_makes_and_with_nothing_else() {
        let mut fixture = Fixture::new().await;
        fixture.admin.add_invites(&[invite(1, Some(77)), invite(2, None), invite(3, None)]).await.unwrap();
        let [first, second, third, none] = [1, 2, 3, 4].map(|number| ChainHash::of(&[number]));
        assert_eq!(fixture.register(1, None, first).await, Registered::Created);
        assert_eq!((fixture.quota_of(1).await, fixture.store.has_invite(first).await.unwrap()), (77, false));
        // The same request again needs no invite any more; another one with a used invite is told nothing else.
        assert_eq!(fixture.register(1, None, first).await, Registered::Repeated);
        for used_up in [first, none] {
            assert_eq!(fixture.register(2, None, used_up).await, Registered::InviteInvalid);
            assert_eq!(fixture.register(2, Some("handle1"), used_up).await, Registered::InviteInvalid);
        }
        assert_eq!(fixture.register(2, Some("handle1"), second).await, Registered::HandleTaken);
        assert!(fixture.store.has_invite(second).await.unwrap());
        assert_eq!(fixture.register(2, None, second).await, Registered::Created);
        assert_eq!(fixture.quota_of(2).await, 10_000);
        assert!(fixture.admin.revoke_invite([3; 8]).await.unwrap());
        assert!(!fixture.admin.revoke_invite([3; 8]).await.unwrap());
        assert_eq!(fixture.register(3, None, third).await, Registered::InviteInvalid);
        assert!(fixture.admin.invites().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn invites_are_made_all_or_none_and_listed_by_day() {
        let mut fixture = Fixture::new().await;
        fixture.admin.add_invites(&[invite(2, Some(5))]).await.unwrap();
        drop(fixture.admin.add_invites(&[invite(1, None), invite(2, None)]).await.unwrap_err());
        drop(fixture.admin);
        let mut admin = Admin::open(&fixture.folder.path().join("metadata.sqlite")).await.unwrap();
        let listed = admin.invites().await.unwrap();
        assert_eq!(listed, [InviteRow { id: "02".repeat(8), quota: Some(5), made: "2024-10-04".to_owned() }]);
    }

    #[tokio::test]
    async fn an_operator_sees_accounts_by_id_and_sets_quotas() {
        let mut fixture = Fixture::new().await;
        fixture.store.register(new_account(7)).await.unwrap();
        let account = AccountId::from_bytes([7; 16]);
        assert!(fixture.admin.set_quota(account, 5).await.unwrap());
        assert!(!fixture.admin.set_quota(AccountId::from_bytes([8; 16]), 5).await.unwrap());
        let registered = "2024-10-04".to_owned();
        let expected = AccountListing { account, registered, used: 0, reserved: 0, quota: 5 };
        assert_eq!(fixture.admin.accounts().await.unwrap(), [expected]);
    }

    #[tokio::test]
    async fn what_an_operator_says_of_sign_ups_holds_at_once_and_stays() {
        let mut fixture = Fixture::new().await;
        assert_eq!(fixture.store.sign_up().await.unwrap(), SignUp::Puzzle);
        for mode in [SignUp::Open, SignUp::Invite, SignUp::Closed, SignUp::Puzzle] {
            fixture.admin.set_sign_up(mode).await.unwrap();
            assert_eq!(fixture.store.sign_up().await.unwrap(), mode);
        }
        fixture.store.set_sign_up(SignUp::Closed).await.unwrap();
        assert_eq!(fixture.admin.sign_up().await.unwrap(), SignUp::Closed);
    }

    #[tokio::test]
    async fn tables_of_another_version_are_left_alone() {
        for change in [
            "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)",
            "UPDATE _sqlx_migrations SET version = version + 1000 WHERE version > 1",
            "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1",
            "DROP TABLE _sqlx_migrations",
        ] {
            let mut fixture = Fixture::new().await;
            sqlx::query(change).execute(&mut fixture.admin.0).await.unwrap();
            let opened = Admin::open(&fixture.folder.path().join("metadata.sqlite")).await;
            assert!(matches!(opened, Err(MetaError::OtherVersion)), "{change}: {opened:?}");
        }
    }
}
