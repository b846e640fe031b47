//! What each layer of the server may mention: http -> service -> store.

use crate::sources::Module;
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;
use syn::{Macro, visit::Visit};

/// The package that has layers inside.
pub(super) const SERVER: &str = "anonicloud-server";

/// A layer and the paths it must not know: libraries, the engines behind the store's traits, the layers above.
const MUST_NOT_MENTION: &[(&str, &[&str])] = &[
    ("http", &["sqlx", "store::meta::SqliteMeta", "store::blob::FileBlobs"]),
    ("service", &["sqlx", "store::meta::SqliteMeta", "store::blob::FileBlobs", "axum", "hyper", "hyper_util"]),
    ("store", &["axum", "hyper", "hyper_util", "http", "http_body_util", "service"]),
];

/// All mentions in one module that its layer forbids, each as a line for a person.
pub(super) fn crossings(module: &Module) -> Vec<String> {
    let layer = module.names.first();
    let rule = MUST_NOT_MENTION.iter().find(|(name, _)| layer.is_some_and(|layer| layer == name));
    let Some((layer, forbidden)) = rule else {
        return Vec::new();
    };
    let mut paths = Paths::default();
    paths.visit_file(&module.syntax);
    let found = forbidden.iter().filter(|name| paths.mention(name));
    found.map(|name| format!("the layer `{layer}` must not mention `{name}`")).collect()
}

/// Every path of a file as text, relative to the crate, `use` included.
#[derive(Default)]
struct Paths(BTreeSet<String>);

impl Paths {
    fn mention(&self, name: &str) -> bool {
        self.0.iter().any(|path| path == name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with("::")))
    }

    fn add(&mut self, segments: &[String]) {
        let from_crate = segments.iter().skip_while(|name| ["crate", "super", "self"].contains(&name.as_str()));
        // A path of one segment is a local name, not a library: `http` as a variable is harmless.
        let names: Vec<&str> = from_crate.map(String::as_str).collect();
        if segments.len() > 1 {
            self.0.insert(names.join("::"));
        }
    }

    fn add_use(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_use(&with(&path.ident), &path.tree),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_use(before, tree)),
            syn::UseTree::Name(syn::UseName { ident }) | syn::UseTree::Rename(syn::UseRename { ident, .. }) => {
                self.add(&[&["self".to_owned()], with(ident).as_slice()].concat());
            }
            syn::UseTree::Glob(_) => self.add(&[before, &["*".to_owned()]].concat()),
        }
    }

    /// Macros are not parsed: what looks like a path in one is taken for a path.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Ident(name) if colons == 2 => {
                    path.push(name.to_string());
                    colons = 0;
                }
                other => {
                    self.add(&path);
                    path.clear();
                    colons = 0;
                    match other {
                        TokenTree::Ident(name) => path.push(name.to_string()),
                        TokenTree::Group(group) => self.add_tokens(group.stream()),
                        TokenTree::Punct(_) | TokenTree::Literal(_) => {}
                    }
                }
            }
        }
        self.add(&path);
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add(&path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>());
        syn::visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_use(&[], &item.tree);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        self.visit_path(&invocation.path);
        self.add_tokens(invocation.tokens.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn found(layer: &str, source: &str) -> usize {
        let syntax = syn::parse_file(source).expect("a test writes Rust");
        let names = vec![layer.to_owned(), "deeper".to_owned()];
        crossings(&Module { file: PathBuf::from("file.rs"), names, syntax }).len()
    }

    #[test]
    fn every_crossing_of_the_server_is_found() {
        assert_eq!(found("http", "use sqlx::Row;"), 1);
        assert_eq!(found("http", "fn f(x: &sqlx::SqlitePool) {}"), 1);
        assert_eq!(found("http", "use crate::{service, store::{self, meta::SqliteMeta}};"), 1);
        assert_eq!(found("http", "fn f() { select!(let x = crate::store::meta::SqliteMeta::open() => 1) }"), 1);
        assert_eq!(found("service", "use axum;"), 1);
        assert_eq!(found("service", "use axum::Json;"), 1);
        assert_eq!(found("service", "fn f() -> Result<(), sqlx::Error> { Ok(()) }"), 1);
        assert_eq!(found("store", "use crate::http::Reply;"), 1);
        assert_eq!(found("store", "use {axum::body::Body, crate::service::Quota};"), 2);
    }

    #[test]
    fn what_a_layer_may_know_is_not_reported() {
        assert_eq!(
            found(
                "http",
                "use axum::Json; use crate::service::Quota; fn f(_: crate::store::meta::MetaError, sqlx: u8) -> u8 { sqlx }"
            ),
            0
        );
        assert_eq!(found("service", "use crate::store::meta::MetaStore;"), 0);
        assert_eq!(found("store", "use sqlx::Row; fn f(http: u8) -> u8 { http }"), 0);
        assert_eq!(found("store", "fn f() { json!({ http: value, \"axum\": http }) }"), 0);
        assert_eq!(found("config", "use {axum::Router, sqlx::Row};"), 0);
    }
}
