//! Short storms, each from its seed; `cargo xtask storm` runs long ones and many.

use anonicloud_e2e::storm::Storm;

fn pass(seed: u64) {
    let storm = Storm::short(seed);
    println!("{storm}");
    match storm.run() {
        Ok(totals) => println!("{totals}"),
        Err(failure) => panic!("{}", failure.what),
    }
}

macro_rules! storms {
    ($($name:ident: $seed:literal;)*) => {
        $(
            #[test]
            fn $name() {
                pass($seed);
            }
        )*
    };
}

storms! {
    storm_01: 1;
    storm_02: 2;
    storm_03: 3;
    storm_04: 4;
    storm_05: 5;
    storm_06: 6;
    storm_07: 7;
    storm_08: 8;
    storm_09: 9;
    storm_10: 10;
    storm_11: 11;
    storm_12: 12;
    storm_13: 13;
    storm_14: 14;
    storm_15: 15;
    storm_16: 16;
    storm_17: 17;
    storm_18: 18;
    storm_19: 19;
    storm_20: 20;
}
