use crate::support::*;
use octomask::kernels::{ConvSpec, Winograd};
use octomask::ops::{Conv2d, Op, Padding, Unary, Window};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The error that the kernel's documentation states: of the largest input by the sum of the
/// filter's absolute weights.
const ERROR: f32 = 1e-6;

fn check(input: [usize; 4], co: usize, padding: Padding, activation: Option<Unary>, seed: u64) {
    let mut random = Random(seed);
    let window = Window { stride: [1, 1], dilation: [1, 1], padding };
    let [_, h, w, ci] = input;
    let Ok(output) = window.output([h, w], [3, 3]) else { return };
    let input_tensor = random.tensor(&input);
    let filter = random.tensor(&[co, 3, 3, ci]);
    let bias = (!seed.is_multiple_of(3)).then(|| random.tensor(&[co]));
    let spec = ConvSpec {
        input,
        output,
        filter: floats(&filter),
        filter_shape: [co, 3, 3, ci],
        bias: bias.as_ref().map(floats),
        stride: window.stride,
        dilation: window.dilation,
        pad: window.pad_before([h, w], [3, 3]),
        activation,
    };
    let op = Op::Conv2d(Conv2d { window, activation });
    let operands: Vec<_> = [&input_tensor, &filter].into_iter().chain(&bias).collect();
    let size = |v: &[f32]| v.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let sum = |v: &[f32]| v.iter().map(|x| x.abs()).sum::<f32>();
    let most = size(floats(&input_tensor));
    let scale = floats(&filter).chunks(9 * ci).map(|filter| most * sum(filter) + 1.0);
    let scale: Vec<f32> = scale.collect();
    let pixels = input[0] * output[0] * output[1];
    let allowed: Vec<f32> =
        scale.iter().map(|scale| ERROR * scale).cycle().take(pixels * co).collect();
    compare_within(&allowed, &Winograd::new(spec), &op, &operands, 1, seed);
}

#[test]
fn sides_and_channels() {
    let mut seed = 0;
    for padding in [Padding::Same, Padding::Valid] {
        for h in [1, 2, 3, 4, 5, 8, 11, 14] {
            for w in [1, 3, 4, 6, 7, 12, 18] {
                for batch in [1, 2] {
                    seed += 1;
                    let mut random = Random(seed);
                    let ci = random.pick(&[1, 3, 4, 8, 13]);
                    let co = random.pick(&[1, 2, 4, 5, 8, 16, 19]);
                    let activation = random.pick(&ACTIVATIONS);
                    check([batch, h, w, ci], co, padding, activation, seed);
                }
            }
        }
    }
}

#[test]
fn more_tiles_than_are_worked_on_at_once() {
    check([1, 40, 52, 16], 16, Padding::Same, Some(Unary::Relu), 1);
    check([3, 17, 31, 32], 12, Padding::Valid, None, 2);
}

#[test]
fn many_channels() {
    check([1, 12, 12, 96], 128, Padding::Same, None, 1);
    check([1, 8, 8, 256], 64, Padding::Same, Some(Unary::Relu6), 2);
}

#[test]
fn wide_borders() {
    for (seed, before, after) in [(1, [2, 9], [7, 0]), (2, [13, 1], [1, 3]), (3, [0, 2], [8, 8])] {
        let padding = Padding::Explicit { before, after };
        check([2, 6, 5, 8], 8, padding, None, seed);
    }
}
