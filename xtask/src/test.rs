//! `cargo xtask test`: everything that runs.

use crate::{
    TaskError,
    shell::{self, Shell},
    sources, tools, ui,
};

/// Installs what is missing, builds the binaries that the end-to-end tests start, and runs all tests. nextest is last:
/// its summary is what CI is judged by.
///
/// # Errors
/// When something cannot be installed, does not build or fails.
pub(crate) fn run(shell: &Shell, arguments: &[String]) -> Result<(), TaskError> {
    tools::need_packages(shell, tools::COMPILE)?;
    tools::need_packages(shell, tools::TEST)?;
    tools::need_cargo_tool(shell, tools::NEXTEST)?;
    ui::step("build");
    // With the tests: they bring in features, and so nothing is compiled a second time for them.
    shell::run(shell.cargo(["build", "--workspace", "--locked", "--bins", "--tests"]))?;
    if arguments.is_empty() && has_doctests(shell)? {
        ui::step("examples in the documentation");
        shell::run(shell.cargo(["test", "--workspace", "--locked", "--doc", "--quiet"]))?;
    }
    ui::step("tests");
    let mut command = shell.cargo(["nextest", "run", "--workspace", "--locked"]);
    command.args(arguments);
    Ok(shell::run(command)?)
}

/// Linking every library for its examples takes a while; without examples it is for nothing.
fn has_doctests(shell: &Shell) -> Result<bool, sources::LoadSourcesError> {
    for package in sources::packages(shell)?.iter().filter(|package| package.is_library) {
        for file in sources::rust_files(&shell.root().join(&package.folder))? {
            if holds_example(&fs_err::read_to_string(file)?) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn holds_example(text: &str) -> bool {
    text.lines().map(str::trim).any(|line| {
        ["/// ```", "//! ```"].iter().any(|fence| line.strip_prefix(fence).is_some_and(|tag| tag != "text"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_told_from_drawings() {
        assert!(holds_example("    /// ```\n    /// let x = 1;"));
        assert!(holds_example("//! ```no_run"));
        assert!(!holds_example("/// plain `code`\n// ```\nlet text = \"```\";"));
    }
}
