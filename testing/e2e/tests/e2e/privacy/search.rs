//! Looks for secrets in bytes, in whatever form they were written there.

use std::collections::BTreeSet;

use data_encoding::{BASE64, BASE64URL, HEXLOWER, HEXUPPER};

/// Something that must not show.
#[derive(Debug, Clone)]
pub(super) struct Needle {
    /// What it is, for a person.
    pub(super) what: String,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// A place where it must not show.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Where, for a person.
    pub(super) name: String,
    /// All that is there.
    pub(super) bytes: Vec<u8>,
}

/// Shorter ones are found by chance.
const SHORTEST: usize = 6;

struct Pattern {
    label: String,
    bytes: Vec<u8>,
}

/// Needles in every form.
pub(super) struct Search {
    patterns: Vec<Pattern>,
    /// Patterns by their first two bytes.
    by_start: Vec<Vec<usize>>,
}

impl Search {
    pub(super) fn new(needles: &[Needle]) -> Self {
        let patterns: Vec<Pattern> = needles.iter().flat_map(forms).collect();
        let mut by_start = vec![Vec::new(); 1 << 16];
        for (index, pattern) in patterns.iter().enumerate() {
            by_start[start(&pattern.bytes)].push(index);
        }
        Self { patterns, by_start }
    }

    /// Everything that shows in any of the places, each as "what, form, where".
    pub(super) fn find(&self, places: &[Place]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for place in places {
            for at in 0..place.bytes.len().saturating_sub(1) {
                let rest = &place.bytes[at..];
                for &index in &self.by_start[start(rest)] {
                    let pattern = &self.patterns[index];
                    if rest.starts_with(&pattern.bytes) {
                        found.insert(format!("{} in {}", pattern.label, place.name));
                    }
                }
            }
        }
        found
    }
}

fn start(bytes: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

fn forms(needle: &Needle) -> Vec<Pattern> {
    let bytes = &needle.bytes;
    assert!(bytes.len() >= SHORTEST, "{} would be found by chance", needle.what);
    let mut forms = vec![
        ("raw".to_owned(), bytes.clone()),
        ("hex".to_owned(), HEXLOWER.encode(bytes).into_bytes()),
        ("HEX".to_owned(), HEXUPPER.encode(bytes).into_bytes()),
    ];
    for shift in 0..3 {
        for (name, encoding) in [("base64", BASE64), ("base64url", BASE64URL)] {
            forms.push((format!("{name} {shift}"), inner_base64(&encoding, bytes, shift)));
        }
    }
    let label = |form| format!("{}, {form}", needle.what);
    forms.into_iter().map(|(form, bytes)| Pattern { label: label(form), bytes }).collect()
}

/// The letters that depend on `bytes` alone when `shift` bytes stand before them.
fn inner_base64(encoding: &data_encoding::Encoding, bytes: &[u8], shift: usize) -> Vec<u8> {
    let shifted = [vec![0; shift], bytes.to_vec()].concat();
    let letters = encoding.encode(&shifted).into_bytes();
    letters[(shift * 8).div_ceil(6)..shifted.len() * 8 / 6].to_vec()
}

/// Hides every needle in every form in copies of the places: what a search of them must find, by the same labels.
pub(super) fn plant(needles: &[Needle], places: &mut [Place]) -> BTreeSet<String> {
    let mut planted = BTreeSet::new();
    let mut turn = (0..places.len()).cycle();
    for needle in needles {
        for (form, text) in written_forms(&needle.bytes) {
            let place = &mut places[turn.next().expect("there is a place")];
            place.bytes.extend_from_slice(&text);
            planted.insert(format!("{}, {form} in {}", needle.what, place.name));
        }
    }
    planted
}

/// What a careless program would write: the bytes in the midst of others, encoded whole.
fn written_forms(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut forms = vec![
        ("raw".to_owned(), [b"<", bytes, b">"].concat()),
        ("hex".to_owned(), HEXLOWER.encode(&[b"<", bytes].concat()).into_bytes()),
        ("HEX".to_owned(), HEXUPPER.encode(&[bytes, b">"].concat()).into_bytes()),
    ];
    for before in ["", "{", "{\""] {
        let text = [before.as_bytes(), bytes, b"\"}"].concat();
        let shift = before.len();
        forms.push((format!("base64 {shift}"), BASE64.encode(&text).into_bytes()));
        forms.push((format!("base64url {shift}"), BASE64URL.encode(&text).into_bytes()));
    }
    forms
}
