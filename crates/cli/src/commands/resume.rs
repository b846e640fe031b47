//! `resume`: goes on with transfers that were cut.

use std::path::{Path, PathBuf};

use anonicloud_client::transfer::{AdoptReport, ResumeReport};
use clap::Args;

use super::transferred;
use crate::context::Context;
use crate::error::{CliError, with_causes};
use crate::escape;
use crate::report::{Moved, Resumed, counted, readable_remote};

/// Go on with transfers that were cut
///
/// What the server has already is not sent again. Sources that are not there now wait for the next time. With --from,
/// goes on with an upload that another of your devices began, from a copy of the same file on this one.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  anonicloud resume\n  anonicloud resume --from ~/Videos/film.mkv")]
pub(crate) struct Arguments {
    /// A file of this device with the content of an upload that another device began
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        match &self.from {
            Some(file) => go_on_from(context, file).await,
            None => go_on(context).await,
        }
    }
}

async fn go_on(context: &Context) -> Result<(), CliError> {
    let client = context.client().await?;
    let ResumeReport { reports, failed, .. } = client.resume(&context.bar()).await?;
    let transfers = reports.len();
    let moved = reports.into_iter().map(Moved::from).fold(Moved::default(), Moved::and);
    let resumed = Resumed { transfers, path: None, path_base64: None, moved };
    let text = match (transfers, failed.len()) {
        (0, 0) => "nothing waits".to_owned(),
        _ => format!("finished {}: {}", counted(transfers as u64, "transfer"), resumed.moved.sentence("sent")),
    };
    context.ui.summary(&resumed, &text)?;
    let mut failed = failed.into_iter();
    let first = failed.next();
    for (job, error) in failed {
        context.ui.tell(&format!("{}: {}", job.id(), with_causes(&error)))?;
    }
    let left_out = transferred::refuse_skipped(context.ui, &resumed.moved);
    first.map_or(left_out, |(_, error)| Err(error.into()))
}

async fn go_on_from(context: &Context, file: &Path) -> Result<(), CliError> {
    let client = context.client().await?;
    let AdoptReport { path, report, .. } = client.resume_from(file, &context.bar()).await?;
    let moved = Moved::from(report);
    let text = format!("finished {}: {}", escape::name(&path.to_bytes()), moved.sentence("sent"));
    let (path, path_base64) = readable_remote(&path);
    let resumed = Resumed { transfers: 1, path: Some(path), path_base64, moved };
    context.ui.summary(&resumed, &text)?;
    transferred::refuse_skipped(context.ui, &resumed.moved)
}
