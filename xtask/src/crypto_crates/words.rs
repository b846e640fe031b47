//! Which crates are cryptographic, by their names and by what they are made of.

/// A crate is cryptographic when a part of its name is one of these words, where a number behind it does not count, or begins
/// with one of at least `STEM` letters, also behind "lib",
const WORDS: &[&str] = &[
    "aead",
    "aes",
    "argon",
    "ascon",
    "aws",
    "base16ct",
    "base64ct",
    "bcrypt",
    "bip",
    "blake",
    "blowfish",
    "bls",
    "boring",
    "botan",
    "camellia",
    "cbc",
    "ccm",
    "chacha",
    "cipher",
    "cmac",
    "cmov",
    "constant",
    "crypt",
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
    "falcon",
    "ff",
    "fiat",
    "frost",
    "gcm",
    "getrandom",
    "ghash",
    "gnutls",
    "graviola",
    "group",
    "hashes",
    "hkdf",
    "hmac",
    "hotp",
    "hpke",
    "inout",
    "jose",
    "jsonwebtoken",
    "jwt",
    "kdf",
    "keccak",
    "kem",
    "kyber",
    "lattice",
    "libcrux",
    "mbedtls",
    "md",
    "minisign",
    "mlkem",
    "mls",
    "nacl",
    "noise",
    "opaque",
    "openssl",
    "oprf",
    "oqs",
    "orion",
    "padding",
    "pake",
    "paseto",
    "password",
    "pbkdf",
    "pgp",
    "pkcs",
    "poly",
    "polyval",
    "pqcrypto",
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
    "shamir",
    "signature",
    "siphash",
    "siv",
    "snow",
    "sodium",
    "spki",
    "sponge",
    "srp",
    "ssh",
    "subtle",
    "tls",
    "totp",
    "tweetnacl",
    "untrusted",
    "voprf",
    "webpki",
    "wing",
    "wolfssl",
    "x",
    "xchacha",
    "zeroize",
];

/// A word that is shorter than this stands for itself alone.
const STEM: usize = 4;

/// or when it depends on one of these, of which others are made,
const MADE_OF: &[&str] = &[
    "aead",
    "aes",
    "aes-gcm",
    "argon2",
    "aws-lc-rs",
    "aws-lc-sys",
    "blake2",
    "blake3",
    "cbc",
    "chacha20",
    "chacha20poly1305",
    "cipher",
    "crypto-common",
    "ctr",
    "curve25519-dalek",
    "digest",
    "ed25519-dalek",
    "elliptic-curve",
    "ff",
    "getrandom",
    "group",
    "hkdf",
    "hmac",
    "hpke",
    "keccak",
    "kem",
    "ml-dsa",
    "ml-kem",
    "opaque-ke",
    "openssl",
    "p256",
    "polyval",
    "rand",
    "rand_core",
    "ring",
    "rsa",
    "rustls",
    "sec1",
    "sha1",
    "sha2",
    "sha3",
    "signature",
    "subtle",
    "universal-hash",
    "voprf",
    "x-wing",
    "x25519-dalek",
    "zeroize",
];

/// unless it is one of these: each was looked at, and is told what it uses a cryptographic crate for, or only sounds alike.
const USERS: &[(&str, &str)] = &[
    ("is_terminal_polyfill", "asks whether a terminal is there"),
    ("reqwest", "sends HTTP requests over the TLS of rustls"),
    ("sqlx-core", "names the files of migrations by SHA-384"),
    ("sqlx-macros-core", "names prepared queries by SHA-256"),
];

pub(super) fn is_cryptographic<'a>(name: &str, depends_on: impl IntoIterator<Item = &'a str>) -> bool {
    let is_user = USERS.iter().any(|(user, _)| *user == name);
    !is_user && (has_word(name) || depends_on.into_iter().any(|name| MADE_OF.contains(&name)))
}

fn has_word(name: &str) -> bool {
    let is_word = |part: &str| WORDS.contains(&part.trim_end_matches(|end: char| end.is_ascii_digit()));
    let has_stem = |part: &str| WORDS.iter().any(|word| word.len() >= STEM && part.starts_with(word));
    let mut parts = name.split(['-', '_']);
    parts.any(|part| is_word(part) || has_stem(part) || part.strip_prefix("lib").is_some_and(has_stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_named_so(name: &str) -> bool {
        is_cryptographic(name, [])
    }

    #[test]
    fn a_name_with_a_word_in_it_is_cryptographic() {
        for name in ["ed25519-dalek", "constant_time_eq", "sha2", "x25519-dalek", "tokio-rustls", "md5"] {
            assert!(is_named_so(name), "{name}");
        }
    }

    #[test]
    fn a_name_that_begins_with_a_word_is_cryptographic() {
        let names = [
            "blake2b_simd",
            "secp256k1",
            "secp256k1-sys",
            "libsodium-sys",
            "libsodium-sys-stable",
            "pqcrypto-internals",
            "siphasher",
            "cryptoki",
        ];
        for name in names {
            assert!(is_named_so(name), "{name}");
        }
    }

    #[test]
    fn a_name_of_its_own_is_known() {
        let names =
            ["nacl", "tweetnacl", "snow", "botan", "graviola", "oqs", "minisign", "spki", "jsonwebtoken", "totp"];
        for name in names {
            assert!(is_named_so(name), "{name}");
        }
    }

    #[test]
    fn what_is_made_of_a_primitive_is_cryptographic() {
        for primitive in ["sha2", "hmac", "hkdf", "aes", "curve25519-dalek", "aws-lc-rs", "zeroize"] {
            assert!(is_cryptographic("some-name", ["libc", primitive]), "{primitive}");
        }
    }

    #[test]
    fn what_only_sounds_alike_or_was_looked_at_is_not() {
        for name in ["sharded-slab", "hashbrown", "desktop", "string", "fastrand", "is_terminal_polyfill", "edge"] {
            assert!(!is_named_so(name), "{name}");
        }
        assert!(!is_cryptographic("reqwest", ["rustls"]));
    }
}
