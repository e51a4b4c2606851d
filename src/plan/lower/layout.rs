//! Operators that move elements: which boxes of them are copied from where to where.

use super::{Chosen, Site};
use crate::kernels::{Axis, Copy, Patch, StridedCopy};
use crate::ops::Layout;
use crate::ops::layout::{Blocks, Channels, Cut, Gather, Join, Pad, Tiling, paddings, permutation};
use crate::tensor::{Grid, MAX_RANK, TensorDef};
use std::ops::Range;

/// An operator with more patches runs on the reference: a file can ask for millions.
const MAX_PATCHES: usize = 4096;

pub(super) fn layout(op: &Layout, site: &Site) -> Option<Chosen> {
    let output = &site.output().shape;
    if let Some(source) = op.keeps(&site.graph.operands(site.node), output) {
        same_scales(site, &[source])?;
        let operands = vec![site.node.inputs[source]];
        return Some(Chosen { kernel: Box::new(Copy::new(output.elements())), operands });
    }
    let reads: Vec<usize> = match op {
        Layout::Cut(op) => vec![op.source()],
        Layout::Join(_) | Layout::Channels(_) => (0..site.node.inputs.len()).collect(),
        Layout::Pad(Pad::Value) => vec![0, 2],
        Layout::Repeat(op) => vec![op.source()],
        Layout::ZerosLike => Vec::new(),
        _ => vec![0],
    };
    same_scales(site, &reads)?;
    let grid = Grid::of(site.output().dtype, site.output().quantization.as_ref());
    let zero = grid.map_or(0, |grid| grid.zero_point);
    let patches = Boxes::of(op, site)?.0;
    let elements = |t: &TensorDef| t.shape.elements();
    let operands = reads.iter().map(|&i| site.operand(i).map(elements)).collect::<Option<_>>()?;
    let outputs = site.node.outputs.iter().map(|&id| elements(site.graph.tensor(id))).collect();
    Some(Chosen {
        kernel: Box::new(StridedCopy::new(operands, outputs, patches).filled_with(zero)),
        operands: reads.iter().map(|&i| site.node.inputs[i]).collect(),
    })
}

/// Whether copies of stored values stand for the same numbers.
fn same_scales(site: &Site, reads: &[usize]) -> Option<()> {
    let scales = &site.output().quantization;
    let operands =
        reads.iter().all(|&i| site.operand(i).is_some_and(|t| t.quantization == *scales));
    let mut outputs = site.node.outputs.iter().map(|&id| site.graph.tensor(id));
    let one_scale = scales.as_ref().is_none_or(|q| q.scale.len() == 1);
    (one_scale && operands && outputs.all(|t| t.quantization == *scales)).then_some(())
}

/// The patches of an operator, at most [`MAX_PATCHES`]. Operands are numbered as the kernel reads
/// them.
#[derive(Default)]
struct Boxes(Vec<Patch>);

impl Boxes {
    fn of(op: &Layout, site: &Site) -> Option<Boxes> {
        let mut boxes = Boxes::default();
        match op {
            Layout::Reshape(_) => return None,
            Layout::Transpose => boxes.transpose(site)?,
            Layout::Cut(op) => boxes.cut(op, site)?,
            Layout::Join(op) => boxes.join(op, site)?,
            Layout::Channels(parts) => boxes.channels(parts, site)?,
            Layout::Pad(op) => boxes.pad(op, site)?,
            Layout::Blocks(op) => boxes.blocks(op, site)?,
            Layout::Repeat(op) => boxes.repeat(site.operand(op.source())?, site)?,
            Layout::Gather(op) => boxes.gather(op, site)?,
            Layout::ZerosLike => {
                let dims = site.output().shape.dims();
                let whole: Vec<Range<usize>> = dims.iter().map(|&d| 0..d).collect();
                boxes.repeated(None, &whole, dims)?;
            }
        }
        Some(boxes)
    }

    /// Adds a patch, unless it is empty.
    fn add(
        &mut self,
        operand: Option<usize>,
        from: usize,
        (output, to): (usize, usize),
        axes: Vec<Axis>,
    ) -> Option<()> {
        if axes.iter().all(|axis| axis.extent > 0) {
            self.0.push(Patch { operand, from, output, to, axes });
        }
        (self.0.len() <= MAX_PATCHES).then_some(())
    }

