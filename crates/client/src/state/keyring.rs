//! The keyring of the system, by the Secret Service (spec: 1-accounts, "Device key").
//!
//! Enters: the id of a lock. Leaves: the key that opens it. Never: the device key itself; a wait without an end.

use core::time::Duration;
use std::collections::HashMap;

use anonicloud_core::crypto::device_key::LockId;
use anonicloud_core::crypto::secret::WrapKey;
use data_encoding::HEXLOWER;
use secret_service::{Collection, EncryptionType, Error, SecretService};
use subtle::ConstantTimeEq as _;
use tokio::time::timeout_at;
use zeroize::Zeroizing;

use crate::error::OperationError;

/// How long the keyring may take: a person may have to type its password.
const PATIENCE: Duration = Duration::from_mins(1);
/// What the keyring's own programs show.
const ENTRY_NAME: &str = "AnoniCloud: key of this device";
const CONTENT_TYPE: &str = "application/octet-stream";
/// What a keyring answers that is locked.
const IS_LOCKED: &str = "org.freedesktop.Secret.Error.IsLocked";

/// Keeps `key` under `id` in the keyring that the system has for new entries.
pub(super) async fn keep(id: &LockId, key: &WrapKey) -> Result<(), OperationError> {
    within(connect(), async |service| {
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
    within(connect(), async |service| {
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
        Ok(bytes.as_slice().try_into().ok().map(WrapKey::copy_of))
    })
    .await
}

/// Whether the keyring `gave` back what was `made` for it.
pub(super) fn expect_kept(made: &WrapKey, gave: Option<&WrapKey>) -> Result<(), OperationError> {
    match gave {
        Some(gave) if bool::from(gave.expose_bytes().ct_eq(made.expose_bytes())) => Ok(()),
        _ => Err(OperationError::KeyringUnfit),
    }
}

/// Removes what was kept under `id`.
pub(super) async fn remove(id: &LockId) -> Result<(), OperationError> {
    within(connect(), async |service| {
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

/// Has the keyring greeted and asked, for as long as a person may take. One that does not even greet is not there; one that does and
/// then is silent waits for somebody to open it.
async fn within<S, T>(
    greeting: impl Future<Output = Result<S, Error>>,
    work: impl AsyncFnOnce(S) -> Result<T, Error>,
) -> Result<T, OperationError> {
    let end = tokio::time::Instant::now() + PATIENCE;
    let service = match timeout_at(end, greeting).await {
        Ok(greeted) => greeted.map_err(refusal)?,
        Err(late) => return Err(OperationError::KeyringUnavailable(Box::new(late))),
    };
    match timeout_at(end, work(service)).await {
        Ok(done) => done.map_err(refusal),
        Err(_) => Err(OperationError::KeyringLocked),
    }
}

fn refusal(error: Error) -> OperationError {
    match error {
        Error::Locked | Error::Prompt | Error::PromptDisconnected => OperationError::KeyringLocked,
        error if says_locked(&error) => OperationError::KeyringLocked,
        // No keyring is the default one.
        Error::NoResult => OperationError::KeyringUnfit,
        other => OperationError::KeyringUnavailable(Box::new(other)),
    }
}

/// Whether the keyring answered that what was asked for is locked.
fn says_locked(error: &Error) -> bool {
    let (Error::Zbus(answer) | Error::ZbusFdo(zbus::fdo::Error::ZBus(answer))) = error else {
        return false;
    };
    matches!(answer, zbus::Error::MethodError(name, ..) if name.as_str() == IS_LOCKED)
}

#[cfg(test)]
mod tests {
    use core::future::{pending, ready};

    use super::*;

    fn answered(name: &'static str) -> zbus::Error {
        let message = zbus::message::Message::method_call("/", "Ask").unwrap().build(&()).unwrap();
        zbus::Error::MethodError(name.try_into().unwrap(), None, message)
    }

    #[tokio::test(start_paused = true)]
    async fn a_keyring_that_greets_and_then_waits_is_locked() {
        let silent = within(pending::<Result<(), Error>>(), async |()| Ok(())).await;
        assert!(matches!(silent, Err(OperationError::KeyringUnavailable(_))), "{silent:?}");
        let waits = within(ready(Ok(())), async |()| pending::<Result<(), Error>>().await).await;
        assert!(matches!(waits, Err(OperationError::KeyringLocked)), "{waits:?}");
    }

    #[test]
    fn a_keyring_that_answers_that_it_is_locked_is_locked() {
        let wrapped = || Error::ZbusFdo(zbus::fdo::Error::ZBus(answered(IS_LOCKED)));
        for error in [Error::Zbus(answered(IS_LOCKED)), wrapped(), Error::Prompt] {
            assert!(matches!(refusal(error), OperationError::KeyringLocked));
        }
        let other = refusal(Error::Zbus(answered("org.freedesktop.Secret.Error.NoSession")));
        assert!(matches!(other, OperationError::KeyringUnavailable(_)), "{other:?}");
    }

    #[test]
    fn what_the_keyring_gives_back_is_what_it_was_given() {
        let (made, other) = (WrapKey::from_bytes([7; 32]), WrapKey::from_bytes([8; 32]));
        assert!(expect_kept(&made, Some(&made)).is_ok());
        for given in [Some(&other), None] {
            assert!(matches!(expect_kept(&made, given), Err(OperationError::KeyringUnfit)));
        }
    }
}
