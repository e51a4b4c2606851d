//! Operators that make shapes and lists of positions.

use super::{Input, Output};
use crate::tensor::View;

/// The extents of `x`, whose elements are not looked at.
pub fn shape(x: Input, y: &mut Output) {
    for (i, &extent) in x.shape.dims().iter().enumerate() {
        y.set_integer(i, extent as i64);
    }
}

/// The number of extents of `x`.
pub fn rank(x: Input, y: &mut Output) {
    y.set_integer(0, x.shape.rank() as i64);
}

/// The extents that those in `a` and in `b`, aligned at the last, broadcast to.
pub fn broadcast_args(a: Input, b: Input, y: &mut Output) {
    let count = y.len();
    let extent =
        |list: Input, back: usize| list.len().checked_sub(back + 1).map_or(1, |i| list.integer(i));
    for back in 0..count {
        let own = extent(a, back);
        y.set_integer(count - 1 - back, if own == 1 { extent(b, back) } else { own });
    }
}

/// `start + i * step`.
pub fn range(start: Input, step: Input, y: &mut Output) {
    for i in 0..y.len() {
        match start.data {
            View::F32(_) => y.set(i, start.get(0) + i as f64 * step.get(0)),
            _ => {
                let distance = step.integer(0).wrapping_mul(i as i64);
                y.set_integer(i, start.integer(0).wrapping_add(distance));
            }
        }
    }
}
