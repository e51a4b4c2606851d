//! Operators that move elements: for each element of a result, which element of which operand.

use super::{Input, Output};
use crate::ops::layout::{Blocks, Channels, Cut, Gather, Join, Pad, Tiling, paddings, permutation};
use crate::ops::{Layout, layout};
use crate::tensor::MAX_RANK;

/// A position: one index for each axis, 0 for axes that a tensor does not have.
type Place = [usize; MAX_RANK];

/// Any of them. Several results: parts of an operand.
pub fn run(op: &Layout, inputs: &[Option<Input>], outputs: &mut [Output]) {
    let x = |i: usize| inputs[i].expect("infer() checked that the operand is there");
    match op {
        Layout::Cut(op) => outputs.iter_mut().enumerate().for_each(|(k, y)| cut(op, k, inputs, y)),
        Layout::Join(op) => join(op, inputs, &mut outputs[0]),
        Layout::Channels(parts) => channels(parts, inputs, &mut outputs[0]),
        Layout::Reshape(_) => copy(&mut outputs[0], x(0), |i| i),
        Layout::Transpose => transpose(x(0), x(1), &mut outputs[0]),
        Layout::Pad(op) => pad(op, x(0), x(1), inputs.get(2).copied().flatten(), &mut outputs[0]),
        Layout::Blocks(op) => blocks(op, inputs, &mut outputs[0]),
        Layout::Repeat(op) => repeat(x(op.source()), &mut outputs[0]),
        Layout::Gather(op) => gather(op, x(0), x(1), &mut outputs[0]),
        Layout::ZerosLike => (0..outputs[0].len()).for_each(|i| outputs[0].set(i, 0.0)),
    }
}

/// Element `i` of `y` is element `from(i)` of `x`.
fn copy(y: &mut Output, x: Input, from: impl Fn(usize) -> usize) {
    for i in 0..y.len() {
        y.copy(i, &x, from(i));
    }
}

/// Axis `i` of `y` is axis `axes[i]` of `x`.
fn transpose(x: Input, axes: Input, y: &mut Output) {
    let order = permutation(&List::of(axes)).expect("infer() checked the axes");
    let (from, to) = (x.shape.dims(), y.shape.dims());
    copy(y, x, |i| {
        let at = place(to, i);
        let mut source = Place::default();
        for (&axis, index) in order[..to.len()].iter().zip(at) {
            source[axis] = index;
        }
        element(from, source)
    });
}

/// Part `k`: position `p` along each axis is position `start + p * step` of the operand.
fn cut(op: &Cut, k: usize, inputs: &[Option<Input>], y: &mut Output) {
    let source = inputs[op.source()].expect("infer() checked that the operand is there");
    let others = inputs.iter().enumerate().filter(|(i, _)| *i != op.source());
    let mut lists = [List::default(), List::default(), List::default()];
    let mut count = 0;
    for (_, input) in others {
        lists[count] = List::of(input.expect("infer() checked that the operand is there"));
        count += 1;
    }
    let lists = lists.each_ref().map(|list| &list[..]);
    let dims = source.shape.dims();
    let cuts = op.cuts(k, dims, &lists[..count]).expect("infer() made the same cuts");
    let counts = cuts.map(|cut| cut.count);
    copy(y, source, |i| {
        let at = place(&counts[..dims.len()], i);
        let mut source = Place::default();
        for (a, cut) in cuts[..dims.len()].iter().enumerate() {
            source[a] = (cut.start as isize + at[a] as isize * cut.step) as usize;
        }
        element(dims, source)
    });
}

/// Along the axis, the elements of one operand follow those of the one before.
fn join(op: &Join, inputs: &[Option<Input>], y: &mut Output) {
    let dims = y.shape.dims();
    let mut start = 0;
    for x in inputs {
        let x = x.expect("infer() checked that the operands are there");
        let axis = op.axis(x.shape.rank()).expect("infer() checked the axis");
        let mut own = Place::default(); // of the operand, with the axis that PACK adds
        own[..dims.len()].copy_from_slice(dims);
        own[axis] = x.len() / (y.len() / dims[axis]);
        for i in 0..x.len() {
            let mut at = place(&own[..dims.len()], i);
            at[axis] += start;
            y.copy(element(dims, at), &x, i);
        }
        start += own[axis];
    }
}

