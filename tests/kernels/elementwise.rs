use crate::support::*;
use octomask::kernels::{self, Args, Binary, BinarySpec, Cast, Copy, Kernel};
use octomask::ops::{self, BinaryKind, Op, Unary};
use octomask::tensor::{DType, Data, Shape, ViewMut};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const FUNCTIONS: [Unary; 23] = [
    Unary::Abs,
    Unary::Ceil,
    Unary::Cos,
    Unary::Elu,
    Unary::Exp,
    Unary::Floor,
    Unary::Gelu { approximate: false },
    Unary::Gelu { approximate: true },
    Unary::HardSwish,
    Unary::LeakyRelu { alpha: -0.3 },
    Unary::Log,
    Unary::Logistic,
    Unary::Neg,
    Unary::Relu,
    Unary::Relu0To1,
    Unary::Relu6,
    Unary::ReluN1To1,
    Unary::Round,
    Unary::Rsqrt,
    Unary::Sin,
    Unary::Sqrt,
    Unary::Square,
    Unary::Tanh,
];

#[test]
fn functions_of_one_value() {
    for function in FUNCTIONS {
        let above_zero = matches!(function, Unary::Log | Unary::Rsqrt | Unary::Sqrt);
        for n in [1, 3, 4, 5, 1023, 1024, 1025, 4099] {
            // Wider than the functions' bends, and into where they saturate.
            let mut random = Random(n as u64);
            let wide = random.floats(n).into_iter().map(|x| x * 8.0);
            let data = wide.map(|x| if above_zero { x.abs() + 0.01 } else { x }).collect();
            let input = tensor(random.tensor(&[n]).shape, Data::F32(data));
            let kernel = kernels::Unary::new(function, n);
            compare(&kernel, &Op::Unary(function), &[&input], 1, n as u64);
        }
    }
}

/// Halves go to even numbers, and what is too large for e^x is infinite.
#[test]
fn functions_of_special_values() {
    let run = |function, x: &[f32]| {
        let mut data = x.to_vec();
        let kernel = kernels::Unary::new(function, x.len());
        let outputs = &mut [ViewMut::F32(&mut data)];
        kernel.run(0..1, Args { inputs: &[None], outputs, scratch: &mut [] });
        data
    };
    assert_eq!(run(Unary::Round, &[0.5, 1.5, 2.5, -0.5, -1.5]), [0.0, 2.0, 2.0, 0.0, -2.0]);
    assert_eq!(run(Unary::Exp, &[0.0, 90.0, -200.0]), [1.0, f32::INFINITY, 0.0]);
    assert_eq!(run(Unary::Sqrt, &[0.0, 4.0]), [0.0, 2.0]);
}

const KINDS: [BinaryKind; 11] = [
    BinaryKind::Add,
    BinaryKind::Div,
    BinaryKind::FloorDiv,
    BinaryKind::FloorMod,
    BinaryKind::Maximum,
    BinaryKind::Minimum,
    BinaryKind::Mul,
    BinaryKind::Pow,
    BinaryKind::Prelu,
    BinaryKind::SquaredDifference,
    BinaryKind::Sub,
];

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
        for (k, kind) in KINDS.into_iter().enumerate() {
            for (j, activation) in ACTIVATIONS.into_iter().enumerate() {
                for swap in [false, true] {
                    let seed = (i * 1000 + k * 100 + j * 10 + swap as usize) as u64;
                    broadcast(kind, activation, pair, swap, seed);
                }
            }
        }
    }
}

fn broadcast(
    kind: BinaryKind,
    activation: Option<Unary>,
    pair: [&[usize]; 2],
    swap: bool,
    seed: u64,
) {
    let mut random = Random(seed);
    let pair = if swap { [pair[1], pair[0]] } else { pair };
    let [a, b] = pair.map(|dims| random.tensor(dims));
    // Powers of what is above 0.
    let a = if kind == BinaryKind::Pow { magnitudes_of(&a) } else { a };
    let op = Op::Binary(ops::Binary { kind, activation });
    let Ok(inferred) = op.infer(&[Some(&a), Some(&b)]) else {
        // The slopes of PRELU do not stretch the values.
        return assert_eq!(kind, BinaryKind::Prelu);
    };
    let spec = BinarySpec {
        op: ops::Binary { kind, activation },
        operands: [&a.shape, &b.shape],
        output: &inferred[0].0,
    };
    compare(&Binary::new(spec), &op, &[&a, &b], 2, seed);
}

#[test]
fn one_operand_twice_in_place() {
    let x = Random(1).tensor(&[1, 6, 6, 5]);
    let op = ops::Binary { kind: BinaryKind::Add, activation: None };
    let spec = BinarySpec { op, operands: [&x.shape; 2], output: &x.shape };
    let kernel = Binary::new(spec);
    let mut data = floats(&x).to_vec();
    let outputs = &mut [ViewMut::F32(&mut data)];
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

#[test]
fn casts_between_all_types() {
    let types = [DType::F32, DType::I8, DType::U8, DType::I16, DType::I32, DType::I64, DType::Bool];
    for from in types {
        for to in types {
            let n = 5000;
            let mut random = Random(n as u64);
            let bytes: Vec<u8> = (0..n * from.size()).map(|_| random.next() as u8).collect();
            let mut data = Data::from_le_bytes(from, &bytes).unwrap();
            if let Data::F32(list) = &mut data {
                *list = random.floats(n).into_iter().map(|x| x * x.exp2().powi(9)).collect();
                list[..3].copy_from_slice(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
                // NaN is not equal to itself.
                list[0] = if to == DType::F32 { 0.0 } else { list[0] };
            }
            let x = tensor(Shape::new([n]).unwrap(), data);
            compare_exactly(&Cast::new(n), &Op::Cast(to), &[&x], n as u64);
        }
    }
}
