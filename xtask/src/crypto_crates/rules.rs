//! What the record has to say of which crate.

use super::words::is_cryptographic;
use serde::Deserialize;

/// What is known about one crate, in words for people but for the first three.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Crate {
    name: String,
    version: String,
    /// As Cargo.lock has it.
    checksum: String,
    /// What for.
    r#use: String,
    maintainers: String,
    /// Whether there is unsafe code, C or assembly in it.
    code: String,
    audit: String,
    tests: String,
    /// When we looked at what of it.
    looked_at: String,
}

/// A package of Cargo.lock.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct LockedPackage {
    pub(super) name: String,
    pub(super) version: String,
    /// Our own packages have none.
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// The name and version in a line of `cargo tree`.
pub(super) fn named(line: &str) -> Option<(String, String)> {
    let mut words = line.split_whitespace();
    Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
}

/// Where record and linked crates are not the same, and where the record says nothing.
pub(super) fn differences(record: &[Crate], linked: &[LockedPackage]) -> Vec<String> {
    let mut findings = Vec::new();
    for entry in record {
        let Crate { name, version, .. } = entry;
        findings.extend(against_lock(entry, linked));
        findings.extend(entry.empty().map(|field| format!("{name} {version} has nothing under `{field}`")));
        if record.iter().filter(|other| (&other.name, &other.version) == (name, version)).count() > 1 {
            findings.push(format!("{name} {version} is there more than once"));
        }
    }
    for package in linked.iter().filter(|package| package.is_cryptographic()) {
        let LockedPackage { name, version, .. } = package;
        if !record.iter().any(|entry| (&entry.name, &entry.version) == (name, version)) {
            findings.push(format!("{name} {version} is linked and not there"));
        }
    }
    findings
}

fn against_lock(entry: &Crate, linked: &[LockedPackage]) -> Option<String> {
    let Crate { name, version, checksum, .. } = entry;
    let same_name: Vec<_> = linked.iter().filter(|package| package.name == *name).collect();
    if let Some(package) = same_name.iter().find(|package| package.version == *version) {
        let differs = package.checksum.as_ref() != Some(checksum);
        return differs.then(|| format!("{name} {version} has another checksum in Cargo.lock"));
    }
    let versions: Vec<&str> = same_name.iter().map(|package| package.version.as_str()).collect();
    Some(match versions.as_slice() {
        [] => format!("{name} {version} is not linked any more"),
        [..] => format!("{name} {version} is not linked any more, but {}", versions.join(" and ")),
    })
}

/// Which cryptographic dependencies a manifest leaves to a later `cargo update`. `locked` is all of Cargo.lock.
pub(super) fn unpinned(file: &str, manifest: &toml::Value, record: &[Crate], locked: &[LockedPackage]) -> Vec<String> {
    let mut findings = Vec::new();
    for (key, value) in dependencies(manifest) {
        let field = |field| value.get(field).and_then(toml::Value::as_str);
        let name = field("package").unwrap_or(key);
        let Some(version) = value.as_str().or_else(|| field("version")) else { continue };
        let concerns = is_cryptographic(name, []) || record.iter().any(|entry| entry.name == name);
        if concerns && !is_one_version(version) {
            let of_name = locked.iter().filter(|package| package.name == name);
            let versions: Vec<_> = of_name.map(|package| format!("`={}`", package.version)).collect();
            findings.push(format!("`{key}` in {file} has to name one version: {}", versions.join(" or ")));
        }
    }
    findings
}

/// All dependencies of a manifest: its own, those of some targets or of builds, and those of the workspace.
fn dependencies(manifest: &toml::Value) -> Vec<(&str, &toml::Value)> {
    let mut found = Vec::new();
    for (key, value) in manifest.as_table().into_iter().flatten() {
        if matches!(key.as_str(), "dependencies" | "dev-dependencies" | "build-dependencies") {
            found.extend(value.as_table().into_iter().flatten().map(|(name, value)| (name.as_str(), value)));
        } else {
            found.extend(dependencies(value));
        }
    }
    found
}

/// Fewer than three numbers leave the others open.
fn is_one_version(requirement: &str) -> bool {
    let Some(version) = requirement.strip_prefix('=') else { return false };
    let mut numbers = version.split(['-', '+']).next().unwrap_or_default().split('.');
    numbers.clone().count() == 3 && numbers.all(|number| number.parse::<u64>().is_ok())
}

