//! `rm`: removes files and folders.

use anonicloud_client::path::RemotePath;
use clap::Args;

use super::previewed;
use crate::context::Context;
use crate::error::CliError;
use crate::paths::RemoteArgument;
use crate::report::Changed;

/// Remove files and folders
///
/// All of the paths go, or none. Their room comes back by `anonicloud reclaim`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  anonicloud rm /a.txt /b.txt\n  anonicloud rm -r /Photos/2019\n  anonicloud rm -rn /Photos/2019"
)]
pub(crate) struct Arguments {
    /// Paths in the cloud
    #[arg(required = true, value_name = "PATH", value_parser = RemoteArgument::parser())]
    paths: Vec<RemoteArgument>,
    /// Remove folders with all that is in them
    #[arg(long, short)]
    recursive: bool,
    /// Show what would be removed, and remove nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        let removed: Vec<_> = self.paths.iter().map(|argument| argument.path.clone()).collect();
        if self.dry_run {
            let preview = client.preview_remove(&removed, self.recursive).await?;
            return previewed::show(context.ui, preview, &[], RemotePath::to_bytes);
        }
        client.remove(&removed, self.recursive).await?;
        let shown: Vec<_> = removed.iter().map(ToString::to_string).collect();
        let done = format!("removed {}; `anonicloud reclaim` gives the room back", shown.join(", "));
        context.ui.summary(&Changed::new(&removed), &done)
    }
}
