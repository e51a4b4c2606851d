use crate::support::*;
use octomask::kernels::{self, Args, Kernel};
use octomask::ops::{Op, Softmax};
use octomask::tensor::ViewMut;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rows_of_any_length() {
    for row in [1, 2, 3, 4, 5, 6, 8, 21, 32, 33, 150, 1000, 1025] {
        for rows in [1, 2, 3, 4, 7, 8, 400] {
            for (beta, log) in [(1.0, false), (0.5, false), (-2.0, false), (1.0, true)] {
                let seed = (row * 1000 + rows * 10) as u64 + u64::from(log);
                let input = Random(seed).tensor(&[rows, row]);
                let op = Softmax { beta, log };
                let kernel = kernels::Softmax::new(op, rows, row);
                compare(&kernel, &Op::Softmax(op), &[&input], 1, seed);
            }
        }
    }
}

/// Against float64, over logits from narrow to so wide that only one class is left.
#[test]
fn as_exact_as_it_says() {
    for width in [0.1, 1.0, 10.0, 60.0] {
        for row in [2, 5, 19, 64] {
            let logits: Vec<f32> =
                Random(row as u64).floats(400 * row).into_iter().map(|x| width * x).collect();
            let run = |log: bool| {
                let mut data = logits.clone();
                let kernel = kernels::Softmax::new(Softmax { beta: 1.0, log }, 400, row);
                let mut scratch = vec![0.0; kernel.scratch()];
                let outputs = &mut [ViewMut::F32(&mut data)];
                let args = Args { inputs: &[None], outputs, scratch: &mut scratch };
                kernel.run(0..kernel.units(), args);
                data
            };
            let (parts, logs) = (run(false), run(true));
            for (start, x) in logits.chunks(row).enumerate().map(|(i, x)| (i * row, x)) {
                let most = x.iter().fold(f64::NEG_INFINITY, |most, &x| most.max(x as f64));
                let sum: f64 = x.iter().map(|&x| (x as f64 - most).exp()).sum();
                for (i, &x) in x.iter().enumerate() {
                    let log = x as f64 - most - sum.ln();
                    let part_off = (parts[start + i] as f64 - log.exp()).abs();
                    let log_off = (logs[start + i] as f64 - log).abs();
                    let allowed = 4e-7 * log.abs().max(1.0);
                    assert!(
                        part_off <= 4e-7 && log_off <= allowed,
                        "{part_off} {log_off} of {log}"
                    );
                }
            }
        }
    }
}

#[test]
fn infinities() {
    let op = Softmax { beta: 1.0, log: false };
    let kernel = kernels::Softmax::new(op, 1, 3);
    let mut data = vec![f32::NEG_INFINITY, 3.0, -1e38];
    let outputs = &mut [ViewMut::F32(&mut data)];
    kernel.run(0..1, Args { inputs: &[None], outputs, scratch: &mut [0.0; 12] });
    assert!(data[0] < 1e-37 && data[1] == 1.0 && data[2] < 1e-37, "{data:?}");
}