/// Of each pixel, the channels of one part follow those of the part before.
fn channels(parts: &[Channels], inputs: &[Option<Input>], y: &mut Output) {
    let depth = y.shape.dims()[y.shape.rank() - 1];
    let mut start = 0;
    for Channels { operand, range } in parts {
        let x = inputs[*operand].expect("infer() checked that the operands are there");
        let own = x.shape.dims()[x.shape.rank() - 1];
        for pixel in 0..y.len() / depth {
            for (k, channel) in range.clone().enumerate() {
                y.copy(pixel * depth + start + k, &x, pixel * own + channel);
            }
        }
        start += range.len();
    }
}

/// What lies outside of `x` is `value`, 0 without one, or mirrored.
fn pad(op: &Pad, x: Input, around: Input, value: Option<Input>, y: &mut Output) {
    let around = paddings(&List::of(around)).expect("infer() checked the paddings");
    let (own, dims) = (x.shape.dims(), y.shape.dims());
    for i in 0..y.len() {
        let mut at = place(dims, i);
        let mut inside = true;
        for (a, &extent) in own.iter().enumerate() {
            let (before, p) = (around[a][0], at[a]);
            inside &= (before..before + extent).contains(&p);
            at[a] = match op {
                Pad::Mirror { symmetric } => mirrored(p, before, extent, *symmetric),
                Pad::Zeros | Pad::Value => p.saturating_sub(before).min(extent - 1),
            };
        }
        match (op, value) {
            (Pad::Mirror { .. }, _) => y.copy(i, &x, element(own, at)),
            _ if inside => y.copy(i, &x, element(own, at)),
            (_, Some(value)) => y.copy(i, &value, 0),
            (_, None) => y.set(i, 0.0),
        }
    }
}

/// The position below `extent` that position `p` shows, when `before` positions are added first.
/// The border is shown twice if `symmetric`.
fn mirrored(p: usize, before: usize, extent: usize, symmetric: bool) -> usize {
    let again = usize::from(symmetric);
    if p < before {
        before - p - again
    } else if p - before >= extent {
        2 * extent - 2 + again - (p - before)
    } else {
        p - before
    }
}

/// Pixels of the small tensor are pixels of the large one that lie `block` apart.
fn blocks(op: &Blocks, inputs: &[Option<Input>], y: &mut Output) {
    let input = |i: usize| inputs[i].expect("infer() checked that the operand is there");
    let x = input(0);
    let (own, dims) = (x.shape.dims(), y.shape.dims());
    match *op {
        Blocks::SpaceToDepth(block) => copy(y, x, |i| {
            let at = place(dims, i);
            element(own, deep_to_wide(at, block, own[3]))
        }),
        Blocks::DepthToSpace(block) => {
            for i in 0..x.len() {
                let at = deep_to_wide(place(own, i), block, dims[3]);
                y.copy(element(dims, at), &x, i);
            }
        }
        Blocks::SpaceToBatch | Blocks::BatchToSpace => {
            let (block, margin) = (List::of(input(1)), List::of(input(2)));
            let tiling = Tiling::new(&block, &margin).expect("infer() checked the blocks");
            if *op == Blocks::BatchToSpace {
                for i in 0..x.len() {
                    if let Some(at) = batch_to_space(&tiling, place(own, i), dims) {
                        y.copy(element(dims, at), &x, i);
                    }
                }
                return;
            }
            for i in 0..y.len() {
                match batch_to_space(&tiling, place(dims, i), own) {
                    Some(at) => y.copy(i, &x, element(own, at)),
                    None => y.set(i, 0.0),
                }
            }
        }
    }
}

/// Where the pixel and channel `at` of SPACE_TO_DEPTH's result lies in an image of `channels`.
fn deep_to_wide(at: Place, block: usize, channels: usize) -> Place {
    let mut wide = at;
    let pixel = at[3] / channels; // of the block
    wide[1] = at[1] * block + pixel / block;
    wide[2] = at[2] * block + pixel % block;
    wide[3] = at[3] % channels;
    wide
}

