//! A history of a space in which everything is genuine, whichever one the honest server has.

use std::collections::HashMap;

use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::commit::{HeadAnswer, LoggedCommit, PostedCommit};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::merkle::Frontier;

use crate::call::Kind;
use crate::change::page;
use crate::liar::{Exchange, Mind};

/// Commits of devices from the genesis on, each on top of the one before.
pub(crate) struct History(Vec<LoggedCommit>);

impl History {
    /// What the `nth` commit that was posted goes on from, that one, and what was posted on top of it. `None` when a commit of
    /// it was never seen.
    pub(crate) fn of(mind: &Mind, nth: usize) -> Option<Self> {
        let posted: Vec<_> = mind.tape.iter().filter(|exchange| exchange.call.kind == Kind::Commit).collect();
        let mut commits = vec![logged(posted.get(nth)?)];
        let seen = seen(mind);
        while let Some(prev) = commits.first().map(prev).filter(|prev| *prev != ChainHash::ZERO) {
            commits.insert(0, seen.get(&prev)?.clone());
        }
        for later in posted.iter().skip(nth + 1).filter(|exchange| exchange.honest.is_granted()) {
            let later = logged(later);
            if Some(prev(&later)) == commits.last().map(|last| last.header.hash()) {
                commits.push(later);
            }
        }
        Some(Self(commits))
    }

    pub(crate) fn head(&self) -> HeadAnswer {
        let (newest, before) = self.0.split_last().expect("a history has a genesis");
        let mut frontier = Frontier::default();
        for commit in before {
            frontier.append(&commit.header.to_bytes()).expect("few commits");
        }
        HeadAnswer { commit: newest.clone(), frontier }
    }

    /// The commits from this place on.
    pub(crate) fn from(&self, seq: u64) -> &[LoggedCommit] {
        let skipped = usize::try_from(seq).unwrap_or(usize::MAX);
        self.0.get(skipped..).unwrap_or_default()
    }
}

fn prev(commit: &LoggedCommit) -> ChainHash {
    commit.header.fields().prev
}

fn logged(posted: &Exchange) -> LoggedCommit {
    PostedCommit::from_bytes(&posted.request).expect("an honest client posts commits").logged
}

/// Every commit that ever passed, in either direction.
fn seen(mind: &Mind) -> HashMap<ChainHash, LoggedCommit> {
    let commits = mind.tape.iter().flat_map(|exchange| match exchange.call.kind {
        Kind::Commit => vec![logged(exchange)],
        Kind::Head if exchange.honest.is_granted() => {
            vec![HeadAnswer::from_bytes(&exchange.honest.body).expect("an honest head").commit]
        }
        Kind::Log if exchange.honest.is_granted() => page(&exchange.honest.body),
        _ => Vec::new(),
    });
    commits.map(|commit| (commit.header.hash(), commit)).collect()
}
