//! What a command would do (`--dry-run`).

use std::io::{self, Write};

use anonicloud_client::item::ItemKind;
use anonicloud_client::transfer::{Action, Sifted, Skipped};
use indicatif::HumanBytes;
use serde::Serialize;

use super::moved::SkippedFile;
use super::{counted, kind, readable};
use crate::escape;

/// `put`, `get` and `rm` with `--dry-run`.
#[derive(Debug, Serialize)]
pub(crate) struct Would {
    pub(crate) steps: Vec<WouldStep>,
    /// Files that the steps count for, and their content bytes.
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// Files and links that are the same on both sides already.
    pub(crate) unchanged: u64,
    /// Entries that patterns leave out, a folder with all below it as one; and patterns that matched nothing.
    pub(crate) left_out: u64,
    pub(crate) patterns_unmatched: Vec<String>,
    pub(crate) skipped: Vec<SkippedFile>,
}

/// What would be done at one path.
#[derive(Debug, Serialize)]
pub(crate) struct WouldStep {
    pub(crate) action: &'static str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    pub(crate) kind: &'static str,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// The exact name, for people.
    #[serde(skip)]
    name: Vec<u8>,
}

impl WouldStep {
    /// `action` at `name`, which counts for so much.
    pub(crate) fn new(action: Action, name: Vec<u8>, of: ItemKind, files: u64, bytes: u64) -> Self {
        let action = match action {
            Action::Create => "create",
            Action::Replace => "replace",
            Action::SetAttributes => "set_attributes",
            Action::Remove => "remove",
            _ => "other",
        };
        let (path, path_base64) = readable(&name);
        Self { action, path, path_base64, kind: kind(of), files, bytes, name }
    }
}

impl Would {
    /// All steps together.
    pub(crate) fn new(steps: Vec<WouldStep>, unchanged: u64, sifted: Sifted, skipped: Vec<Skipped>) -> Self {
        Self {
            files: steps.iter().map(|step| step.files).sum(),
            bytes: steps.iter().map(|step| step.bytes).sum(),
            steps,
            unchanged,
            left_out: sifted.left_out,
            patterns_unmatched: sifted.unmatched,
            skipped: skipped.into_iter().map(SkippedFile::from).collect(),
        }
    }

    /// A line for each step: what, how many bytes, where.
    pub(crate) fn write(&self, out: &mut dyn Write, escaped: bool) -> io::Result<()> {
        for step in &self.steps {
            write!(out, "{:<14} {:>10}  ", step.action, HumanBytes(step.bytes).to_string())?;
            if escaped {
                writeln!(out, "{}", escape::name(&step.name))?;
            } else {
                out.write_all(&step.name)?;
                out.write_all(b"\n")?;
            }
        }
        Ok(())
    }

    /// All of it in one sentence.
    pub(crate) fn sentence(&self) -> String {
        let (files, bytes) = (counted(self.files, "file"), HumanBytes(self.bytes));
        let steps = counted(self.steps.len() as u64, "change");
        let left_out = if self.left_out > 0 { format!(", {} left out", self.left_out) } else { String::new() };
        format!("nothing was done; it would be {steps}, {files}, {bytes} ({} unchanged{left_out})", self.unchanged)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An example.
    pub(in crate::report) fn would() -> Would {
        let steps = vec![
            WouldStep::new(Action::Create, b"/Photos".to_vec(), ItemKind::Directory, 0, 0),
            WouldStep::new(Action::Replace, b"/Photos/caf\xe9".to_vec(), ItemKind::File, 1, 5 << 10),
        ];
        Would::new(steps, 7, Sifted::default(), Vec::new())
    }

    #[test]
    fn each_step_is_a_line() {
        let mut lines = Vec::new();
        would().write(&mut lines, true).unwrap();
        let lines = String::from_utf8(lines).unwrap();
        assert_eq!(lines, "create                0 B  /Photos\nreplace          5.00 KiB  /Photos/caf\\xe9\n");
        let mut raw = Vec::new();
        would().write(&mut raw, false).unwrap();
        assert!(raw.ends_with(b"/Photos/caf\xe9\n"));
        assert_eq!(would().sentence(), "nothing was done; it would be 2 changes, 1 file, 5.00 KiB (7 unchanged)");
    }
}
