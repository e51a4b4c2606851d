//! Operators that move elements: which of their constants follow another input size.
//!
//! What counts from the end, or goes to the end, follows by itself. Sizes that were the whole of
//! an axis become the whole of it again. Anything else that is fixed along an axis which changes
//! is refused: nobody knows what it would be.

use super::{File, scaled, set_sizes};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::ops::Op;
use crate::ops::layout::{Blocks, Cut, Element, Gather, Layout, Repeat, Reshape, StridedSlice};
use crate::tensor::Shape;

/// Derives anew what node `i` of the new graph carries of the old size.
pub fn adapt(op: &Layout, file: &File, new: &mut Graph, i: usize) -> Result<()> {
    let old = file.graph;
    let Some(id) = old.nodes[i].inputs.get(op.source()).copied().flatten() else {
        return Ok(()); // refused when its shape is inferred
    };
    let axes = Axes {
        before: old.tensor(id).shape.dims().to_vec(),
        after: new.tensor(id).shape.dims().to_vec(),
    };
    if axes.before.len() != axes.after.len() {
        return Err(Error::unsupported("gets a tensor of another rank at another input size"));
    }
    let same = axes.before == axes.after;
    match op {
        Layout::Repeat(op) => repeat(*op, &axes, file, new, i),
        _ if same => Ok(()),
        Layout::Reshape(op) => reshape(op, &axes, file, new, i),
        Layout::Cut(Cut::Slice) => slice(&axes, file, new, i),
        Layout::Cut(Cut::StridedSlice(op)) => strided_slice(*op, &axes, file, new, i),
        Layout::Blocks(op) => blocks(*op, &axes, file, new, i),
        Layout::Gather(op) => gather(*op, &axes, file, i),
        _ => Ok(()),
    }
}

/// Extents of what is moved, at the old input size and at the new one.
struct Axes {
    before: Vec<usize>,
    after: Vec<usize>,
}

impl Axes {
    fn change(&self, a: usize) -> bool {
        self.before[a] != self.after[a]
    }
}

fn fixed(axis: usize) -> Error {
    let what = format!("is fixed along axis {axis}, which changes with the input size");
    Error::unsupported(what)
}

/// A list that the file has as an operand; `None` for one that is computed and follows by itself.
fn fixed_list(file: &File, i: usize, operand: usize) -> Option<Vec<i64>> {
    let node = &file.graph.nodes[i];
    let id = node.inputs.get(operand).copied().flatten()?;
    file.is_fixed(node, operand).then(|| file.graph.tensor(id).const_integers())?
}

/// Sets the extents that a RESHAPE goes to, and the axes that a SQUEEZE drops.
fn reshape(op: &Reshape, axes: &Axes, file: &File, new: &mut Graph, i: usize) -> Result<()> {
    match op {
        Reshape::ExpandDims => {}
        Reshape::Squeeze(list) => {
            if list.is_empty() {
                let ones = (0..axes.before.len()).filter(|&a| axes.before[a] == 1);
                let ones = Reshape::Squeeze(ones.map(|a| a as i32).collect());
                new.nodes[i].op = Op::Layout(Layout::Reshape(ones));
            }
        }
        Reshape::Reshape(_) => {
            let old = file.graph;
            let node = &old.nodes[i];
            let result = old.tensor(node.outputs[0]).shape.dims();
            let sides = |h, w| scaled(old, new, [h, w]).ok();
            match reshaped(axes, result, sides) {
                Some(dims) => {
                    let dims = dims.into_iter().map(|d| d as i32).collect();
                    new.nodes[i].op = Op::Layout(Layout::Reshape(Reshape::Reshape(dims)));
                    new.nodes[i].inputs.truncate(1);
                }
                None if node.inputs.len() < 2 || file.is_fixed(node, 1) => {
                    let what = format!("{:?} to {result:?}", axes.before);
                    let what = format!("reshapes {what}, which says too little of other sizes");
                    return Err(Error::unsupported(what));
                }
                None => {}
            }
        }
    }
    Ok(())
}

