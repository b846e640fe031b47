//! All that is below a path, in the order of a person who opens folder after folder.

use anonicloud_client::item::{Item, ItemKind};
use anonicloud_client::path::{EntryName, RemotePath};

use crate::context::NativeClient;
use crate::error::CliError;

/// An item and where it was met.
#[derive(Debug)]
pub(super) struct Walked {
    /// From the start of the walk, exact bytes.
    pub(super) path: Vec<u8>,
    /// Names in `path`.
    pub(super) depth: usize,
    pub(super) item: Item,
}

/// All items below `start`, folders before what is in them.
pub(super) async fn below(client: &NativeClient, start: &RemotePath) -> Result<Vec<Walked>, CliError> {
    let mut items = Vec::new();
    client
        .walk(start, &mut |names, item| {
            let names: Vec<&[u8]> = names.iter().map(EntryName::as_bytes).collect();
            items.push(Walked { path: names.join(&b'/'), depth: names.len(), item: item.clone() });
        })
        .await?;
    Ok(items)
}

/// All items below `start`, or what is at it when it is no folder, by their whole paths.
pub(super) async fn under(client: &NativeClient, start: &RemotePath) -> Result<Vec<Walked>, CliError> {
    let above = match (client.stat(start).await?.kind, start.split()) {
        (ItemKind::Directory, _) | (_, None) => start.clone(),
        (_, Some((above, _))) => above,
    };
    let above = if above.is_root() { Vec::new() } else { above.to_bytes() };
    let mut items = below(client, start).await?;
    for walked in &mut items {
        walked.path = [&*above, &*walked.path].join(&b'/');
    }
    Ok(items)
}
