//! Conversions between types.

use super::{Input, Output};
use crate::tensor::{View, ViewMut, f16_to_f32};

/// Floats lose their fraction and saturate in integers, NaN as the largest one; integers keep
/// their lowest bits in narrower ones; what is not 0 is true.
pub fn cast(x: Input, y: &mut Output) {
    for i in 0..y.len() {
        let float = match x.data {
            View::F32(v) => Some(v[i]),
            View::F16(v) => Some(f16_to_f32(v[i])),
            _ => None,
        };
        match (&mut y.data, float) {
            (ViewMut::F32(v), Some(value)) => v[i] = value,
            (ViewMut::F32(v), None) => v[i] = x.integer(i) as f32,
            (ViewMut::Bool(v), Some(value)) => v[i] = u8::from(value != 0.0),
            (_, Some(value)) => y.set_integer(i, whole(value, y.integers())),
            (_, None) => y.set_integer(i, x.integer(i)),
        }
    }
}

/// The integer part, within a range.
fn whole(value: f32, (low, high): (i64, i64)) -> i64 {
    // `as` drops the fraction and saturates.
    if value.is_nan() { high } else { (value as i64).clamp(low, high) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_saturate_in_integers() {
        let bytes = (-128, 127);
        assert_eq!([1.9, -1.9, 300.0, -1e30].map(|x| whole(x, bytes)), [1, -1, 127, -128]);
        assert_eq!(whole(f32::NAN, bytes), 127);
        assert_eq!(whole(f32::INFINITY, (i64::MIN, i64::MAX)), i64::MAX);
    }
}
