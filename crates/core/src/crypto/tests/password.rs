//! Passwords, passphrases and recovery words.

use anonicloud_proto::ids::RealmId;

use super::SeededRandom;
use crate::crypto::password::{PasswordInput, WeakPassword, check_strength, make_passphrase};
use crate::crypto::recovery::ParseRecoveryWordsError;
use crate::crypto::secret::{AccountKey, RecoveryEntropy};

const REALM: RealmId = RealmId::from_bytes([1; 16]);

#[test]
fn one_password_typed_on_two_systems_is_one_input() {
    let input = |text| PasswordInput::derive(&REALM, text, None).expose_bytes().to_vec();
    assert_eq!(input("Zu\u{0308}rich \u{fb01}n"), input("Z\u{fc}rich fin"));
    assert_ne!(input("zurich"), input("Zurich"));
    assert_eq!(input("\u{fdfa}").len(), input("").len() + 33, "the longest expansion");
}

#[test]
fn account_key_and_realm_enter_the_input() {
    let key = AccountKey::from_bytes([7; 20]);
    let plain = PasswordInput::derive(&REALM, "password", None);
    let keyed = PasswordInput::derive(&REALM, "password", Some(&key));
    let elsewhere = PasswordInput::derive(&RealmId::from_bytes([2; 16]), "password", None);
    assert_ne!(plain.expose_bytes(), keyed.expose_bytes());
    assert_ne!(plain.expose_bytes(), elsewhere.expose_bytes());
}

#[test]
fn weak_passwords_are_refused() {
    for weak in ["", "password", "Passw0rd!", "qwertyuiop", "alexandra1984", "aaaaaaaaaaaaaaaa"] {
        assert_eq!(check_strength(weak, &[]), Err(WeakPassword), "{weak}");
    }
    for strong in ["correct horse battery staple", "fjF8-qpz1!mK"] {
        assert_eq!(check_strength(strong, &[]), Ok(()), "{strong}");
    }
    let handle = "marmelade-krokodil-9";
    assert_eq!(check_strength(handle, &[]), Ok(()));
    assert_eq!(check_strength(handle, &[handle]), Err(WeakPassword), "what is known is no secret");
}

#[test]
fn a_passphrase_is_six_words_and_strong() {
    let mut random = SeededRandom::new("passphrase");
    let first = make_passphrase(&mut random);
    assert_eq!(first.expose_str().split(' ').count(), 6);
    assert_eq!(check_strength(first.expose_str(), &[]), Ok(()));
    assert_ne!(make_passphrase(&mut random).expose_str(), first.expose_str());
}

#[test]
fn recovery_words_come_back_as_they_are_typed() {
    let entropy = RecoveryEntropy::make(&mut SeededRandom::new("recovery"));
    let words = entropy.words();
    let typed = format!("  {}\n", words.expose_str().to_uppercase().replace(' ', "\t "));
    let back = RecoveryEntropy::from_words(&typed).unwrap();
    assert_eq!(back.expose_bytes(), entropy.expose_bytes());
}

#[test]
fn each_slip_of_the_pen_is_told() {
    let read = |text: &str| RecoveryEntropy::from_words(text).err();
    let words = RecoveryEntropy::from_bytes([0; 32]).words();
    let sheet = words.expose_str();
    assert_eq!(read(sheet), None);
    assert_eq!(read(""), Some(ParseRecoveryWordsError::WordCount { found: 0 }));
    assert_eq!(read(&format!("{sheet} art")), Some(ParseRecoveryWordsError::WordCount { found: 25 }));
    let unknown = sheet.replacen("abandon", "abandone", 1);
    assert_eq!(read(&unknown), Some(ParseRecoveryWordsError::UnknownWord { position: 1 }));
    assert_eq!(read(&sheet.replace("art", "arm")), Some(ParseRecoveryWordsError::Checksum));
    let last_unknown = sheet.replace("art", "\u{e4}rt");
    assert_eq!(read(&last_unknown), Some(ParseRecoveryWordsError::UnknownWord { position: 24 }));
}
