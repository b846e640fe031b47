//! What Verifpal finds for one query, and how it writes that down: `c0a1` is a confidentiality that holds and an
//! authentication that does not.

use std::fmt;

/// One letter for the kind of the query, and whether an attack on it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    kind: char,
    pub(super) attacked: bool,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.attacked { "attack found" } else { "holds" })
    }
}

/// Of confidentiality, authentication, freshness, unlinkability and equivalence.
const KINDS: &str = "cafue";

/// The verdicts in a code, with or without spaces between them; none when it is something else.
pub(super) fn of_code(code: &str) -> Option<Vec<Verdict>> {
    let mut letters = code.chars().filter(|letter| !letter.is_whitespace());
    let mut verdicts = Vec::new();
    while let Some(kind) = letters.next() {
        let attacked = match letters.next() {
            Some('0') => false,
            Some('1') => true,
            _ => return None,
        };
        verdicts.push(KINDS.contains(kind).then_some(Verdict { kind, attacked })?);
    }
    (!verdicts.is_empty()).then_some(verdicts)
}

/// The verdicts in what Verifpal printed, of which the code is the last line.
pub(super) fn of_output(output: &str) -> Option<Vec<Verdict>> {
    of_code(output.lines().last()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_tells_for_each_query_whether_it_holds() {
        let verdicts = of_output("Warning: something\n\nc0a1e0\n").expect("a code");
        assert_eq!(verdicts.iter().map(ToString::to_string).collect::<Vec<_>>(), ["holds", "attack found", "holds"]);
        assert_eq!(of_code("c0 a1 e0"), Some(verdicts));
        assert_ne!(of_code("c0"), of_code("c1"));
        assert_ne!(of_code("c0"), of_code("a0"));
    }

    #[test]
    fn what_is_not_a_code_is_no_verdict() {
        for output in ["", "\n", "c", "c2", "x0", "c0a", "c0\nError: no such file\n", "c0\n\n"] {
            assert_eq!(of_output(output), None, "{output:?}");
        }
    }
}
