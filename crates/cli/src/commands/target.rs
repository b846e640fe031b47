//! What is at the target of a command, and what becomes of its sources there.

use anonicloud_client::ErrorKind;
use anonicloud_client::item::ItemKind;
use anonicloud_client::path::RemotePath;

use crate::context::NativeClient;
use crate::error::CliError;
use crate::paths::{RemoteArgument, moves};

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

/// One source of `mv` or `cp`.
pub(super) struct Relocation {
    pub(super) from: RemotePath,
    /// What the client is told: into a folder that is there it goes by itself.
    pub(super) place: RemotePath,
    /// Where it is then.
    pub(super) to: RemotePath,
}

/// What becomes of `sources` when they are moved or copied to `target`.
pub(super) async fn relocations(
    client: &NativeClient,
    sources: &[RemoteArgument],
    target: &RemoteArgument,
) -> Result<Vec<Relocation>, CliError> {
    let existing = existing_kind(client, target).await?;
    let is_into = existing == Some(ItemKind::Directory);
    let planned = moves(sources, target, existing)?.into_iter().map(|(from, to)| {
        let place = if is_into { target.path.clone() } else { to.clone() };
        Relocation { from, place, to }
    });
    Ok(planned.collect())
}
