//! `cp`: copies inside the cloud.

use clap::Args;

use super::target::relocations;
use crate::context::Context;
use crate::error::CliError;
use crate::paths::RemoteArgument;
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
        client.refuse_halted().await?;
        let mut changed = Vec::with_capacity(self.sources.len());
        for relocation in relocations(&client, &self.sources, &self.target).await? {
            client.copy(&relocation.from, &relocation.place).await?;
            context.ui.note(&format!("copied {} to {}", relocation.from, relocation.to))?;
            changed.push(relocation.to);
        }
        context.ui.object(&Changed::new(&changed))
    }
}
