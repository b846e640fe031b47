//! What came of one round.

use super::client::Told;
use crate::statistics::float;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// The figures of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Figures {
    errors: usize,
    p50: Duration,
    p99: Duration,
    slowest: Duration,
    a_second: f64,
    requests_a_file: f64,
    /// Of the server, in microseconds.
    cpu_a_request: f64,
    memory: u64,
}

impl Figures {
    /// Of what the clients told, and what the server used meanwhile.
    pub(super) fn of(told: &Told, server_cpu: f64, memory: u64) -> Self {
        let mut took = told.took.clone();
        took.sort_unstable();
        let files = float(took.len() as u64);
        let requests = float(told.requests);
        Self {
            errors: told.failures.len(),
            p50: quantile(&took, 50),
            p99: quantile(&took, 99),
            slowest: quantile(&took, 100),
            a_second: files / told.whole.as_secs_f64(),
            requests_a_file: requests / files,
            cpu_a_request: server_cpu * 1e6 / requests,
            memory,
        }
    }
}

/// The least of `sorted` that so many of a hundred do not exceed.
fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

impl Display for Figures {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "| {} | {:.2} s | {:.2} s | {:.2} s | {:.0} | {:.1} | {:.0} µs | {} MiB |",
            self.errors,
            self.p50.as_secs_f64(),
            self.p99.as_secs_f64(),
            self.slowest.as_secs_f64(),
            self.a_second,
            self.requests_a_file,
            self.cpu_a_request,
            self.memory >> 20,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_figures_that_were_measured() {
        let took: Vec<_> = (1..=200).map(Duration::from_secs).collect();
        assert_eq!(quantile(&took, 50), Duration::from_secs(100));
        assert_eq!(quantile(&took, 99), Duration::from_secs(198));
        assert_eq!(quantile(&took, 100), Duration::from_secs(200));
        assert_eq!(quantile(&took[..1], 50), Duration::from_secs(1));
        assert_eq!(quantile(&[], 99), Duration::ZERO);
    }

    #[test]
    fn cost_is_that_of_a_request_and_not_of_a_file() {
        let told = Told {
            took: vec![Duration::from_secs(1); 4],
            requests: 40,
            failures: Vec::new(),
            whole: Duration::from_secs(2),
        };
        let figures = Figures::of(&told, 0.02, 5 << 20);
        assert_eq!(figures.to_string(), "| 0 | 1.00 s | 1.00 s | 1.00 s | 2 | 10.0 | 500 µs | 5 MiB |");
    }
}
