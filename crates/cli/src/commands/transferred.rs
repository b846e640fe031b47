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
    refuse_listed(ui, &moved.skipped)
}

/// Names each pattern among `typed` that matched nothing: it may be spelled wrong. Those of files are for many folders.
pub(super) fn tell_unmatched(ui: Ui, unmatched: &[String], typed: &[String]) -> Result<(), CliError> {
    for pattern in unmatched.iter().filter(|pattern| typed.contains(pattern)) {
        ui.tell(&format!("warning: nothing matches the pattern {pattern}"))?;
    }
    Ok(())
}

/// Lists what is left out, and refuses when anything is.
pub(super) fn refuse_listed(ui: Ui, skipped: &[SkippedFile]) -> Result<(), CliError> {
    for skipped in skipped {
        ui.tell(&format!("skipped {}: {}", skipped.path, skipped.reason))?;
    }
    if skipped.is_empty() { Ok(()) } else { Err(CliError::Partial(skipped.len() as u64)) }
}
