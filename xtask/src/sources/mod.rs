//! The project's own packages and Rust files, read once for every check.
//!
//! Enters: `cargo metadata` and the files that `mod` declarations reach. Leaves: syntax trees.

mod modules;

pub(crate) use modules::{Module, Tests};

use crate::shell::{self, Shell, ShellError};
use serde_json::Value;
use std::{
    io,
    path::{Path, PathBuf},
};

/// The project's packages could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadSourcesError {
    /// `cargo metadata` failed.
    #[error(transparent)]
    Metadata(#[from] ShellError),
    /// Its output is not what this module expects.
    #[error("cannot read the output of cargo metadata")]
    Json(#[from] serde_json::Error),
    /// A file or folder cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// A file is not Rust.
    #[error("cannot parse {path}")]
    Parse {
        path: PathBuf,
        #[source]
        source: syn::Error,
    },
    /// `mod name;` leads nowhere.
    #[error("{path} declares the module `{module}`, which has no file")]
    NoModuleFile { path: PathBuf, module: String },
}

/// How a dependency is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DependencyKind {
    /// By tests alone.
    Development,
    /// By what ships: an ordinary or a build dependency.
    Shipped,
}

/// One dependency as a package's `Cargo.toml` names it.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: DependencyKind,
}

/// One package of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Relative to the root of the repository.
    pub(crate) folder: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    /// The root files of what ships: the library, the binaries and the build script.
    roots: Vec<PathBuf>,
    pub(crate) is_library: bool,
}

impl Package {
    /// Whether this package is there to test the others.
    pub(crate) fn is_for_tests(&self) -> bool {
        self.folder.starts_with("testing") || self.folder.starts_with("fuzz")
    }

    /// Every module of the library, the binaries and the build script.
    ///
    /// # Errors
    /// When a file cannot be read or parsed.
    pub(crate) fn modules(&self, tests: Tests) -> Result<Vec<Module>, LoadSourcesError> {
        let mut modules = Vec::new();
        for root in &self.roots {
            modules::load_tree(root, tests, &mut modules)?;
        }
        Ok(modules)
    }
}

#[cfg(test)]
impl Package {
    /// A package without files, for tests of rules about packages.
    pub(crate) fn for_test(name: &str, folder: PathBuf, dependencies: Vec<Dependency>) -> Self {
        Self { name: name.to_owned(), folder, dependencies, roots: Vec::new(), is_library: false }
    }
}

/// All packages of the workspace.
///
/// # Errors
/// When `cargo metadata` fails or changes its format.
pub(crate) fn packages(shell: &Shell) -> Result<Vec<Package>, LoadSourcesError> {
    let output = shell::capture(shell.cargo(["metadata", "--no-deps", "--locked", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_slice(&output)?;
    Ok(list(&metadata, "packages").map(|package| read_package(package, shell.root())).collect())
}

fn read_package(package: &Value, root: &Path) -> Package {
    let targets = || list(package, "targets").filter(|target| !has_kind(target, &["test", "bench", "example"]));
    let manifest = PathBuf::from(text(package, "manifest_path"));
    let folder = manifest.parent().unwrap_or(&manifest);
    Package {
        name: text(package, "name").to_owned(),
        folder: folder.strip_prefix(root).unwrap_or(folder).to_path_buf(),
        dependencies: list(package, "dependencies").map(read_dependency).collect(),
        roots: targets().map(|target| PathBuf::from(text(target, "src_path"))).collect(),
        is_library: targets().any(|target| has_kind(target, &["lib", "cdylib", "rlib"])),
    }
}

fn read_dependency(dependency: &Value) -> Dependency {
    let kind = if text(dependency, "kind") == "dev" { DependencyKind::Development } else { DependencyKind::Shipped };
    Dependency { name: text(dependency, "name").to_owned(), kind }
}

fn has_kind(target: &Value, kinds: &[&str]) -> bool {
    list(target, "kind").filter_map(Value::as_str).any(|kind| kinds.contains(&kind))
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Every Rust file below a package's folder, tests included, in a stable order.
///
/// # Errors
/// When a folder cannot be read.
pub(crate) fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, io::Error> {
    let mut files = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in fs_err::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_package_is_read_from_the_metadata_of_cargo() {
        let metadata = json!({
            "name": "anonicloud-thing",
            "manifest_path": "/repository/testing/thing/Cargo.toml",
            "dependencies": [{"name": "a", "kind": null}, {"name": "b", "kind": "dev"}, {"name": "c", "kind": "build"}],
            "targets": [
                {"kind": ["lib"], "src_path": "/repository/testing/thing/src/lib.rs"},
                {"kind": ["test"], "src_path": "/repository/testing/thing/tests/it.rs"},
            ],
        });
        let package = read_package(&metadata, Path::new("/repository"));
        assert_eq!(package.folder, Path::new("testing/thing"));
        assert_eq!(package.roots, [Path::new("/repository/testing/thing/src/lib.rs")]);
        assert!(package.is_library && package.is_for_tests());
        let kinds: Vec<_> = package.dependencies.iter().map(|dependency| dependency.kind).collect();
        assert_eq!(kinds, [DependencyKind::Shipped, DependencyKind::Development, DependencyKind::Shipped]);
    }
}
