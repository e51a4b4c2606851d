//! What planning promises of the two selfie models: how much memory, and which times are told.

mod common;

use common::{model_bytes, now_ms};
use octomask::{Model, Options};

/// Bytes of the arena and of the packed weights at one thread, pinned: a change is a decision, not
/// an accident. Of the arena, the input and output that must outlive a run take 1,048,576 and
/// 589,824 bytes.
const MEMORY: [(&str, usize, usize); 2] = [
    ("selfie_segmentation", 4_063_232, 436_368),
    ("selfie_segmentation_landscape", 2_285_568, 434_016),
];

#[test]
fn arena_and_weights_take_the_pinned_number_of_bytes() {
    let measured = MEMORY.map(|(name, ..)| {
        let model = Model::load(&model_bytes(name), &Options::default()).unwrap();
        (name, model.arena_bytes(), model.weight_bytes())
    });
    assert_eq!(measured, MEMORY);
}

#[test]
fn two_threads_need_no_larger_arena() {
    for (name, arena, _) in MEMORY {
        let options = Options { threads: 2, ..Options::default() };
        let model = Model::load(&model_bytes(name), &options).unwrap();
        assert_eq!(model.arena_bytes(), arena, "{name}");
    }
}

/// Nothing falls between the steps: their times add up to what the caller sees pass.
#[test]
fn step_times_add_up_to_the_run() {
    for (name, ..) in MEMORY {
        for threads in [1, 2] {
            let options = Options { threads, ..Options::default() };
            let mut model = Model::load(&model_bytes(name), &options).unwrap();
            model.set_clock(Some(now_ms));
            model.run();
            assert_eq!(model.step_ms().len(), model.layers().len());
            // Another process may take the processor between our two looks at the clock, so the
            // best of several runs counts.
            let best = (0..20)
                .map(|_| {
                    let start = now_ms();
                    model.run();
                    let whole = now_ms() - start;
                    let steps: f64 = model.step_ms().iter().sum();
                    assert!(steps <= whole * 1.0001, "{name}: steps {steps} ms, run {whole} ms");
                    (whole - steps) / whole
                })
                .fold(f64::INFINITY, f64::min);
            assert!(best < 0.05, "{name}, {threads} threads: {:.1} % is missing", best * 100.0);
        }
    }
}

#[test]
fn a_step_covers_each_operator_of_the_file_at_most_once() {
    for (name, ..) in MEMORY {
        let model = Model::load(&model_bytes(name), &Options::default()).unwrap();
        let mut covered: Vec<usize> =
            model.graph().nodes.iter().flat_map(|n| n.covers.iter().map(|op| op.index)).collect();
        let all = covered.len();
        covered.sort_unstable();
        covered.dedup();
        assert_eq!(covered.len(), all, "{name}: an operator is covered twice");
    }
}
