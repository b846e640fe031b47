//! What must be there at the end. The rule is in docs/design/0004-storms.md.

use std::collections::BTreeMap;
use std::time::Duration;

use super::content::Hash;

/// What begins a mark of a conflict copy within a name.
const CONFLICT: &str = " (conflict, ";
/// For how long after its client has died a request may still take effect.
const GRACE: Duration = Duration::from_mins(1);
/// Places deeper than this are not followed: folders would have to be moved into each other again and again.
const DEEPEST: usize = 12;

/// What an operation may do to the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// Puts contents at paths, over what is there.
    Brings(Vec<(String, Hash)>),
    /// Puts what is at and below a path at another one, or into it; takes nothing away for good.
    Spreads {
        from: String,
        to: String,
    },
    /// Removes what is at and below a path.
    Removes(String),
    Nothing,
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It said that it was done.
    Acknowledged,
    /// It said that it did nothing, because of what is there or not there.
    Refused,
    /// It was killed, or failed: what it did is not known.
    Unknown,
}

/// An operation that was run.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    /// The operation and what became of it, for a person.
    pub(super) what: String,
    pub(super) began: Duration,
    pub(super) ended: Duration,
    pub(super) effect: Effect,
    pub(super) outcome: Outcome,
}

impl Deed {
    /// Whether it puts one of these contents.
    pub(super) fn brings_one_of(&self, hashes: &[Hash]) -> bool {
        matches!(&self.effect, Effect::Brings(contents) if contents.iter().any(|(_, hash)| hashes.contains(hash)))
    }

    /// When it can have had its effect for the last time; none when it had none.
    fn latest(&self) -> Option<Duration> {
        match (self.outcome, &self.effect) {
            (Outcome::Refused, _) => None,
            (Outcome::Acknowledged, _) => Some(self.ended),
            // The queue goes on with it whenever the device resumes.
            (Outcome::Unknown, Effect::Brings(_)) => Some(Duration::MAX),
            (Outcome::Unknown, _) => Some(self.ended + GRACE),
        }
    }
}

/// What came of the acknowledged contents.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Found at the end.
    pub(super) found: Vec<Hash>,
    /// Not found, and an operation may have removed or replaced them.
    pub(super) excused: Vec<Hash>,
    /// Not found, and nothing that was run could have taken them away.
    pub(super) lost: Vec<Hash>,
}

/// Judges every content that was acknowledged by what is there at the end.
pub(super) fn judge(deeds: &[Deed], is_there: impl Fn(&Hash) -> bool) -> Verdict {
    let mut verdict = Verdict::default();
    for (hash, (began, paths)) in acknowledged(deeds) {
        let list = if is_there(&hash) {
            &mut verdict.found
        } else if may_be_gone(deeds, &hash, began, paths) {
            &mut verdict.excused
        } else {
            &mut verdict.lost
        };
        list.push(hash);
    }
    verdict
}

/// The acknowledged contents, in order of their bytes; each with the begin of the first deed that brought it, and with all paths
/// that a deed brought it to.
fn acknowledged(deeds: &[Deed]) -> Vec<(Hash, (Duration, Vec<String>))> {
    let mut all = BTreeMap::new();
    for deed in deeds {
        let Effect::Brings(contents) = &deed.effect else { continue };
        for (path, hash) in contents {
            let (is_acknowledged, began, paths) =
                all.entry(*hash.as_bytes()).or_insert((false, deed.began, Vec::new()));
            *is_acknowledged |= deed.outcome == Outcome::Acknowledged;
            *began = deed.began.min(*began);
            paths.push(plain(path));
        }
    }
    let acknowledged = all.into_iter().filter(|(_, (is_acknowledged, ..))| *is_acknowledged);
    acknowledged.map(|(hash, (_, began, paths))| (Hash::from_bytes(hash), (began, paths))).collect()
}

/// Whether a deed may have taken away a content that was brought to `paths` by a deed that began at `began`.
fn may_be_gone(deeds: &[Deed], hash: &Hash, began: Duration, paths: Vec<String>) -> bool {
    let places = places(deeds, began, paths);
    deeds.iter().any(|deed| {
        let Some(latest) = deed.latest() else { return false };
        places.iter().any(|(place, since)| {
            latest > *since
                && match &deed.effect {
                    Effect::Removes(path) => is_within(place, path),
                    Effect::Brings(contents) => {
                        contents.iter().any(|(path, other)| other != hash && plain(path) == *place)
                    }
                    Effect::Spreads { .. } | Effect::Nothing => false,
                }
        })
    })
}

/// Where a content may have been, and since when at the earliest.
fn places(deeds: &[Deed], began: Duration, paths: Vec<String>) -> BTreeMap<String, Duration> {
    let mut places = BTreeMap::new();
    let mut open: Vec<(String, Duration)> = paths.into_iter().map(|path| (path, began)).collect();
    while let Some((place, since)) = open.pop() {
        if place.matches('/').count() > DEEPEST || places.get(&place).is_some_and(|earlier| *earlier <= since) {
            continue;
        }
        for deed in deeds {
            let Effect::Spreads { from, to } = &deed.effect else { continue };
            if deed.latest().is_none_or(|latest| latest <= since) || !is_within(&place, from) {
                continue;
            }
            let rest = place.get(from.len()..).unwrap_or_default();
            let name = from.rsplit_once('/').map_or("", |(_, name)| name);
            let (to, since) = (to.trim_end_matches('/'), since.max(deed.began));
            open.push((format!("{to}{rest}"), since));
            open.push((format!("{to}/{name}{rest}"), since));
        }
        places.insert(place, since);
    }
    places
}

