//! EXP, LOG and RSQRT of int16, which TFLite reads from tables.

use super::Unary;

/// Every how many stored values there is an entry.
const STEP: i32 = 1 << 7;
const ENTRIES: usize = (1 << 16) / STEP as usize;

/// Points of a function of one value between which TFLite draws straight lines (`LUTPopulate` and
/// `LUTLookup` of int16): its results are some steps off the function where that bends. Zero points
/// are 0.
#[derive(Debug, Clone)]
pub struct Lines([i16; ENTRIES + 1]);

impl Lines {
    /// Of EXP, LOG or RSQRT, from steps of `x` to steps of `y`. In float32, as TFLite has it.
    pub fn new(function: Unary, x: f32, y: f32) -> Lines {
        let (low, high) = (f32::from(i16::MIN), f32::from(i16::MAX));
        let value = |at: f32| match function {
            Unary::Log if at <= 0.0 => low * y,
            Unary::Rsqrt if at <= 0.0 => high * y,
            _ => function.apply(at.into()) as f32,
        };
        let (first, last) = (x * low, x * high);
        let distance = (last - first) / ENTRIES as f32;
        let steps_per_one = (high - low + 1.0) / (y * high - y * low);
        let stored = |real: f32| (real * steps_per_one).round();
        // Half of what the line would miss in its middle is taken off at its start.
        let entry = |i: usize| {
            let at = first + i as f32 * distance;
            let start = stored(value(at));
            let next = value(first + (i + 1) as f32 * distance) * steps_per_one;
            let middle = ((next + start) / 2.0).round();
            let missed = middle - stored(value(at + distance / 2.0));
            (start - (missed / 2.0).round()).max(low).min(high) as i16
        };
        let end = stored(value(last)).max(low).min(high) as i16;
        Lines(std::array::from_fn(|i| if i < ENTRIES { entry(i) } else { end }))
    }

    /// The stored result for a stored value.
    pub fn at(&self, stored: i16) -> i16 {
        let index = (ENTRIES / 2) as i32 + i32::from(stored).div_euclid(STEP);
        let offset = i32::from(stored).rem_euclid(STEP);
        let [start, end] = [0, 1].map(|i| i32::from(self.0[index as usize + i]));
        // The slope has 16 bits in TFLite, too.
        let slope = i32::from((end - start) as i16);
        (start + ((slope * offset + STEP / 2) >> 7)) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straight_functions_are_exact() {
        // exp(x / 32768) over so few steps that lines do not miss it.
        let table = Lines::new(Unary::Exp, 1e-6, 1e-4);
        for stored in [i16::MIN, -1000, -129, -128, -1, 0, 1, 127, 128, 5000, i16::MAX] {
            let exact = (f64::from(stored) * 1e-6).exp() / 1e-4;
            assert!((f64::from(table.at(stored)) - exact).abs() <= 1.0, "{stored}");
        }
    }

    #[test]
    fn what_has_no_logarithm_is_the_lowest() {
        let table = Lines::new(Unary::Log, 1e-3, 1e-3);
        assert_eq!(table.at(-200), i16::MIN);
        assert_eq!(Lines::new(Unary::Rsqrt, 1e-3, 1e-3).at(-200), i16::MAX);
    }
}
