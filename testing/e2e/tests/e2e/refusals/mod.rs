//! Bad input: each kind is refused with a code, a sentence and a hint of its own, and nothing is lost.

mod accounts;
mod certificates;
mod paths;
mod quota;
mod server;
mod sources;
mod state;

use std::collections::BTreeSet;

use anonicloud_e2e::device::Refusal;

/// Fails unless it is this refusal, with a sentence and a hint.
fn expect(refusal: &Refusal, code: &str, exit: i32) {
    assert_eq!((refusal.code.as_str(), refusal.exit), (code, Some(exit)), "{refusal:?}");
    assert!(!refusal.message.is_empty() && !refusal.hint.is_empty(), "{refusal:?}");
}

/// Fails unless no two say the same.
fn expect_all_distinct(refusals: &[Refusal]) {
    let parts: [fn(&Refusal) -> &str; 3] =
        [|refusal| &refusal.code, |refusal| &refusal.message, |refusal| &refusal.hint];
    for part in parts {
        let distinct: BTreeSet<_> = refusals.iter().map(part).collect();
        assert_eq!(distinct.len(), refusals.len(), "{refusals:#?}");
    }
}
