//! What is to be judged of a model, read from the comment that it begins with.
//!
//! `// sessions 2: c0 a0` names what is expected of the model with two sessions of each principal, in the order of its
//! queries. `// broken NAME, sessions 2: c1 a0` begins a variant, and pairs of lines behind it, `// - LINE` and `// + LINE`,
//! name the lines of the model that are other ones in it. All other lines are for people. Each query is attacked in the
//! model or in a variant.

use super::verdict::{self, Verdict};

/// A model, or a variant of one, and what is expected of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) sessions: u8,
    pub(super) text: String,
    pub(super) queries: Vec<String>,
    pub(super) expected: Vec<Verdict>,
}

/// The first lines of a model say something that cannot be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum MalformedModel {
    /// Neither what is expected of the model nor of a variant.
    #[error("`{0}` is not `sessions NUMBER: VERDICTS`, one for each query")]
    Expectation(String),
    /// Nothing is expected of the whole model with so many sessions, so that there is nothing to break.
    #[error("variant `{0}` has as many sessions as no expectation of the model")]
    NoWhole(String),
    /// It would show nothing.
    #[error("variant `{0}` breaks no query that holds in the whole model")]
    BreaksNothing(String),
    /// It would hold whatever the model says.
    #[error("no variant breaks `{0}`")]
    Unbroken(String),
    /// A line to be taken away is not there, or not once, or nothing comes in its place.
    #[error("variant `{variant}`: no line, or more than one, is `{line}`, or nothing replaces it")]
    Change { variant: String, line: String },
    /// A variant that is the model itself.
    #[error("variant `{0}` changes nothing")]
    NoChange(String),
}

/// The model at each number of sessions, then its variants.
///
/// # Errors
/// When its first lines are not as above.
pub(super) fn of_model(name: &str, text: &str) -> Result<Vec<Case>, MalformedModel> {
    let mut cases: Vec<Case> = Vec::new();
    let mut lines = text.lines().map_while(|line| line.strip_prefix("//")).map(str::trim).peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("sessions ") {
            cases.push(expectation(name.to_owned(), line, text)?);
        } else if let Some((variant, rest)) = line.strip_prefix("broken ").and_then(|rest| rest.split_once(", ")) {
            let mut changed = text.to_owned();
            while let Some(old) = lines.next_if(|line| line.starts_with("- ")) {
                let new = lines.next_if(|line| line.starts_with("+ "));
                changed = replaced(&changed, old, new)
                    .ok_or_else(|| MalformedModel::Change { variant: variant.to_owned(), line: old.to_owned() })?;
            }
            if changed == text {
                return Err(MalformedModel::NoChange(variant.to_owned()));
            }
            let case = expectation(format!("{name}-broken-{variant}"), rest, &changed)?;
            breaks_something(variant, &case, cases.iter().find(|whole| whole.sessions == case.sessions))?;
            cases.push(case);
        }
    }
    let whole = cases.first().ok_or_else(|| MalformedModel::Expectation(String::new()))?;
    for (place, query) in whole.queries.iter().enumerate() {
        if !cases.iter().any(|case| case.expected.get(place).is_some_and(|verdict| verdict.attacked)) {
            return Err(MalformedModel::Unbroken(query.clone()));
        }
    }
    Ok(cases)
}

fn expectation(name: String, line: &str, text: &str) -> Result<Case, MalformedModel> {
    let parse = || {
        let (sessions, code) = line.strip_prefix("sessions ")?.split_once(':')?;
        Some((sessions.parse().ok()?, verdict::of_code(code)?))
    };
    let queries = queries(text);
    match parse() {
        Some((sessions, expected)) if expected.len() == queries.len() => {
            Ok(Case { name, sessions, text: text.to_owned(), queries, expected })
        }
        _ => Err(MalformedModel::Expectation(line.to_owned())),
    }
}

/// What stands in the block of queries, one a line.
fn queries(text: &str) -> Vec<String> {
    let block = text.lines().skip_while(|line| *line != "queries[").skip(1).take_while(|line| *line != "]");
    block.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty() && !line.starts_with("//")).collect()
}

/// The model with one of its lines changed.
fn replaced(text: &str, old: &str, new: Option<&str>) -> Option<String> {
    let (old, new) = (old.strip_prefix("- ")?, new?.strip_prefix("+ ")?);
    let mut found = 0;
    let mut changed = String::new();
    for line in text.lines() {
        let is_old = line.trim() == old;
        found += usize::from(is_old);
        changed.push_str(if is_old { new } else { line });
        changed.push('\n');
    }
    (found == 1).then_some(changed)
}

fn breaks_something(variant: &str, case: &Case, whole: Option<&Case>) -> Result<(), MalformedModel> {
    let whole = whole.ok_or_else(|| MalformedModel::NoWhole(variant.to_owned()))?;
    let breaks = whole.expected.iter().zip(&case.expected).any(|(whole, broken)| !whole.attacked && broken.attacked);
    if breaks { Ok(()) } else { Err(MalformedModel::BreaksNothing(variant.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "// A model.\n// - prose\n// sessions 1: c0 a0\n//\n// broken unchecked, sessions 1: c1 a1\n\
        // - check?\n// + check\n\nprincipal A[\n\tcheck?\n]\n\nqueries[\n\tconfidentiality? m\n\tauthentication? A -> B: m\n]\n";

    #[test]
    fn a_model_is_judged_whole_and_with_the_lines_of_its_variant() {
        let cases = of_model("login", MODEL).expect("well-formed");
        let [whole, broken] = cases.as_slice() else { panic!("{cases:?}") };
        assert_eq!((whole.name.as_str(), whole.sessions, whole.text.as_str()), ("login", 1, MODEL));
        assert_eq!(whole.queries, ["confidentiality? m", "authentication? A -> B: m"]);
        assert_eq!(broken.name, "login-broken-unchecked");
        assert!(broken.text.contains("principal A[\ncheck\n]"), "{}", broken.text);
        assert_eq!(Some(&broken.expected), verdict::of_code("c1a1").as_ref());
    }

    #[test]
    fn what_would_judge_nothing_is_refused() {
        let refused = |old: &str, new: &str| of_model("login", &MODEL.replacen(old, new, 1)).expect_err(new);
        assert!(matches!(refused("c0 a0", "c0"), MalformedModel::Expectation(_)));
        assert!(matches!(refused("c0 a0", "c0 a2"), MalformedModel::Expectation(_)));
        assert!(matches!(refused("sessions 1: c0 a0", ""), MalformedModel::NoWhole(_)));
        assert!(matches!(refused("c1 a1", "c0 a0"), MalformedModel::BreaksNothing(_)));
        assert!(matches!(refused("c1 a1", "c0 a1"), MalformedModel::Unbroken(_)));
        assert!(matches!(refused("\tcheck?", "\tother?"), MalformedModel::Change { .. }));
        assert!(matches!(refused("\tcheck?", "\tcheck?\n\tcheck?"), MalformedModel::Change { .. }));
        assert!(matches!(refused("// + check\n", ""), MalformedModel::Change { .. }));
        assert!(matches!(refused("// - check?\n// + check\n", ""), MalformedModel::NoChange(_)));
        assert!(matches!(of_model("login", "principal A[]\n"), Err(MalformedModel::Expectation(_))));
    }
}