    /// One element, or zero, all over a box of the output `dims`.
    fn repeated(
        &mut self,
        operand: Option<usize>,
        ranges: &[Range<usize>],
        dims: &[usize],
    ) -> Option<()> {
        let steps = steps(dims);
        let to = ranges.iter().zip(&steps).map(|(range, step)| range.start * step).sum();
        let axes = ranges.iter().zip(&steps);
        let axes = axes.map(|(range, &to)| Axis { extent: range.len(), from: 0, to }).collect();
        self.add(operand, 0, (0, to), axes)
    }

    /// The same around a box `inside` a larger one, of the output `dims`.
    fn around(
        &mut self,
        operand: Option<usize>,
        inside: &[Range<usize>],
        whole: &[Range<usize>],
        dims: &[usize],
    ) -> Option<()> {
        for (a, (inner, outer)) in inside.iter().zip(whole).enumerate() {
            for side in [outer.start..inner.start, inner.end..outer.end] {
                let ranges = [&inside[..a], &[side], &whole[a + 1..]].concat();
                self.repeated(operand, &ranges, dims)?;
            }
        }
        Some(())
    }

    fn transpose(&mut self, site: &Site) -> Option<()> {
        let order = permutation(&site.operand(1)?.const_integers()?).ok()?;
        let (from, dims) = (steps(site.operand(0)?.shape.dims()), site.output().shape.dims());
        let axis = |(k, to)| Axis { extent: dims[k], from: from[order[k]] as isize, to };
        self.add(Some(0), 0, (0, 0), steps(dims).into_iter().enumerate().map(axis).collect())
    }

    fn cut(&mut self, op: &Cut, site: &Site) -> Option<()> {
        let (x, lists) = op.operands(&site.graph.operands(site.node)).ok()?;
        let lists: Vec<&[i64]> = lists.iter().map(Vec::as_slice).collect();
        let dims = x.shape.dims();
        let steps_from = steps(dims);
        for k in 0..op.count() {
            let cuts = &op.cuts(k, dims, &lists).ok()?[..dims.len()];
            let counts: Vec<usize> = cuts.iter().map(|cut| cut.count).collect();
            let axes =
                cuts.iter().zip(&steps_from).zip(steps(&counts)).map(|((cut, &step), to)| Axis {
                    extent: cut.count,
                    from: cut.step * step as isize,
                    to,
                });
            let from = cuts.iter().zip(&steps_from).map(|(cut, step)| cut.start * step).sum();
            self.add(Some(0), from, (k, 0), axes.collect())?;
        }
        Some(())
    }

    fn join(&mut self, op: &Join, site: &Site) -> Option<()> {
        let dims = site.output().shape.dims();
        let steps_to = steps(dims);
        let mut start = 0;
        for (i, x) in site.graph.operands(site.node).into_iter().enumerate() {
            let mut own = x?.shape.dims().to_vec();
            let axis = op.axis(own.len()).ok()?;
            if let Join::Pack(_) = op {
                own.insert(axis, 1);
            }
            let axes = own.iter().zip(steps(&own)).zip(&steps_to);
            let axes = axes.map(|((&extent, from), &to)| Axis { extent, from: from as isize, to });
            self.add(Some(i), 0, (0, start * steps_to[axis]), axes.collect())?;
            start += own[axis];
        }
        Some(())
    }

    fn channels(&mut self, parts: &[Channels], site: &Site) -> Option<()> {
        let (&depth, pixels) = site.output().shape.dims().split_last()?;
        let mut start = 0;
        for Channels { operand, range } in parts {
            let &own = site.operand(*operand)?.shape.dims().last()?;
            let axes = vec![
                Axis { extent: pixels.iter().product(), from: own as isize, to: depth },
                Axis { extent: range.len(), from: 1, to: 1 },
            ];
            self.add(Some(*operand), range.start, (0, start), axes)?;
            start += range.len();
        }
        Some(())
    }

