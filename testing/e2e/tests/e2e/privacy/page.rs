//! Writes docs/what-the-server-sees.md from a run: what is there comes from the run, what it means from the texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use super::calls::{CALLS, HEADERS};
use super::http::{Body, exchanges};
use super::life::{Life, files};
use super::tables::{self, Column, Stored};
use super::texts::{BEGINNING, COLUMNS, END, FILES, FILES_TITLE, HEADERS_TITLE, REQUESTS_TITLE, TABLES};

const PAGE: &str = "../../docs/what-the-server-sees.md";

/// Compares with the page in the repository; with `UPDATE_SNAPSHOTS=1` writes it instead.
#[expect(clippy::disallowed_methods, reason = "a snapshot asks how it is meant, as those of the server do")]
pub(super) fn check(page: &str) {
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        fs_err::write(PAGE, page).unwrap();
    }
    let kept = fs_err::read_to_string(PAGE).unwrap();
    assert!(
        kept == page,
        "the server sees something else than the page says: run this test with UPDATE_SNAPSHOTS=1 and read the difference\n{page}"
    );
}

/// The page of a run.
pub(super) fn write(life: &Life) -> String {
    let mut page = BEGINNING.to_owned();
    write_tables(&mut page, &tables::read(&life.world));
    page.push_str(FILES_TITLE);
    write_files(&mut page, life.world.server().data());
    page.push_str(REQUESTS_TITLE);
    write_requests(&mut page, life);
    page.push_str(END);
    page
}

/// Texts by what they explain.
struct Explained<'a> {
    texts: &'a [(&'a str, &'a str)],
    asked: BTreeSet<String>,
}

impl<'a> Explained<'a> {
    const fn by(texts: &'a [(&'a str, &'a str)]) -> Self {
        Self { texts, asked: BTreeSet::new() }
    }

    fn text(&mut self, key: &str) -> &'a str {
        self.asked.insert(key.to_owned());
        let found = self.texts.iter().find(|(name, _)| *name == key);
        found.map_or("", |(_, text)| text)
    }

    /// Every text was asked for, and everything that was asked for has a text.
    fn close(self) {
        let known: BTreeSet<_> = self.texts.iter().map(|(name, _)| (*name).to_owned()).collect();
        let differing: Vec<_> = known.symmetric_difference(&self.asked).collect();
        assert!(differing.is_empty(), "seen and not explained, or explained and not seen: {differing:#?}");
    }
}

fn write_tables(page: &mut String, columns: &[Column]) {
    let mut tables = Explained::by(TABLES);
    let mut explained = Explained::by(COLUMNS);
    let mut table = "";
    for column in columns {
        if column.table != table {
            table = &column.table;
            let about = tables.text(table);
            write!(page, "\n### `{table}`\n\n{about}\n\n| Column | Holds | A row |\n|---|---|---|\n").unwrap();
        }
        let text = explained.text(&format!("{table}.{}", column.name));
        let row = example(column);
        writeln!(page, "| `{}` | {text} | {row} |", column.name).unwrap();
    }
    tables.close();
    explained.close();
}

/// What stands in a column, without what is different in every run.
fn example(column: &Column) -> String {
    let mut kinds = BTreeSet::new();
    let mut lengths = BTreeSet::new();
    for value in &column.values {
        kinds.insert(match value {
            Stored::Nothing => "nothing".to_owned(),
            Stored::Number(_) if column.name.ends_with("_day") => "a day, counted from 1970".to_owned(),
            Stored::Number(_) => "a number".to_owned(),
            Stored::Text(text) if is_day(text) => "a day".to_owned(),
            Stored::Text(text) => format!("`{text}`"),
            Stored::Bytes(bytes) => {
                lengths.insert(bytes.len());
                "`3f..`".to_owned()
            }
        });
    }
    let mut said: Vec<String> = kinds.into_iter().collect();
    // The frontier grows and shrinks with the number of commits.
    let is_fixed = lengths.len() == 1 && column.name != "frontier";
    for text in said.iter_mut().filter(|text| *text == "`3f..`") {
        match lengths.first() {
            Some(len) if is_fixed => write!(text, ", {len} bytes").unwrap(),
            _ => text.push_str(", of several lengths"),
        }
    }
    if said.is_empty() {
        // It has a row for as long as it takes to remove a file.
        assert_eq!(column.table, "doomed", "the run put nothing in {}.{}", column.table, column.name);
        return "none most of the time".to_owned();
    }
    said.join(" or ")
}

