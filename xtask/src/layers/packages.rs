//! Which package may name which in its `Cargo.toml`.

use crate::sources::{Dependency, DependencyKind, Package};

/// What each shipped package may use of ours; one that is missing here has no place in the architecture yet.
/// The server's row is why it cannot hold a key: nothing it reaches can open content.
const MAY_USE: &[(&str, &[&str])] = &[
    ("anonicloud-proto", &[]),
    ("anonicloud-core", &["anonicloud-proto"]),
    ("anonicloud-client", &["anonicloud-core", "anonicloud-proto"]),
    ("anonicloud-server", &["anonicloud-proto"]),
    ("anonicloud-cli", &["anonicloud-client"]),
];

/// All dependencies that the table does not allow, each as a line for a person.
pub(super) fn crossings(packages: &[Package]) -> Vec<String> {
    packages.iter().filter(|package| ships(package)).flat_map(|package| of_package(package, packages)).collect()
}

/// The folder decides: what lies in `crates/` ships, the rest serves the project.
fn ships(package: &Package) -> bool {
    package.folder.starts_with("crates")
}

fn of_package(package: &Package, packages: &[Package]) -> Vec<String> {
    let Some((_, may_use)) = MAY_USE.iter().find(|(name, _)| *name == package.name) else {
        return vec![format!("{}: has no row in the table of layers", package.name)];
    };
    let ours = |dependency: &&Dependency| packages.iter().any(|package| package.name == dependency.name);
    let allowed = |dependency: &Dependency| {
        let test_code = packages.iter().any(|package| package.name == dependency.name && package.is_for_tests());
        may_use.contains(&dependency.name.as_str()) || (test_code && dependency.kind == DependencyKind::Development)
    };
    let crossing = package.dependencies.iter().filter(ours).filter(|dependency| !allowed(dependency));
    crossing.map(|dependency| format!("{} must not depend on {}", package.name, dependency.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, path::PathBuf};

    fn package(name: &str, folder: &str, dependencies: &[(&str, DependencyKind)]) -> Package {
        let dependencies =
            dependencies.iter().map(|(name, kind)| Dependency { name: (*name).to_owned(), kind: *kind }).collect();
        Package::for_test(name, PathBuf::from(folder), dependencies)
    }

    fn with_dependency(user: &str, used: &str, kind: DependencyKind) -> Vec<String> {
        let mut packages = vec![
            package("anonicloud-proto", "crates/proto", &[]),
            package("anonicloud-core", "crates/core", &[]),
            package("anonicloud-client", "crates/client", &[]),
            package("anonicloud-server", "crates/server", &[]),
            package("anonicloud-cli", "crates/cli", &[]),
            package("anonicloud-testkit", "testing/testkit", &[("anonicloud-core", DependencyKind::Shipped)]),
            package("xtask", "xtask", &[("anonicloud-core", DependencyKind::Shipped)]),
        ];
        let user = packages.iter_mut().find(|package| package.name == user).expect("the user is one of these");
        user.dependencies.push(Dependency { name: used.to_owned(), kind });
        crossings(&packages)
    }

    #[test]
    fn every_forbidden_edge_is_found() {
        for (user, used) in [
            ("anonicloud-server", "anonicloud-core"),
            ("anonicloud-server", "anonicloud-client"),
            ("anonicloud-cli", "anonicloud-core"),
            ("anonicloud-cli", "anonicloud-proto"),
            ("anonicloud-core", "anonicloud-client"),
            ("anonicloud-proto", "anonicloud-core"),
            ("anonicloud-client", "anonicloud-testkit"),
            ("anonicloud-client", "xtask"),
        ] {
            let expected = format!("{user} must not depend on {used}");
            assert_eq!(with_dependency(user, used, DependencyKind::Shipped), [expected]);
        }
    }

    #[test]
    fn not_even_the_tests_of_the_server_may_hold_a_key() {
        let found = with_dependency("anonicloud-server", "anonicloud-core", DependencyKind::Development);
        assert_eq!(found, ["anonicloud-server must not depend on anonicloud-core"]);
    }

    #[test]
    fn test_code_is_for_tests_and_other_crates_are_not_ours() {
        assert!(with_dependency("anonicloud-client", "anonicloud-testkit", DependencyKind::Development).is_empty());
        assert!(with_dependency("anonicloud-client", "serde", DependencyKind::Shipped).is_empty());
        assert!(with_dependency("anonicloud-client", "anonicloud-core", DependencyKind::Shipped).is_empty());
    }

    #[test]
    fn a_new_package_needs_a_row() {
        let packages = [package("anonicloud-new", "crates/new", &[])];
        assert_eq!(crossings(&packages), ["anonicloud-new: has no row in the table of layers"]);
    }

    #[test]
    fn the_server_reaches_no_client_code_by_any_path_of_the_table() {
        let mut reached = BTreeSet::new();
        let mut waiting = vec!["anonicloud-server"];
        while let Some(user) = waiting.pop() {
            let uses = MAY_USE.iter().filter(|(name, _)| *name == user).flat_map(|(_, uses)| uses.iter());
            waiting.extend(uses.filter(|used| reached.insert(**used)));
        }
        assert_eq!(reached, BTreeSet::from(["anonicloud-proto"]));
    }
}
