//! `get`: fetches files and folders, or writes them to stdout.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use anonicloud_client::transfer::{GetItem, GetTarget};
use clap::Args;

use super::selection::Selection;
use super::{previewed, transferred};
use crate::context::Context;
use crate::error::CliError;
use crate::paths::{RemoteArgument, get_targets, is_dash, split_get};
use crate::report::Moved;

/// Fetch files and folders
///
/// A target that is a folder, or ends with a slash, takes the sources under their own names; otherwise it is the new
/// name. A file appears under its name only when every byte of it was verified. One that is there with the same size
/// and time is left alone; another one is replaced with --force only. What was cut goes on by typing the same again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud get /notes.txt              into this folder
  anonicloud get /Photos ~/Pictures
  anonicloud get /a.txt /b.txt /tmp/
  anonicloud get --include '*/' --include '*.jpg' --exclude '*' /Photos .
  anonicloud get /dumps/app.sql - | psql app")]
pub(crate) struct Arguments {
    /// Paths in the cloud, then the target on this device: `.` if only one path is given, `-` for stdout
    #[arg(required = true, num_args = 1.., value_name = "SOURCE... TARGET")]
    paths: Vec<OsString>,
    /// Replace files that differ
    #[arg(long, short)]
    force: bool,
    #[command(flatten)]
    selection: Selection,
    /// Show what would be fetched, and write nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
}

/// The one source of which `local` may become the copy.
fn made_by<'a>(sources: &'a [RemoteArgument], local: &Path) -> Option<&'a RemoteArgument> {
    let is_folder = local.as_os_str().as_bytes().ends_with(b"/");
    sources.first().filter(|_| sources.len() == 1 && !is_dash(local) && !is_folder)
}

impl Arguments {
    /// Whether the target is stdout.
    pub(super) fn writes_stdout(&self) -> bool {
        split_get(&self.paths).is_ok_and(|(_, local)| is_dash(&local))
    }

    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let (sources, local) = split_get(&self.paths).map_err(CliError::Arguments)?;
        let filter = self.selection.filter(&[])?;
        let client = context.client().await?;
        if self.dry_run && is_dash(&local) {
            return Err(CliError::Arguments("--dry-run shows what files would be written, and - is none".to_owned()));
        }
        if self.dry_run {
            let is_made = match made_by(&sources, &local) {
                Some(source) => client.was_begun(&source.path, &local).await?,
                None => false,
            };
            let items = self.items(&sources, &local, !is_made && local.is_dir())?;
            let preview = client.preview_get(&items, &filter).await?;
            return previewed::show(context.ui, preview, &self.selection.typed(), |path| {
                path.as_os_str().as_bytes().to_vec()
            });
        }
        // A folder that a cut run of this command made is the target itself, and takes nothing under its own name.
        let made = match made_by(&sources, &local) {
            Some(source) => client.begun_get(&source.path, &local).await?,
            None => None,
        };
        let items = self.items(&sources, &local, made.is_none() && local.is_dir())?;
        let to_stdout = items.iter().any(|item| item.target == GetTarget::Stdout);
        let report = client.get(items, &filter, &context.bar()).await;
        if let Some(made) = made {
            client.end_get(made, report.is_ok()).await?;
        }
        let report = report?;
        let moved = Moved::from(report);
        let text = moved.sentence("received");
        if to_stdout {
            context.ui.summary_beside_content(&moved, &text)?;
        } else {
            context.ui.summary(&moved, &text)?;
        }
        transferred::tell_unmatched(context.ui, &moved.patterns_unmatched, &self.selection.typed())
    }

    fn items(&self, sources: &[RemoteArgument], local: &Path, into: bool) -> Result<Vec<GetItem>, CliError> {
        let targets = get_targets(sources, local, into)?.into_iter();
        Ok(targets.map(|(remote, target)| GetItem { remote, target, overwrite: self.force }).collect())
    }
}
