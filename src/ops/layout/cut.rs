//! Parts of a tensor.

use super::{MAX_LIST, Operands, axis_of, list, moved_type};
use crate::error::{Error, Result};
use crate::tensor::{DType, MAX_RANK, Shape, TensorDef};

/// SLICE, SPLIT and their kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// SLICE; inputs: tensor, integers: first position and number of positions, which may be -1: all
    /// that follow; for each axis.
    Slice,
    /// STRIDED_SLICE; inputs: tensor, integers: begin, end, stride.
    StridedSlice(StridedSlice),
    /// REVERSE_V2; inputs: tensor, integers: axes to go through backwards.
    Reverse,
    /// SPLIT into so many equal parts; inputs: integer axis, tensor.
    Split(usize),
    /// SPLIT_V into so many parts; inputs: tensor, integers: the sizes, one of which may be -1; axis.
    SplitV(usize),
    /// UNPACK along an axis, which the results have no more, into so many; input: tensor.
    #[allow(missing_docs)]
    Unpack { axis: i32, count: usize },
}

/// The attributes of STRIDED_SLICE. Bit `i` of a mask is about element `i` of begin, end and stride.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StridedSlice {
    /// From the first position that the stride allows.
    pub begin_mask: u32,
    /// To the last.
    pub end_mask: u32,
    /// All axes that no other element is about, as they are.
    pub ellipsis_mask: u32,
    /// A new axis of extent 1.
    pub new_axis_mask: u32,
    /// One position, whose axis the result has no more.
    pub shrink_axis_mask: u32,
    /// Ends are counted from the begin.
    pub offset: bool,
}

/// What a result has of one axis of its operand: positions `start + i * step`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct Along {
    pub start: usize,
    pub step: isize,
    pub count: usize,
}

/// The same for all axes; those that the operand has count.
pub type Cuts = [Along; MAX_RANK];

impl Cut {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Cut::Slice => "SLICE",
            Cut::StridedSlice(_) => "STRIDED_SLICE",
            Cut::Reverse => "REVERSE_V2",
            Cut::Split(_) => "SPLIT",
            Cut::SplitV(_) => "SPLIT_V",
            Cut::Unpack { .. } => "UNPACK",
        }
    }

    /// The operand that is cut.
    pub fn source(&self) -> usize {
        usize::from(matches!(self, Cut::Split(_)))
    }

    /// How many operands say where.
    fn lists(&self) -> usize {
        match self {
            Cut::Unpack { .. } => 0,
            Cut::Reverse | Cut::Split(_) => 1,
            Cut::Slice | Cut::SplitV(_) => 2,
            Cut::StridedSlice(_) => 3,
        }
    }

    /// How many parts there are.
    pub fn count(&self) -> usize {
        match *self {
            Cut::Slice | Cut::StridedSlice(_) | Cut::Reverse => 1,
            Cut::Split(count) | Cut::SplitV(count) | Cut::Unpack { count, .. } => count,
        }
    }

    pub(super) fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let (x, lists) = self.operands(operands)?;
        let lists: Vec<&[i64]> = lists.iter().map(Vec::as_slice).collect();
        let (dims, dtype) = (x.shape.dims(), moved_type(x)?);
        let result = |k: usize| {
            let cuts = self.cuts(k, dims, &lists)?;
            let counts: Vec<usize> = cuts[..dims.len()].iter().map(|c| c.count).collect();
            let dims = match self {
                Cut::StridedSlice(op) => op.result_dims(&counts, lists[0].len()),
                Cut::Unpack { axis, .. } => {
                    let axis = axis_of((*axis).into(), dims.len())?;
                    [&counts[..axis], &counts[axis + 1..]].concat()
                }
                _ => counts,
            };
            Ok((Shape::new(dims)?, dtype))
        };
        (0..self.count()).map(result).collect()
    }

    /// What is cut, and the lists that say where, in order.
    pub fn operands<'a>(&self, operands: &Operands<'a>) -> Result<(&'a TensorDef, Vec<Vec<i64>>)> {
        let mut present: Vec<&TensorDef> = operands.iter().copied().flatten().collect();
        if present.len() != operands.len() || present.len() != 1 + self.lists() {
            let (needed, got) = (1 + self.lists(), present.len());
            return Err(Error::malformed(format!("needs {needed} inputs, got {got}")));
        }
        let x = present.remove(self.source());
        let lists = present.iter().map(|t| list(t, "positions", MAX_LIST));
        Ok((x, lists.collect::<Result<_>>()?))
    }

    /// What part `k` has of each axis of `dims`. `lists` are the other operands in order.
    pub fn cuts(&self, k: usize, dims: &[usize], lists: &[&[i64]]) -> Result<Cuts> {
        let mut cuts = Cuts::default();
        for (cut, &count) in cuts.iter_mut().zip(dims) {
            *cut = Along { start: 0, step: 1, count };
        }
        match (self, lists) {
            (Cut::Slice, [begins, sizes]) => {
                if begins.len() != dims.len() || sizes.len() != dims.len() {
                    let what = format!("cuts {} and {} axes", begins.len(), sizes.len());
                    return Err(Error::malformed(format!("{what} of {}", dims.len())));
                }
                for (a, &extent) in dims.iter().enumerate() {
                    cuts[a] = part(begins[a], sizes[a], extent)?;
                }
            }
            (Cut::StridedSlice(op), [begins, ends, strides]) => {
                op.cut(&mut cuts[..dims.len()], begins, ends, strides)?
            }
            (Cut::Reverse, [axes]) => {
                for &axis in *axes {
                    let cut = &mut cuts[axis_of(axis, dims.len())?];
                    *cut = Along { start: cut.count - 1, step: -1, count: cut.count };
                }
            }
            (Cut::Split(count), [[axis]]) => {
                let cut = &mut cuts[axis_of(*axis, dims.len())?];
                if *count == 0 || !cut.count.is_multiple_of(*count) {
                    return Err(Error::malformed(format!("{} in {count} parts", cut.count)));
                }
                *cut = Along { start: cut.count / count * k, step: 1, count: cut.count / count };
            }
            (Cut::SplitV(count), [sizes, [axis]]) if sizes.len() == *count => {
                let cut = &mut cuts[axis_of(*axis, dims.len())?];
                *cut = part_of(sizes, k, cut.count)?;
            }
            (Cut::Unpack { axis, count }, []) => {
                let cut = &mut cuts[axis_of((*axis).into(), dims.len())?];
                if cut.count != *count {
                    return Err(Error::malformed(format!("{} in {count} parts", cut.count)));
                }
                *cut = Along { start: k, step: 1, count: 1 };
            }
            _ => return Err(Error::malformed("lists of another length than this needs")),
        }
        Ok(cuts)
    }
}

