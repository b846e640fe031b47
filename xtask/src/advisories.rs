//! `cargo xtask advisories`: whether a weakness is known in what we depend on, by a copy of the database of advisories.
//!
//! Enters: a folder with a clone of it. Leaves: what cargo-deny says, without a network.

use crate::{
    TaskError,
    shell::{self, Shell},
    tools, ui,
};
use std::{os::unix::fs::symlink, path::Path};

/// Where cargo-deny looks for the database, in the folder that [`VARIABLE`] names.
const DATABASE: &str = "advisory-db-3157b0e258782691";
/// By which deny.toml learns that folder.
const VARIABLE: &str = "ANONICLOUD_ADVISORIES";

/// Says of which day the copy is, and fails when an advisory applies that deny.toml does not explain.
///
/// # Errors
/// When one applies, or the folder is not a clone of the database, or one that nobody brought up to date for 90 days.
pub(crate) fn run(shell: &Shell, database: &Path) -> Result<(), TaskError> {
    tools::need_cargo_tool(shell, tools::DENY)?;
    ui::step("advisories");
    let database = fs_err::canonicalize(database).map_err(TaskError::Advisories)?;
    let mut log = shell.command("git", ["log", "-1", "--format=commit %H of %cs"]);
    log.current_dir(&database);
    ui::line(String::from_utf8_lossy(&shell::capture(log)?).trim());
    let folder = tempfile::tempdir().map_err(TaskError::Advisories)?;
    symlink(database, folder.path().join(DATABASE)).map_err(TaskError::Advisories)?;
    let mut command = shell.cargo(["deny", "--locked", "--offline", "check", "--deny", "warnings", "advisories"]);
    command.env(VARIABLE, folder.path());
    Ok(shell::run(command)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// A database with one advisory: on every version of a crate that we link before the one given.
    fn database(shell: &Shell, patched: &str) -> TempDir {
        let database = tempfile::tempdir().expect("a folder can be made");
        let advisory = format!(
            "```toml\n[advisory]\nid = \"RUSTSEC-2999-0001\"\npackage = \"zeroize\"\ndate = \"2999-01-01\"\n\n\
             [versions]\npatched = [\">= {patched}\"]\n```\n\n# Something is wrong\n\nIt is.\n"
        );
        let folder = database.path().join("crates/zeroize");
        fs_err::create_dir_all(&folder).expect("a folder can be made");
        fs_err::write(folder.join("RUSTSEC-2999-0001.md"), advisory).expect("a file can be written");
        let identity = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"];
        for arguments in [&["init", "-q"][..], &["add", "."], &["commit", "-qm", "One advisory"]] {
            let mut git = shell.command("git", identity);
            git.args(arguments).current_dir(&database);
            shell::run(git).expect("git makes a repository");
        }
        database
    }

    #[test]
    fn an_advisory_that_applies_is_refused_and_one_that_does_not_passes() {
        let shell = Shell::new().expect("HOME is set");
        let applies = run(&shell, database(&shell, "999.0.0").path());
        assert!(matches!(applies, Err(TaskError::Shell(shell::ShellError::Failed { .. }))), "{applies:?}");
        run(&shell, database(&shell, "0.1.0").path()).expect("all versions that we link are later");
    }

    #[test]
    fn what_is_no_database_is_refused() {
        let shell = Shell::new().expect("HOME is set");
        let folder = tempfile::tempdir().expect("a folder can be made");
        assert!(run(&shell, folder.path()).is_err());
        assert!(run(&shell, Path::new("no/such/folder")).is_err());
    }
}
