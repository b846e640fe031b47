//! The recovery words of a new account: shown once and asked back, or written to a file.

use std::path::Path;

use anonicloud_client::session::SignUpDraft;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::CliError;
use crate::secrets::{self, SecretError};

/// Writes the words, and the account key, to a new file; gives the words as the file has them.
pub(super) fn write(file: &Path, draft: &SignUpDraft) -> Result<Zeroizing<String>, CliError> {
    secrets::write_new_file(file, &sheet(PREFACE, draft))?;
    let kept = fs_err::read_to_string(file).map(Zeroizing::new);
    let kept = kept.map_err(|error| SecretError::Read("the recovery file", error))?;
    let words = kept.lines().find_map(|line| line.strip_prefix(WORDS_LABEL));
    Ok(Zeroizing::new(words.unwrap_or_default().to_owned()))
}

/// Shows the words, and the account key, and asks for three of the words; gives the words.
pub(super) async fn confirm(context: &Context, draft: &SignUpDraft) -> Result<Zeroizing<String>, CliError> {
    let shown = draft.recovery_words();
    let words: Vec<&str> = shown.split_whitespace().collect();
    context.ui.show_secret(&sheet(REQUEST, draft))?;
    for position in distinct_positions(words.len())? {
        let asked = context.ask(&format!("word {}: ", position + 1)).await?;
        if words.get(position).is_none_or(|word| !asked.eq_ignore_ascii_case(word)) {
            return Err(CliError::WordsWrong);
        }
    }
    Ok(shown)
}

const WORDS_LABEL: &str = "recovery words:  ";

const PREFACE: &str = "\
# Recovery words of an AnoniCloud account. Whoever has them has the account and its files.
# They are the only way back in when the password is forgotten. Keep them on paper.

";

const REQUEST: &str = "Write this down; it is shown once.\n\n";

/// How many words are asked back.
const ASKED: usize = 3;

/// What is to be kept, below `head`. The text never grows past what is set aside, so that no copy stays behind.
fn sheet(head: &str, draft: &SignUpDraft) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(1024));
    text.push_str(head);
    text.push_str("handle:          ");
    text.push_str(draft.handle());
    text.push('\n');
    text.push_str(WORDS_LABEL);
    text.push_str(&draft.recovery_words());
    text.push('\n');
    if let Some(key) = draft.account_key() {
        text.push_str("account key:     ");
        text.push_str(&key);
        text.push('\n');
    }
    text.push('\n');
    text
}

/// Three different places among `words`, in order; all of them when there are no more.
fn distinct_positions(words: usize) -> Result<Vec<usize>, CliError> {
    let mut left: Vec<usize> = (0..words).collect();
    let mut chosen = Vec::with_capacity(ASKED);
    while chosen.len() < ASKED && !left.is_empty() {
        let draw = usize::try_from(getrandom::u32()?).unwrap_or_default();
        chosen.push(left.swap_remove(draw % left.len()));
    }
    chosen.sort_unstable();
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::{ASKED, distinct_positions};

    #[test]
    fn three_different_words_are_asked_in_order() {
        for _ in 0..100 {
            let positions = distinct_positions(24).unwrap();
            assert_eq!(positions.len(), ASKED);
            assert!(positions.is_sorted_by(|left, right| left < right));
            assert!(positions.iter().all(|position| *position < 24));
        }
        assert_eq!(distinct_positions(2).unwrap(), [0, 1]);
    }
}
