//! LOGISTIC and TANH of int16, which TFLite reads from one table.

/// log2 of entries for which steps of the argument stand. `1 / (24 * 2^9)` is one step.
const BITS: u32 = 9;
const STEPS_PER_ONE: f64 = (24 << BITS) as f64;
const ENTRIES: usize = 256;

/// The scale of results.
const RESULT: f32 = 1.0 / 32768.0;

/// The logistic function at every 1/24, and straight lines between (`Logistic` and `Tanh` of TFLite's
/// `reference_integer_ops`; the entries are those of its `sigmoid_table_uint16`, made anew): results are a step or two
/// off the function. `tanh(x)` is
/// `2 * logistic(2 * x) - 1`.
#[derive(Debug, Clone)]
pub struct Sigmoid {
    is_tanh: bool,
    /// `stored * multiplier / 2^shift` is the argument in steps of [`STEPS_PER_ONE`].
    multiplier: i32,
    shift: u32,
    /// About the function at `i / 24`, in steps of 2^-16.
    entries: [u16; ENTRIES],
}

impl Sigmoid {
    /// From steps of `x` to steps of `y`. None where TFLite has no table for it: it takes no other `y`
    /// than 2^-15, computes the function where `x` is 2^-12 (of TANH 2^-11, too), and has 32 bits for the argument.
    pub fn new(is_tanh: bool, x: f32, y: f32) -> Option<Sigmoid> {
        let log = x.log2();
        let is_power = (log - log.round()).abs() < 1e-3;
        let is_computed = is_power && (log.round() == -12.0 || is_tanh && log.round() == -11.0);
        let mut multiplier = f64::from(x) * STEPS_PER_ONE;
        if y != RESULT || is_computed || multiplier > f64::from(1 << 16) {
            return None;
        }
        let mut shift = 0;
        while multiplier <= 32767.0 / 2.0 && shift <= 30 {
            shift += 1;
            multiplier *= 2.0;
        }
        let exact = |i: f64| 65536.0 / (1.0 + (-i / 24.0).exp());
        // Half of what the line would miss in its middle is added at its start; the last line ends at the most there is.
        let entries = std::array::from_fn(|i| {
            if i == ENTRIES - 1 {
                return u16::MAX;
            }
            let start = i as f64;
            let middle = (exact(start) + exact(start + 1.0)) / 2.0;
            (exact(start) + (exact(start + 0.5) - middle) / 2.0).round() as u16
        });
        Some(Sigmoid { is_tanh, multiplier: multiplier as i32, shift, entries })
    }

    /// The stored result for a stored value.
    pub fn at(&self, stored: i16) -> i16 {
        let round = (1i64 << self.shift) >> 1;
        let x = (i64::from(stored) * i64::from(self.multiplier) + round) >> self.shift;
        // TANH reads at twice its argument.
        let bits = if self.is_tanh { BITS - 1 } else { BITS };
        let at = x.unsigned_abs();
        let i = (at >> bits) as usize;
        // In steps of 2^-(16 + bits).
        let line = if i + 1 >= ENTRIES {
            i64::from(if self.is_tanh { 0xffff } else { 0xfffe }) << bits
        } else {
            let [a, b] = [0, 1].map(|k| i64::from(self.entries[i + k]));
            (a << bits) + (at & ((1 << bits) - 1)) as i64 * (b - a)
        };
        let (one, drop) = if self.is_tanh { (1 << 23, 8) } else { (1 << 25, 10) };
        let half = 1 << (drop - 1);
        let result = match (self.is_tanh, x >= 0) {
            (false, true) => line + half,
            (false, false) => one - line + half - 1,
            (true, true) => line - one + half,
            (true, false) => one - line + half - 1,
        };
        (result >> drop) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_near_the_function() {
        for x in [1e-5f32, 3e-4, 0.01, 0.5] {
            for (is_tanh, bound) in [(false, 2.0), (true, 3.0)] {
                let table = Sigmoid::new(is_tanh, x, RESULT).unwrap();
                for stored in (i16::MIN..=i16::MAX).step_by(7) {
                    let real = f64::from(stored) * f64::from(x);
                    let exact = if is_tanh { real.tanh() } else { 1.0 / (1.0 + (-real).exp()) };
                    let off = f64::from(table.at(stored)) - (exact * 32768.0).min(32767.0);
                    assert!(off.abs() <= bound, "tanh {is_tanh}, {stored} of {x}: off by {off}");
                }
            }
        }
    }

    #[test]
    fn what_tflite_has_no_table_for() {
        let [small, medium] = [1.0 / 4096.0, 1.0 / 2048.0];
        assert!(Sigmoid::new(false, small, RESULT).is_none());
        assert!(Sigmoid::new(false, medium, RESULT).is_some());
        assert!(Sigmoid::new(true, medium, RESULT).is_none());
        assert!(Sigmoid::new(true, 0.1, 2.0 * RESULT).is_none());
        assert!(Sigmoid::new(true, 1e30, RESULT).is_none());
    }
}
