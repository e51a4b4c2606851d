use crate::support::*;
use octomask::kernels::{Conv, ConvSpec};
use octomask::ops::{Conv2d, Op, Padding, Unary, Window};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[derive(Debug, Clone, Copy)]
struct Case {
    input: [usize; 4],
    /// `[co, kh, kw, ci / groups]`.
    filter: [usize; 4],
    window: Window,
    activation: Option<Unary>,
}

fn check(case: Case, seed: u64) {
    let mut random = Random(seed);
    let Case { input, filter, window, activation } = case;
    let [_, h, w, _] = input;
    let [co, kh, kw, _] = filter;
    let Ok(output) = window.output([h, w], [kh, kw]) else { return };
    let input_tensor = random.tensor(&input);
    let filter_tensor = random.tensor(&filter);
    let bias = (!seed.is_multiple_of(3)).then(|| random.tensor(&[co]));
    let kernel = Conv::new(ConvSpec {
        input,
        output,
        filter: floats(&filter_tensor),
        filter_shape: filter,
        bias: bias.as_ref().map(floats),
        stride: window.stride,
        dilation: window.dilation,
        pad: window.pad_before([h, w], [kh, kw]),
        activation,
    });
    let op = Op::Conv2d(Conv2d { window, activation });
    let operands: Vec<_> = [&input_tensor, &filter_tensor].into_iter().chain(&bias).collect();
    compare(&kernel, &op, &operands, 1, seed);
}

#[test]
fn windows() {
    let mut seed = 0;
    for padding in PADDINGS {
        for stride in [[1, 1], [2, 2], [1, 3], [2, 1]] {
            for dilation in [[1, 1], [2, 2], [1, 3], [3, 1]] {
                for kernel in [[1, 1], [3, 3], [2, 2], [5, 5], [1, 4], [3, 1]] {
                    for size in [[1, 1], [4, 5], [9, 8], [6, 13]] {
                        seed += 1;
                        let mut random = Random(seed);
                        let ci = random.pick(&[1, 3, 4, 5, 8]);
                        let co = random.pick(&[1, 2, 3, 4, 8, 11]);
                        check(
                            Case {
                                input: [1, size[0], size[1], ci],
                                filter: [co, kernel[0], kernel[1], ci],
                                window: Window { stride, dilation, padding },
                                activation: random.pick(&ACTIVATIONS),
                            },
                            seed,
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn groups_and_batches() {
    let mut seed = 1000;
    for groups in [1, 2, 3] {
        for depth in [1, 2, 5] {
            for co in [1, 2, 3, 6] {
                for dilation in [1, 2] {
                    seed += 1;
                    let padding = Random(seed).pick(&[Padding::Same, Padding::Valid]);
                    check(
                        Case {
                            input: [2, 6, 11, groups * depth],
                            filter: [co * groups, 3, 3, depth],
                            window: Window { stride: [1, 2], dilation: [dilation; 2], padding },
                            activation: Random(seed).pick(&ACTIVATIONS),
                        },
                        seed,
                    );
                }
            }
        }
    }
}

#[test]
fn the_first_layer_of_a_network() {
    check(
        Case {
            input: [1, 64, 64, 3],
            filter: [16, 3, 3, 3],
            window: Window { stride: [2, 2], dilation: [1, 1], padding: Padding::Same },
            activation: Some(Unary::HardSwish),
        },
        1,
    );
}
