//! `cargo xtask layers`: the arrows of ARCHITECTURE.md, read backwards.
//!
//! Between packages it is the `Cargo.toml` that must not name another; inside the server it is a module that must not
//! mention another layer's libraries. `deny.toml` holds the outermost of these rules a second time.

mod inside;
mod packages;

use crate::{TaskError, check, shell::Shell, sources, ui};

/// Prints every crossing of a layer and fails if there is one.
///
/// # Errors
/// When a layer is crossed, or the sources cannot be read.
pub(crate) fn run(shell: &Shell) -> Result<(), TaskError> {
    ui::step("layers");
    let packages = sources::packages(shell)?;
    let mut crossings = packages::crossings(&packages);
    for package in packages.iter().filter(|package| package.name == inside::SERVER) {
        for module in package.modules(sources::Tests::Removed)? {
            let file = module.file.strip_prefix(shell.root()).unwrap_or(&module.file);
            let found = inside::crossings(&module);
            crossings.extend(found.into_iter().map(|crossing| format!("{}: {crossing}", file.display())));
        }
    }
    check::conclude("layers", &crossings)
}
