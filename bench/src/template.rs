//! The peers' configurations in `bench/peers/`: text with `@NAME@` to be filled in.

use std::path::Path;

/// Puts each value in the place of its `@NAME@`.
pub(crate) fn fill(template: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
}

/// The words of a filled-in template of flags: one a line, without comments and empty lines.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(ToOwned::to_owned)
        .collect()
}

/// A path as text for a template; the paths are all made by this program, in a folder the caller chose.
pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_and_split() {
        let template = "# about @A@\nserve\n\n--addr=@A@:@B@\n";
        let filled = fill(template, &[("A", "host".to_owned()), ("B", "1".to_owned())]);
        assert_eq!(words(&filled), ["serve", "--addr=host:1"]);
    }
}
