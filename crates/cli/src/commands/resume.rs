//! `resume`: goes on with transfers that were cut.

use std::path::PathBuf;

use clap::Args;

use super::transferred;
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Bar;
use crate::report::{Moved, Resumed, counted};

/// Go on with transfers that were cut
///
/// What the server has already is not sent again. With --from, goes on with an upload that another of your devices
/// began, from a copy of the same file on this one.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  anonicloud resume\n  anonicloud resume --from ~/Videos/film.mkv")]
pub(crate) struct Arguments {
    /// A file of this device with the content of an upload that another device began
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        let reports = {
            let bar = Bar::new(context.ui);
            match &self.from {
                Some(file) => vec![client.resume_from(file, &bar).await?],
                None => client.resume(&bar).await?,
            }
        };
        let transfers = reports.len();
        let moved = reports.into_iter().map(Moved::from).fold(Moved::default(), Moved::and);
        let resumed = Resumed { transfers, moved };
        let text = match transfers {
            0 => "nothing waits".to_owned(),
            _ => format!("finished {}: {}", counted(transfers as u64, "transfer"), resumed.moved.sentence("sent")),
        };
        context.ui.summary(&resumed, &text)?;
        transferred::refuse_skipped(context.ui, &resumed.moved)
    }
}
