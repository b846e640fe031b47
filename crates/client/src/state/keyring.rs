//! The keyring of the system, by the Secret Service (spec: 1-accounts, "Device key").
//!
//! Enters: the id of a lock. Leaves: the key that opens it. Never: the device key itself; a wait without an end.

use core::time::Duration;
use std::collections::HashMap;

use anonicloud_core::crypto::device_key::LockId;
use anonicloud_core::crypto::secret::WrapKey;
use data_encoding::HEXLOWER;
use secret_service::{Collection, EncryptionType, Error, SecretService};
use zeroize::Zeroizing;

use crate::error::OperationError;

/// How long the keyring may take: a person may have to type its password.
const PATIENCE: Duration = Duration::from_mins(1);
/// What the keyring's own programs show.
const ENTRY_NAME: &str = "AnoniCloud: key of this device";
const CONTENT_TYPE: &str = "application/octet-stream";

/// Keeps `key` under `id` in the keyring that the system has for new entries.
pub(super) async fn keep(id: &LockId, key: &WrapKey) -> Result<(), OperationError> {
    within(async {
        let service = connect().await?;
        let keyring = service.get_default_collection().await?;
        if ends_with_session(&service, &keyring).await? {
            return Err(Error::NoResult);
        }
        if keyring.is_locked().await? {
            keyring.unlock().await?;
        }
        let name = HEXLOWER.encode(id.as_bytes());
        keyring.create_item(ENTRY_NAME, attributes(&name), key.expose_bytes(), true, CONTENT_TYPE).await?;
        Ok(())
    })
    .await
}

/// The key that was kept under `id`, if it is there; unlocks the keyring, for which the system may ask a person.
pub(super) async fn fetch(id: &LockId) -> Result<Option<WrapKey>, OperationError> {
    within(async {
        let service = connect().await?;
        let name = HEXLOWER.encode(id.as_bytes());
        let found = service.search_items(attributes(&name)).await?;
        let item = match (found.unlocked.first(), found.locked.first()) {
            (Some(item), _) => item,
            (None, Some(item)) => {
                item.unlock().await?;
                item
            }
            (None, None) => return Ok(None),
        };
        let bytes = Zeroizing::new(item.get_secret().await?);
        Ok(bytes.as_slice().try_into().ok().map(WrapKey::from_bytes))
    })
    .await
}

/// Removes what was kept under `id`.
pub(super) async fn remove(id: &LockId) -> Result<(), OperationError> {
    within(async {
        let service = connect().await?;
        let name = HEXLOWER.encode(id.as_bytes());
        let found = service.search_items(attributes(&name)).await?;
        for item in &found.locked {
            item.unlock().await?;
        }
        for item in found.unlocked.iter().chain(&found.locked) {
            item.delete().await?;
        }
        Ok(())
    })
    .await
}

/// Secrets are encrypted on their way over the bus, which other programs may listen to.
async fn connect() -> Result<SecretService<'static>, Error> {
    SecretService::connect(EncryptionType::Dh).await
}

/// Whether what this keyring keeps is gone when the person signs out, and a file that needs it would never open again.
async fn ends_with_session(service: &SecretService<'_>, keyring: &Collection<'_>) -> Result<bool, Error> {
    match service.get_collection_by_alias("session").await {
        Ok(session) => Ok(session.collection_path == keyring.collection_path),
        Err(Error::NoResult) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What an entry is found by; none of it is secret.
fn attributes(name: &str) -> HashMap<&str, &str> {
    HashMap::from([("service", "anonicloud"), ("device-key-lock", name)])
}

async fn within<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, OperationError> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(|error| match error {
            Error::Locked | Error::Prompt | Error::PromptDisconnected => OperationError::KeyringLocked,
            other => OperationError::KeyringUnavailable(Box::new(other)),
        }),
        Err(late) => Err(OperationError::KeyringUnavailable(Box::new(late))),
    }
}
