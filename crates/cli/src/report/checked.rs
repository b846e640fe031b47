//! What a check looked at and found.

use std::collections::BTreeSet;

use anonicloud_client::check::{CheckReport, Damage, Finding, Part, Sampled};
use indicatif::HumanBytes;
use serde::Serialize;

use super::{counted, readable};
use crate::escape;

/// `check`.
#[derive(Debug, Serialize)]
pub(crate) struct Checked {
    /// Whether the check came to its end: of what is behind the place where it stopped, nothing is said.
    complete: bool,
    /// Folders that were read, and files that were looked at.
    folders: u64,
    files: u64,
    /// Pieces of files that are as they were stored, and their content bytes.
    pieces: u64,
    bytes: u64,
    findings: Vec<Found>,
    /// Null when everything was read, or not everything of a sample.
    sample: Option<Chosen>,
}

/// Something that is not as it was stored.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    /// `altered`, `missing`, `withheld` or `malformed`.
    damage: &'static str,
    /// `folder`, `record` or `content`.
    part: &'static str,
    pieces: u64,
    /// The exact path, for people.
    #[serde(skip)]
    name: Vec<u8>,
}

/// Of what the chosen pieces are a sample.
#[derive(Debug, Serialize)]
struct Chosen {
    pieces: u64,
    of: u64,
    /// The pieces that a loss of 0.1 % takes, and how likely it would have shown.
    lost: u64,
    probability: f64,
}

impl Found {
    /// What the client found.
    pub(crate) fn new(finding: &Finding) -> Self {
        let name = finding.path.to_bytes();
        let (path, path_base64) = readable(&name);
        let damage = match finding.damage {
            Damage::Altered => "altered",
            Damage::Missing => "missing",
            Damage::Withheld => "withheld",
            Damage::Malformed => "malformed",
            _ => "damaged",
        };
        let part = match finding.part {
            Part::Folder => "folder",
            Part::Record => "record",
            Part::Content => "content",
            _ => "other",
        };
        Self { path, path_base64, damage, part, pieces: finding.pieces, name }
    }

    /// `missing   content, 2 pieces   /a.iso`, without the end of a line.
    pub(crate) fn line(&self, escaped: bool) -> Vec<u8> {
        let what = match self.part {
            "folder" => "folder, with all below".to_owned(),
            "record" => "whole file".to_owned(),
            part => format!("{part}, {}", counted(self.pieces, "piece")),
        };
        let mut line = format!("{:<9} {what:<22}  ", self.damage).into_bytes();
        if escaped {
            line.extend(escape::name(&self.name).into_bytes());
        } else {
            line.extend(&self.name);
        }
        line
    }
}

impl Checked {
    /// What the client reports, at the end or when it was stopped.
    pub(crate) fn new(report: &CheckReport, findings: Vec<Found>, complete: bool) -> Self {
        let sample = report.sampled.map(|Sampled { population, chosen, lost, probability, .. }| Chosen {
            pieces: chosen,
            of: population,
            lost,
            probability,
        });
        let CheckReport { folders, files, pieces, bytes, .. } = *report;
        Self { complete, folders, files, pieces, bytes, findings, sample }
    }

    /// Whether nothing was looked at.
    pub(crate) const fn is_empty(&self) -> bool {
        self.folders == 0 && self.files == 0 && self.findings.is_empty()
    }

    /// Paths of which something is wrong.
    pub(crate) fn damaged_paths(&self) -> u64 {
        self.findings.iter().map(|found| &found.name).collect::<BTreeSet<_>>().len() as u64
    }

    /// All of it in one or two sentences.
    pub(crate) fn sentence(&self) -> String {
        let (folders, files) = (counted(self.folders, "folder"), counted(self.files, "file"));
        let bytes = HumanBytes(self.bytes);
        let end = match self.damaged_paths() {
            0 => "all as stored".to_owned(),
            paths => format!("{} not as stored", counted(paths, "path")),
        };
        match &self.sample {
            None => format!("everything was read: {folders}, {files}, {bytes}; {end}"),
            Some(Chosen { pieces, of, lost, probability }) => format!(
                "{} of {of} chosen at random were read, in {folders} and {files}, {bytes}; {end}\n\
                 a loss of 0.1 % of the pieces ({lost} of {of}) would have shown with a probability of {} %",
                counted(*pieces, "piece"),
                percent(*probability)
            ),
        }
    }
}

/// Rounded down, so that what is not sure never looks so.
fn percent(probability: f64) -> String {
    let hundredths = (probability * 10_000.0).floor();
    format!("{:.2}", hundredths / 100.0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn found(name: &[u8], damage: &'static str, part: &'static str, pieces: u64) -> Found {
        let (path, path_base64) = readable(name);
        Found { path, path_base64, damage, part, pieces, name: name.to_owned() }
    }

    /// An example.
    pub(in crate::report) fn checked() -> Checked {
        let findings = vec![found(b"/a.iso", "missing", "content", 2), found(b"/caf\xe9", "altered", "record", 1)];
        let sample = Some(Chosen { pieces: 100, of: 1000, lost: 1, probability: 0.1 });
        Checked { complete: true, folders: 3, files: 90, pieces: 98, bytes: 12 << 20, findings, sample }
    }

    #[test]
    fn a_finding_is_a_line() {
        let lines: Vec<_> = checked().findings.iter().map(|found| found.line(true)).collect();
        assert_eq!(String::from_utf8_lossy(&lines[0]), "missing   content, 2 pieces       /a.iso");
        assert_eq!(String::from_utf8_lossy(&lines[1]), "altered   whole file              /caf\\xe9");
        assert!(checked().findings[1].line(false).ends_with(b"/caf\xe9"));
    }

    #[test]
    fn a_check_says_what_it_is_worth() {
        assert_eq!(
            checked().sentence(),
            "100 pieces of 1000 chosen at random were read, in 3 folders and 90 files, 12.00 MiB; 2 paths not as stored\n\
             a loss of 0.1 % of the pieces (1 of 1000) would have shown with a probability of 10.00 %"
        );
        let whole = Checked { findings: Vec::new(), sample: None, ..checked() };
        assert_eq!(whole.sentence(), "everything was read: 3 folders, 90 files, 12.00 MiB; all as stored");
        assert_eq!((percent(0.999_999).as_str(), percent(1.0).as_str()), ("99.99", "100.00"));
    }
}
