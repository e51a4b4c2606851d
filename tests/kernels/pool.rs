use crate::support::*;
use octomask::kernels::{AveragePool, GlobalAverage, MaxPool, PoolSpec};
use octomask::ops::{Op, Padding, Pool2d, PoolKind, Reduce, ReduceKind, Window};
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

#[test]
fn whole_images() {
    let op = Op::Reduce(Reduce { kind: ReduceKind::Mean, keep_dims: true });
    for c in [1, 3, 4, 15, 16, 17, 31, 32, 48, 72] {
        for [h, w] in [[1, 1], [3, 5], [16, 16]] {
            for n in [1, 3] {
                let seed = (c * 100 + h * 10 + n) as u64;
                let input = Random(seed).tensor(&[n, h, w, c]);
                let kernel = GlobalAverage::new([n, h, w, c], None);
                compare(&kernel, &op, &[&input, &integers(&[1, 2])], 1, seed);
            }
        }
    }
}

#[test]
fn whole_images_with_activations() {
    for (seed, activation) in ACTIVATIONS.into_iter().enumerate() {
        let window = Window { stride: [5, 5], dilation: [1, 1], padding: Padding::Valid };
        let op = Op::Pool2d(Pool2d { kind: PoolKind::Average, kernel: [5, 5], window, activation });
        let input = Random(seed as u64).tensor(&[2, 5, 5, 21]);
        compare(&GlobalAverage::new([2, 5, 5, 21], activation), &op, &[&input], 1, seed as u64);
    }
}
