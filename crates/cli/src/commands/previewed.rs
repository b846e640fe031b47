//! What `--dry-run` shows.

use anonicloud_client::transfer::{Preview, PreviewStep};

use super::transferred::{refuse_listed, tell_unmatched};
use crate::error::CliError;
use crate::report::{Would, WouldStep};
use crate::ui::Ui;

/// Shows a preview; `name` is how a path of it is written.
///
/// `typed` are the patterns of which a person is told when they matched nothing.
pub(super) fn show<P>(
    ui: Ui,
    preview: Preview<P>,
    typed: &[String],
    name: impl Fn(&P) -> Vec<u8>,
) -> Result<(), CliError> {
    let Preview { steps, unchanged, sifted, skipped, .. } = preview;
    let steps = steps.into_iter().map(|step| {
        let PreviewStep { action, path, kind, files, bytes, .. } = step;
        WouldStep::new(action, name(&path), kind, files, bytes)
    });
    let would = Would::new(steps.collect(), unchanged, sifted, skipped);
    ui.answer(&would, |out| would.write(out, ui.stdout_is_terminal()))?;
    ui.note(&would.sentence())?;
    tell_unmatched(ui, &would.patterns_unmatched, typed)?;
    refuse_listed(ui, &would.skipped)
}
