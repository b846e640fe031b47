//! `put`: sends files, folders and stdin.

use std::path::PathBuf;

use anonicloud_client::path::RemotePath;
use clap::Args;

use super::selection::Selection;
use super::target::existing_kind;
use super::{previewed, transferred};
use crate::context::Context;
use crate::error::CliError;
use crate::paths::{RemoteArgument, cut_put, is_dash, put_sources};
use crate::report::Moved;

/// Send files and folders
///
/// Folders go with all that is in them. A target that is a folder, or ends with a slash, takes the sources under their
/// own names; otherwise it is the new name. Times, permissions and links are kept. What was cut goes on with
/// `anonicloud resume`, or by typing the same again: only what is missing is sent.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud put notes.txt /notes.txt
  anonicloud put *.jpg /Photos/
  anonicloud put Documents /          makes /Documents
  anonicloud put Documents /Backup    makes /Backup, or /Backup/Documents if there is one
  anonicloud put --exclude target/ --exclude '*.o' src /
  anonicloud put --dry-run Documents /
  anonicloud put --limit-rate 2M Videos /
  pg_dump app | anonicloud put - /dumps/app.sql")]
pub(crate) struct Arguments {
    /// Files and folders of this device; `-` is stdin
    #[arg(required = true, num_args = 1.., value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// Path in the cloud
    #[arg(value_name = "TARGET", value_parser = RemoteArgument::parser())]
    target: RemoteArgument,
    #[command(flatten)]
    selection: Selection,
    /// Show what would be sent, and send nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
}

impl Arguments {
    /// Whether a source is stdin.
    pub(super) fn reads_stdin(&self) -> bool {
        self.sources.iter().any(|source| is_dash(source))
    }

    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let filter = self.selection.filter(context.usual_exclude())?;
        let client = context.client().await?;
        if !self.dry_run {
            client.refuse_halted().await?;
        }
        let sources = match cut_put(&self.sources, &self.target, &client.queue().await?) {
            Some(cut) => cut,
            None => put_sources(&self.sources, &self.target, existing_kind(&client, &self.target).await?)?,
        };
        if self.dry_run {
            let preview = client.preview_put(sources, &filter).await?;
            return previewed::show(context.ui, preview, &self.selection.typed(), RemotePath::to_bytes);
        }
        let report = {
            let bar = context.bar();
            client.put(sources, filter, &bar).await?
        };
        let moved = Moved::from(report);
        context.ui.summary(&moved, &moved.sentence("sent"))?;
        transferred::tell_unmatched(context.ui, &moved.patterns_unmatched, &self.selection.typed())?;
        transferred::refuse_skipped(context.ui, &moved)
    }
}
