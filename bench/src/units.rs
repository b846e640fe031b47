//! Sizes as people write them.

/// In the largest binary unit that leaves a whole number.
pub(crate) fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.into_iter().find(|(shift, _)| bytes > 0 && bytes.trailing_zeros() >= *shift);
    unit.map_or_else(|| format!("{bytes} bytes"), |(shift, unit)| format!("{} {unit}", bytes >> shift))
}

/// Bytes in a MiB, for speeds.
pub(crate) const MIB: f64 = 1_048_576.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_largest_unit_that_loses_nothing() {
        let named = [0, 10, 1 << 10, 1025, 3 << 20, 1 << 30].map(size);
        let expected = ["0 bytes", "10 bytes", "1 KiB", "1025 bytes", "3 MiB", "1 GiB"];
        assert_eq!(named, expected);
    }
}
