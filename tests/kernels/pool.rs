use crate::support::*;
use octomask::kernels::{AveragePool, MaxPool, PoolSpec};
use octomask::ops::{Op, Padding, Pool2d, PoolKind, Window};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn windows() {
    let mut seed = 0;
    for padding in [Padding::Same, Padding::Valid] {
        for stride in [[1, 1], [2, 2], [3, 1]] {
            for kernel in [[1, 1], [2, 2], [3, 3], [2, 5]] {
                for [h, w] in [[1, 1], [2, 3], [7, 6], [8, 9]] {
                    for c in [1, 3, 4, 6, 8, 13] {
                        seed += 1;
                        let mut random = Random(seed);
                        let window = Window { stride, dilation: [1, 1], padding };
                        let Ok(output) = window.output([h, w], kernel) else { continue };
                        let activation = random.pick(&ACTIVATIONS);
                        let input = random.tensor(&[2, h, w, c]);
                        let spec = PoolSpec {
                            input: [2, h, w, c],
                            output,
                            kernel,
                            stride,
                            pad: window.pad_before([h, w], kernel),
                            activation,
                        };
                        let op = |kind| Op::Pool2d(Pool2d { kind, kernel, window, activation });
                        let average = op(PoolKind::Average);
                        compare(&AveragePool::new(spec), &average, &[&input], 1, seed);
                        compare(&MaxPool::new(spec), &op(PoolKind::Max), &[&input], 1, seed);
                    }
                }
            }
        }
    }
}
