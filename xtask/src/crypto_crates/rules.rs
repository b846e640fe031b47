//! What the record has to say of which crate.

use serde::Deserialize;
use std::collections::BTreeMap;

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

/// A crate is cryptographic when one of these words is in its name, where the number behind a word does not count,
const WORDS: &[&str] = &[
    "aead",
    "aes",
    "argon",
    "ascon",
    "aws",
    "bcrypt",
    "bip",
    "blake",
    "blowfish",
    "bls",
    "boring",
    "camellia",
    "cbc",
    "ccm",
    "chacha",
    "cipher",
    "cmac",
    "cmov",
    "constant",
    "crypto",
    "cryptography",
    "ctr",
    "ctutils",
    "curve",
    "dalek",
    "des",
    "dh",
    "digest",
    "dsa",
    "ecdh",
    "ecdsa",
    "ed",
    "elliptic",
    "ff",
    "fiat",
    "frost",
    "gcm",
    "getrandom",
    "ghash",
    "gnutls",
    "group",
    "hashes",
    "hkdf",
    "hmac",
    "hpke",
    "kdf",
    "keccak",
    "kem",
    "kyber",
    "lattice",
    "libcrux",
    "mbedtls",
    "md",
    "mls",
    "mlkem",
    "noise",
    "opaque",
    "openssl",
    "oprf",
    "orion",
    "pake",
    "pbkdf",
    "pkcs",
    "poly",
    "polyval",
    "rand",
    "ring",
    "ripemd",
    "rsa",
    "rustls",
    "salsa",
    "scrypt",
    "sec",
    "secp",
    "secret",
    "sha",
    "shake",
    "signature",
    "siv",
    "sodium",
    "sodiumoxide",
    "sponge",
    "srp",
    "subtle",
    "tls",
    "voprf",
    "webpki",
    "wing",
    "x",
    "xchacha",
    "zeroize",
];

/// or when it depends on one of these, of which others are made.
const MADE_OF: &[&str] = &[
    "aead",
    "aws-lc-sys",
    "cipher",
    "crypto-common",
    "digest",
    "elliptic-curve",
    "kem",
    "rand_core",
    "signature",
    "subtle",
    "zeroize",
];

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

/// Which cryptographic dependencies the root Cargo.toml leaves to a later `cargo update`.
pub(super) fn unpinned(record: &[Crate], dependencies: &BTreeMap<String, toml::Value>) -> Vec<String> {
    let mut findings = Vec::new();
    for (key, value) in dependencies {
        let field = |field| value.get(field).and_then(toml::Value::as_str);
        let name = field("package").unwrap_or(key);
        let Some(version) = value.as_str().or_else(|| field("version")) else { continue };
        let concerns = is_cryptographic_name(name) || record.iter().any(|entry| entry.name == name);
        if concerns && !version.starts_with('=') {
            findings.push(format!("`{key}` in Cargo.toml has to name one version: `={version}`"));
        }
    }
    findings
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
        let mut depends_on = self.dependencies.iter().filter_map(|dependency| dependency.split(' ').next());
        !ours && (is_cryptographic_name(&self.name) || depends_on.any(|name| MADE_OF.contains(&name)))
    }
}

fn is_cryptographic_name(name: &str) -> bool {
    name.split(['-', '_']).any(|word| WORDS.contains(&word.trim_end_matches(|end: char| end.is_ascii_digit())))
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

    fn dependencies(text: &str) -> BTreeMap<String, toml::Value> {
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
    fn our_own_crates_and_those_that_only_sound_alike_need_no_entry() {
        let ours = LockedPackage { checksum: None, ..package("some-crypto", "0.1.0", &["zeroize"]) };
        let alike =
            ["sharded-slab", "hashbrown", "desktop", "string", "fastrand"].map(|name| package(name, "1.0.0", &[]));
        assert!(differences(&[], &[ours]).is_empty());
        assert!(differences(&[], &alike).is_empty());
    }

    #[test]
    fn a_cryptographic_dependency_that_is_not_pinned_is_refused() {
        let found = unpinned(
            &[entry("num-bigint", "0.4.8")],
            &dependencies("rustls = '0.23'\nold = { package = 'sha2', version = '^0.10' }\nnum-bigint = '0.4.8'"),
        );
        assert_eq!(
            found,
            [
                "`num-bigint` in Cargo.toml has to name one version: `=0.4.8`",
                "`old` in Cargo.toml has to name one version: `=^0.10`",
                "`rustls` in Cargo.toml has to name one version: `=0.23`",
            ]
        );
    }

    #[test]
    fn pinned_and_other_dependencies_pass() {
        let text = "rustls = '=0.23.46'\nserde = '1'\nown-crypto = { path = 'crates/own-crypto' }";
        assert!(unpinned(&[], &dependencies(text)).is_empty());
    }
}
