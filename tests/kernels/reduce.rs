use crate::support::*;
use octomask::kernels::{Along, ArgReduce, Reduce};
use octomask::ops::{ArgReduce as ArgReduceOp, Op, Padding, Pool2d, PoolKind, ReduceKind, Window};
use octomask::tensor::{DType, Data, Shape};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const KINDS: [ReduceKind; 4] =
    [ReduceKind::Max, ReduceKind::Mean, ReduceKind::Min, ReduceKind::Sum];

fn reduce(kind: ReduceKind, dims: &[usize], axes: &[i32], seed: u64) {
    let op = Op::Reduce(octomask::ops::Reduce { kind, keep_dims: seed.is_multiple_of(2) });
    let input = Random(seed).tensor(dims);
    let chosen: Vec<bool> = (0..dims.len()).map(|a| axes.contains(&(a as i32))).collect();
    let along = Along::chosen(dims, &chosen).unwrap();
    compare(&Reduce::new(kind, along, None), &op, &[&input, &integers(axes)], 1, seed);
}

#[test]
fn whole_images() {
    for c in [1, 3, 4, 15, 16, 17, 31, 32, 48, 72] {
        for [h, w] in [[1, 1], [3, 5], [16, 16]] {
            for n in [1, 3] {
                for (k, kind) in KINDS.into_iter().enumerate() {
                    reduce(kind, &[n, h, w, c], &[1, 2], (c * 1000 + h * 100 + n * 10 + k) as u64);
                }
            }
        }
    }
}

#[test]
fn any_neighbouring_axes() {
    let dims = [2, 5, 6, 7];
    for first in 0..dims.len() as i32 {
        for last in first..dims.len() as i32 {
            let axes: Vec<i32> = (first..=last).collect();
            for (k, kind) in KINDS.into_iter().enumerate() {
                reduce(kind, &dims, &axes, (first * 100 + last * 10) as u64 + k as u64);
            }
        }
    }
    reduce(ReduceKind::Max, &[1, 30, 40, 9], &[-1 + 4], 1);
    reduce(ReduceKind::Sum, &[6, 1, 3], &[0, 2], 2);
    reduce(ReduceKind::Mean, &[4, 3], &[], 3);
    reduce(ReduceKind::Mean, &[1, 70], &[0], 4);
}

#[test]
fn axes_with_another_between_them_are_no_set() {
    assert_eq!(Along::chosen(&[2, 3, 4], &[true, false, true]), None);
    let along = Along { outer: 2, extent: 12, inner: 1 };
    assert_eq!(Along::chosen(&[2, 3, 1, 4], &[false, true, false, true]), Some(along));
}

#[test]
fn whole_images_with_activations() {
    for (seed, activation) in ACTIVATIONS.into_iter().enumerate() {
        let window = Window { stride: [5, 5], dilation: [1, 1], padding: Padding::Valid };
        let op = Op::Pool2d(Pool2d { kind: PoolKind::Average, kernel: [5, 5], window, activation });
        let input = Random(seed as u64).tensor(&[2, 5, 5, 21]);
        let along = Along { outer: 2, extent: 25, inner: 21 };
        let kernel = Reduce::new(ReduceKind::Mean, along, activation);
        compare(&kernel, &op, &[&input], 1, seed as u64);
    }
}

/// Small integers, so that there are several largest and smallest ones.
#[test]
fn positions_of_the_first_extreme() {
    for (i, dims) in
        [[1, 9, 11, 3], [2, 4, 5, 2], [1, 40, 30, 21], [3, 2, 2, 1]].into_iter().enumerate()
    {
        for axis in 0..4 {
            for min in [false, true] {
                for dtype in [DType::I32, DType::I64] {
                    let seed = (i * 100 + axis * 10 + usize::from(min)) as u64;
                    let shape = Shape::new(dims).unwrap();
                    let data = Random(seed).floats(shape.elements()).into_iter();
                    let x = tensor(shape, Data::F32(data.map(|x| (3.0 * x).round()).collect()));
                    let chosen: Vec<bool> = (0..4).map(|a| a == axis).collect();
                    let op = ArgReduceOp { min, dtype };
                    let kernel = ArgReduce::new(&op, Along::chosen(&dims, &chosen).unwrap());
                    let axis = integers(&[axis as i32]);
                    compare_exactly(&kernel, &Op::ArgReduce(op), &[&x, &axis], seed);
                }
            }
        }
    }
}
