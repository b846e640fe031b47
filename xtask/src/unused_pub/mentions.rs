//! The names a file mentions: not where it defines or imports them, not in an item's own body, not in documentation.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;
use syn::{
    Attribute, Ident, ImplItem, ImplItemFn, Item, ItemImpl, ItemUse, Macro, Meta, TraitItem, Type, Variant,
    visit::Visit,
};

/// Adds every name that a file mentions.
pub(super) fn collect(syntax: &syn::File, mentioned: &mut BTreeSet<String>) {
    Mentions { mentioned, within: Vec::new() }.visit_file(syntax);
}

struct Mentions<'a> {
    mentioned: &'a mut BTreeSet<String>,
    /// The items we are inside of: what they say about themselves does not count.
    within: Vec<String>,
}

impl Mentions<'_> {
    fn add(&mut self, name: String) {
        if !self.within.contains(&name) {
            self.mentioned.insert(name);
        }
    }

    fn inside(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        self.within.push(name);
        visit(self);
        self.within.pop();
    }

    fn add_tokens(&mut self, tokens: TokenStream, text: fn(&mut Self, &str)) {
        for token in tokens {
            match token {
                TokenTree::Ident(name) => self.add(name.to_string()),
                TokenTree::Group(group) => self.add_tokens(group.stream(), text),
                TokenTree::Literal(literal) => text(self, &literal.to_string()),
                TokenTree::Punct(_) => {}
            }
        }
    }

    /// `"{NAME:>4}"` in a macro mentions `NAME`.
    fn add_captures(&mut self, text: &str) {
        for capture in text.split('{').skip(1) {
            self.add(capture.chars().take_while(|sign| is_of_name(*sign)).collect());
        }
    }

    /// `default = "path::name"` in an attribute mentions `path` and `name`.
    fn add_words(&mut self, text: &str) {
        text.split(|sign| !is_of_name(sign)).for_each(|word| self.add(word.to_owned()));
    }
}

fn is_of_name(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

/// The name an item gives to the crate; `None` for those that have none.
fn name(item: &Item) -> Option<&Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        match (item, name(item)) {
            (Item::Mod(module), _) => {
                // Not its name: that is the definition.
                module.content.iter().flat_map(|(_, items)| items).for_each(|item| self.visit_item(item));
            }
            (_, Some(name)) => {
                self.inside(name.to_string(), |this| {
                    syn::visit::visit_item(this, item);
                });
            }
            (_, None) => syn::visit::visit_item(self, item),
        }
    }

    fn visit_item_impl(&mut self, block: &'ast ItemImpl) {
        let this = match block.self_ty.as_ref() {
            Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        };
        self.inside(this.unwrap_or_default(), |this| {
            syn::visit::visit_item_impl(this, block);
        });
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        match item {
            ImplItem::Fn(ImplItemFn { sig, .. }) => {
                self.inside(sig.ident.to_string(), |this| {
                    syn::visit::visit_impl_item(this, item);
                });
            }
            ImplItem::Const(constant) => {
                self.inside(constant.ident.to_string(), |this| {
                    syn::visit::visit_impl_item(this, item);
                });
            }
            _ => syn::visit::visit_impl_item(self, item),
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        match item {
            TraitItem::Fn(function) => {
                self.inside(function.sig.ident.to_string(), |this| {
                    syn::visit::visit_trait_item(this, item);
                });
            }
            TraitItem::Const(constant) => {
                self.inside(constant.ident.to_string(), |this| {
                    syn::visit::visit_trait_item(this, item);
                });
            }
            _ => syn::visit::visit_trait_item(self, item),
        }
    }

    fn visit_variant(&mut self, variant: &'ast Variant) {
        self.inside(variant.ident.to_string(), |this| {
            syn::visit::visit_variant(this, variant);
        });
    }

    fn visit_item_use(&mut self, _: &'ast ItemUse) {}

    fn visit_ident(&mut self, name: &'ast Ident) {
        self.add(name.to_string());
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        self.visit_path(&invocation.path);
        self.add_tokens(invocation.tokens.clone(), Self::add_captures);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        match &attribute.meta {
            Meta::List(list) => self.add_tokens(list.tokens.clone(), Self::add_words),
            Meta::NameValue(_) | Meta::Path(_) => {}
        }
    }
}
