//! Functions of one int8 or uint8 value as tables of all 256 results, as TFLite has them.

use super::Unary;
use crate::tensor::Grid;

/// The stored result, as a byte, for each stored operand, as a byte.
pub type ByteTable = [u8; 256];

/// The table of a function between two grids of one-byte types.
pub fn function_table(function: Unary, x: Grid, y: Grid) -> ByteTable {
    let real = |steps: i32| f64::from(steps as f32 * x.scale);
    match function {
        Unary::Logistic | Unary::Tanh | Unary::Elu => table(x, &|steps| {
            // In float32, as XNNPACK has it.
            let result = function.apply(real(steps)) as f32;
            let stored = (result * (1.0 / y.scale) + y.zero_point as f32).round_ties_even();
            stored.max(y.low as f32).min(y.high as f32) as i32
        }),
        Unary::LeakyRelu { alpha } => {
            let slope = x.scale / y.scale;
            match (in_256ths(slope), in_256ths(slope * alpha)) {
                (Some(positive), Some(negative)) => table(x, &|steps| {
                    rescaled(steps, if steps < 0 { negative } else { positive }, y)
                }),
                _ => nearest(function, x, y),
            }
        }
        Unary::HardSwish => match HardSwish::new(x, y) {
            Some(swish) => table(x, &|steps| swish.stored(steps as i16, y)),
            None => nearest(function, x, y),
        },
        _ => nearest(function, x, y),
    }
}

/// The table of QUANTIZE: the same number on another grid. `same_type`: of one type, as XNNPACK has it.
pub fn requantization_table(x: Grid, y: Grid, same_type: bool) -> ByteTable {
    match in_256ths(x.scale / y.scale).filter(|_| same_type) {
        Some(factor) => table(x, &|steps| rescaled(steps, factor, y)),
        None => nearest(Unary::LeakyRelu { alpha: 1.0 }, x, y),
    }
}

/// Of all stored operands, given as steps from the zero point.
fn table(x: Grid, stored: &dyn Fn(i32) -> i32) -> ByteTable {
    let mut table = [0; 256];
    for q in x.low..=x.high {
        table[usize::from(q as u8)] = stored(q - x.zero_point) as u8;
    }
    table
}

/// The nearest of `y` to the real results.
#[inline(never)]
fn nearest(function: Unary, x: Grid, y: Grid) -> ByteTable {
    table(x, &|steps| {
        let steps = function.apply(f64::from(steps) * f64::from(x.scale)) / f64::from(y.scale);
        // `max` makes the lowest of NaN.
        let stored = steps.round() + f64::from(y.zero_point);
        stored.max(y.low.into()).min(y.high.into()) as i32
    })
}

/// A factor in 1/256, as XNNPACK has those from 1/256 to 128; `None` beyond these.
fn in_256ths(factor: f32) -> Option<i32> {
    let size = factor.abs();
    (1.0 / 256.0..=128.0).contains(&size).then(|| (256.0 * factor).round_ties_even() as i32)
}

/// `steps * factor / 256`, halves rounded up.
fn rescaled(steps: i32, factor: i32, y: Grid) -> i32 {
    (((steps * factor + 128) >> 8) + y.zero_point).clamp(y.low, y.high)
}

/// HARD_SWISH as TFLite computes it, in words of 16 bits (`reference_ops::HardSwish`).
struct HardSwish {
    /// From 1/128 of a step of the operand to steps of the result.
    output: Multiplier,
    /// The same to 3 / 2^15.
    gate: Multiplier,
}

impl HardSwish {
    /// `None` for results far finer than the operand, which TFLite refuses.
    fn new(x: Grid, y: Grid) -> Option<HardSwish> {
        let fine = 1.0 / 128.0 * x.scale;
        let output = Multiplier::new(fine / y.scale)?;
        let gate = Multiplier::new(fine / (3.0 / 32768.0))?;
        (output.exponent <= 0).then_some(HardSwish { output, gate })
    }