/// `size` positions from `begin` on; -1: all.
fn part(begin: i64, size: i64, extent: usize) -> Result<Along> {
    let start = usize::try_from(begin).ok().filter(|&start| start <= extent);
    let count = start.and_then(|start| match size {
        -1 => Some(extent - start),
        size => usize::try_from(size).ok().filter(|&size| size <= extent - start),
    });
    match (start, count) {
        (Some(start), Some(count)) => Ok(Along { start, step: 1, count }),
        _ => Err(Error::malformed(format!("{size} positions of {extent} from {begin} on"))),
    }
}

/// The `k`-th of parts of these sizes, one of which may be -1.
fn part_of(sizes: &[i64], k: usize, extent: usize) -> Result<Along> {
    let wrong = || Error::malformed(format!("parts of {sizes:?} of {extent}"));
    let mut known = sizes.iter().filter(|&&size| size != -1);
    let known = known.try_fold(0usize, |sum, &size| {
        usize::try_from(size).ok().and_then(|size| sum.checked_add(size))
    });
    let left = known.and_then(|known| extent.checked_sub(known)).ok_or_else(wrong)?;
    let open = sizes.iter().filter(|&&size| size == -1).count();
    if open > 1 || open == 0 && left > 0 {
        return Err(wrong());
    }
    let size = |&size: &i64| if size == -1 { left } else { size as usize };
    let start = sizes[..k].iter().map(size).sum();
    Ok(Along { start, step: 1, count: size(&sizes[k]) })
}

