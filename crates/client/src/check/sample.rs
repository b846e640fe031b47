//! Which pieces are looked at when not all are, and what that is worth.

use anonicloud_core::crypto::random::Random;

/// Parts of a whole in [`Sample::PerMillion`].
const MILLION: u64 = 1_000_000;
/// Bytes of randomness that are drawn at once.
const DRAWN: usize = 4 << 10;

/// How many pieces are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sample {
    /// So many.
    Pieces(u64),
    /// So many of each million.
    PerMillion(u32),
}

impl Sample {
    /// How many of `population`: rounded up, and never more than there are.
    pub(super) fn of(self, population: u64) -> u64 {
        match self {
            Self::Pieces(pieces) => pieces.min(population),
            Self::PerMillion(share) => {
                let pieces = (u128::from(population) * u128::from(share)).div_ceil(u128::from(MILLION));
                u64::try_from(pieces).unwrap_or(u64::MAX).min(population)
            }
        }
    }
}

/// Takes just so many out of a population that goes by piece for piece, each choice equally likely (Knuth, "The Art of
/// Computer Programming" 3.4.2, algorithm S).
pub(super) struct Picker<R> {
    /// How many have yet to go by, and how many of them to be taken.
    left: u64,
    wanted: u64,
    random: R,
    drawn: Vec<u8>,
}

impl<R: Random> Picker<R> {
    pub(super) const fn new(population: u64, wanted: u64, random: R) -> Self {
        Self { left: population, wanted, random, drawn: Vec::new() }
    }

    /// How many have yet to be taken.
    pub(super) const fn wanted(&self) -> u64 {
        self.wanted
    }

    /// Whether the next piece is taken.
    pub(super) fn takes(&mut self) -> bool {
        let is_taken = self.wanted > 0 && self.left > 0 && self.below(self.left) < self.wanted;
        self.left = self.left.saturating_sub(1);
        self.wanted -= u64::from(is_taken);
        is_taken
    }

    /// A number under `bound`, all equally likely.
    fn below(&mut self, bound: u64) -> u64 {
        // What lies behind the last whole multiple is drawn again.
        let whole = u64::MAX - u64::MAX % bound;
        loop {
            let number = self.number();
            if number < whole {
                return number % bound;
            }
        }
    }

    fn number(&mut self) -> u64 {
        loop {
            if let Some(at) = self.drawn.len().checked_sub(size_of::<u64>())
                && let Some(number) = self.drawn.split_off(at).first_chunk()
            {
                return u64::from_le_bytes(*number);
            }
            self.drawn.resize(DRAWN, 0);
            self.random.fill(&mut self.drawn);
        }
    }
}

/// The pieces that a loss of 0.1 % takes: at least one.
pub(super) const fn lost_of(population: u64) -> u64 {
    population.div_ceil(1000)
}

/// The probability that at least one of `lost` pieces of `population` is among `looked_at` drawn without putting back
/// (hypergeometric): `1 - C(population - lost, looked_at) / C(population, looked_at)`.
#[expect(clippy::cast_precision_loss, reason = "a probability is shown with a few digits")]
pub(super) fn probability_of_showing(population: u64, lost: u64, looked_at: u64) -> f64 {
    // The quotient is the same with the two exchanged, and the product of as many factors as the smaller one says.
    let (factors, taken) = if lost < looked_at { (lost, looked_at) } else { (looked_at, lost) };
    if factors == 0 {
        return 0.0;
    }
    if factors.saturating_add(taken) > population {
        return 1.0;
    }
    let unseen: f64 = (0..factors).map(|factor| (-(taken as f64) / (population - factor) as f64).ln_1p()).sum();
    -unseen.exp_m1()
}

#[cfg(test)]
mod tests {
    use anonicloud_testkit::random::SeededRandom;

    use super::*;

    #[test]
    fn a_sample_is_rounded_up_and_at_most_all() {
        for (sample, population, pieces) in [
            (Sample::Pieces(10), 1000, 10),
            (Sample::Pieces(10), 3, 3),
            (Sample::PerMillion(10_000), 1000, 10),
            (Sample::PerMillion(1), 1000, 1),
            (Sample::PerMillion(1_000_000), u64::MAX, u64::MAX),
            (Sample::PerMillion(5), 0, 0),
        ] {
            assert_eq!(sample.of(population), pieces, "{sample:?} of {population}");
        }
    }

    #[test]
    fn just_so_many_are_taken_and_each_as_often() {
        let mut taken = [0_u32; 20];
        for round in 0..2000 {
            let mut picker = Picker::new(20, 5, SeededRandom::new(&format!("picker {round}")));
            let chosen: Vec<usize> = (0..20).filter(|_| picker.takes()).collect();
            assert_eq!(chosen.len(), 5);
            for piece in chosen {
                taken[piece] += 1;
            }
        }
        // 500 each, with a deviation of 19: the seeds decide, so that this holds in each run or in none.
        assert!(taken.iter().all(|times| (420..580).contains(times)), "{taken:?}");
    }

    #[test]
    fn the_probability_is_the_hypergeometric_one() {
        let close = |population, lost, looked_at, expected: f64| {
            let found = probability_of_showing(population, lost, looked_at);
            assert!((found - expected).abs() < 1e-12, "{population}, {lost}, {looked_at}: {found}, not {expected}");
        };
        close(1000, 1, 100, 0.1);
        close(1000, 1, 1000, 1.0);
        close(1000, 1, 0, 0.0);
        // 1 - (8 * 7 * 6) / (10 * 9 * 8)
        close(10, 2, 3, 1.0 - 336.0 / 720.0);
        close(10, 3, 2, 1.0 - 42.0 / 90.0);
        close(10, 8, 3, 1.0);
        close(0, 0, 0, 0.0);
    }

    /// The attack: of 1,000 pieces the server drops one, and one in ten is looked at.
    #[test]
    fn a37_one_dropped_of_a_thousand_shows_as_often_as_computed() {
        const ROUNDS: u32 = 2000;
        let shown = (0..ROUNDS).filter(|round| {
            let mut picker = Picker::new(1000, 100, SeededRandom::new(&format!("a37 {round}")));
            let dropped = 7 * u64::from(*round) % 1000;
            (0..1000).filter(|_| picker.takes()).any(|piece: u64| piece == dropped)
        });
        let seen = f64::from(u32::try_from(shown.count()).unwrap()) / f64::from(ROUNDS);
        let computed = probability_of_showing(1000, lost_of(1000), 100);
        // Three deviations; the seeds decide.
        assert!((seen - computed).abs() < 0.02, "{seen}, computed {computed}");
    }
}
