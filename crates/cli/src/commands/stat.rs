//! `stat`: all that is known about one path.

use clap::Args;

use super::listing::write_card;
use super::offline::Offline;
use crate::context::Context;
use crate::error::CliError;
use crate::paths::RemoteArgument;
use crate::report::Listed;

/// Show all that is known about a file, folder or link
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  anonicloud stat /Photos/a.jpg")]
pub(crate) struct Arguments {
    /// Path in the cloud
    #[arg(value_name = "PATH", value_parser = RemoteArgument::parser())]
    path: RemoteArgument,
    #[command(flatten)]
    offline: Offline,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = self.offline.client(context).await?;
        let item = client.stat(&self.path.path).await?;
        let path = self.path.path.to_bytes();
        context.ui.answer(&Listed::new(&path, &item), |out| write_card(out, &path, &item))
    }
}
