//! Passwords, account keys and handles as a person types them.

use anonicloud_core::crypto::password::{check_strength, make_passphrase};
use anonicloud_core::crypto::random::make_bytes;
use anonicloud_core::crypto::secret::AccountKey;
use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

use crate::error::OperationError;
use crate::random::SystemRandom;

/// Refuses a password that could be guessed. With an account key any password will do, since the key cannot be guessed.
///
/// # Errors
/// [`OperationError::WeakPassword`].
pub fn check_password(password: &str, handle: &str, account_key: bool) -> Result<(), OperationError> {
    if account_key && !password.is_empty() {
        return Ok(());
    }
    check_strength(password, &[handle, "anonicloud"]).map_err(|_| OperationError::WeakPassword)
}

/// Six random words: 66 bits, easy to type.
pub fn generate_passphrase() -> Zeroizing<String> {
    Zeroizing::new(make_passphrase(&mut SystemRandom).expose_str().to_owned())
}

/// A handle that says nothing about its owner: 16 random letters and digits.
pub fn generate_handle() -> String {
    let bytes: [u8; 10] = make_bytes(&mut SystemRandom);
    BASE32_NOPAD.encode(&bytes).to_lowercase()
}

/// An account key as it is shown: groups of four letters and digits.
pub(super) fn show_account_key(key: &AccountKey) -> Zeroizing<String> {
    let plain = Zeroizing::new(BASE32_NOPAD.encode(key.expose_bytes()));
    let mut shown = Zeroizing::new(String::with_capacity(40));
    for (at, letter) in plain.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            shown.push('-');
        }
        shown.push(letter);
    }
    shown
}

/// Reads an account key as it was shown, in any case, with or without the dashes.
pub(super) fn read_account_key(text: &str) -> Result<AccountKey, OperationError> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    plain.extend(text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()));
    let malformed = |_| OperationError::AccountKeyMalformed;
    let bytes = Zeroizing::new(BASE32_NOPAD.decode(plain.as_bytes()).map_err(malformed)?);
    let bytes = bytes.as_slice().try_into().map_err(|_| OperationError::AccountKeyMalformed)?;
    Ok(AccountKey::copy_of(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_key_survives_being_shown_and_typed() {
        let key = AccountKey::make(&mut SystemRandom);
        let shown = show_account_key(&key);
        assert_eq!(shown.len(), 39);
        let typed = shown.to_lowercase().replace('-', " ");
        let read = read_account_key(&typed).unwrap();
        assert_eq!(read.expose_bytes(), key.expose_bytes());
        assert!(matches!(read_account_key("ABCD"), Err(OperationError::AccountKeyMalformed)));
    }

    #[test]
    fn an_account_key_makes_up_for_a_weak_password() {
        assert!(matches!(check_password("password1", "someone", false), Err(OperationError::WeakPassword)));
        assert!(check_password("password1", "someone", true).is_ok());
        assert!(check_password(&generate_passphrase(), "someone", false).is_ok());
    }
}
