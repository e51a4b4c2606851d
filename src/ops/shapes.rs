//! Operators that make shapes and lists of positions.

use super::{Operands, expect};
use crate::error::{Error, Result};
use crate::tensor::{DType, MAX_RANK, Shape, TensorDef, View};

/// SHAPE: a vector of the operand's extents, int32 or int64.
pub fn infer_shape(dtype: DType, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
    let [x] = expect(operands)?;
    if !matches!(dtype, DType::I32 | DType::I64) {
        return Err(Error::malformed(format!("extents of type {dtype}")));
    }
    Ok(vec![(Shape::new([x.shape.rank()])?, dtype)])
}

/// RANK: how many extents the operand has.
pub fn infer_rank(operands: &Operands) -> Result<Vec<(Shape, DType)>> {
    let [_] = expect(operands)?;
    Ok(vec![(Shape::new([])?, DType::I32)])
}

/// BROADCAST_ARGS: the extents that two lists of extents, both constant, broadcast to.
pub fn infer_broadcast_args(operands: &Operands) -> Result<Vec<(Shape, DType)>> {
    let [a, b] = expect(operands)?;
    let [first, second] = [extents(a)?, extents(b)?];
    if a.dtype != b.dtype {
        let what = format!("lists of extents of type {} and {}", a.dtype, b.dtype);
        return Err(Error::malformed(what));
    }
    let fits = |(x, y): (&i64, &i64)| x == y || *x == 1 || *y == 1;
    if !first.iter().rev().zip(second.iter().rev()).all(fits) {
        return Err(Error::malformed(format!("{first:?} and {second:?} do not broadcast")));
    }
    Ok(vec![(Shape::new([first.len().max(second.len())])?, a.dtype)])
}

fn extents(list: &TensorDef) -> Result<Vec<i64>> {
    if list.shape.rank() != 1 || list.shape.elements() > MAX_RANK {
        return Err(Error::malformed(format!("a list of extents of shape {}", list.shape)));
    }
    let not_constant = || Error::unsupported("the extents are not constant integers");
    list.const_integers().ok_or_else(not_constant)
}

/// RANGE: `start + i * step` below `limit`, or above it where the step is negative; inputs: the
/// three numbers, all constant.
pub fn infer_range(operands: &Operands) -> Result<Vec<(Shape, DType)>> {
    let [start, limit, step] = expect(operands)?;
    let dtype = start.dtype;
    if [start, limit, step].iter().any(|t| t.dtype != dtype || t.shape.elements() != 1) {
        return Err(Error::malformed("start, limit and step are not three numbers of one type"));
    }
    let [first, limit, step] = [start, limit, step].map(|t| t.data.as_ref().map(|d| d.view()));
    let (Some(first), Some(limit), Some(step)) = (first, limit, step) else {
        return Err(Error::unsupported("start, limit and step are not constant"));
    };
    let count = match (first, limit, step) {
        (View::F32(a), View::F32(b), View::F32(d)) => ((b[0] - a[0]) / d[0]).ceil() as f64,
        (View::I32(a), View::I32(b), View::I32(d)) => steps(a[0].into(), b[0].into(), d[0].into()),
        (View::I64(a), View::I64(b), View::I64(d)) => steps(a[0], b[0], d[0]),
        _ => return Err(Error::unsupported(format!("numbers of type {dtype}"))),
    };
    if count.is_nan() || count < 1.0 {
        return Err(Error::unsupported("makes an empty list"));
    }
    // `as` saturates, and what is too large is no shape.
    Ok(vec![(Shape::new([count as usize])?, dtype)])
}

/// How many steps there are from one integer to another; infinite for a step of 0.
fn steps(first: i64, limit: i64, step: i64) -> f64 {
    let (distance, step) = (limit as i128 - first as i128, step as i128);
    match step {
        0 => f64::INFINITY,
        _ if (distance < 0) != (step < 0) => 0.0,
        _ => distance.unsigned_abs().div_ceil(step.unsigned_abs()) as f64,
    }
}