/// The extents of a RESHAPE's result. Axes are taken in groups, as small as can be, that become
/// each other: unchanged ones, several that become one, and one that becomes height and width, for
/// which `scaled` says what they would be.
fn reshaped(
    axes: &Axes,
    result: &[usize],
    scaled: impl Fn(usize, usize) -> Option<[usize; 2]>,
) -> Option<Vec<usize>> {
    let mut dims = result.to_vec();
    let (mut from, mut to) = (0, 0);
    while from < axes.before.len() {
        let (first, start) = (from, to);
        let (mut taken, mut given) = (axes.before[from], 1);
        from += 1;
        while taken != given {
            if given < taken {
                given *= result.get(to)?;
                to += 1;
            } else {
                taken *= axes.before.get(from)?;
                from += 1;
            }
        }
        let changed: Vec<usize> = (first..from).filter(|&a| axes.change(a)).collect();
        if changed.is_empty() {
            continue;
        }
        let product: usize = axes.after[first..from].iter().product();
        let large: Vec<usize> = (start..to).filter(|&a| result[a] != 1).collect();
        match large[..] {
            // An extent of 1 that grows could go anywhere.
            _ if changed.iter().any(|&a| axes.before[a] == 1) => return None,
            [a] => dims[a] = product,
            [h, w] if from - first == 1 => {
                let sides = scaled(result[h], result[w])?;
                (sides[0].checked_mul(sides[1]) == Some(product)).then_some(())?;
                [dims[h], dims[w]] = sides;
            }
            _ => return None,
        }
    }
    Some(dims)
}

/// A SLICE of the whole of an axis, or of all that follows.
fn slice(axes: &Axes, file: &File, new: &mut Graph, i: usize) -> Result<()> {
    let (Some(begins), Some(sizes)) = (fixed_list(file, i, 1), fixed_list(file, i, 2)) else {
        return Ok(());
    };
    let mut new_sizes = Vec::new();
    for (a, (&begin, &size)) in begins.iter().zip(&sizes).enumerate().take(axes.before.len()) {
        let left = (axes.after[a] as i64 - begin).max(0);
        let whole = size == -1 || begin == 0 && size == axes.before[a] as i64;
        match whole {
            true => new_sizes.push(left as usize),
            false if axes.change(a) => return Err(fixed(a)),
            false => new_sizes.push(size.max(0) as usize),
        }
    }
    set_sizes(new, i, 2, &new_sizes)
}

/// A STRIDED_SLICE to the end, or to a position that is counted from there.
fn strided_slice(
    op: StridedSlice,
    axes: &Axes,
    file: &File,
    new: &mut Graph,
    i: usize,
) -> Result<()> {
    let lists = [1, 2, 3].map(|operand| fixed_list(file, i, operand));
    let [Some(begins), Some(ends), Some(strides)] = lists else { return Ok(()) };
    let mut adapted = op;
    for (k, element) in op.elements(begins.len(), axes.before.len()).enumerate() {
        let Element::Axis { axis, shrinks } = element else { continue };
        if !axes.change(axis) {
            continue;
        }
        let extent = axes.before[axis] as i64;
        let (begin, end, backwards) = (begins[k], ends[k], strides[k] < 0);
        let (from_first, to_last) = (op.begin_mask >> k & 1 == 1, op.end_mask >> k & 1 == 1);
        if shrinks {
            if !from_first && begin > 0 {
                return Err(fixed(axis));
            }
            continue;
        }
        let end = if op.offset { begin.saturating_add(end) } else { end };
        if !from_first && backwards && begin >= 0 {
            match begin >= extent - 1 {
                true => adapted.begin_mask |= 1 << k,
                false => return Err(fixed(axis)),
            }
        }
        if !to_last && !backwards && end >= 0 {
            match end >= extent {
                true => adapted.end_mask |= 1 << k,
                false => return Err(fixed(axis)),
            }
        }
    }
    new.nodes[i].op = Op::Layout(Layout::Cut(Cut::StridedSlice(adapted)));
    Ok(())
}

