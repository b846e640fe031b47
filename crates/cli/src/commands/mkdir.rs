//! `mkdir`: makes folders.

use clap::Args;

use crate::context::Context;
use crate::error::CliError;
use crate::paths::RemoteArgument;
use crate::report::Changed;

/// Make folders
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  anonicloud mkdir /Photos\n  anonicloud mkdir -p /Photos/2026/summer")]
pub(crate) struct Arguments {
    /// Paths in the cloud
    #[arg(required = true, value_name = "PATH", value_parser = RemoteArgument::parser())]
    paths: Vec<RemoteArgument>,
    /// Make the folders above too, and do not mind one that is there
    #[arg(long, short)]
    parents: bool,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        let mut paths = Vec::with_capacity(self.paths.len());
        for argument in &self.paths {
            client.make_directory(&argument.path, self.parents).await?;
            paths.push(argument.path.to_string());
        }
        let text = format!("made {}", paths.join(", "));
        context.ui.summary(&Changed { paths }, &text)
    }
}
