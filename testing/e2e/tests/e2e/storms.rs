//! Short storms, each from its seed; `cargo xtask storm` runs long ones and many.

use anonicloud_e2e::storm::Storm;

fn pass(seed: u64, devices: u32, operations: u32) {
    let storm = Storm { seed, devices, operations };
    println!("{storm}");
    match storm.run() {
        Ok(totals) => println!("{totals}"),
        Err(what) => panic!("{what}"),
    }
}

macro_rules! storms {
    ($($name:ident: $seed:literal of $devices:literal, $operations:literal each;)*) => {
        $(
            #[test]
            fn $name() {
                pass($seed, $devices, $operations);
            }
        )*
    };
}

storms! {
    storm_01: 1 of 2, 14 each;
    storm_02: 2 of 2, 14 each;
    storm_03: 3 of 2, 14 each;
    storm_04: 4 of 2, 14 each;
    storm_05: 5 of 2, 14 each;
    storm_06: 6 of 2, 14 each;
    storm_07: 7 of 2, 14 each;
    storm_08: 8 of 2, 14 each;
    storm_09: 9 of 2, 14 each;
    storm_10: 10 of 2, 14 each;
    storm_11: 11 of 2, 14 each;
    storm_12: 12 of 2, 14 each;
    storm_13: 13 of 2, 14 each;
    storm_14: 14 of 2, 14 each;
    storm_15: 15 of 5, 6 each;
    storm_16: 16 of 5, 6 each;
    storm_17: 17 of 5, 6 each;
    storm_18: 18 of 5, 6 each;
    storm_19: 19 of 5, 6 each;
    storm_20: 20 of 5, 6 each;
}
