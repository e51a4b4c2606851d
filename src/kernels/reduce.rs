//! Sums, means and extremes along axes, and where the extremes are.

use super::activation::Activation;
use super::integer::Bytes;
use super::lanes::{Along, gather};
use super::{Args, Kernel};
use crate::ops::{ArgReduce as ArgReduceOp, ReduceKind, Unary};
use crate::simd::{LANES, Native, Vector};
use crate::tensor::{View, ViewMut};
use std::array::from_fn;
use std::ops::Range;

/// Vectors of a block of neighbouring sets: 64 bytes, one line of the cache.
const BLOCK: usize = 4;

/// Elements that a unit reads, at least: a few microseconds of work.
const UNIT: usize = 1024;

/// SUM, MEAN, REDUCE_MAX and REDUCE_MIN along neighbouring axes: `[outer, extent, inner]` →
/// `[outer, inner]`. Where neighbouring sets are neighbours in memory, a unit is 16 of them;
/// otherwise (sets along the last axis) fours of sets, about 1024 elements.
pub struct Reduce {
    along: Along,
    kind: ReduceKind,
    activation: Activation,
}

impl Reduce {
    /// Whether there are loops for that kind.
    pub fn fits(kind: ReduceKind) -> bool {
        use ReduceKind::*;
        matches!(kind, Max | Mean | Min | Sum)
    }

    /// # Panics
    /// When a set is empty, or the kind does not fit.
    pub fn new(kind: ReduceKind, along: Along, activation: Option<Unary>) -> Reduce {
        assert!(Reduce::fits(kind) && along.extent > 0);
        Reduce { along, kind, activation: activation.into() }
    }

    fn in_blocks(&self) -> bool {
        self.along.inner >= LANES
    }

    /// The first set of a unit.
    fn start(&self, unit: usize) -> usize {
        let Along { extent, inner, .. } = self.along;
        if self.in_blocks() {
            let blocks = inner.div_ceil(BLOCK * LANES);
            unit / blocks * inner + unit % blocks * BLOCK * LANES
        } else {
            (unit * LANES * UNIT.div_ceil(LANES * extent)).min(self.along.sets())
        }
    }

    /// A unit: sets `first` and after, as many as `output` has.
    fn compute<V: Vector>(&self, first: usize, input: &[f32], output: &mut [f32]) {
        assert!(input.len() == self.along.elements() && first + output.len() <= self.along.sets());
        match self.kind {
            ReduceKind::Max => self.join(first, input, output, f32::NEG_INFINITY, V::at_least),
            ReduceKind::Min => self.join(first, input, output, f32::INFINITY, V::at_most),
            _ => self.join(first, input, output, 0.0, V::add),
        }
        if self.kind == ReduceKind::Mean {
            let scale = 1.0 / self.along.extent as f32;
            output.iter_mut().for_each(|sum| *sum *= scale);
        }
        self.activation.pass::<V>(output);
    }

    #[inline(always)]
    fn join<V: Vector>(
        &self,
        first: usize,
        input: &[f32],
        output: &mut [f32],
        nothing: f32,
        join: impl Fn(V, V) -> V + Copy,
    ) {
        let Along { extent, inner, .. } = self.along;
        let nothing = V::splat(nothing);
        if !self.in_blocks() {
            for (starts, out) in self.along.starts(first).zip(output.chunks_mut(LANES)) {
                let mut all = nothing;
                for k in 0..extent {
                    // SAFETY: `starts` are those of sets, and k is below their extent.
                    all = join(all, unsafe { gather(input.as_ptr().add(k * inner), starts) });
                }
                out.copy_from_slice(&all.to_array()[..out.len()]);
            }
            return;
        }
        let (n, within) = (first / inner, first % inner);
        assert!(within + output.len() <= inner, "a block");
        // SAFETY: n < outer and within + output.len() <= inner (asserted), so that this is an
        // element of the input, and as many as `output` has follow it at each step of `inner`.
        let all = unsafe {
            let from = input.as_ptr().add(n * extent * inner + within);
            match output.len() == BLOCK * LANES {
                true => self.join_block(from, nothing, join),
                false => self.join_some(from, output.len(), nothing, join),
            }
        };
        for (out, all) in output.chunks_mut(LANES).zip(all) {
            out.copy_from_slice(&all.to_array()[..out.len()]);
        }
    }

    /// A whole block. Two vectors for each, one for every other element: the time of one addition
    /// after the other is what this takes.
    ///
    /// # Safety
    /// `4 * BLOCK` floats must be readable at `from` and at each step of `inner` after it.
    #[inline(always)]
    unsafe fn join_block<V: Vector>(
        &self,
        mut from: *const f32,
        nothing: V,
        join: impl Fn(V, V) -> V,
    ) -> [V; BLOCK] {
        let Along { extent, inner, .. } = self.along;
        let mut all = [[nothing; BLOCK]; 2];
        // SAFETY: the caller's promise.
        unsafe {
            let add = |all: [V; BLOCK], from: *const f32| {
                from_fn(|i| join(all[i], V::load(from.add(i * LANES))))
            };
            for _ in 0..extent / 2 {
                all = [add(all[0], from), add(all[1], from.add(inner))];
                from = from.wrapping_add(2 * inner);
            }
            if extent % 2 == 1 {
                all[0] = add(all[0], from);
            }
        }
        from_fn(|i| join(all[0][i], all[1][i]))
    }

