//! How a transfer ends that left files out or met changes of other devices.

use crate::error::CliError;
use crate::escape;
use crate::report::{Moved, SkippedFile};
use crate::ui::Ui;

/// Tells what was kept twice, lists what was left out, and refuses when anything was.
pub(super) fn refuse_skipped(ui: Ui, moved: &Moved) -> Result<(), CliError> {
    for both in &moved.conflicts {
        let (path, copy) = (escape::name(both.path.as_bytes()), escape::name(both.copy.as_bytes()));
        ui.tell(&format!("{path} was changed by another device; what was sent is {copy}"))?;
    }
    list_skipped(ui, &moved.skipped)?;
    if moved.skipped.is_empty() { Ok(()) } else { Err(CliError::Partial(moved.skipped.len() as u64)) }
}

/// Lists what is left out.
pub(super) fn list_skipped(ui: Ui, skipped: &[SkippedFile]) -> Result<(), CliError> {
    skipped.iter().try_for_each(|skipped| ui.tell(&format!("skipped {}: {}", skipped.path, skipped.reason)))
}