impl Crate {
    fn empty(&self) -> impl Iterator<Item = &'static str> {
        let Self { name: _, version: _, checksum: _, r#use, maintainers, code, audit, tests, looked_at } = self;
        let fields = [
            ("use", r#use),
            ("maintainers", maintainers),
            ("code", code),
            ("audit", audit),
            ("tests", tests),
            ("looked_at", looked_at),
        ];
        fields.into_iter().filter(|(_, text)| text.trim().is_empty()).map(|(field, _)| field)
    }
}

impl LockedPackage {
    fn is_cryptographic(&self) -> bool {
        let ours = self.checksum.is_none();
        // A dependency of which there are several versions has its own behind the name.
        let depends_on = self.dependencies.iter().filter_map(|dependency| dependency.split(' ').next());
        !ours && is_cryptographic(&self.name, depends_on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, version: &str) -> Crate {
        let text = || String::from("some text");
        Crate {
            name: name.to_owned(),
            version: version.to_owned(),
            checksum: String::from("c0ffee"),
            r#use: text(),
            maintainers: text(),
            code: text(),
            audit: text(),
            tests: text(),
            looked_at: text(),
        }
    }

    fn package(name: &str, version: &str, dependencies: &[&str]) -> LockedPackage {
        LockedPackage {
            name: name.to_owned(),
            version: version.to_owned(),
            checksum: Some(String::from("c0ffee")),
            dependencies: dependencies.iter().map(|&dependency| dependency.to_owned()).collect(),
        }
    }

    fn manifest(text: &str) -> toml::Value {
        toml::from_str(text).expect("it is TOML")
    }

    #[test]
    fn what_is_recorded_and_linked_passes() {
        let record = [entry("sha2", "0.10.9"), entry("sha2", "0.11.1")];
        let linked = [package("sha2", "0.10.9", &[]), package("sha2", "0.11.1", &[]), package("tokio", "1.0.0", &[])];
        assert!(differences(&record, &linked).is_empty());
    }

    #[test]
    fn another_version_is_refused() {
        let found = differences(&[entry("num-bigint", "0.4.8")], &[package("num-bigint", "0.4.9", &[])]);
        assert_eq!(found, ["num-bigint 0.4.8 is not linked any more, but 0.4.9"]);
    }

    #[test]
    fn another_checksum_is_refused() {
        let changed = LockedPackage { checksum: Some(String::from("decaf")), ..package("aes", "0.9.4", &[]) };
        let found = differences(&[entry("aes", "0.9.4")], &[changed]);
        assert_eq!(found, ["aes 0.9.4 has another checksum in Cargo.lock"]);
    }

    #[test]
    fn a_crate_that_is_gone_is_refused() {
        assert_eq!(differences(&[entry("aes", "0.9.4")], &[]), ["aes 0.9.4 is not linked any more"]);
    }

    #[test]
    fn an_entry_that_says_nothing_or_is_there_twice_is_refused() {
        let silent = Crate { audit: String::from(" "), ..entry("aes", "0.9.4") };
        let linked = [package("aes", "0.9.4", &[])];
        assert_eq!(differences(&[silent], &linked), ["aes 0.9.4 has nothing under `audit`"]);
        let twice = differences(&[entry("aes", "0.9.4"), entry("aes", "0.9.4")], &linked);
        assert_eq!(twice, ["aes 0.9.4 is there more than once"; 2]);
    }

    #[test]
    fn a_cryptographic_crate_without_an_entry_is_refused() {
        for linked in [
            package("ed25519-dalek", "3.0.0", &[]),
            package("constant_time_eq", "0.4.2", &[]),
            package("some-name", "1.0.0", &["libc", "rand_core 0.6.4"]),
        ] {
            let found = differences(&[], std::slice::from_ref(&linked));
            assert_eq!(found, [format!("{} {} is linked and not there", linked.name, linked.version)]);
        }
    }

    #[test]
    fn our_own_crates_and_others_need_no_entry() {
        let ours = LockedPackage { checksum: None, ..package("some-crypto", "0.1.0", &["zeroize"]) };
        assert!(differences(&[], &[ours, package("serde", "1.0.0", &["serde_core"])]).is_empty());
    }

    #[test]
    fn a_cryptographic_dependency_that_is_not_pinned_is_refused() {
        let text = "[workspace.dependencies]
            rustls = '0.23'
            sha2 = '=0.11'
            old = { package = 'sha2', version = '^0.10' }
            num-bigint = '0.4.8'
            [target.'cfg(unix)'.dev-dependencies]
            aes = { version = '=0.9' }";
        let locked = [
            package("aes", "0.9.4", &[]),
            package("num-bigint", "0.4.9", &[]),
            package("rustls", "0.23.46", &[]),
            package("sha2", "0.10.9", &[]),
            package("sha2", "0.11.1", &[]),
        ];
        let found = unpinned("some/Cargo.toml", &manifest(text), &[entry("num-bigint", "0.4.9")], &locked);
        assert_eq!(
            found,
            [
                "`aes` in some/Cargo.toml has to name one version: `=0.9.4`",
                "`num-bigint` in some/Cargo.toml has to name one version: `=0.4.9`",
                "`old` in some/Cargo.toml has to name one version: `=0.10.9` or `=0.11.1`",
                "`rustls` in some/Cargo.toml has to name one version: `=0.23.46`",
                "`sha2` in some/Cargo.toml has to name one version: `=0.10.9` or `=0.11.1`",
            ]
        );
    }

    #[test]
    fn one_version_is_three_numbers() {
        for one in ["=0.23.46", "=1.0.0-rc.1", "=1.2.3+build.5"] {
            assert!(is_one_version(one), "{one}");
        }
        for several in ["0.23.46", "=0.23", "=1", "=1.2.*", "^1.2.3", "=1.2.3, <2", ""] {
            assert!(!is_one_version(several), "{several}");
        }
    }

    #[test]
    fn pinned_and_other_dependencies_pass() {
        let text = "[dependencies]
            rustls = '=0.23.46'
            aes.workspace = true
            serde = '1'
            own-crypto = { path = 'crates/own-crypto' }";
        assert!(unpinned("Cargo.toml", &manifest(text), &[], &[]).is_empty());
    }
}
