//! Padmé: lengths rounded so that they leak O(log log n) bits (PETS 2019, "Reducing Metadata Leakage from Encrypted
//! Files and Communication with PURBs"). All in `u64`, so that wasm32 gives what native gives.

/// The padded length for `len`, at least `floor` (both in bytes).
///
/// Gives a length that is not less than `len`, at most 12 % more above the floor; saturates near `u64::MAX`.
pub const fn padme(len: u64, floor: u64) -> u64 {
    let len = if len < floor { floor } else { len };
    if len < 2 {
        return len;
    }
    let exponent = len.ilog2();
    let significant = exponent.ilog2().saturating_add(1);
    let mask = (1u64 << exponent.saturating_sub(significant)).saturating_sub(1);
    len.saturating_add(mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_lengths() {
        for (len, padded) in [(0, 0), (1, 1), (9, 10), (100, 104), (1000, 1024), (1025, 1088)] {
            assert_eq!(padme(len, 0), padded, "{len}");
        }
        assert_eq!(padme(5, 4096), 4096);
        assert_eq!(padme(4 << 20, 0), 4 << 20);
    }

    proptest! {
        #[test]
        fn padding_never_shrinks_and_stays_under_twelve_percent(len in 2u64..1 << 48) {
            let padded = padme(len, 0);
            prop_assert!(padded >= len);
            prop_assert!((padded - len) * 100 <= len * 12);
            prop_assert_eq!(padme(padded, 0), padded);
        }
    }
}
