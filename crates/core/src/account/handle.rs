//! Handles: the public names of accounts (spec: 4-http-api, "Accounts").

use core::fmt;
use core::str::FromStr;

use anonicloud_proto::limits::HANDLE_MAX;
use thiserror::Error;

const HANDLE_MIN: usize = 3;

/// A handle: 3 to 32 of `a-z 0-9 . _ -`, the first and the last a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle(String);

/// Why a text is not a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseHandleError {
    /// It is too short or too long.
    #[error("a handle has {HANDLE_MIN} to {HANDLE_MAX} characters")]
    Length,
    /// It has a character that no handle has.
    #[error("a handle has only the characters a-z, 0-9, '.', '_' and '-'")]
    Character,
    /// It begins or ends with punctuation.
    #[error("a handle begins and ends with a letter or a digit")]
    Edge,
}

impl Handle {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Handle {
    type Err = ParseHandleError;

    fn from_str(text: &str) -> Result<Self, ParseHandleError> {
        let alphanumeric = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9');
        let bytes = text.as_bytes();
        if !bytes.iter().all(|byte| alphanumeric(byte) || matches!(byte, b'.' | b'_' | b'-')) {
            return Err(ParseHandleError::Character);
        }
        if !(HANDLE_MIN..=HANDLE_MAX).contains(&bytes.len()) {
            return Err(ParseHandleError::Length);
        }
        if ![bytes.first(), bytes.last()].into_iter().flatten().all(alphanumeric) {
            return Err(ParseHandleError::Edge);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_of_the_rules_parse_and_show_as_they_were() {
        for text in ["abc", "a.b-c_d", "0x0", "abcdefghijklmnopqrstuvwxyz012345"] {
            assert_eq!(text.parse::<Handle>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn each_broken_rule_has_its_own_error() {
        for (text, error) in [
            ("", ParseHandleError::Length),
            ("ab", ParseHandleError::Length),
            ("abcdefghijklmnopqrstuvwxyz0123456", ParseHandleError::Length),
            ("Abc", ParseHandleError::Character),
            ("a b", ParseHandleError::Character),
            ("a\u{e9}b", ParseHandleError::Character),
            ("abc\n", ParseHandleError::Character),
            (".abc", ParseHandleError::Edge),
            ("abc-", ParseHandleError::Edge),
        ] {
            assert_eq!(text.parse::<Handle>(), Err(error), "{text:?}");
        }
    }
}