    fn pad(&mut self, op: &Pad, site: &Site) -> Option<()> {
        let around = paddings(&site.operand(1)?.const_integers()?).ok()?;
        let (own, dims) = (site.operand(0)?.shape.dims(), site.output().shape.dims());
        let inside: Vec<Range<usize>> =
            own.iter().zip(around).map(|(&d, [before, _])| before..before + d).collect();
        let whole: Vec<Range<usize>> = dims.iter().map(|&d| 0..d).collect();
        match op {
            Pad::Mirror { symmetric } => {
                let again = usize::from(*symmetric);
                let sides = inside.iter().zip(dims).map(|(inside, &end)| {
                    let d = inside.len();
                    // Positions of the output, the one of the operand that the first shows, and
                    // the direction.
                    vec![
                        (0..inside.start, inside.start.saturating_sub(again), -1isize),
                        (inside.clone(), 0, 1),
                        (inside.end..end, (d + again).saturating_sub(2), -1),
                    ]
                });
                return self.mirrored(&sides.collect::<Vec<_>>(), own, dims);
            }
            Pad::Zeros => self.around(None, &inside, &whole, dims)?,
            Pad::Value => self.around(Some(1), &inside, &whole, dims)?,
        }
        let (from, to) = (steps(own), steps(dims));
        let start = inside.iter().zip(&to).map(|(range, step)| range.start * step).sum();
        let axes = own.iter().zip(from).zip(&to);
        let axes = axes.map(|((&extent, from), &to)| Axis { extent, from: from as isize, to });
        self.add(Some(0), 0, (0, start), axes.collect())
    }

    /// All combinations of the sides of each axis.
    fn mirrored(
        &mut self,
        sides: &[Vec<(Range<usize>, usize, isize)>],
        own: &[usize],
        dims: &[usize],
    ) -> Option<()> {
        let (steps_from, steps_to) = (steps(own), steps(dims));
        let mut chosen = vec![(0, 0, Vec::new())]; // first elements, and axes
        for (a, sides) in sides.iter().enumerate() {
            let mut longer = Vec::new();
            for (from, to, axes) in &chosen {
                for (range, first, direction) in sides.iter().filter(|side| !side.0.is_empty()) {
                    let step = Axis {
                        extent: range.len(),
                        from: direction * steps_from[a] as isize,
                        to: steps_to[a],
                    };
                    let axes = [&axes[..], &[step]].concat();
                    longer.push((
                        from + first * steps_from[a],
                        to + range.start * steps_to[a],
                        axes,
                    ));
                }
            }
            chosen = longer;
        }
        for (from, to, axes) in chosen {
            self.add(Some(0), from, (0, to), axes)?;
        }
        Some(())
    }

    fn blocks(&mut self, op: &Blocks, site: &Site) -> Option<()> {
        let (own, dims) = (site.operand(0)?.shape.dims(), site.output().shape.dims());
        let integers = |i: usize| site.operand(i)?.const_integers();
        let tiling = || Tiling::new(&integers(1)?, &integers(2)?).ok();
        match *op {
            Blocks::SpaceToDepth(block) => {
                let axes = deep_and_wide(dims, own, block);
                let axes = [0, 1, 3, 2, 4, 5].map(|i| {
                    let (extent, deep, wide) = axes[i];
                    Axis { extent, from: wide as isize, to: deep }
                });
                self.add(Some(0), 0, (0, 0), axes.to_vec())
            }
            Blocks::DepthToSpace(block) => {
                let axes = deep_and_wide(own, dims, block);
                let axes =
                    axes.map(|(extent, deep, wide)| Axis { extent, from: deep as isize, to: wide });
                self.add(Some(0), 0, (0, 0), axes.to_vec())
            }
            Blocks::SpaceToBatch => self.batches(&tiling()?, own, dims, true),
            Blocks::BatchToSpace => self.batches(&tiling()?, dims, own, false),
        }
    }

