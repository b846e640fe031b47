//! How a transfer ends that left files out or met changes of other devices.

use crate::error::CliError;
use crate::escape;
use crate::report::Moved;
use crate::ui::Ui;

/// Tells what was kept twice, lists what was left out, and refuses when anything was.
pub(super) fn refuse_skipped(ui: Ui, moved: &Moved) -> Result<(), CliError> {
    for both in &moved.conflicts {
        let (path, copy) = (escape::name(both.path.as_bytes()), escape::name(both.copy.as_bytes()));
        ui.tell(&format!("{path} was changed by another device; what was sent is {copy}"))?;
    }
    if moved.skipped.is_empty() {
        return Ok(());
    }
    for skipped in &moved.skipped {
        ui.tell(&format!("skipped {}: {}", skipped.path, skipped.reason))?;
    }
    Err(CliError::Partial(moved.skipped.len() as u64))
}