/// The margins of SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: what the converter added after the last
/// row and column so that blocks fit.
fn blocks(op: Blocks, axes: &Axes, file: &File, new: &mut Graph, i: usize) -> Result<()> {
    let (Some(block), Some(mut margin)) = (fixed_list(file, i, 1), fixed_list(file, i, 2)) else {
        return Ok(());
    };
    if !matches!(op, Blocks::SpaceToBatch | Blocks::BatchToSpace) || axes.before.len() != 4 {
        return Ok(());
    }
    let old = file.graph;
    let result = old.tensor(old.nodes[i].outputs[0]).shape.dims();
    let target = scaled(old, new, [result[1], result[2]])?;
    for (k, &block) in block.iter().enumerate().take(2) {
        let extent = axes.after[k + 1] as i64;
        let [before, after] = [margin[2 * k], margin[2 * k + 1]];
        margin[2 * k + 1] = match op {
            Blocks::SpaceToBatch => {
                // Padding for a filter is the same on both sides; what is more fills a block.
                let pad = if (before..before + block).contains(&after) { before } else { after };
                pad + (-(extent + before + pad)).rem_euclid(block)
            }
            _ => extent * block - before - target[k] as i64,
        };
        if margin[2 * k + 1] < 0 {
            return Err(fixed(k + 1));
        }
    }
    let margin: Vec<usize> = margin.into_iter().map(|m| m as usize).collect();
    set_sizes(new, i, 2, &margin)?;
    let id = new.nodes[i].inputs[2].expect("set just now");
    new.tensors[id.0].shape = Shape::new([margin.len() / 2, 2])?;
    Ok(())
}

/// How often an image of one pixel is repeated, or to which extents.
fn repeat(op: Repeat, axes: &Axes, file: &File, new: &mut Graph, i: usize) -> Result<()> {
    let list = usize::from(op != Repeat::Fill);
    let Some(sizes) = fixed_list(file, i, list) else { return Ok(()) };
    let Ok(mut sizes) = sizes.into_iter().map(usize::try_from).collect::<Result<Vec<_>, _>>()
    else {
        return Ok(()); // refused when its shape is inferred
    };
    let image = sizes.len() == 4;
    let target = if image { scaled(file.graph, new, [sizes[1], sizes[2]])? } else { [0; 2] };
    let new_axes = sizes.len().saturating_sub(axes.before.len());
    for (a, size) in sizes.iter_mut().enumerate() {
        let own = a.checked_sub(new_axes).filter(|_| op != Repeat::Fill);
        let (before, after) = own.map_or((1, 1), |a| (axes.before[a], axes.after[a]));
        let grows = image && (a == 1 || a == 2) && *size > 1 && before == 1 && after == 1;
        match op {
            _ if grows => *size = target[a - 1],
            Repeat::BroadcastTo if *size == before => *size = after,
            Repeat::Tile | Repeat::BroadcastTo | Repeat::Fill => {}
        }
    }
    set_sizes(new, i, list, &sizes)
}

