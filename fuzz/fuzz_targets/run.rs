//! Bytes of a file → results: kernels and reference agree.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some(graph) = octomask_fuzz::check::read(data) {
        octomask_fuzz::check::run(&graph, data.len() as u64);
    }
});
