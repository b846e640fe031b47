//! `du`: how much is below a path.

use clap::{ArgAction, Args};
use indicatif::HumanBytes;

use super::offline::Offline;
use crate::context::Context;
use crate::error::CliError;
use crate::paths::RemoteArgument;
use crate::report::{Usage, UsageOf};

/// Show how many bytes and files are below paths
///
/// Content bytes, as the files have them; see `anonicloud quota` for what the server counts.
#[derive(Debug, Args)]
#[command(disable_help_flag = true, after_help = "Examples:\n  anonicloud du\n  anonicloud du -h /Photos /Documents")]
pub(crate) struct Arguments {
    /// Paths in the cloud
    #[arg(value_name = "PATH", default_value = "/", value_parser = RemoteArgument::parser())]
    paths: Vec<RemoteArgument>,
    /// Show KiB, MiB and so on
    #[arg(long, short = 'h')]
    human_readable: bool,
    #[command(flatten)]
    offline: Offline,
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = self.offline.client(context).await?;
        let mut totals = Vec::with_capacity(self.paths.len());
        for argument in &self.paths {
            let found = client.totals(&argument.path).await?;
            totals.push((argument.path.to_string(), UsageOf::new(&argument.path, found.files, found.bytes)));
        }
        let (shown, totals): (Vec<_>, Vec<_>) = totals.into_iter().unzip();
        let usage = Usage { totals };
        context.ui.answer(&usage, |out| {
            shown.iter().zip(&usage.totals).try_for_each(|(path, of)| {
                if self.human_readable {
                    writeln!(out, "{:>10}  {:>9} files  {path}", HumanBytes(of.bytes).to_string(), of.files)
                } else {
                    writeln!(out, "{:>14}  {:>9} files  {path}", of.bytes, of.files)
                }
            })
        })
    }
}
