//! `get`: fetches files and folders, or writes them to stdout.

use std::ffi::OsString;

use anonicloud_client::transfer::{GetItem, GetTarget};
use clap::Args;

use crate::context::Context;
use crate::error::CliError;
use crate::paths::{get_targets, split_get};
use crate::progress::Bar;
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
  anonicloud get /dumps/app.sql - | psql app")]
pub(crate) struct Arguments {
    /// Paths in the cloud, then the target on this device: `.` if only one path is given, `-` for stdout
    #[arg(required = true, num_args = 1.., value_name = "SOURCE... TARGET")]
    paths: Vec<OsString>,
    /// Replace files that differ
    #[arg(long, short)]
    force: bool,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let (sources, local) = split_get(&self.paths).map_err(CliError::Arguments)?;
        let items: Vec<_> = get_targets(&sources, &local, local.is_dir())?
            .into_iter()
            .map(|(remote, target)| GetItem { remote, target, overwrite: self.force })
            .collect();
        let to_stdout = items.iter().any(|item| item.target == GetTarget::Stdout);
        let client = context.client().await?;
        let report = {
            let bar = Bar::new(context.ui);
            client.get(items, &bar).await?
        };
        let moved = Moved::from(report);
        let text = moved.sentence("received");
        if to_stdout { context.ui.summary_beside_content(&moved, &text) } else { context.ui.summary(&moved, &text) }
    }
}