    fn stored(&self, steps: i16, y: Grid) -> i32 {
        let fine = steps * 128;
        let unshifted = rounded_product(fine, self.output.fraction);
        let exponent = self.gate.exponent;
        let mut gate = fine;
        if exponent > 0 {
            gate = shifted_left(gate, exponent - 1);
        }
        gate = rounded_product(gate, self.gate.fraction);
        if exponent > 0 {
            gate = shifted_left(gate, 1);
        }
        if exponent < 0 {
            gate = shifted_right(gate, -exponent);
        }
        // From -1..1 to 0..1.
        let gate = (i32::from(gate) + (1 << 15)) >> 1;
        // Not rounded, which makes up for the rounding before.
        let product = (gate * i32::from(unshifted) / (1 << 15)) as i16;
        let stored = i32::from(shifted_right(product, -self.output.exponent)) + y.zero_point;
        stored.clamp(y.low, y.high)
    }
}

/// `fraction / 2^15 * 2^exponent`, the fraction from 1/2 to 1.
struct Multiplier {
    fraction: i16,
    exponent: i32,
}

impl Multiplier {
    /// First 31 bits of the fraction, then 15 of these. `None` where nothing would be left in words.
    fn new(real: f32) -> Option<Multiplier> {
        let real = f64::from(real);
        if !(2f64.powi(-31)..2f64.powi(16)).contains(&real) {
            return None;
        }
        let mut exponent = real.log2().floor() as i32 + 1;
        let mut bits = (real / 2f64.powi(exponent) * 2f64.powi(31)).round() as i64;
        if bits == 1 << 31 {
            (bits, exponent) = (bits / 2, exponent + 1);
        }
        let fraction = ((bits + (1 << 15)) >> 16).min(i16::MAX.into()) as i16;
        Some(Multiplier { fraction, exponent })
    }
}

/// `a * b / 2^15`, halves away from zero.
fn rounded_product(a: i16, b: i16) -> i16 {
    if a == i16::MIN && b == i16::MIN {
        return i16::MAX;
    }
    let product = i32::from(a) * i32::from(b);
    let half = if product >= 0 { 1 << 14 } else { 1 - (1 << 14) };
    ((product + half) / (1 << 15)) as i16
}

/// `x * 2^bits`, as far as that fits.
fn shifted_left(x: i16, bits: i32) -> i16 {
    let shifted = i64::from(x) << bits.min(16);
    shifted.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

/// `x / 2^bits`, halves away from zero.
fn shifted_right(x: i16, bits: i32) -> i16 {
    let x = i32::from(x);
    let unit = 1 << bits.min(17);
    let half = unit / 2;
    (if x < 0 { -((half - x) / unit) } else { (x + half) / unit }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Halves;

    fn grid(scale: f32, zero_point: i32) -> Grid {
        Grid { scale, zero_point, low: -128, high: 127, halves: Halves::default() }
    }

    #[test]
    fn all_results_are_near_the_function() {
        let functions = [
            Unary::HardSwish,
            Unary::Logistic,
            Unary::Tanh,
            Unary::Elu,
            Unary::Relu6,
            Unary::LeakyRelu { alpha: 0.1 },
            Unary::Gelu { approximate: false },
        ];
        for function in functions {
            for (x, y) in [(grid(0.05, 3), grid(0.04, -100)), (grid(0.01, 0), grid(0.02, 20))] {
                let table = function_table(function, x, y);
                for q in -128..=127 {
                    let real = function.apply(f64::from(q - x.zero_point) * f64::from(x.scale));
                    let steps = real / f64::from(y.scale) + f64::from(y.zero_point);
                    let off =
                        f64::from(table[usize::from(q as u8)] as i8) - steps.clamp(-128.0, 127.0);
                    assert!(off.abs() < 1.5, "{function:?} of {q} is off by {off}");
                }
            }
        }
    }

    #[test]
    fn requantization_to_the_same_grid_is_nothing() {
        let grid = grid(0.3, 7);
        let table = requantization_table(grid, grid, true);
        assert!((0..256).all(|i| table[i] == i as u8));
        assert_eq!(requantization_table(grid, grid, false), table);
    }

    #[test]
    fn nothing_overflows() {
        for (from, to) in [(1e30, 1e-30), (1e-30, 1e30), (f32::MIN_POSITIVE, 1.0), (1.0, 1e-7)] {
            for function in [Unary::HardSwish, Unary::Exp, Unary::LeakyRelu { alpha: -2.0 }] {
                function_table(function, grid(from, -128), grid(to, 0));
            }
            requantization_table(grid(from, 127), grid(to, -128), true);
        }
    }
}
