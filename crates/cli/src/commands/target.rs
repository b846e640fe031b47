//! What is at the target of a command.

use anonicloud_client::ErrorKind;
use anonicloud_client::item::ItemKind;

use crate::context::NativeClient;
use crate::error::CliError;
use crate::paths::RemoteArgument;

/// What is at `target` now; none when nothing is.
pub(super) async fn existing_kind(
    client: &NativeClient,
    target: &RemoteArgument,
) -> Result<Option<ItemKind>, CliError> {
    match client.stat(&target.path).await {
        Ok(item) => Ok(Some(item.kind)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
