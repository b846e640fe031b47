//! Writes docs/attacks.md: the rows, and every test of the workspace that is named after one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anonicloud_adversary::rows::{Feature, ROWS, Row};

const ROOT: &str = "../..";
const PAGE: &str = "../../docs/attacks.md";

const BEGINNING: &str = "\
# Attacks

Every attack class published on encrypted storage that we know (`a01` to `a37`), and failures that users of such products report (`p1` to `p10`): what
stops each here, and the tests that show it. The tests run in CI, so that what stands here passes; a row without a test says what it waits for.

A test is named after its row. Those in `testing/adversary` are run twice, with the client library in front of a server in memory and with the program
`anonicloud` in front of the real server over HTTPS: between the two stands a server that lies. Each fails unless the client refuses with a stable code that
is named there, or the lie changes nothing, and if a request held the password or a mark that stands in names and contents. Those of content look at what
reached the disk, and most do the same without the lie, which must succeed. Those in `crates` lie to the code that they stand beside.

A test shows something when it can fail. The last column says where one test of the row at least was seen to fail once, when a check that it is about was taken
out of the code: with the library and the program in `testing/adversary`, with the program alone, or in the tests of `core` alone. `not tried` says that
no such failure was noted.

This page is made by the test `the_page_says_what_is_tested`; with `UPDATE_SNAPSHOTS=1` it writes it.

";

/// Tests by row, each as `crate: name`.
type Tests = BTreeMap<String, BTreeSet<String>>;

#[test]
#[expect(clippy::disallowed_methods, reason = "a snapshot asks how it is meant, as those of the server do")]
fn the_page_says_what_is_tested() {
    let page = write(&tests());
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        fs_err::write(PAGE, &page).unwrap();
    }
    let kept = fs_err::read_to_string(PAGE).unwrap_or_default();
    assert!(kept == page, "run this test with UPDATE_SNAPSHOTS=1 and read the difference\n{page}");
}

#[test]
fn every_row_is_tested_or_says_what_it_waits_for() {
    let tests = tests();
    for row in ROWS {
        let tested = tests.contains_key(row.id) || !row.also.is_empty();
        assert!(tested || !row.waits.is_empty(), "{} is neither tested nor does it wait", row.id);
        for waiting in row.waits {
            println!("{} waits for {}: {}", row.id, waiting.on, waiting.part);
        }
    }
    let known: BTreeSet<_> = ROWS.iter().map(|row| row.id).collect();
    assert_eq!(known.len(), ROWS.len(), "two rows have one name");
    let unknown: Vec<_> = tests.keys().filter(|id| !known.contains(id.as_str())).collect();
    assert!(unknown.is_empty(), "tests of rows that there are not: {unknown:?}");
    let all = names().into_iter().map(|(_, name)| name).collect::<BTreeSet<_>>();
    let missing: Vec<_> = ROWS.iter().flat_map(|row| row.also).filter(|name| !all.contains(**name)).collect();
    assert!(missing.is_empty(), "tests that are not there: {missing:?}");
}

/// Every test that is named after rows.
fn tests() -> Tests {
    let mut tests = Tests::new();
    for (place, name) in names() {
        for id in name.split('_').map_while(row_id) {
            tests.entry(id).or_default().insert(format!("`{place}` {name}"));
        }
    }
    for row in ROWS {
        for name in row.also {
            let place = names().into_iter().find(|(_, found)| found == name).map(|(place, _)| place);
            let place = place.unwrap_or_default();
            tests.entry(row.id.to_owned()).or_default().insert(format!("`{place}` {name}"));
        }
    }
    tests
}

/// The row that a part of a name names.
fn row_id(part: &str) -> Option<String> {
    let digits = part.strip_prefix(['a', 'p'])?;
    let is_id = !digits.is_empty() && digits.len() <= 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then(|| part.to_owned())
}

/// Every function of the workspace with the package that it is in.
fn names() -> Vec<(String, String)> {
    let mut names = Vec::new();
    for folder in ["crates", "testing", "bench"] {
        let folder = Path::new(ROOT).join(folder);
        for file in files(&folder) {
            let place = file.strip_prefix(ROOT).unwrap().components().nth(1).unwrap();
            let text = fs_err::read_to_string(&file).unwrap();
            let lines = text.lines().map(str::trim_start);
            let functions = lines.filter_map(|line| line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn "));
            names.extend(functions.filter_map(|function| {
                let name = function.split('(').next()?;
                Some((place.as_os_str().to_string_lossy().into_owned(), name.to_owned()))
            }));
        }
    }
    names.sort();
    names
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn write(tests: &Tests) -> String {
    let mut page = BEGINNING.to_owned();
    page.push_str("| Row | Attack | Published | What stops it | Result | Seen to fail |\n|---|---|---|---|---|---|\n");
    for row in ROWS {
        let Row { id, attack, source, rule, seen, .. } = row;
        writeln!(page, "| {id} | {attack} | {source} | {rule} | {} | {seen} |", result(row, tests)).unwrap();
    }
    page.push_str("\n## Tests\n");
    for (id, names) in ROWS.iter().filter_map(|row| Some((row.id, tests.get(row.id)?))) {
        write!(page, "\n{id}:\n\n").unwrap();
        for name in names {
            writeln!(page, "- {name}").unwrap();
        }
    }
    page.push_str("\n## What waits\n");
    for feature in [Feature::Sharing, Feature::AccountLife, Feature::Browser, Feature::Freshness] {
        write_waiting(&mut page, feature, &format!("\nFor {feature}:\n\n"));
    }
    write_waiting(&mut page, Feature::Nothing, "\n## Not written yet\n\n");
    page
}

fn result(row: &Row, tests: &Tests) -> String {
    let count = tests.get(row.id).map_or(0, BTreeSet::len);
    let waits: BTreeSet<_> = row.waits.iter().map(|waiting| waiting.on).collect();
    match (count, waits.is_empty()) {
        (0, _) => "waits".to_owned(),
        (count, true) => format!("passes ({count})"),
        (count, false) => format!("passes ({count}), a part waits"),
    }
}

fn write_waiting(page: &mut String, feature: Feature, title: &str) {
    let waiting = ROWS.iter().flat_map(|row| row.waits.iter().map(move |waiting| (row.id, waiting)));
    let mut waiting = waiting.filter(|(_, waiting)| waiting.on == feature).peekable();
    if waiting.peek().is_some() {
        page.push_str(title);
    }
    for (id, waiting) in waiting {
        writeln!(page, "- {id}: {}", waiting.part).unwrap();
    }
}
