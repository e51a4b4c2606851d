//! Bytes of a file → graph → plan, at several input sizes and with passes switched off.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some(graph) = octomask_fuzz::check::read(data) {
        octomask_fuzz::check::plan(&graph);
    }
});
