//! The command of this run as a shell takes it once more.
//!
//! Enters: the arguments of the process, and options that the environment gave. Leaves: a line for `sh`, of characters that
//! a terminal shows as they are. Never: a guess; what cannot be written so gives no line.

use core::fmt::Write as _;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use clap::ArgMatches;
use clap::parser::ValueSource;

/// The words of a command.
#[derive(Debug, Default)]
pub(crate) struct Again(Vec<OsString>);

impl Again {
    /// The command of these `words`; options of the environment, as `matches` has them, become words too: a variable may have
    /// been set for this run alone.
    pub(crate) fn new(words: Vec<OsString>, matches: &ArgMatches) -> Self {
        let mut words = words;
        let matches = matches.subcommand().map_or(matches, |(_, matches)| matches);
        for id in matches.ids().map(clap::Id::as_str) {
            if matches.value_source(id) == Some(ValueSource::EnvVariable) {
                for value in matches.get_raw(id).into_iter().flatten() {
                    let mut word = OsString::from(format!("--{}=", id.replace('_', "-")));
                    word.push(value);
                    // Behind the command, before anything that a `--` may have ended.
                    words.insert(words.len().min(1), word);
                }
            }
        }
        Self(words)
    }

    /// The line; `None` when a word cannot be written in one.
    pub(crate) fn line(&self) -> Option<String> {
        let words: Option<Vec<_>> = self.0.iter().map(|word| quoted(word)).collect();
        words.map(|words| words.join(" ")).filter(|line| !line.is_empty())
    }
}

/// `word` as sh reads it back.
fn quoted(word: &OsStr) -> Option<String> {
    let bytes = word.as_bytes();
    // sh takes the line breaks off the end of what a command prints.
    if bytes.ends_with(b"\n") {
        return None;
    }
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(is_plain) {
        return Some(String::from_utf8_lossy(bytes).into_owned());
    }
    let mut line = String::new();
    for chunk in bytes.utf8_chunks() {
        let mut odd = Vec::new();
        for character in chunk.valid().chars() {
            let is_shown = character.is_alphanumeric() || character == ' ' || character.is_ascii_graphic();
            // A line break is printed with what follows, for sh takes it off an end.
            if is_shown && !odd.ends_with(b"\n") {
                push_odd(&mut line, &mut odd);
                push_shown(&mut line, character);
            } else {
                odd.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        odd.extend_from_slice(chunk.invalid());
        push_odd(&mut line, &mut odd);
    }
    Some(if line.is_empty() { "''".to_owned() } else { line.replace("''", "") })
}

/// A character that is shown as it is.
fn push_shown(line: &mut String, character: char) {
    let quote = if character == '\'' { '"' } else { '\'' };
    line.extend([quote, character, quote]);
}

/// Bytes that are not shown as they are, as digits.
fn push_odd(line: &mut String, odd: &mut Vec<u8>) {
    if odd.is_empty() {
        return;
    }
    line.push_str("\"$(printf '");
    for byte in odd.drain(..) {
        write!(line, "\\{byte:03o}").expect("writing to a string cannot fail");
    }
    line.push_str("')\"");
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;
    use std::process::Command;

    use super::*;

    fn line(words: &[&[u8]]) -> Option<String> {
        Again(words.iter().map(|word| OsString::from_vec(word.to_vec())).collect()).line()
    }

    #[test]
    fn plain_words_stay_as_they_were_typed() {
        let typed: &[&[u8]] = &[b"anonicloud", b"put", b"--exclude=*.o", b"My Files", b"/"];
        assert_eq!(line(typed).unwrap(), "anonicloud put '--exclude=*.o' 'My Files' /");
        assert_eq!(line(&[b"a", b""]).unwrap(), "a ''");
    }

    #[test]
    fn sh_reads_each_word_back() {
        let words: &[&[u8]] = &[
            b"",
            b"plain",
            b"two words",
            b"it's",
            b"''",
            b"$HOME `id` $(id) \\ \" ! * ? [a] ~ # ; & | < >",
            "caf\u{e9} \u{202e}txt".as_bytes(),
            b"\xff\xfe",
            b"a\nb",
            b"\n\n'c",
            b"tab\there",
            b"-n",
        ];
        let line = line(words).unwrap();
        assert!(
            line.chars().all(|shown| shown.is_alphanumeric() || shown == ' ' || shown.is_ascii_graphic()),
            "{line}"
        );
        let read = Command::new("sh").arg("-c").arg(format!("printf '%s\\0' {line}")).output().unwrap();
        let read: Vec<_> = read.stdout.split(|byte| *byte == 0).collect();
        assert_eq!(read[..words.len()], *words);
    }

    #[test]
    fn what_cannot_be_written_gives_no_line() {
        assert_eq!(line(&[b"put", b"ends in a break\n"]), None);
        assert_eq!(line(&[]), None);
    }
}
