use crate::support::*;
use octomask::kernels::{Gemm, GemmSpec};
use octomask::ops::{Conv2d, Op, Padding, Unary, Window};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A 1x1 convolution of `m` pixels is the product.
fn check([m, k, n]: [usize; 3], activation: Option<Unary>, seed: u64) {
    let mut random = Random(seed);
    let input = random.tensor(&[1, 1, m, k]);
    let filter = random.tensor(&[n, 1, 1, k]);
    let bias = (!seed.is_multiple_of(3)).then(|| random.tensor(&[n]));
    let kernel = Gemm::new(GemmSpec {
        m,
        k,
        n,
        weights: floats(&filter),
        bias: bias.as_ref().map(floats),
        activation,
    });
    let window = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Valid };
    let op = Op::Conv2d(Conv2d { window, activation });
    let operands: Vec<_> = [&input, &filter].into_iter().chain(&bias).collect();
    compare(&kernel, &op, &operands, 1, seed);
}

#[test]
fn sizes_around_the_tile() {
    let mut seed = 0;
    for m in [1, 2, 3, 4, 5, 7, 8, 9, 31] {
        for n in [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17] {
            for k in [1, 2, 3, 4, 7, 8, 17, 64] {
                seed += 1;
                check([m, k, n], ACTIVATIONS[seed as usize % 7], seed);
            }
        }
    }
}

#[test]
fn activations() {
    for (seed, activation) in ACTIVATIONS.into_iter().enumerate() {
        for n in [2, 3, 5, 24] {
            check([13, 9, n], activation, seed as u64);
        }
    }
}
