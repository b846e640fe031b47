//! Passwords (spec: 1-accounts, "Sign-up"): what enters OPAQUE, how weak is too weak, and a passphrase to offer instead.

use anonicloud_proto::context::context;
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::label::Label;
use bip39::Language;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::{ZeroizeOnDrop, Zeroizing};
use zxcvbn::Score;

use super::random::Random;
use super::secret::{AccountKey, SecretBytes, SecretText};

/// `pw_in`: what OPAQUE takes for the password.
#[derive(Debug, ZeroizeOnDrop)]
pub struct PasswordInput(SecretBytes);

impl PasswordInput {
    /// `ctx("opaque-pw", [realm, NFKC(password), account key or empty])`.
    pub fn derive(realm: &RealmId, password: &str, account_key: Option<&AccountKey>) -> Self {
        let normal = normalize(password);
        let key: &[u8] = account_key.map_or(&[], |key| key.expose_bytes());
        let input = context(Label::OpaquePassword, realm, &[normal.as_bytes(), key]);
        Self(SecretBytes::from_vec(input))
    }

    /// The bytes for OPAQUE.
    pub(super) fn expose_bytes(&self) -> &[u8] {
        self.0.expose_bytes()
    }
}

/// What is typed, in NFKC, so that it is the same bytes on every system.
pub(super) fn normalize(typed: &str) -> Zeroizing<String> {
    // NFKC makes no character more than 11 times longer, so the text never moves and leaves no copy.
    let mut normal = Zeroizing::new(String::with_capacity(typed.len().saturating_mul(12)));
    normal.extend(typed.nfkc());
    normal
}

/// The password could be guessed by who steals the server's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the password is too easy to guess")]
#[non_exhaustive]
pub struct WeakPassword;

/// Checks a password that protects an account without an account key: zxcvbn score 3 at least. `known` is what a guesser
/// knows of the user, such as the handle.
///
/// # Errors
/// [`WeakPassword`] when it scores less.
pub fn check_strength(password: &str, known: &[&str]) -> Result<(), WeakPassword> {
    if zxcvbn::zxcvbn(password, known).score() >= Score::Three { Ok(()) } else { Err(WeakPassword) }
}

/// A fresh passphrase of six words of the English BIP39 list: 66 random bits.
pub fn make_passphrase(random: &mut dyn Random) -> SecretText {
    let mut drawn = Zeroizing::new([[0; 2]; 6]);
    random.fill(drawn.as_flattened_mut());
    let list = Language::English.word_list();
    // 2048 words divide the 65536 values of two bytes: each is as likely as any other.
    SecretText::join(drawn.iter().filter_map(|bytes| {
        let index = u16::from_le_bytes(*bytes) % 2048;
        list.get(usize::from(index)).copied()
    }))
}
