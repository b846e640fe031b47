//! The public items of a library.

use std::path::{Path, PathBuf};
use syn::{
    ImplItem, ImplItemConst, ImplItemFn, Item, ItemEnum, ItemTrait, TraitItem, Variant, Visibility, visit::Visit,
};

/// A name that other crates can use.
#[derive(Debug)]
pub(super) struct Definition {
    /// The name.
    pub(super) name: String,
    /// The file that defines it.
    pub(super) file: PathBuf,
}

/// Adds every public item of a file. Modules are left out: they are named by imports alone, and what they hold is judged
/// by itself.
pub(super) fn collect(file: &Path, syntax: &syn::File, defined: &mut Vec<Definition>) {
    Definitions { file, defined }.visit_file(syntax);
}

struct Definitions<'a> {
    file: &'a Path,
    defined: &'a mut Vec<Definition>,
}

impl Definitions<'_> {
    fn add(&mut self, name: &syn::Ident) {
        self.defined.push(Definition { name: name.to_string(), file: self.file.to_path_buf() });
    }

    fn add_public(&mut self, visibility: &Visibility, name: &syn::Ident) {
        if matches!(visibility, Visibility::Public(_)) {
            self.add(name);
        }
    }

    fn add_variants(&mut self, item: &ItemEnum) {
        for variant in item.variants.iter().filter(|variant| !is_made_by_from(variant)) {
            self.add(&variant.ident);
        }
    }

    fn add_members(&mut self, item: &ItemTrait) {
        for member in &item.items {
            match member {
                TraitItem::Fn(function) => self.add(&function.sig.ident),
                TraitItem::Const(constant) => self.add(&constant.ident),
                _ => {}
            }
        }
    }
}

/// `?` makes a variant with a `#[from]` field, and nobody writes its name.
fn is_made_by_from(variant: &Variant) -> bool {
    variant.fields.iter().any(|field| field.attrs.iter().any(|attribute| attribute.path().is_ident("from")))
}

impl<'ast> Visit<'ast> for Definitions<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Const(item) => self.add_public(&item.vis, &item.ident),
            Item::Enum(item) => {
                self.add_public(&item.vis, &item.ident);
                if matches!(item.vis, Visibility::Public(_)) {
                    self.add_variants(item);
                }
            }
            Item::Fn(item) => self.add_public(&item.vis, &item.sig.ident),
            Item::Static(item) => self.add_public(&item.vis, &item.ident),
            Item::Struct(item) => self.add_public(&item.vis, &item.ident),
            Item::Trait(item) => {
                self.add_public(&item.vis, &item.ident);
                if matches!(item.vis, Visibility::Public(_)) {
                    self.add_members(item);
                }
            }
            Item::Type(item) => self.add_public(&item.vis, &item.ident),
            _ => {}
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        match item {
            ImplItem::Const(ImplItemConst { vis, ident, .. }) => self.add_public(vis, ident),
            ImplItem::Fn(ImplItemFn { vis, sig, .. }) => self.add_public(vis, &sig.ident),
            _ => {}
        }
    }
}
