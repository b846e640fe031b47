#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anonicloud_fuzz::texts::run(data));
