//! Bytes → choices → a network that is nearly legal → plans and results.

#![no_main]

use octomask_fuzz::{check, generate};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let network = generate::network(data);
    if let Some(graph) = check::read(&network.bytes()) {
        let seed = data.iter().fold(0, |sum, &byte| sum * 31 % 65_521 + u64::from(byte));
        check::plan_somehow(&graph, seed);
        check::run(&graph, seed);
    }
});
