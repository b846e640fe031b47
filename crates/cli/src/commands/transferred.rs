//! How a transfer ends that left files out.

use crate::error::CliError;
use crate::report::Moved;
use crate::ui::Ui;

/// Lists what was left out, and refuses when anything was.
pub(super) fn refuse_skipped(ui: Ui, moved: &Moved) -> Result<(), CliError> {
    if moved.skipped.is_empty() {
        return Ok(());
    }
    for skipped in &moved.skipped {
        ui.tell(&format!("skipped {}: {}", skipped.path, skipped.reason))?;
    }
    Err(CliError::Partial(moved.skipped.len() as u64))
}
