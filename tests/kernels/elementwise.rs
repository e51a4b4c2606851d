use crate::support::*;
use octomask::kernels::{Args, Binary, BinarySpec, Copy, Kernel, Unary};
use octomask::ops::{self, BinaryKind, Op};
use octomask::tensor::{DType, Data};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn functions_of_one_value() {
    for function in ACTIVATIONS.into_iter().flatten() {
        for n in [1, 3, 4, 5, 1023, 1024, 1025, 4099] {
            // Wider than the activations' bends, and into where they saturate.
            let mut random = Random(n as u64);
            let data: Vec<f32> = random.floats(n).into_iter().map(|x| x * 8.0).collect();
            let input = tensor(random.tensor(&[n]).shape, Data::F32(data));
            compare(&Unary::new(function, n), &Op::Unary(function), &[&input], 1, n as u64);
        }
    }
}

#[test]
fn broadcasts() {
    let shapes: [[&[usize]; 2]; 16] = [
        [&[1, 5, 7, 16], &[1, 5, 7, 16]],
        [&[2, 9, 9, 24], &[24]],
        [&[2, 9, 9, 24], &[1, 1, 1, 24]],
        [&[1, 1, 1, 7], &[3, 40, 11, 7]],
        [&[2, 1, 1, 6], &[2, 30, 30, 6]],
        [&[4, 33, 3], &[]],
        [&[1], &[50, 50]],
        [&[1, 8, 8, 1], &[1, 8, 8, 20]],
        [&[2, 8, 8, 5], &[1, 8, 8, 5]],
        [&[5, 1], &[1, 6]],
        [&[3, 1, 5, 1], &[1, 4, 1, 6]],
        [&[4, 1, 3], &[4, 5, 3]],
        [&[], &[]],
        [&[1, 1], &[1]],
        [&[2, 3, 1, 1, 4, 5], &[3, 7, 1, 4, 5]],
        [&[1030], &[1030]],
    ];
    for (i, pair) in shapes.into_iter().enumerate() {
        for kind in [BinaryKind::Add, BinaryKind::Mul] {
            for (j, activation) in ACTIVATIONS.into_iter().enumerate() {
                for swap in [false, true] {
                    let seed = (i * 100 + j * 10 + swap as usize) as u64;
                    let mut random = Random(seed);
                    let [a, b] = pair.map(|dims| random.tensor(dims));
                    let operands = if swap { [&b, &a] } else { [&a, &b] };
                    let op = ops::Binary { kind, activation };
                    let output = result_shape(&Op::Binary(op), &operands);
                    let spec =
                        BinarySpec { op, operands: operands.map(|t| &t.shape), output: &output };
                    compare(&Binary::new(spec), &Op::Binary(op), &operands, 2, seed);
                }
            }
        }
    }
}

#[test]
fn one_operand_twice_in_place() {
    let x = Random(1).tensor(&[1, 6, 6, 5]);
    let op = ops::Binary { kind: BinaryKind::Add, activation: None };
    let spec = BinarySpec { op, operands: [&x.shape; 2], output: &x.shape };
    let kernel = Binary::new(spec);
    let mut data = floats(&x).to_vec();
    let outputs = &mut [octomask::tensor::ViewMut::F32(&mut data)];
    kernel.run(0..kernel.units(), Args { inputs: &[None, None], outputs, scratch: &mut [] });
    assert!(data.iter().zip(floats(&x)).all(|(y, x)| *y == 2.0 * x));
}

#[test]
fn copies_of_every_type() {
    let bytes: Vec<u8> = (0..80_000u32).map(|i| (i * 7 % 251) as u8).collect();
    for dtype in [
        DType::F32,
        DType::F16,
        DType::I8,
        DType::U8,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::Bool,
    ] {
        let from = Data::from_le_bytes(dtype, &bytes).unwrap();
        let mut to = Data::zeros(dtype, from.len());
        let kernel = Copy::new(from.len());
        assert_eq!(kernel.span(0, 0..kernel.units()), 0..from.len());
        kernel.run(
            0..kernel.units(),
            Args { inputs: &[Some(from.view())], outputs: &mut [to.view_mut()], scratch: &mut [] },
        );
        // Compared as bytes, for which NaN is equal to itself.
        assert_eq!(format!("{to:?}"), format!("{from:?}"), "{dtype}");
    }
}
