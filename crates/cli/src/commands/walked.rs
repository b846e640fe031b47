//! All that is below a path, in the order of a person who opens folder after folder.

use anonicloud_client::item::Item;
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
