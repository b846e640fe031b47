//! `cargo xtask house`: the habits of the project that no lint knows.

use crate::{TaskError, check, shell::Shell, sources, ui};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};
use syn::{Attribute, Macro, visit::Visit};

/// Longer files are split by stage.
const MOST_CODE_LINES: usize = 300;

/// Prints every broken habit and fails if there is one.
///
/// # Errors
/// When there is one, or the sources cannot be read.
pub(crate) fn run(shell: &Shell) -> Result<(), TaskError> {
    ui::step("house");
    let mut findings = Vec::new();
    for package in sources::packages(shell)? {
        let folder = shell.root().join(&package.folder);
        let files = sources::rust_files(&folder).map_err(sources::LoadSourcesError::from)?;
        for file in &files {
            let text = fs_err::read_to_string(file).map_err(sources::LoadSourcesError::from)?;
            findings.extend(of_file(&text).into_iter().map(|finding| format!("{}: {finding}", shown(shell, file))));
        }
        findings.extend(orphans(shell, &package, &files)?);
    }
    check::conclude("house", &findings)
}

/// Files under `src` that no `mod` declaration reaches.
fn orphans(shell: &Shell, package: &sources::Package, files: &[PathBuf]) -> Result<Vec<String>, TaskError> {
    let modules = package.modules(sources::Tests::Kept)?;
    let reached: BTreeSet<PathBuf> = modules.into_iter().map(|module| module.file).collect();
    let source = shell.root().join(&package.folder).join("src");
    let orphans = files.iter().filter(|file| file.starts_with(&source) && !reached.contains(*file));
    Ok(orphans.map(|file| format!("{}: no `mod` declares this file", shown(shell, file))).collect())
}

fn shown<'a>(shell: &Shell, file: &'a Path) -> std::path::Display<'a> {
    file.strip_prefix(shell.root()).unwrap_or(file).display()
}

fn of_file(text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let lines = code_lines(text);
    if lines > MOST_CODE_LINES {
        findings.push(format!("{lines} lines of code, {MOST_CODE_LINES} is the limit"));
    }
    match syn::parse_file(text) {
        Ok(syntax) => {
            let mut habits = Habits { findings };
            habits.visit_file(&syntax);
            habits.findings
        }
        Err(error) => {
            findings.push(format!("not Rust: {error}"));
            findings
        }
    }
}

/// Lines that are neither empty nor comments, up to the tests at the end of the file.
fn code_lines(text: &str) -> usize {
    text.lines()
        .take_while(|line| *line != "#[cfg(test)]")
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count()
}

struct Habits {
    findings: Vec<String>,
}

impl<'ast> Visit<'ast> for Habits {
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let path = attribute.path();
        let conditional_allow = path.is_ident("cfg_attr")
            && attribute
                .meta
                .require_list()
                .is_ok_and(|list| list.tokens.clone().into_iter().any(|token| token.to_string() == "allow"));
        if path.is_ident("allow") || conditional_allow {
            self.findings.push("`allow(..)`: use `expect(.., reason = \"..\")`".to_owned());
        }
        if path.is_ident("ignore") {
            self.findings.push("an ignored test is no test".to_owned());
        }
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        if invocation.path.is_ident("todo") || invocation.path.is_ident("unimplemented") {
            self.findings.push("unfinished code".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_broken_habit_is_found() {
        // Put together here, so that a plain search of the sources finds nothing.
        for (source, habit) in [
            ("#[HABIT(dead_code)] fn f() {}", "allow"),
            ("#![HABIT(dead_code)]", "allow"),
            ("#[cfg_attr(unix, HABIT(dead_code))] fn f() {}", "allow"),
            ("mod tests { #[test] #[HABIT = \"slow\"] fn f() {} }", "ignore"),
            ("fn f() { HABIT!() }", "todo"),
            ("fn f() { HABIT!(\"later\") }", "unimplemented"),
            ("fn HABIT", "{"),
        ] {
            let source = source.replace("HABIT", habit);
            assert_eq!(of_file(&source).len(), 1, "{source}");
        }
    }

    #[test]
    fn what_is_not_a_broken_habit_is_left_alone() {
        let source = "//! allow(dead_code) HABIT!()\n#[expect(dead_code, reason = \"why\")] fn allow(ignore: u8) {}";
        assert!(of_file(&source.replace("HABIT", "todo")).is_empty());
    }

    #[test]
    fn only_code_is_counted() {
        let body = "const A: u8 = 1;\n".repeat(MOST_CODE_LINES);
        let tail = format!("// comment\n\n#[cfg(test)]\nmod tests {{\n{body}}}\n");
        assert!(of_file(&format!("{body}{tail}")).is_empty());
        assert_eq!(of_file(&format!("{body}const A: u8 = 1;\n{tail}")).len(), 1);
    }
}
