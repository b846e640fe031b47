#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anonicloud_fuzz::commits::run(data));
