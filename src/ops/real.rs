//! Functions of real numbers that JavaScript has as well: in WebAssembly its ones, as code for them
//! would be 2.9 KiB of what a browser has to load, and hardly any network has these operators.

/// The sine of an angle in radians.
pub fn sin(x: f64) -> f64 {
    #[cfg(target_arch = "wasm32")]
    return js_sys::Math::sin(x);
    #[cfg(not(target_arch = "wasm32"))]
    x.sin()
}

/// The cosine of an angle in radians.
pub fn cos(x: f64) -> f64 {
    #[cfg(target_arch = "wasm32")]
    return js_sys::Math::cos(x);
    #[cfg(not(target_arch = "wasm32"))]
    x.cos()
}

/// `x` to the power of `y`.
pub fn pow(x: f64, y: f64) -> f64 {
    #[cfg(target_arch = "wasm32")]
    {
        // Of these JavaScript makes NaN.
        let one = x == 1.0 || x == -1.0 && y.is_infinite();
        if one { 1.0 } else { js_sys::Math::pow(x, y) }
    }
    #[cfg(not(target_arch = "wasm32"))]
    x.powf(y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_one_are_one() {
        for y in [0.0, 7.5, f64::INFINITY, f64::NAN] {
            assert_eq!(pow(1.0, y), 1.0);
        }
        assert_eq!(pow(-1.0, f64::NEG_INFINITY), 1.0);
        assert!(pow(-1.0, 0.5).is_nan() && pow(2.0, f64::NAN).is_nan());
        assert_eq!(pow(2.0, -3.0), 0.125);
    }
}