impl StridedSlice {
    /// What each element of the lists is about, in order; axes that follow are as they are.
    pub fn elements(&self, count: usize, rank: usize) -> impl Iterator<Item = Element> + '_ {
        let is = |mask: u32, i: usize| i < 32 && mask >> i & 1 == 1;
        let consumes = move |i: usize| !is(self.ellipsis_mask | self.new_axis_mask, i);
        let named = (0..count).filter(|&i| consumes(i)).count();
        let mut axis = 0;
        (0..count).map(move |i| {
            let first = axis;
            if is(self.ellipsis_mask, i) {
                axis += rank.saturating_sub(named);
                Element::Ellipsis { first, end: axis }
            } else if is(self.new_axis_mask, i) {
                Element::NewAxis
            } else {
                axis += 1;
                Element::Axis { axis: first, shrinks: is(self.shrink_axis_mask, i) }
            }
        })
    }

    fn cut(&self, cuts: &mut [Along], begins: &[i64], ends: &[i64], strides: &[i64]) -> Result<()> {
        let (count, rank) = (begins.len(), cuts.len());
        if ends.len() != count || strides.len() != count {
            return Err(Error::malformed("begin, end and stride have different lengths"));
        }
        if self.ellipsis_mask.count_ones() > 1 {
            return Err(Error::malformed("more than one ellipsis"));
        }
        for (i, element) in self.elements(count, rank).enumerate() {
            let Element::Axis { axis, shrinks } = element else { continue };
            let Some(cut) = cuts.get_mut(axis) else {
                return Err(Error::malformed(format!("cuts axis {axis} of {rank}")));
            };
            let masked = |mask: u32| mask >> i & 1 == 1;
            let begin = (!masked(self.begin_mask)).then_some(begins[i]);
            let end = (!masked(self.end_mask)).then_some(ends[i]);
            *cut = self.positions(cut.count, begin, end, strides[i], shrinks)?;
        }
        Ok(())
    }

    /// The positions along one axis. Without begin or end: as far as there are any.
    fn positions(
        &self,
        extent: usize,
        begin: Option<i64>,
        end: Option<i64>,
        stride: i64,
        shrinks: bool,
    ) -> Result<Along> {
        if stride == 0 {
            return Err(Error::malformed("a stride of 0"));
        }
        let extent = extent as i64;
        // Backwards, positions end before the first, which is -1.
        let (low, high) = if stride > 0 { (0, extent) } else { (-1, extent - 1) };
        let clamped = |position: i64| {
            let from_start = if position < 0 { position.saturating_add(extent) } else { position };
            from_start.clamp(low, high)
        };
        let start = begin.map_or(if stride > 0 { low } else { high }, clamped);
        if shrinks {
            return match usize::try_from(start) {
                Ok(at) if start < extent => Ok(Along { start: at, step: 1, count: 1 }),
                _ => Err(Error::malformed(format!("position {} of {extent}", begin.unwrap_or(0)))),
            };
        }
        let end = end.map(|end| if self.offset { end.saturating_add(start) } else { end });
        let end = end.map_or(if stride > 0 { high } else { low }, clamped);
        let distance = if stride > 0 { end - start } else { start - end };
        let count = (distance.max(0) as u64).div_ceil(stride.unsigned_abs()) as usize;
        // Where there is one position at most, the step is not taken, and may be large.
        let step = if count > 1 { stride as isize } else { 1 };
        Ok(Along { start: start.max(0) as usize, step, count })
    }

    /// The result's extents: those that were cut, without the axes that shrink, with the new ones.
    fn result_dims(&self, counts: &[usize], elements: usize) -> Vec<usize> {
        let mut dims = Vec::new();
        let mut next = 0;
        for element in self.elements(elements, counts.len()) {
            match element {
                Element::NewAxis => dims.push(1),
                Element::Ellipsis { first, end } => {
                    dims.extend(&counts[first..end]);
                    next = end;
                }
                Element::Axis { axis, shrinks } => {
                    next = axis + 1;
                    dims.extend((!shrinks).then_some(counts[axis]));
                }
            }
        }
        dims.extend(&counts[next..]);
        dims
    }
}

/// What an element of begin, end and stride is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Element {
    /// An axis of the operand, which the result may not have.
    Axis { axis: usize, shrinks: bool },
    /// An axis that only the result has.
    NewAxis,
    /// Axes `first..end` of the operand, as they are.
    Ellipsis { first: usize, end: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dims_of(op: StridedSlice, dims: &[usize], lists: [&[i64]; 3]) -> Vec<usize> {
        let cuts = Cut::StridedSlice(op).cuts(0, dims, &lists).unwrap();
        let counts: Vec<usize> = cuts[..dims.len()].iter().map(|c| c.count).collect();
        op.result_dims(&counts, lists[0].len())
    }

    /// As NumPy has them.
    #[test]
    fn masks_of_strided_slices() {
        let none = StridedSlice::default();
        // x[1:5:2, ::-1]
        let reversed = StridedSlice { begin_mask: 2, end_mask: 2, ..none };
        assert_eq!(dims_of(reversed, &[6, 3], [&[1, 0], &[5, 0], &[2, -1]]), [2, 3]);
        // x[..., None, 2]
        let ellipsis =
            StridedSlice { ellipsis_mask: 1, new_axis_mask: 2, shrink_axis_mask: 4, ..none };
        let lists: [&[i64]; 3] = [&[0, 0, 2], &[0, 0, 3], &[1, 1, 1]];
        assert_eq!(dims_of(ellipsis, &[4, 5, 6], lists), [4, 5, 1]);
        // x[None, ..., 2] of a vector: the ellipsis is about no axis at all.
        let empty =
            StridedSlice { ellipsis_mask: 2, new_axis_mask: 1, shrink_axis_mask: 4, ..none };
        assert_eq!(dims_of(empty, &[4], lists), [1]);
        // x[-2:], with axes left out.
        let tail = StridedSlice { end_mask: 1, ..none };
        assert_eq!(dims_of(tail, &[4, 5], [&[-2], &[0], &[1]]), [2, 5]);
        // Ends beyond the tensor, and an end counted from the begin.
        assert_eq!(dims_of(none, &[4], [&[1], &[99], &[1]]), [3]);
        let offset = StridedSlice { offset: true, ..none };
        assert_eq!(dims_of(offset, &[4], [&[1], &[2], &[1]]), [2]);
    }

    #[test]
    fn positions_outside_are_refused() {
        let shrink = StridedSlice { shrink_axis_mask: 1, ..StridedSlice::default() };
        let lists: [&[i64]; 3] = [&[4], &[5], &[1]];
        assert!(Cut::StridedSlice(shrink).cuts(0, &[4], &lists).is_err());
        assert!(Cut::Slice.cuts(0, &[4], &[&[3], &[2]]).is_err());
        assert!(Cut::SplitV(2).cuts(0, &[4], &[&[3, 2], &[0]]).is_err());
        assert!(Cut::SplitV(2).cuts(0, &[4], &[&[-1, -1], &[0]]).is_err());
    }
}
