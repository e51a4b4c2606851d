//! Comparisons, logic, and the choice between two tensors.

use super::binary::stretched;
use super::{Input, Output};
use crate::ops::{Comparison, Logical, Select};
use crate::tensor::View;

/// `y[i] = a[i] op b[i]`, where an extent of 1 stretches.
pub fn compare(op: Comparison, a: Input, b: Input, y: &mut Output) {
    // TFLite compares int16 as it is stored, but for equality.
    let equality = matches!(op, Comparison::Equal | Comparison::NotEqual);
    let quantized = match a.data {
        View::I8(_) | View::U8(_) => true,
        View::I16(_) => equality,
        _ => false,
    };
    for i in 0..y.len() {
        let [i_a, i_b] = [a, b].map(|x| stretched(i, y.shape.dims(), x.shape.dims()));
        let holds = match a.data {
            View::F32(_) => op.holds(a.get(i_a), b.get(i_b)),
            _ if quantized => op.holds(in_256ths(&a, i_a), in_256ths(&b, i_b)),
            _ => op.holds(a.integer(i_a), b.integer(i_b)),
        };
        y.set_integer(i, holds.into());
    }
}

/// The real number that a stored element stands for, in steps of 1/256, as TFLite's kernels round
/// it before comparing: to 31 bits of the scale first, then to a whole number of steps.
fn in_256ths(x: &Input, i: usize) -> i64 {
    let (scale, zero_point) = x.scale(i);
    // scale = fraction * 2^exponent, with a fraction from 1/2 up to 1.
    let exponent = scale.log2().floor() as i32 + 1;
    let fraction = (scale / 2f64.powi(exponent) * (1i64 << 31) as f64).round() as i64;
    let steps = (x.integer(i) - zero_point) << 8;
    let rounded = (steps * fraction + (1 << 30)) >> 31;
    let shift = -exponent;
    if shift <= 0 {
        return rounded << (-shift).min(20);
    }
    // Halves away from zero.
    let divisor = 1i64 << shift.min(40);
    (rounded.abs() + divisor / 2) / divisor * rounded.signum()
}

/// `y[i] = a[i] op b[i]`, where an extent of 1 stretches; NOT has no `b`.
pub fn logical(op: Logical, a: Input, b: Option<Input>, y: &mut Output) {
    for i in 0..y.len() {
        let at = |x: &Input| x.integer(stretched(i, y.shape.dims(), x.shape.dims())) != 0;
        let (a, b) = (at(&a), b.as_ref().is_some_and(at));
        let value = match op {
            Logical::And => a && b,
            Logical::Not => !a,
            Logical::Or => a || b,
        };
        y.set_integer(i, value.into());
    }
}

/// Element `i` of `x` where the condition is true, otherwise of `z`; extents of 1 stretch.
pub fn select(op: &Select, condition: Input, x: Input, z: Input, y: &mut Output) {
    let slice = y.len() / y.shape.dims().first().copied().unwrap_or(1);
    for i in 0..y.len() {
        let at = |x: &Input| stretched(i, y.shape.dims(), x.shape.dims());
        let chooser = match condition.shape.rank() {
            1 if op.by_slices => i / slice,
            _ => at(&condition),
        };
        let chosen = if condition.integer(chooser) != 0 { &x } else { &z };
        let from = at(chosen);
        y.copy(i, chosen, from);
    }
}