/// Where the element at `at` of SPACE_TO_BATCH_ND's result lies in the large tensor of extents
/// `dims`, unless in its margin.
fn batch_to_space(tiling: &Tiling, at: Place, dims: &[usize]) -> Option<Place> {
    let mut large = at;
    // Images of the same pixel of all blocks follow each other.
    large[0] = at[0] % dims[0];
    let mut pixel = at[0] / dims[0];
    for a in (1..dims.len()).rev() {
        let shift = pixel % tiling.block[a];
        pixel /= tiling.block[a];
        let p = (at[a] * tiling.block[a] + shift).checked_sub(tiling.margin[a][0])?;
        large[a] = Some(p).filter(|&p| p < dims[a])?;
    }
    Some(large)
}

/// `x` again and again. Axes that it does not have are the first.
fn repeat(x: Input, y: &mut Output) {
    let (own, dims) = (x.shape.dims(), y.shape.dims());
    let new = dims.len().saturating_sub(own.len());
    copy(y, x, |i| {
        let at = place(dims, i);
        let mut source = Place::default();
        for (a, &extent) in own.iter().enumerate() {
            // FILL's one element may have more axes than the result.
            source[a] = at.get(a + new).map_or(0, |p| p % extent);
        }
        element(own, source)
    });
}

/// Slices of `x` in the order of the indices.
fn gather(op: &Gather, x: Input, indices: Input, y: &mut Output) {
    let (own, chosen, dims) = (x.shape.dims(), indices.shape.dims(), y.shape.dims());
    let clamped = |i: usize, extent: usize| indices.integer(i).clamp(0, extent as i64 - 1) as usize;
    let (axis, batch) = op.axes(own.len(), chosen.len()).expect("infer() checked the axes");
    copy(y, x, |i| {
        let at = place(dims, i);
        let mut source = Place::default();
        match op {
            Gather::Along { .. } => {
                // The result's axes: those before `axis`, the indices' without the batch, the rest.
                let after = axis + chosen.len() - batch;
                let mut index = Place::default();
                index[..batch].copy_from_slice(&at[..batch]);
                index[batch..chosen.len()].copy_from_slice(&at[axis..after]);
                source[..axis].copy_from_slice(&at[..axis]);
                source[axis] = clamped(element(chosen, index), own[axis]);
                let rest = own.len() - axis - 1;
                source[axis + 1..own.len()].copy_from_slice(&at[after..after + rest]);
            }
            Gather::Nd => {
                let outer = chosen.len() - 1;
                let n = chosen[outer];
                let list = element(&chosen[..outer], at);
                for (a, &extent) in own.iter().enumerate().take(n) {
                    source[a] = clamped(list * n + a, extent);
                }
                source[n..own.len()].copy_from_slice(&at[outer..outer + own.len() - n]);
            }
        }
        element(own, source)
    });
}

/// The position of element `i` of a tensor of extents `dims`.
fn place(dims: &[usize], i: usize) -> Place {
    let mut at = Place::default();
    let mut rest = i;
    for (a, &extent) in dims.iter().enumerate().rev() {
        at[a] = rest % extent;
        rest /= extent;
    }
    at
}

/// The element of a tensor of extents `dims` at a position.
fn element(dims: &[usize], at: Place) -> usize {
    dims.iter().zip(at).fold(0, |i, (&extent, index)| i * extent + index)
}

/// The integers of an operand that says where: as many as lists can have.
#[derive(Default)]
struct List {
    values: [i64; layout::MAX_LIST],
    len: usize,
}

impl List {
    fn of(x: Input) -> List {
        let mut list = List { len: x.len(), ..List::default() };
        for (i, value) in list.values[..x.len()].iter_mut().enumerate() {
            *value = x.integer(i);
        }
        list
    }
}

impl std::ops::Deref for List {
    type Target = [i64];

    fn deref(&self) -> &[i64] {
        &self.values[..self.len]
    }
}
