//! `cp`: copies inside the cloud.

use anonicloud_client::item::ItemKind;
use clap::Args;

use super::target::existing_kind;
use crate::context::Context;
use crate::error::CliError;
use crate::paths::{RemoteArgument, moves};
use crate::report::Changed;

/// Copy files and folders inside the cloud
///
/// Folders go with all that is in them. Nothing is sent again: a copy refers to the same encrypted pieces.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  anonicloud cp /a.txt /b.txt\n  anonicloud cp /Photos /Backup/")]
pub(crate) struct Arguments {
    /// Paths in the cloud
    #[arg(required = true, num_args = 1.., value_name = "SOURCE", value_parser = RemoteArgument::parser())]
    sources: Vec<RemoteArgument>,
    /// The new name, or the folder to go into
    #[arg(value_name = "TARGET", value_parser = RemoteArgument::parser())]
    target: RemoteArgument,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        let existing = existing_kind(&client, &self.target).await?;
        let into_existing = existing == Some(ItemKind::Directory);
        let mut paths = Vec::with_capacity(self.sources.len());
        for (from, to) in moves(&self.sources, &self.target, existing)? {
            // Into a folder that is there the client goes by itself.
            let place = if into_existing { &self.target.path } else { &to };
            client.copy(&from, place).await?;
            context.ui.note(&format!("copied {from} to {to}"))?;
            paths.push(to.to_string());
        }
        context.ui.object(&Changed { paths })
    }
}
