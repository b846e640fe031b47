//! Names and sentences as a terminal may show them.
//!
//! Enters: bytes that somebody else may have chosen. Leaves: text that moves no cursor, changes no colour, turns no
//! direction and hides nothing (attack A32). Never: a byte that a terminal acts on.

use core::fmt::Write as _;

/// A name, written so that two different names never look the same: a backslash is doubled, what is no UTF-8 is `\xNN`.
pub(crate) fn name(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => shown.push_str("\\\\"),
                _ => push(&mut shown, character),
            }
        }
        for byte in chunk.invalid() {
            write!(shown, "\\x{byte:02x}").expect("writing to a string cannot fail");
        }
    }
    shown
}

/// A text of several lines that holds no name of a file; its line breaks and backslashes stay.
pub(crate) fn lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push('\n'),
            _ => push(&mut shown, character),
        }
    }
    shown
}

/// A sentence that may hold names: one line, whatever they are; its backslashes stay.
pub(crate) fn sentence(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|character| push(&mut shown, character));
    shown
}

fn push(shown: &mut String, character: char) {
    if character.is_control() || deceives(character) {
        shown.extend(character.escape_default());
    } else {
        shown.push(character);
    }
}

/// Characters that show nothing themselves but change how others look: direction, joiners, blanks of no width, tags.
const fn deceives(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::{lines, name, sentence};

    #[test]
    fn a32_names_cannot_forge_output() {
        let cases: [(&[u8], &str); 8] = [
            (b"plain name.txt", "plain name.txt"),
            ("Grüße 文件.txt".as_bytes(), "Grüße 文件.txt"),
            (b"a\nerror: b", "a\\nerror: b"),
            (b"\x1b[2Jgone", "\\u{1b}[2Jgone"),
            ("evil\u{202e}gpj.exe".as_bytes(), "evil\\u{202e}gpj.exe"),
            ("c1\u{9b}31m".as_bytes(), "c1\\u{9b}31m"),
            (b"\xff\xfe", "\\xff\\xfe"),
            ("zero\u{200b}width".as_bytes(), "zero\\u{200b}width"),
        ];
        for (bytes, shown) in cases {
            assert_eq!(name(bytes), shown);
        }
    }

    #[test]
    fn a32_an_escape_spelled_out_is_another_name() {
        assert_ne!(name(b"\x1b"), name(b"\\u{1b}"));
        assert_ne!(name(b"\xff"), name(b"\\xff"));
    }

    #[test]
    fn a32_only_texts_of_ours_have_line_breaks() {
        let text = "two\nlines\x07 C:\\x\u{2066}";
        assert_eq!(lines(text), "two\nlines\\u{7} C:\\x\\u{2066}");
        assert_eq!(sentence(text), "two\\nlines\\u{7} C:\\x\\u{2066}");
    }
}
