//! Signing out: the device leaves the account, and its keys leave the device.

use std::path::Path;

use anonicloud_core::account::boxes::BoxOwner;
use anonicloud_proto::api::{Base64, RemoveDevice};

use super::login::{fetch_sigchain, login_by_device};
use crate::client::Client;
use crate::error::OperationError;
use crate::remote::{Remote, SessionToken};
use crate::state::{SqliteState, StateChange, Table, remove_device_key};

/// What signing out did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogoutReport {
    /// Whether the server was told that the device is gone; if not, another device may remove it.
    pub server_told: bool,
}

impl<R: Remote> Client<R, SqliteState> {
    /// Removes this device from the account and everything of the account from this device.
    ///
    /// # Errors
    /// When the local state cannot be emptied. A server that does not answer does not keep the keys here.
    pub async fn logout(self) -> Result<LogoutReport, OperationError> {
        let _lock = self.lock_transfers()?;
        let server_told = self.remove_device().await.is_ok();
        let tables = [
            Table::Account,
            Table::Heads,
            Table::Jobs,
            Table::Tickets,
            Table::Staged,
            Table::Nodes,
            Table::Downloads,
            Table::Reached,
            Table::Upkeep,
            Table::Halts,
        ];
        self.state().apply(tables.map(|table| StateChange::Clear { table }).into()).await?;
        if let Some(folder) = self.folder().map(Path::to_owned) {
            self.into_state().close().await;
            wipe(&folder).await?;
        }
        Ok(LogoutReport { server_told })
    }

    async fn remove_device(&self) -> Result<(), OperationError> {
        let record = self.record();
        let owner = BoxOwner { realm: record.realm, account: record.account };
        let answer = login_by_device(self.remote(), record).await?;
        let known = self.private_space().borrow().owner().clone();
        let token = SessionToken::new(answer.token.as_bytes());
        let chain = fetch_sigchain(self.remote(), &token, &owner, Some(&known)).await?;
        let identity = owner.open_identity(&record.master, &answer.boxes.identity, &chain)?;
        let device = record.device.device();
        let link = chain.sign_remove_device(&record.realm, &identity, device);
        let link = link.map_err(|_| anonicloud_core::crypto::rejected::Rejected)?;
        let request = RemoveDevice { device, prev: chain.head(), link: Base64::new(link) };
        Ok(self.remote().remove_device(&token, &request).await?)
    }
}

/// Removes the key and the database it sealed, and lets go of what opened the key, for which the keyring may take its time, last.
async fn wipe(folder: &Path) -> Result<(), OperationError> {
    // First: without the key, what a disk may still hold of the database opens nothing.
    let key = remove_device_key(folder)?;
    let removed = remove_database(folder);
    if let Some(key) = key {
        key.let_go().await;
    }
    removed
}

fn remove_database(folder: &Path) -> Result<(), OperationError> {
    for name in ["state.db-wal", "state.db-shm", "state.db"] {
        let path = folder.join(name);
        match fs_err::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(OperationError::local(&path, error));
            }
            _ => {}
        }
    }
    Ok(())
}