    /// One patch for each pixel of a block: between the `large` tensor and some images of the
    /// `small` one.
    fn batches(
        &mut self,
        tiling: &Tiling,
        large: &[usize],
        small: &[usize],
        to_small: bool,
    ) -> Option<()> {
        let (steps_large, steps_small) = (steps(large), steps(small));
        if tiling.area() > MAX_PATCHES {
            return None;
        }
        for pixel in 0..tiling.area() {
            let mut shift = [0; MAX_RANK];
            let mut rest = pixel;
            for a in (0..large.len()).rev() {
                shift[a] = rest % tiling.block[a];
                rest /= tiling.block[a];
            }
            let images = pixel * large[0]..(pixel + 1) * large[0];
            let (mut inside, mut whole) = (vec![images.clone()], vec![images.clone()]);
            let (mut first_large, mut first_small) = (0, images.start * steps_small[0]);
            let mut axes = vec![(large[0], steps_large[0], steps_small[0])];
            for a in 1..large.len() {
                let (block, before) = (tiling.block[a], tiling.margin[a][0]);
                // Position p of the small tensor is p * block + shift - before of the large one.
                let start = before.saturating_sub(shift[a]).div_ceil(block).min(small[a]);
                let end = (large[a] + before).saturating_sub(shift[a]).div_ceil(block);
                let end = end.clamp(start, small[a]);
                inside.push(start..end);
                whole.push(0..small[a]);
                if start < end {
                    first_large += (start * block + shift[a] - before) * steps_large[a];
                }
                first_small += start * steps_small[a];
                axes.push((end - start, block * steps_large[a], steps_small[a]));
            }
            if to_small {
                let axis = |(extent, large, to)| Axis { extent, from: large as isize, to };
                let axes = axes.into_iter().map(axis).collect();
                self.add(Some(0), first_large, (0, first_small), axes)?;
                self.around(None, &inside, &whole, small)?;
            } else {
                let axis = |(extent, to, small)| Axis { extent, from: small as isize, to };
                let axes = axes.into_iter().map(axis).collect();
                self.add(Some(0), first_small, (0, first_large), axes)?;
            }
        }
        Some(())
    }

    /// Axes of `x`, each repeated as often as the output's extent says.
    fn repeat(&mut self, x: &TensorDef, site: &Site) -> Option<()> {
        let dims = site.output().shape.dims();
        // As many axes as the output has: a value to fill with may have more, of extent 1.
        let mut own = vec![1; dims.len()];
        for (to, from) in own.iter_mut().rev().zip(x.shape.dims().iter().rev()) {
            *to = *from;
        }
        let axes = own.iter().zip(dims).zip(steps(&own)).zip(steps(dims));
        let axes = axes.flat_map(|(((&own, &d), from), to)| {
            let again = Axis { extent: d / own, from: 0, to: own * to };
            [again, Axis { extent: own, from: from as isize, to }]
        });
        self.add(Some(0), 0, (0, 0), axes.collect())
    }

    /// Where indices are known; those that follow each other at one distance are one patch.
    fn gather(&mut self, op: &Gather, site: &Site) -> Option<()> {
        let (x, indices) = (site.operand(0)?, site.operand(1)?);
        let own = x.shape.dims();
        let (axis, batch) = op.axes(own.len(), indices.shape.rank()).ok()?;
        if *op == Gather::Nd || batch > 0 {
            return None;
        }
        let indices = indices.const_integers()?;
        let inner: usize = own[axis + 1..].iter().product();
        let outer: usize = own[..axis].iter().product();
        let mut first = 0;
        while first < indices.len() {
            let step = indices.get(first + 1).map_or(1, |next| next - indices[first]);
            let following = indices[first..].windows(2).take_while(|w| w[1] - w[0] == step).count();
            let axes = vec![
                Axis {
                    extent: outer,
                    from: (own[axis] * inner) as isize,
                    to: indices.len() * inner,
                },
                Axis { extent: 1 + following, from: step as isize * inner as isize, to: inner },
                Axis { extent: inner, from: 1, to: 1 },
            ];
            self.add(Some(0), indices[first] as usize * inner, (0, first * inner), axes)?;
            first += 1 + following;
        }
        Some(())
    }
}

/// Elements from one position to the next along each axis of a tensor.
fn steps(dims: &[usize]) -> Vec<usize> {
    let mut steps = vec![1; dims.len()];
    for a in (1..dims.len()).rev() {
        steps[a - 1] = steps[a] * dims[a];
    }
    steps
}

/// The axes that SPACE_TO_DEPTH's result `deep` and its operand `wide` have in common, in the
/// wide one's order, each with its extent and its step in both: image, row of blocks, row of a
/// block, block of a row, column of a block, channel.
fn deep_and_wide(deep: &[usize], wide: &[usize], block: usize) -> [(usize, usize, usize); 6] {
    let (d, w) = (steps(deep), steps(wide));
    let channels = wide[3];
    [
        (deep[0], d[0], w[0]),
        (deep[1], d[1], block * w[1]),
        (block, block * channels, w[1]),
        (deep[2], d[2], block * w[2]),
        (block, channels, w[2]),
        (channels, 1, 1),
    ]
}