fn is_within(place: &str, path: &str) -> bool {
    place.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A path without the marks of conflict copies: which of two names a merge gives to whom, no deed decides.
fn plain(path: &str) -> String {
    let names = path.split('/').map(|name| name.split(CONFLICT).next().unwrap_or(name));
    names.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deed(began: u64, ended: u64, effect: Effect, outcome: Outcome) -> Deed {
        let (began, ended) = (Duration::from_secs(began), Duration::from_secs(ended));
        Deed { what: String::new(), began, ended, effect, outcome }
    }

    fn put(began: u64, path: &str, content: &[u8]) -> Deed {
        deed(began, began + 1, brings(path, content), Outcome::Acknowledged)
    }

    fn brings(path: &str, content: &[u8]) -> Effect {
        Effect::Brings(vec![(path.to_owned(), blake3::hash(content))])
    }

    fn moves(from: &str, to: &str) -> Effect {
        Effect::Spreads { from: from.to_owned(), to: to.to_owned() }
    }

    /// Lost contents when nothing is there at the end.
    fn lost(deeds: &[Deed]) -> usize {
        judge(deeds, |_| false).lost.len()
    }

    #[test]
    fn what_nobody_touched_must_be_there() {
        let deeds = [put(0, "/a/f", b"1"), put(5, "/a/g", b"2")];
        assert_eq!(lost(&deeds), 2);
        let verdict = judge(&deeds, |hash| *hash == blake3::hash(b"1"));
        assert_eq!((verdict.found.len(), verdict.lost), (1, vec![blake3::hash(b"2")]));
    }

    #[test]
    fn what_was_not_acknowledged_may_be_gone() {
        assert_eq!(lost(&[deed(0, 1, brings("/f", b"1"), Outcome::Unknown)]), 0);
        assert_eq!(lost(&[deed(0, 1, brings("/f", b"1"), Outcome::Refused)]), 0);
    }

    #[test]
    fn only_what_ended_later_excuses() {
        let put = put(10, "/a/f", b"1");
        for (ended, expected) in [(9, 1), (12, 0)] {
            let remove = deed(5, ended, Effect::Removes("/a".to_owned()), Outcome::Acknowledged);
            assert_eq!(lost(&[put.clone(), remove]), expected, "{ended}");
            let over = deed(5, ended, brings("/a/f", b"2"), Outcome::Acknowledged);
            assert_eq!(lost(&[put.clone(), over]), expected, "{ended}");
        }
    }

    #[test]
    fn a_refusal_and_another_path_excuse_nothing() {
        let put = put(0, "/a/f", b"1");
        for (path, outcome) in [
            ("/a/f", Outcome::Refused),
            ("/a/ff", Outcome::Acknowledged),
            ("/a/f/g", Outcome::Acknowledged),
            ("/b", Outcome::Acknowledged),
        ] {
            assert_eq!(lost(&[put.clone(), deed(2, 3, Effect::Removes(path.to_owned()), outcome)]), 1, "{path}");
        }
        // A folder that is put over another one replaces only the files that both have.
        assert_eq!(lost(&[put, deed(2, 3, brings("/a/f/g", b"2"), Outcome::Unknown)]), 1);
    }

    #[test]
    fn a_killed_put_may_replace_at_any_time_and_a_killed_removal_only_soon() {
        let put = put(1000, "/f", b"1");
        assert_eq!(lost(&[put.clone(), deed(0, 1, brings("/f", b"2"), Outcome::Unknown)]), 0);
        assert_eq!(lost(&[put.clone(), deed(0, 1, Effect::Removes("/f".to_owned()), Outcome::Unknown)]), 1);
        assert_eq!(lost(&[put, deed(990, 999, Effect::Removes("/f".to_owned()), Outcome::Unknown)]), 0);
    }

    #[test]
    fn what_was_moved_may_be_removed_where_it_went() {
        let put = put(0, "/a/f", b"1");
        let moved = deed(2, 3, moves("/a", "/b/"), Outcome::Acknowledged);
        let remove =
            |path: &str, began| deed(began, began + 1, Effect::Removes(path.to_owned()), Outcome::Acknowledged);
        assert_eq!(lost(&[put.clone(), moved.clone()]), 1);
        assert_eq!(lost(&[put.clone(), moved.clone(), remove("/b/a", 4)]), 0);
        assert_eq!(lost(&[put.clone(), moved.clone(), remove("/b/c", 4)]), 1);
        // Before it came there.
        assert_eq!(lost(&[put, remove("/b", 0), moved]), 1);
    }

    #[test]
    fn a_conflict_copy_counts_as_what_it_is_a_copy_of() {
        let put = put(0, "/a (conflict, x, 2026-01-01)/f (conflict, y, 2026-01-01, 2)", b"1");
        assert_eq!(lost(&[put.clone(), deed(2, 3, Effect::Removes("/a/f".to_owned()), Outcome::Acknowledged)]), 0);
        assert_eq!(lost(&[put, deed(2, 3, Effect::Removes("/a/g".to_owned()), Outcome::Acknowledged)]), 1);
    }

    #[test]
    fn a_content_that_was_sent_twice_counts_from_the_first_time() {
        let first = deed(0, 1, brings("/f", b"1"), Outcome::Unknown);
        let removed = deed(2, 3, Effect::Removes("/f".to_owned()), Outcome::Acknowledged);
        assert_eq!(lost(&[first, removed, put(4, "/f", b"1")]), 0);
    }
}
