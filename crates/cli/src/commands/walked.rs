//! All that is below a path, in the order of a person who opens folder after folder.

use core::ops::ControlFlow;
use std::io;

use anonicloud_client::item::{Item, ItemKind};
use anonicloud_client::path::{EntryName, RemotePath};

use crate::context::NativeClient;
use crate::error::CliError;

/// An item and where it was met.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walked<'w> {
    /// From the start of the walk, exact bytes.
    pub(super) path: &'w [u8],
    /// Names in the path, from the start of the walk on.
    pub(super) depth: usize,
    pub(super) item: &'w Item,
}

/// Shows each item below `start` as it is met, folders before what is in them. When one cannot be shown, the walk is over.
pub(super) async fn below(
    client: &NativeClient,
    start: &RemotePath,
    show: impl FnMut(Walked<'_>) -> io::Result<()>,
) -> Result<(), CliError> {
    from(client, start, None, show).await
}

/// Shows each item below `start`, or what is at it when it is no folder, by its whole path.
pub(super) async fn under(
    client: &NativeClient,
    start: &RemotePath,
    show: impl FnMut(Walked<'_>) -> io::Result<()>,
) -> Result<(), CliError> {
    let above = match (client.stat(start).await?.kind, start.split()) {
        (ItemKind::Directory, _) | (_, None) => start.clone(),
        (_, Some((above, _))) => above,
    };
    let above = if above.is_root() { Vec::new() } else { above.to_bytes() };
    from(client, start, Some(&above), show).await
}

async fn from(
    client: &NativeClient,
    start: &RemotePath,
    above: Option<&[u8]>,
    mut show: impl FnMut(Walked<'_>) -> io::Result<()>,
) -> Result<(), CliError> {
    let mut shown = Ok(());
    let visit = &mut |names: &[EntryName], item: &Item| {
        let parts: Vec<&[u8]> = above.into_iter().chain(names.iter().map(EntryName::as_bytes)).collect();
        shown = show(Walked { path: &parts.join(&b'/'), depth: names.len(), item });
        if shown.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    client.walk(start, visit).await?;
    shown.map_err(CliError::Output)
}
