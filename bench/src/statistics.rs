//! From single runs to the figures of the table.

use serde::Serialize;

/// The least and the middle of some figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(crate) minimum: f64,
    pub(crate) median: f64,
}

impl Summary {
    /// Of all figures; none when there are none.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_unstable_by(f64::total_cmp);
        let upper = *figures.get(figures.len() / 2)?;
        let lower = *figures.get((figures.len() - 1) / 2)?;
        Some(Self { minimum: *figures.first()?, median: f64::midpoint(lower, upper) })
    }
}

/// The middle of the ratios ours / theirs, round by round: a machine that slows down does so for both in the same round.
pub(crate) fn median_ratio(ours: &[f64], theirs: &[f64]) -> Option<f64> {
    let ratios = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs);
    Summary::of(ratios).map(|summary| summary.median)
}

/// A count as a number that can be divided.
#[expect(clippy::cast_precision_loss, reason = "figures are printed with three digits, and 53 bits are kept")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middle_ones() {
        let odd = Summary::of([3.0, 1.0, 10.0]);
        assert_eq!(odd, Some(Summary { minimum: 1.0, median: 3.0 }));
        let even = Summary::of([4.0, 1.0, 2.0, 10.0]);
        assert_eq!(even, Some(Summary { minimum: 1.0, median: 3.0 }));
        assert_eq!(Summary::of([]), None);
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // Twice as fast in every round, on a machine that slows down by ten: the medians alone would say so too late.
        assert_eq!(median_ratio(&[20.0, 2.0], &[10.0, 1.0]), Some(2.0));
        assert_eq!(median_ratio(&[20.0, 2.0, 9.0], &[10.0, 1.0, 1.0]), Some(2.0));
        assert_eq!(median_ratio(&[], &[1.0]), None);
    }
}
