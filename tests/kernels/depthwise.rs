use crate::support::*;
use octomask::kernels::{ConvSpec, Depthwise};
use octomask::ops::{DepthwiseConv2d, Op, Padding, Unary, Window};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[derive(Debug, Clone, Copy)]
struct Case {
    input: [usize; 4],
    kernel: [usize; 2],
    multiplier: usize,
    window: Window,
    activation: Option<Unary>,
}

fn check(case: Case, seed: u64) {
    let mut random = Random(seed);
    let Case { input, kernel, multiplier, window, activation } = case;
    let [_, h, w, ci] = input;
    let Ok(output) = window.output([h, w], kernel) else { return };
    let filter_shape = [1, kernel[0], kernel[1], ci * multiplier];
    let input_tensor = random.tensor(&input);
    let filter = random.tensor(&filter_shape);
    let bias = (!seed.is_multiple_of(3)).then(|| random.tensor(&[ci * multiplier]));
    let kernel = Depthwise::new(ConvSpec {
        input,
        output,
        filter: floats(&filter),
        filter_shape,
        bias: bias.as_ref().map(floats),
        stride: window.stride,
        dilation: window.dilation,
        pad: window.pad_before([h, w], kernel),
        activation,
    });
    let op = Op::DepthwiseConv2d(DepthwiseConv2d { window, activation });
    let operands: Vec<_> = [&input_tensor, &filter].into_iter().chain(&bias).collect();
    compare(&kernel, &op, &operands, 1, seed);
}

#[test]
fn windows() {
    let mut seed = 0;
    for padding in PADDINGS {
        for stride in [[1, 1], [2, 2], [3, 3], [1, 2], [2, 1]] {
            for dilation in [[1, 1], [2, 2], [2, 1], [1, 3]] {
                for kernel in [[3, 3], [5, 5], [1, 3], [4, 5], [5, 3], [2, 2], [7, 7]] {
                    for size in [[1, 1], [2, 3], [5, 7], [9, 8], [12, 13], [7, 16]] {
                        seed += 1;
                        let mut random = Random(seed);
                        let channels = random.pick(&[1, 3, 4, 5, 7, 8, 11, 16]);
                        check(
                            Case {
                                input: [1, size[0], size[1], channels],
                                kernel,
                                multiplier: 1,
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
fn channels_around_the_vector() {
    for channels in 1..=17 {
        for (i, kernel) in [3, 5].into_iter().enumerate() {
            for stride in [1, 2] {
                let seed = (channels * 4 + i * 2 + stride) as u64;
                let window =
                    Window { stride: [stride; 2], dilation: [1, 1], padding: Padding::Same };
                check(
                    Case {
                        input: [2, 10, 11, channels],
                        kernel: [kernel; 2],
                        multiplier: 1,
                        window,
                        activation: ACTIVATIONS[channels % 7],
                    },
                    seed,
                );
            }
        }
    }
}

#[test]
fn multipliers() {
    for multiplier in 2..5 {
        for channels in [1, 3, 4, 6] {
            for stride in [1, 2] {
                let seed = (multiplier * 10 + channels + stride) as u64;
                let window =
                    Window { stride: [stride; 2], dilation: [1, 1], padding: Padding::Same };
                check(
                    Case {
                        input: [2, 6, 5, channels],
                        kernel: [3, 3],
                        multiplier,
                        window,
                        activation: ACTIVATIONS[seed as usize % 7],
                    },
                    seed,
                );
            }
        }
    }
}
