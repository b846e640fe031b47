//! `check`: whether all that is stored is there and is what was stored.

use core::cell::{Cell, RefCell};

use anonicloud_client::check::{CheckReport, Finding, Sample};
use clap::Args;

use crate::context::Context;
use crate::error::CliError;
use crate::paths::RemoteArgument;
use crate::progress::Bar;
use crate::report::{Checked, Found};
use crate::ui::Ui;

/// Check that everything is there and is what was stored
///
/// Fetches all that is at and below PATH from the server, verifies it, and writes it nowhere. Each path of which something
/// is wrong is named: `altered` when other bytes come than were stored, `missing` when the server says that it has none,
/// `withheld` when it answers but does not give them, `malformed` when who stored it broke the format. With --sample the folders are read whole, and of the files so many
/// pieces chosen at random; how likely a loss of 0.1 % would have shown is said then. Exit code 9 when something is wrong.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud check
  anonicloud check /Photos
  anonicloud check --sample 1000
  anonicloud check --sample 5% --json")]
pub(crate) struct Arguments {
    /// Path in the cloud
    #[arg(value_name = "PATH", default_value = "/", value_parser = RemoteArgument::parser())]
    path: RemoteArgument,
    /// Look at so many pieces of files, or at such a share of them, instead of all
    #[arg(long, value_name = "N|P%", value_parser = sample)]
    sample: Option<Sample>,
}

/// What was looked at and found until now. A program is told of it also when the check fails or is stopped.
struct Until {
    ui: Ui,
    report: RefCell<CheckReport>,
    found: RefCell<Vec<Found>>,
    is_told: Cell<bool>,
}

impl Until {
    fn new(ui: Ui) -> Self {
        Self { ui, report: RefCell::default(), found: RefCell::default(), is_told: Cell::new(false) }
    }

    fn checked(&self, complete: bool) -> Checked {
        Checked::new(&self.report.borrow(), self.found.take(), complete)
    }

    /// The check came to its end.
    fn end(&self) -> Result<Checked, CliError> {
        let checked = self.checked(true);
        self.is_told.set(true);
        self.ui.object(&checked)?;
        Ok(checked)
    }
}

impl Drop for Until {
    fn drop(&mut self) {
        let checked = self.checked(false);
        if !self.is_told.get() && !checked.is_empty() {
            // Why the check stopped is told in any case.
            self.ui.object(&checked).ok();
        }
    }
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = context.client().await?;
        let until = Until::new(context.ui);
        let bar = if self.sample.is_some() { Bar::of_pieces(context.ui, &context.tally) } else { context.bar() };
        let unwritten = RefCell::new(None);
        let tell = |finding: &Finding| {
            let one = Found::new(finding);
            let written = bar.around(|| context.ui.line(&one.line(context.ui.stdout_is_terminal())));
            if let Err(error) = written {
                unwritten.borrow_mut().get_or_insert(error);
            }
            until.found.borrow_mut().push(one);
        };
        client.check(&self.path.path, self.sample, &bar, &tell, &until.report).await?;
        drop(bar);
        if let Some(error) = unwritten.into_inner() {
            return Err(error);
        }
        let checked = until.end()?;
        checked.sentence().lines().try_for_each(|line| context.ui.note(line))?;
        match checked.damaged_paths() {
            0 => Ok(()),
            paths => Err(CliError::Damaged(paths)),
        }
    }
}

/// `1000`, `5%` or `0.05%`.
fn sample(typed: &str) -> Result<Sample, String> {
    let refuse = || "a number of pieces as in 1000, or a share of them as in 5% or 0.05%".to_owned();
    let Some(percent) = typed.strip_suffix('%') else {
        let pieces = typed.parse().ok().filter(|pieces| *pieces > 0);
        return pieces.map(Sample::Pieces).ok_or_else(refuse);
    };
    // One percent is 10,000 of a million; more than four digits behind the point say less than that.
    let (whole, rest) = percent.split_once('.').unwrap_or((percent, ""));
    let is_number = !whole.is_empty() && percent.chars().all(|digit| digit.is_ascii_digit() || digit == '.');
    let per_million = format!("{whole}{rest:0<4}").parse::<u32>().ok().filter(|share| (1..=1_000_000).contains(share));
    per_million.filter(|_| is_number && rest.len() <= 4).map(Sample::PerMillion).ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_a_number_or_a_share() {
        for (typed, meant) in [
            ("1", Sample::Pieces(1)),
            ("1000", Sample::Pieces(1000)),
            ("100%", Sample::PerMillion(1_000_000)),
            ("5%", Sample::PerMillion(50_000)),
            ("0.05%", Sample::PerMillion(500)),
            ("0.0001%", Sample::PerMillion(1)),
        ] {
            assert_eq!(sample(typed), Ok(meant), "{typed}");
        }
        for typed in ["", "0", "-1", "0%", "101%", "%", ".5%", "1.00001%", "5 %", "1.2.3%", "+5%", "many"] {
            assert!(sample(typed).is_err(), "{typed}");
        }
    }
}
