use crate::support::*;
use octomask::kernels::{Args, Axis, Kernel, Patch, StridedCopy};
use octomask::tensor::{DType, Data};
use std::ops::Range;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Bytes of some elements, none of them like their neighbours.
fn distinct(dtype: DType, elements: usize, from: usize) -> Data {
    let bytes: Vec<u8> =
        (0..elements * dtype.size()).map(|i| ((i + from) * 7 % 251) as u8).collect();
    Data::from_le_bytes(dtype, &bytes).unwrap()
}

fn bytes(data: &Data) -> Vec<u8> {
    match data {
        Data::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::F16(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I8(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::U8(v) | Data::Bool(v) => v.clone(),
        Data::I16(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
    }
}

/// The elements of a box: of the operand and of the output, in row-major order.
fn elements(patch: &Patch) -> Vec<(usize, usize)> {
    let mut list = vec![(patch.from as isize, patch.to)];
    for axis in &patch.axes {
        let positions = |&(from, to): &(isize, usize)| {
            let at = move |i: usize| (from + i as isize * axis.from, to + i * axis.to);
            (0..axis.extent).map(at).collect::<Vec<_>>()
        };
        list = list.iter().flat_map(positions).collect();
    }
    list.into_iter().map(|(from, to)| (from as usize, to)).collect()
}

/// Compares a copy with one element by element, whole and cut anywhere.
fn check(operands: &[usize], outputs: &[usize], patches: &[Patch], dtype: DType, seed: u64) {
    let case = format!("seed {seed}, {dtype}, {operands:?} to {outputs:?}: {patches:#?}");
    let kernel = StridedCopy::new(operands.to_vec(), outputs.to_vec(), patches.to_vec());
    let inputs: Vec<Data> =
        operands.iter().enumerate().map(|(i, &n)| distinct(dtype, n, 31 * i)).collect();
    let views: Vec<_> = inputs.iter().map(|data| Some(data.view())).collect();
    let sources: Vec<Vec<u8>> = inputs.iter().map(bytes).collect();
    let size = dtype.size();
    let mut want: Vec<Vec<u8>> = outputs.iter().map(|&n| vec![0; n * size]).collect();
    for patch in patches {
        for (from, to) in elements(patch) {
            let source = patch.operand.map(|i| &sources[i][from * size..][..size]);
            want[patch.output][to * size..][..size]
                .copy_from_slice(source.unwrap_or(&[0; 8][..size]));
        }
    }
    let whole = std::iter::once(0..kernel.units()).collect();
    for ranges in [whole, cut(kernel.units(), &mut Random(seed))] {
        let mut made: Vec<Data> = outputs.iter().map(|&n| distinct(dtype, n, 100)).collect();
        run(&kernel, &views, &mut made, &ranges);
        for (made, want) in made.iter().zip(&want) {
            assert!(bytes(made) == *want, "{case}\nin {ranges:?}");
        }
    }
}

/// Runs each range of units on its part of each output.
fn run(
    kernel: &StridedCopy,
    inputs: &[Option<octomask::tensor::View>],
    made: &mut [Data],
    ranges: &[Range<usize>],
) {
    for range in ranges {
        let mut parts: Vec<Data> = made
            .iter()
            .enumerate()
            .map(|(k, data)| distinct(data.dtype(), kernel.span(k, range.clone()).len(), 50))
            .collect();
        let mut outputs: Vec<_> = parts.iter_mut().map(Data::view_mut).collect();
        kernel.run(range.clone(), Args { inputs, outputs: &mut outputs, scratch: &mut [] });
        for (k, part) in parts.iter().enumerate() {
            let span = kernel.span(k, range.clone());
            let size = part.dtype().size();
            let mut all = bytes(&made[k]);
            all[span.start * size..span.end * size].copy_from_slice(&bytes(part));
            made[k] = Data::from_le_bytes(part.dtype(), &all).unwrap();
        }
    }
}

const TYPES: [DType; 8] =
    [DType::F32, DType::F16, DType::I8, DType::U8, DType::I16, DType::I32, DType::I64, DType::Bool];

/// Row-major steps.
fn steps(dims: &[usize]) -> Vec<usize> {
    (0..dims.len()).map(|a| dims[a + 1..].iter().product()).collect()
}

/// An operand whose axes are put in another order, turned around, repeated or thinned out.
#[test]
fn one_patch_with_any_steps() {
    for seed in 0..400 {
        let mut random = Random(seed);
        let rank = random.below(1..6);
        let longest = [3000, 60, 15, 8, 6][rank - 1];
        let dims: Vec<usize> = (0..rank).map(|_| random.below(1..longest + 1)).collect();
        let mut order: Vec<usize> = (0..rank).collect();
        for i in (1..rank).rev() {
            order.swap(i, random.below(0..i + 1));
        }
        // Along axis `order[a]` of the operand, how many elements lie between those that are used.
        let thinned: Vec<usize> = dims.iter().map(|_| random.pick(&[1, 1, 1, 2, 3])).collect();
        let mut own = vec![1; rank];
        let repeated: Vec<bool> = dims.iter().map(|_| random.below(0..5) == 0).collect();
        for a in (0..rank).filter(|&a| !repeated[a]) {
            own[order[a]] = dims[a] * thinned[a];
        }
        let (from_steps, mut from) = (steps(&own), 0);
        let axis = |a: usize| {
            let step = (from_steps[order[a]] * thinned[a]) as isize;
            let turned = random.below(0..4) == 0;
            match (repeated[a], turned) {
                (true, _) => Axis { extent: dims[a], from: 0, to: steps(&dims)[a] },
                (false, false) => Axis { extent: dims[a], from: step, to: steps(&dims)[a] },
                (false, true) => {
                    from += (dims[a] - 1) * step as usize;
                    Axis { extent: dims[a], from: -step, to: steps(&dims)[a] }
                }
            }
        };
        let axes: Vec<Axis> = (0..rank).map(axis).collect();
        let operand = (seed % 9 > 0).then_some(0);
        let patch = Patch { operand, from, output: 0, to: 0, axes };
        let outputs = [dims.iter().product()];
        check(&[own.iter().product()], &outputs, &[patch], TYPES[seed as usize % 8], seed);
    }
}

/// Boxes side by side, as concatenation and padding have them; and the parts of one operand.
#[test]
fn several_patches() {
    for seed in 0..100 {
        let mut random = Random(seed);
        let dims: Vec<usize> = (0..3).map(|_| random.below(2..20)).collect();
        let axis = random.below(0..3);
        let at = random.below(1..dims[axis]);
        let (whole, all) = (steps(&dims), dims.iter().product());
        let part = |from_whole: bool, i: usize, range: Range<usize>| {
            let mut own = dims.clone();
            own[axis] = range.len();
            let axes = (0..3).map(|a| {
                let (from, to) = (whole[a], steps(&own)[a]);
                let (from, to) = if from_whole { (from, to) } else { (to, from) };
                Axis { extent: own[a], from: from as isize, to }
            });
            let axes = axes.collect();
            let start = range.start * whole[axis];
            let patch = match from_whole {
                true => Patch { operand: Some(0), from: start, output: i, to: 0, axes },
                false => Patch { operand: Some(i), from: 0, output: 0, to: start, axes },
            };
            (own.iter().product::<usize>(), patch)
        };
        for from_whole in [true, false] {
            let (first, one) = part(from_whole, 0, 0..at);
            let (second, two) = part(from_whole, 1, at..dims[axis]);
            let (large, small): (&[usize], &[usize]) = (&[all], &[first, second]);
            let (operands, outputs) = if from_whole { (large, small) } else { (small, large) };
            check(operands, outputs, &[one, two], TYPES[seed as usize % 8], seed);
        }
        // One of the two boxes filled with zeros.
        let (_, one) = part(false, 0, 0..at);
        let (_, two) = part(false, 1, at..dims[axis]);
        let zeros = Patch { operand: None, ..two };
        check(
            &[one.axes.iter().map(|a| a.extent).product()],
            &[all],
            &[one, zeros],
            DType::I16,
            seed,
        );
    }
}

#[test]
#[should_panic(expected = "Patch")]
fn patches_outside_of_their_operand_are_refused() {
    let axes = vec![Axis { extent: 4, from: -1, to: 1 }];
    StridedCopy::new(
        vec![4],
        vec![4],
        vec![Patch { operand: Some(0), from: 2, output: 0, to: 0, axes }],
    );
}