/// Indices of the file, along an axis that changes, are refused.
fn gather(op: Gather, axes: &Axes, file: &File, i: usize) -> Result<()> {
    let (old, node) = (file.graph, &file.graph.nodes[i]);
    let Some(indices) = node.inputs.get(1).copied().flatten().filter(|_| file.is_fixed(node, 1))
    else {
        return Ok(());
    };
    let dims = old.tensor(indices).shape.dims();
    let chosen = match op {
        Gather::Along { .. } => {
            let (axis, _) = op.axes(axes.before.len(), dims.len())?;
            axis..axis + 1
        }
        Gather::Nd => 0..dims.last().copied().unwrap_or(0),
    };
    match chosen.into_iter().find(|&a| axes.change(a)) {
        Some(axis) => Err(fixed(axis)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::resized;
    use super::*;
    use crate::graph::TensorId;
    use crate::graph::testing::GraphBuilder;
    use crate::tensor::Data;

    /// The result's extents at 32 x 40, of a graph made for 64 x 64 with 6 channels, or what
    /// refuses it.
    fn at_32_by_40(build: impl Fn(&mut GraphBuilder, TensorId) -> TensorId) -> Result<Vec<usize>> {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 64, 64, 6]);
        let y = build(&mut b, x);
        let graph = b.build(&[y]);
        let new = resized(&graph, 32, 40)?;
        new.validate().unwrap();
        Ok(new.tensor(new.outputs[0]).shape.dims().to_vec())
    }

    fn list(b: &mut GraphBuilder, values: &[i32]) -> TensorId {
        b.constant(&[values.len()], Data::I32(values.to_vec()))
    }

    fn reshape(shape: &[i32]) -> Op {
        Op::Layout(Layout::Reshape(Reshape::Reshape(shape.to_vec())))
    }

    #[test]
    fn reshapes_follow() {
        for (shape, dims) in [
            (&[1, 4096, 6][..], &[1, 1280, 6][..]),
            (&[-1, 64, 64, 6], &[1, 32, 40, 6]),
            (&[64, 64, 6], &[32, 40, 6]),
            (&[1, 64, 64, 2, 3], &[1, 32, 40, 2, 3]),
            (&[1, 64, 384], &[1, 32, 240]),
            (&[-1], &[7680]),
        ] {
            let made = at_32_by_40(|b, x| b.node(reshape(shape), &[x]));
            assert_eq!(made.unwrap(), dims, "{shape:?}");
        }
        // To a list of pixels and back.
        let made = at_32_by_40(|b, x| {
            let flat = b.node(reshape(&[1, -1, 6]), &[x]);
            let shape = list(b, &[1, 64, 64, 6]);
            b.node(reshape(&[]), &[flat, shape])
        });
        assert_eq!(made.unwrap(), [1, 32, 40, 6]);
        // Windows of 8 x 8 pixels: their number would have to change, not their size.
        let error = at_32_by_40(|b, x| b.node(reshape(&[1, 8, 8, 64, 6]), &[x])).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("operator 0 (RESHAPE): at an input of 32x40: reshapes"), "{text}");
    }

    #[test]
    fn slices_follow_or_are_refused() {
        let slice = |begin: &'static [i32], size: &'static [i32]| {
            at_32_by_40(move |b, x| {
                let (begin, size) = (list(b, begin), list(b, size));
                b.node(Op::Layout(Layout::Cut(Cut::Slice)), &[x, begin, size])
            })
        };
        assert_eq!(slice(&[0, 0, 1, 2], &[1, 64, -1, 3]).unwrap(), [1, 32, 39, 3]);
        let error = slice(&[0, 0, 0, 0], &[1, 60, 64, 6]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("(SLICE): at an input of 32x40: is fixed along axis 1"), "{text}");

        let strided = |op: StridedSlice, end: &'static [i32]| {
            at_32_by_40(move |b, x| {
                let lists = [list(b, &[0, 1, 0]), list(b, end), list(b, &[1, 1, 2])];
                let op = Op::Layout(Layout::Cut(Cut::StridedSlice(op)));
                b.node(op, &[x, lists[0], lists[1], lists[2]])
            })
        };
        let none = StridedSlice::default();
        assert_eq!(strided(none, &[1, 64, 64]).unwrap(), [1, 31, 20, 6]);
        assert_eq!(strided(none, &[1, -2, 99]).unwrap(), [1, 29, 20, 6]);
        let masked = StridedSlice { end_mask: 6, ..none };
        assert_eq!(strided(masked, &[1, 3, 3]).unwrap(), [1, 31, 20, 6]);
        assert!(strided(none, &[1, 63, 64]).is_err());
    }

    #[test]
    fn blocks_and_repetitions_follow() {
        // As a filter of 3 x 3 with a dilation of 12 has it: 64 + 24 is 8 short of 8 blocks.
        let made = at_32_by_40(|b, x| {
            let block = list(b, &[12, 12]);
            let pads = b.constant(&[2, 2], Data::I32(vec![12, 20, 12, 20]));
            let small = Op::Layout(Layout::Blocks(Blocks::SpaceToBatch));
            let y = b.node(small, &[x, block, pads]);
            let crops = b.constant(&[2, 2], Data::I32(vec![12, 20, 12, 20]));
            b.node(Op::Layout(Layout::Blocks(Blocks::BatchToSpace)), &[y, block, crops])
        });
        assert_eq!(made.unwrap(), [1, 32, 40, 6]);

        let made = at_32_by_40(|b, _| {
            let pixel = b.constant(&[1, 1, 1, 6], Data::F32(vec![1.0; 6]));
            let times = list(b, &[1, 16, 16, 2]);
            b.node(Op::Layout(Layout::Repeat(Repeat::Tile)), &[pixel, times])
        });
        assert_eq!(made.unwrap(), [1, 8, 10, 12]);
    }
}
