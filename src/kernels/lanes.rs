//! Four elements that are no neighbours, as one vector.

use crate::simd::{LANES, Vector};

/// The floats at `from + starts[lane]`.
///
/// # Safety
/// All of them must be readable.
#[inline(always)]
pub(super) unsafe fn gather<V: Vector>(from: *const f32, starts: [usize; LANES]) -> V {
    // SAFETY: the caller's promise.
    V::from_array(starts.map(|start| unsafe { *from.add(start) }))
}

/// Writes the first lanes, as many as there are `starts`, to `to + starts[lane]`.
///
/// # Safety
/// All of them must be writable.
#[inline(always)]
pub(super) unsafe fn scatter<V: Vector>(v: V, to: *mut f32, starts: &[usize]) {
    for (lane, &start) in v.to_array().into_iter().zip(starts) {
        // SAFETY: the caller's promise.
        unsafe { *to.add(start) = lane };
    }
}

/// Sets of elements that lie along one axis of a tensor, or along neighbouring ones: of
/// `[outer, extent, inner]`, one set for each of `[outer, inner]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Along {
    /// Elements of the axes before.
    pub outer: usize,
    /// Elements of a set.
    pub extent: usize,
    /// Elements of the axes after; from one element of a set to the next.
    pub inner: usize,
}

impl Along {
    /// Along the axes that are chosen, one for each extent; `None` unless they are neighbours.
    /// Axes of extent 1 are with either.
    pub fn chosen(dims: &[usize], chosen: &[bool]) -> Option<Along> {
        let wide = |a: &usize| chosen[*a] && dims[*a] > 1;
        let first = (0..dims.len()).find(wide).unwrap_or(dims.len());
        let end = (0..dims.len()).rev().find(wide).map_or(first, |last| last + 1);
        let neighbours = (first..end).all(|a| chosen[a] || dims[a] == 1);
        let product = |dims: &[usize]| dims.iter().product();
        neighbours.then(|| Along {
            outer: product(&dims[..first]),
            extent: product(&dims[first..end]),
            inner: product(&dims[end..]),
        })
    }

    /// Number of sets.
    pub fn sets(self) -> usize {
        self.outer * self.inner
    }

    /// Number of elements.
    pub fn elements(self) -> usize {
        self.sets() * self.extent
    }

    /// Where sets `first` and after start, four at a time; after the last one, it again.
    pub(super) fn starts(self, first: usize) -> impl Iterator<Item = [usize; LANES]> {
        let (mut set, mut within) = (first, first % self.inner);
        let mut start = first / self.inner * self.extent * self.inner + within;
        std::iter::from_fn(move || {
            Some(std::array::from_fn(|_| {
                let this = start;
                if set + 1 < self.sets() {
                    set += 1;
                    within += 1;
                    start += 1;
                    if within == self.inner {
                        within = 0;
                        start += (self.extent - 1) * self.inner;
                    }
                }
                this
            }))
        })
    }
}
