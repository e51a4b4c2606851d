//! Bytes of a file → graph.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    octomask_fuzz::check::read(data);
});
