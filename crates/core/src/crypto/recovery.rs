//! The recovery words (spec: 1-accounts, "Sign-up"): 32 random bytes as 24 words of the English BIP39 list, the last of which
//! holds an 8-bit checksum.

use bip39::{Language, Mnemonic};
use thiserror::Error;
use zeroize::Zeroizing;

use super::secret::{RecoveryEntropy, SecretText};

/// How many words there are.
pub const RECOVERY_WORDS: usize = 24;

/// Why a text is not a sheet of recovery words. It never holds a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseRecoveryWordsError {
    /// There are more or fewer words than 24.
    #[error("expected {RECOVERY_WORDS} recovery words, got {found}")]
    WordCount {
        /// How many there are.
        found: usize,
    },
    /// A word is not in the list.
    #[error("recovery word {position} is not in the word list")]
    UnknownWord {
        /// Which one, counted from 1.
        position: usize,
    },
    /// All words are in the list, but one or more are not the right ones or not in the right place.
    #[error("the recovery words do not fit together: one is wrong or out of order")]
    Checksum,
}

impl RecoveryEntropy {
    /// The words to write down.
    ///
    /// # Panics
    /// Never: 32 bytes make 24 words.
    pub fn words(&self) -> SecretText {
        let mnemonic = Mnemonic::from_entropy_in(Language::English, self.expose_bytes());
        SecretText::join(mnemonic.expect("32 bytes make 24 words").words())
    }

    /// Reads the words back, in any case and with any white space between them.
    ///
    /// # Errors
    /// [`ParseRecoveryWordsError`] says what to look at.
    ///
    /// # Panics
    /// Never: 24 words hold 32 bytes.
    pub fn from_words(text: &str) -> Result<Self, ParseRecoveryWordsError> {
        let text = Zeroizing::new(text.to_lowercase());
        let found = text.split_whitespace().count();
        if found != RECOVERY_WORDS {
            return Err(ParseRecoveryWordsError::WordCount { found });
        }
        let mnemonic = Mnemonic::parse_in_normalized(Language::English, &text).map_err(|error| match error {
            bip39::Error::UnknownWord(index) => {
                ParseRecoveryWordsError::UnknownWord { position: index.saturating_add(1) }
            }
            _ => ParseRecoveryWordsError::Checksum,
        })?;
        let (entropy, _) = mnemonic.to_entropy_array();
        let entropy = Zeroizing::new(entropy);
        let bytes = entropy.first_chunk().expect("24 words hold 32 bytes");
        Ok(Self::copy_of(bytes))
    }
}