fn is_day(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<_> = text.split('-').collect();
    matches!(parts[..], [year, month, day]
        if (year.len(), month.len(), day.len()) == (4, 2, 2) && parts.iter().all(|part| digits(part)))
}

fn write_files(page: &mut String, data: &Path) {
    page.push_str("\n| File | What it is |\n|---|---|\n");
    let mut explained = Explained::by(FILES);
    let names: BTreeSet<String> =
        files(data).iter().map(|path| kind_of_file(path.strip_prefix(data).unwrap())).collect();
    for name in names {
        let text = explained.text(&name);
        writeln!(page, "| `{name}` | {text} |").unwrap();
    }
    explained.close();
}

fn kind_of_file(path: &Path) -> String {
    let text = path.to_str().unwrap();
    let is_id = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
    match text.split('/').collect::<Vec<_>>()[..] {
        ["blobs", folder, name] if is_id(folder, 2) && is_id(name, 32) && name.starts_with(folder) => {
            "blobs/3f/3f..".to_owned()
        }
        _ => text.to_owned(),
    }
}

fn write_requests(page: &mut String, life: &Life) {
    let mut calls: BTreeMap<String, (Vec<Body>, Vec<Body>)> = BTreeMap::new();
    let mut headers = BTreeSet::new();
    for exchange in life.tap.iter().flat_map(exchanges) {
        headers.extend(exchange.headers);
        if !exchange.is_granted {
            // A cut may come before the server has heard of the upload that is asked about afterwards; a registration is
            // sent again when the server wants a puzzle.
            let may_be =
                ["GET /v1/spaces/{space}/uploads/{upload}", "POST /v1/register/start", "POST /v1/register/finish"];
            assert!(may_be.contains(&exchange.call.as_str()), "refused: {}", exchange.call);
            continue;
        }
        let (requests, answers) = calls.entry(exchange.call).or_default();
        requests.push(exchange.request);
        answers.push(exchange.answer);
    }
    page.push_str("\n| Request | Says | Is answered | What for |\n|---|---|---|---|\n");
    let mut explained = Explained::by(CALLS);
    for (call, (requests, answers)) in &calls {
        let (says, answered) = (describe(requests), describe(answers));
        let text = explained.text(call);
        writeln!(page, "| `{call}` | {says} | {answered} | {text} |").unwrap();
    }
    explained.close();
    page.push_str(HEADERS_TITLE);
    let mut explained = Explained::by(HEADERS);
    for header in headers {
        let text = explained.text(&header);
        writeln!(page, "| `{header}` | {text} |").unwrap();
    }
    explained.close();
}

fn describe(bodies: &[Body]) -> String {
    let mut fields = BTreeSet::new();
    let names = bodies.iter().filter_map(|body| if let Body::Fields(names) = body { Some(names) } else { None });
    // A list that was once empty is known by what was in it another time.
    let filled: BTreeSet<_> = names.flatten().filter_map(|name| name.split_once("[]")).map(|(list, _)| list).collect();
    for body in bodies {
        match body {
            Body::Fields(names) => {
                let names = names.iter().filter(|name| !filled.contains(name.as_str()));
                fields.extend(names.map(|name| format!("`{name}`")));
            }
            Body::Raw => {
                fields.insert("bytes".to_owned());
            }
            Body::Nothing => {}
        }
    }
    if fields.is_empty() {
        return "nothing".to_owned();
    }
    fields.into_iter().collect::<Vec<_>>().join(", ")
}
