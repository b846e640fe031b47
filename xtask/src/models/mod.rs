//! `cargo xtask models`: the models of the protocol in docs/spec/models, whole and with a guard taken away.
//!
//! Verifpal looks for attacks. What it finds has to be what the first lines of each model say, either way: an attack on a
//! query that held is a finding, and so is a query that holds although its guard is gone, as it shows nothing then.

mod case;
mod verdict;

use crate::{
    TaskError, check,
    shell::{self, Shell, ShellError},
    tools, ui,
};
use case::Case;
use std::{
    io,
    path::{Path, PathBuf},
};

const FOLDER: &str = "docs/spec/models";

/// Why the models were not judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ModelsError {
    /// Verifpal could not read a model, and says above what it is.
    #[error(transparent)]
    Shell(#[from] ShellError),
    /// A model cannot be read, or its broken variant not written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// The first lines of a model do not say what is expected of it.
    #[error("{FOLDER}/{model}.vp does not say what is expected of it")]
    Malformed {
        model: String,
        #[source]
        source: case::MalformedModel,
    },
    /// Verifpal said something else than what it found.
    #[error("{case}: Verifpal gave no verdict for each query, but `{output}`")]
    NoVerdict { case: String, output: String },
}

/// Judges every model and every broken variant; each is left in the target folder to be looked at.
///
/// # Errors
/// When Verifpal is missing or fails, or a verdict is not the one expected.
pub(crate) fn run(shell: &Shell) -> Result<(), TaskError> {
    tools::need_packages(shell, tools::COMPILE)?;
    let verifpal = tools::need_program(shell, tools::VERIFPAL)?;
    let files = models(shell)?;
    ui::step("form of the models");
    let mut form = shell.command(&verifpal, ["pretty", "--check"]);
    form.args(&files);
    shell::run(form)?;
    ui::step("models");
    let written = shell.target().join("models");
    fs_err::create_dir_all(&written).map_err(ModelsError::File)?;
    let mut findings = Vec::new();
    for case in cases(&files)? {
        findings.extend(judge(shell, &verifpal, &written, &case)?);
    }
    check::conclude("models", &findings)
}

/// The files of all models, in the order of their names.
fn models(shell: &Shell) -> Result<Vec<PathBuf>, ModelsError> {
    let entries = fs_err::read_dir(shell.root().join(FOLDER))?;
    let mut files = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "vp"));
    files.sort();
    Ok(files)
}

/// All that is judged.
fn cases(files: &[PathBuf]) -> Result<Vec<Case>, ModelsError> {
    let mut cases = Vec::new();
    for file in files {
        let model = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs_err::read_to_string(file)?;
        cases.extend(case::of_model(&model, &text).map_err(|source| ModelsError::Malformed { model, source })?);
    }
    Ok(cases)
}

/// Runs one, prints a line for each query, and gives those that came out otherwise than expected.
fn judge(shell: &Shell, verifpal: &Path, written: &Path, case: &Case) -> Result<Vec<String>, ModelsError> {
    let file = written.join(format!("{}.vp", case.name));
    fs_err::write(&file, &case.text)?;
    let mut command = shell.command(verifpal, ["verify", "--quiet", "--result-code", "--color", "never"]);
    command.args(["--sessions", &case.sessions.to_string()]).arg(&file);
    let output = String::from_utf8_lossy(&shell::capture(command)?).into_owned();
    let verdicts = verdict::of_output(&output).filter(|verdicts| verdicts.len() == case.queries.len());
    let Some(verdicts) = verdicts else {
        return Err(ModelsError::NoVerdict { case: case.name.clone(), output });
    };
    let mut findings = Vec::new();
    for ((query, found), expected) in case.queries.iter().zip(&verdicts).zip(&case.expected) {
        let line = format!("{}, sessions {}: {found}: {query}", case.name, case.sessions);
        ui::line(&line);
        if found != expected {
            findings.push(format!("{line}; expected: {expected}; the model is {}", file.display()));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Verifpal itself says of them is for the command: it takes minutes to build.
    #[test]
    fn every_model_says_what_is_expected_of_it_and_what_breaks_it() {
        let files = models(&Shell::new().expect("HOME is set")).expect("the folder is there");
        assert!(!files.is_empty());
        let cases = cases(&files).expect("every model is well-formed");
        assert!(cases.iter().any(|case| case.name == "wraps-broken-version-left-out"));
    }
}