    /// `count` sets, less than a block; what is in the other lanes means nothing.
    ///
    /// # Safety
    /// As [`Reduce::join_block`], for `count` floats.
    #[inline(always)]
    unsafe fn join_some<V: Vector>(
        &self,
        mut from: *const f32,
        count: usize,
        nothing: V,
        join: impl Fn(V, V) -> V,
    ) -> [V; BLOCK] {
        let mut all = [nothing; BLOCK];
        for _ in 0..self.along.extent {
            for (i, all) in all.iter_mut().enumerate().take(count.div_ceil(LANES)) {
                let left = count - i * LANES;
                // SAFETY: the caller's promise: the first of these lanes is below `count`.
                let value = unsafe {
                    let from = from.add(i * LANES);
                    if left >= LANES { V::load(from) } else { V::load_first(from, left) }
                };
                *all = join(*all, value);
            }
            from = from.wrapping_add(self.along.inner);
        }
        all
    }
}

impl Kernel for Reduce {
    fn name(&self) -> String {
        format!(
            "{} of {}",
            self.kind.name().trim_start_matches("REDUCE_").to_ascii_lowercase(),
            self.along.extent
        )
    }

    fn units(&self) -> usize {
        let Along { outer, extent, inner } = self.along;
        match self.in_blocks() {
            true => outer * inner.div_ceil(BLOCK * LANES),
            false => self.along.sets().div_ceil(LANES * UNIT.div_ceil(LANES * extent)),
        }
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        self.start(units.start)..self.start(units.end)
    }

    fn run(&self, units: Range<usize>, mut args: Args<'_, '_>) {
        let input = args.input(0, self.along.elements());
        let span = self.span(0, units.clone());
        let output = args.output(span.clone());
        for unit in units {
            let part = self.span(0, unit..unit + 1);
            let out = &mut output[part.start - span.start..part.end - span.start];
            self.compute::<Native>(part.start, input, out);
        }
    }
}

/// ARG_MAX and ARG_MIN of float32, int8 or uint8 along an axis: `[outer, extent, inner]` → int32 or int64 `[outer, inner]`.
/// A unit is fours of sets, about 1024 elements.
pub struct ArgReduce {
    along: Along,
    min: bool,
}

impl ArgReduce {
    /// Positions are found as float32, which count no further.
    pub const MAX_EXTENT: usize = 1 << f32::MANTISSA_DIGITS;

    /// # Panics
    /// When a set is empty or larger than [`ArgReduce::MAX_EXTENT`].
    pub fn new(op: &ArgReduceOp, along: Along) -> ArgReduce {
        assert!((1..=ArgReduce::MAX_EXTENT).contains(&along.extent));
        ArgReduce { along, min: op.min }
    }

    /// Positions in four sets, whose elements `values` gives by how far these are from the first.
    #[inline(always)]
    fn positions<V: Vector>(&self, values: impl Fn(usize) -> V) -> [f32; LANES] {
        // The smallest is the largest with the signs turned.
        let sign = V::splat(if self.min { -1.0 } else { 1.0 });
        let at = |k: usize| values(k * self.along.inner).mul(sign);
        let mut best = at(0);
        let mut position = V::splat(0.0);
        for k in 1..self.along.extent {
            let x = at(k);
            position = best.if_less(x, V::splat(k as f32), position);
            best = best.if_less(x, x, best);
        }
        position.to_array()
    }
}

impl Kernel for ArgReduce {
    fn name(&self) -> String {
        format!("arg {} of {}", if self.min { "min" } else { "max" }, self.along.extent)
    }

    fn units(&self) -> usize {
        self.along.sets().div_ceil(LANES * UNIT.div_ceil(LANES * self.along.extent))
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let unit = LANES * UNIT.div_ceil(LANES * self.along.extent);
        let start = |i: usize| (i * unit).min(self.along.sets());
        start(units.start)..start(units.end)
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let elements = self.along.elements();
        let span = self.span(0, units);
        let bytes = match args.inputs[0] {
            Some(View::I8(_) | View::U8(_)) => Some(Bytes::of(args.inputs[0], elements)),
            _ => None,
        };
        let floats = if bytes.is_some() { &[][..] } else { args.input(0, elements) };
        let mut left = span.len();
        for (i, starts) in self.along.starts(span.start).enumerate().take(left.div_ceil(LANES)) {
            let positions = match bytes {
                // Of one scale: the order is that of stored values.
                Some(bytes) => self.positions::<Native>(|step| {
                    Native::from_array(starts.map(|start| bytes.at(start + step) as f32))
                }),
                None => self.positions(|step| {
                    // SAFETY: `starts` are those of sets of the input, and `step` leads to another
                    // of their elements.
                    unsafe { gather::<Native>(floats.as_ptr().add(step), starts) }
                }),
            };
            let at = i * LANES..i * LANES + left.min(LANES);
            match &mut args.outputs[0] {
                ViewMut::I32(out) => {
                    out[at].iter_mut().zip(positions).for_each(|(y, x)| *y = x as i32)
                }
                ViewMut::I64(out) => {
                    out[at].iter_mut().zip(positions).for_each(|(y, x)| *y = x as i64)
                }
                _ => panic!("positions are int32 or int64"),
            }
            left -= left.min(LANES);
        }
    }
}
