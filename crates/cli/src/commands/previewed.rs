//! What `--dry-run` shows.

use anonicloud_client::transfer::{Preview, PreviewStep};

use super::transferred::refuse_listed;
use crate::error::CliError;
use crate::report::{Would, WouldStep};
use crate::ui::Ui;

/// Shows a preview; `name` is how a path of it is written.
pub(super) fn show<P>(ui: Ui, preview: Preview<P>, name: impl Fn(&P) -> Vec<u8>) -> Result<(), CliError> {
    let Preview { steps, unchanged, skipped, .. } = preview;
    let steps = steps.into_iter().map(|step| {
        let PreviewStep { action, path, kind, files, bytes, .. } = step;
        WouldStep::new(action, name(&path), kind, files, bytes)
    });
    let would = Would::new(steps.collect(), unchanged, skipped);
    ui.answer(&would, |out| would.write(out, ui.stdout_is_terminal()))?;
    ui.note(&would.sentence())?;
    refuse_listed(ui, &would.skipped)
}
