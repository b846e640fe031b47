//! `cargo xtask unused-pub`: public items that nothing which ships mentions.
//!
//! rustc sees dead code inside a crate; across crates nobody does. This check goes by names, so two items of one name
//! hide each other: it finds most dead code and accuses none that lives.

mod definitions;
mod mentions;

use crate::{TaskError, check, shell::Shell, sources, ui};
use definitions::Definition;
use std::collections::BTreeSet;

/// Prints every public item of a library that only tests mention, and fails if there is one.
///
/// # Errors
/// When there is one, or the sources cannot be read.
pub(crate) fn run(shell: &Shell) -> Result<(), TaskError> {
    ui::step("unused-pub");
    let mut defined = Vec::new();
    let mut mentioned = BTreeSet::new();
    for package in sources::packages(shell)?.iter().filter(|package| !package.is_for_tests()) {
        for module in package.modules(sources::Tests::Removed)? {
            mentions::collect(&module.syntax, &mut mentioned);
            if package.is_library {
                let file = module.file.strip_prefix(shell.root()).unwrap_or(&module.file);
                definitions::collect(file, &module.syntax, &mut defined);
            }
        }
    }
    let findings: Vec<String> = unused(&defined, &mentioned)
        .iter()
        .map(|definition| format!("{}: `{}` is public and unused", definition.file.display(), definition.name))
        .collect();
    check::conclude("unused-pub", &findings)
}

fn unused<'a>(defined: &'a [Definition], mentioned: &BTreeSet<String>) -> Vec<&'a Definition> {
    defined.iter().filter(|definition| !mentioned.contains(&definition.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The unused names of a library with this source, when a binary with that source uses it.
    fn unused_names(library: &str, binary: &str) -> Vec<String> {
        let parse = |source| syn::parse_file(source).expect("a test writes Rust");
        let (mut defined, mut mentioned) = (Vec::new(), BTreeSet::new());
        definitions::collect(Path::new("lib.rs"), &parse(library), &mut defined);
        mentions::collect(&parse(library), &mut mentioned);
        mentions::collect(&parse(binary), &mut mentioned);
        unused(&defined, &mentioned).iter().map(|definition| definition.name.clone()).collect()
    }

    #[test]
    fn what_another_crate_uses_is_not_reported() {
        let library = "pub fn used() {} pub struct Used; pub const USED: u8 = 1;";
        assert!(unused_names(library, "fn main() { used(); let x: Used = y(USED); }").is_empty());
    }

    #[test]
    fn what_nobody_uses_is_reported_and_importing_is_not_using() {
        let library = "pub fn function() {} pub trait Trait { fn required(&self); } pub enum Choice { One }
            pub mod module {} pub type Alias = u8; pub static GLOBAL: u8 = 1;
            impl Choice { pub fn method(&self) {} pub const MEMBER: u8 = 1; }";
        let found = unused_names(library, "use library::{function, Alias, Trait, Choice, GLOBAL};");
        let expected = ["function", "Trait", "required", "Choice", "One", "Alias", "GLOBAL", "method", "MEMBER"];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_item_does_not_use_itself() {
        let library = "pub struct Lonely; impl Lonely { pub fn twin(&self) -> Lonely { self.twin() } }
            impl Drop for Lonely { fn drop(&mut self) {} } pub fn forever() { forever() }";
        assert_eq!(unused_names(library, ""), ["Lonely", "twin", "forever"]);
    }

    #[test]
    fn private_items_are_left_to_rustc() {
        assert!(unused_names("fn a() {} pub(crate) fn b() {} struct C; impl C { fn d() {} }", "").is_empty());
    }

    #[test]
    fn macros_and_attributes_mention_names() {
        let library = "pub fn in_macro() {} pub const IN_FORMAT: u8 = 1; pub fn in_attribute() {}";
        let binary = r#"fn main() { json!({ "a": in_macro() }); format!("{IN_FORMAT:>4}"); }
            struct S { #[serde(default = "library::in_attribute")] x: u8 }"#;
        assert!(unused_names(library, binary).is_empty());
    }

    #[test]
    fn documentation_mentions_nothing() {
        let library = "/// See [`documented`].\n pub fn documented() {}";
        assert_eq!(
            unused_names(library, "#[doc = \"documented\"] fn main() { format!(\"documented\"); }"),
            ["documented"]
        );
    }

    #[test]
    fn a_variant_made_by_from_is_used() {
        assert_eq!(unused_names("pub enum E { Io(#[from] X), Other }", "fn main() -> Result<(), E> {}"), ["Other"]);
    }
}
