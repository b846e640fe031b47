//! The tree of modules below a root file.

use super::LoadSourcesError;
use std::path::{Path, PathBuf};
use syn::{Attribute, ImplItem, Item, Meta, Token, punctuated::Punctuated};

/// One file of a crate.
pub(crate) struct Module {
    /// The file.
    pub(crate) file: PathBuf,
    /// The names from the crate's root: `["http", "uploads"]`; empty for the root itself.
    pub(crate) names: Vec<String>,
    /// What it holds.
    pub(crate) syntax: syn::File,
}

/// What becomes of code that only tests compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tests {
    /// It stays, and so do the files that only it declares.
    Kept,
    /// It is not there.
    Removed,
}

/// Loads a root file and all files that its `mod` declarations reach.
///
/// # Errors
/// When one cannot be read, parsed or found.
pub(super) fn load_tree(root: &Path, tests: Tests, modules: &mut Vec<Module>) -> Result<(), LoadSourcesError> {
    let folder = root.parent().unwrap_or(root);
    load(Place { file: root.to_path_buf(), children: folder.to_path_buf(), names: Vec::new() }, tests, modules)
}

/// Where a module is and where its children are.
struct Place {
    file: PathBuf,
    children: PathBuf,
    names: Vec<String>,
}

fn load(place: Place, tests: Tests, modules: &mut Vec<Module>) -> Result<(), LoadSourcesError> {
    let text = fs_err::read_to_string(&place.file)?;
    let mut syntax =
        syn::parse_file(&text).map_err(|source| LoadSourcesError::Parse { path: place.file.clone(), source })?;
    if tests == Tests::Removed {
        remove_tests(&mut syntax.items);
    }
    let children = children(&place, &syntax.items)?;
    modules.push(Module { file: place.file, names: place.names, syntax });
    children.into_iter().try_for_each(|child| load(child, tests, modules))
}

fn children(place: &Place, items: &[Item]) -> Result<Vec<Place>, LoadSourcesError> {
    let mut found = Vec::new();
    for item in items {
        let Item::Mod(module) = item else { continue };
        let name = module.ident.to_string();
        let children = place.children.join(&name);
        let names = [place.names.as_slice(), std::slice::from_ref(&name)].concat();
        if let Some((_, items)) = &module.content {
            let inline = Place { file: place.file.clone(), children, names };
            found.extend(self::children(&inline, items)?);
            continue;
        }
        let candidates = [place.children.join(format!("{name}.rs")), children.join("mod.rs")];
        let file = candidates.into_iter().find(|file| file.is_file());
        let file = file.ok_or_else(|| LoadSourcesError::NoModuleFile { path: place.file.clone(), module: name })?;
        found.push(Place { file, children, names });
    }
    Ok(found)
}

fn remove_tests(items: &mut Vec<Item>) {
    items.retain(|item| !is_for_tests(attributes(item)));
    for item in items {
        match item {
            Item::Mod(module) => {
                if let Some((_, items)) = &mut module.content {
                    remove_tests(items);
                }
            }
            Item::Impl(block) => block.items.retain(|item| !is_for_tests(member_attributes(item))),
            _ => {}
        }
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn member_attributes(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(item) => &item.attrs,
        ImplItem::Fn(item) => &item.attrs,
        _ => &[],
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute.parse_args::<Meta>().is_ok_and(|condition| needs_test(&condition)))
    })
}

/// Whether a `cfg` condition can only hold while testing.
fn needs_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|parts| parts.iter().any(needs_test)),
        Meta::List(_) | Meta::NameValue(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(source: &str) -> usize {
        let mut items = syn::parse_file(source).expect("a test writes Rust").items;
        remove_tests(&mut items);
        items.len()
    }

    #[test]
    fn only_test_code_is_removed() {
        assert_eq!(kept("fn a() {} #[cfg(test)] mod tests {} #[cfg(all(test, unix))] fn b() {} #[test] fn c() {}"), 1);
        assert_eq!(kept("#[cfg(not(test))] fn a() {} #[cfg(any(test, unix))] fn b() {} #[cfg(unix)] fn c() {}"), 3);
    }

    #[test]
    fn test_code_inside_modules_and_impls_is_removed() {
        let mut items = syn::parse_file("mod m { #[cfg(test)] fn a() {} } impl T { #[cfg(test)] fn a() {} fn b() {} }")
            .expect("a test writes Rust")
            .items;
        remove_tests(&mut items);
        assert!(matches!(&items[0], Item::Mod(module) if module.content.as_ref().is_some_and(|it| it.1.is_empty())));
        assert!(matches!(&items[1], Item::Impl(block) if block.items.len() == 1));
    }

    #[test]
    fn files_are_found_beside_and_in_folders() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder is made");
            fs_err::write(path, text).expect("a file is written");
        };
        write("lib.rs", "mod a; mod b; mod inline { mod c; } #[cfg(test)] mod gone;");
        write("a.rs", "");
        write("b/mod.rs", "mod d;");
        write("b/d.rs", "");
        write("inline/c.rs", "");
        let mut modules = Vec::new();
        load_tree(&folder.path().join("lib.rs"), Tests::Removed, &mut modules).expect("all modules have files");
        let names: Vec<String> = modules.iter().map(|module| module.names.join("::")).collect();
        assert_eq!(names, ["", "a", "b", "b::d", "inline::c"]);

        write("gone.rs", "");
        let mut modules = Vec::new();
        load_tree(&folder.path().join("lib.rs"), Tests::Kept, &mut modules).expect("all modules have files");
        assert!(modules.iter().any(|module| module.names == ["gone"]));

        write("a.rs", "mod nowhere;");
        let error = load_tree(&folder.path().join("lib.rs"), Tests::Removed, &mut Vec::new())
            .expect_err("a module has no file");
        assert!(matches!(error, LoadSourcesError::NoModuleFile { module, .. } if module == "nowhere"));
    }
}
