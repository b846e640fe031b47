//! Where two programs differ.

use std::ops::Range;

/// How much of each is shown around the first difference.
const SHOWN: usize = 48;

/// Says where the second is not what the first is, by offset and section of the first; nothing when it is.
pub(super) fn difference(first: &[u8], second: &[u8]) -> Option<String> {
    if first == second {
        return None;
    }
    let offset = first.iter().zip(second).position(|(one, other)| one != other);
    let offset = offset.unwrap_or_else(|| first.len().min(second.len()));
    let section = section(first, offset).unwrap_or_else(|| String::from("no section"));
    Some(format!(
        "{} and {} bytes, different from {offset:#x} on, in {section}: {:?} and {:?}",
        first.len(),
        second.len(),
        text(first, offset),
        text(second, offset)
    ))
}

/// What stands around an offset, as far as it is text.
fn text(program: &[u8], offset: usize) -> String {
    let range = offset.saturating_sub(SHOWN / 2)..program.len().min(offset + SHOWN / 2);
    let bytes = program.get(range).unwrap_or_default();
    bytes.iter().map(|&byte| if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '.' }).collect()
}

/// The name of the section of a 64-bit ELF program in which an offset lies.
fn section(program: &[u8], offset: usize) -> Option<String> {
    let table = number(program, 0x28, 8)?;
    let (size, count, names) = (number(program, 0x3a, 2)?, number(program, 0x3c, 2)?, number(program, 0x3e, 2)?);
    let header = |index: usize| table.checked_add(index.checked_mul(size)?);
    let names = range(program, header(names)?)?;
    for index in 0..count {
        let header = header(index)?;
        // What takes room in memory alone lies nowhere.
        let is_in_file = number(program, header.checked_add(4)?, 4)? != 8;
        if is_in_file && range(program, header)?.contains(&offset) {
            let name = program.get(names.start.checked_add(number(program, header, 4)?)?..)?;
            let name = name.split(|&byte| byte == 0).next()?;
            return Some(String::from_utf8_lossy(name).into_owned());
        }
    }
    None
}

/// Where the section of a header lies.
fn range(program: &[u8], header: usize) -> Option<Range<usize>> {
    let start = number(program, header.checked_add(0x18)?, 8)?;
    Some(start..start.checked_add(number(program, header.checked_add(0x20)?, 8)?)?)
}

/// A little-endian number of so many bytes.
fn number(program: &[u8], offset: usize, bytes: usize) -> Option<usize> {
    let mut number = [0; 8];
    number.get_mut(..bytes)?.copy_from_slice(program.get(offset..offset.checked_add(bytes)?)?);
    usize::try_from(u64::from_le_bytes(number)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;

    static MARK: &str = "a text of this program that is in a section of constants";

    #[test]
    fn the_same_bytes_have_no_difference() {
        assert_eq!(difference(b"one", b"one"), None);
    }

    #[test]
    fn a_changed_constant_is_told_by_offset_section_and_text() {
        let program = fs_err::read(env::current_exe().expect("it runs")).expect("it can be read");
        let at = program.windows(MARK.len()).position(|window| window == MARK.as_bytes()).expect("it is in there");
        let mut changed = program.clone();
        changed[at + 2] = b'T';
        let told = difference(&program, &changed).expect("a byte differs");
        assert!(told.contains(&format!("from {:#x} on, in .rodata: ", at + 2)), "{told}");
        assert!(told.contains("a text of this") && told.contains("a Text of this"), "{told}");
    }

    #[test]
    fn what_is_longer_and_what_is_no_program_are_told_too() {
        let told = difference(b"one", b"one more").expect("the second is longer");
        assert_eq!(told, "3 and 8 bytes, different from 0x3 on, in no section: \"one\" and \"one more\"");
        let header = [&[0xff; 0x40][..], b"!"].concat();
        assert!(difference(&header, &[0xff; 0x40]).expect("the first is longer").contains("in no section"));
    }
}
