//! The vector type of this build against float64.

use octomask::simd::{LANES, Native, Vector};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The greatest relative error of `f` over `points` between `from` and `to`.
fn worst(f: impl Fn(Native) -> Native, exact: impl Fn(f64) -> f64, [from, to]: [f64; 2]) -> f64 {
    const POINTS: usize = 400_000;
    let mut worst = 0f64;
    for i in (0..POINTS).step_by(LANES) {
        let x = std::array::from_fn(|lane| {
            (from + (to - from) * (i + lane) as f64 / POINTS as f64) as f32
        });
        for (x, y) in x.into_iter().zip(f(Native::from_array(x)).to_array()) {
            let want = exact(x as f64);
            // Tiny is the least normal float32: below it there are no relative errors to speak of.
            let error = (y as f64 - want).abs() / want.abs().max(f32::MIN_POSITIVE as f64);
            worst = if error > worst || error.is_nan() { error } else { worst };
        }
    }
    worst
}

#[test]
fn exp_is_as_exact_as_it_says() {
    let error = worst(Native::exp, f64::exp, [-87.0, 87.0]);
    assert!(error < 2e-7, "{error}");
}

#[test]
fn sigmoid_is_as_exact_as_it_says() {
    let error = worst(Native::sigmoid, |x| 1.0 / (1.0 + (-x).exp()), [-87.0, 87.0]);
    assert!(error < 4e-7, "{error}");
    let near = worst(Native::sigmoid, |x| 1.0 / (1.0 + (-x).exp()), [-2.0, 2.0]);
    assert!(near < 4e-7, "{near}");
}

#[test]
fn tanh_is_as_exact_as_it_says() {
    for range in [[-1e-3, 1e-3], [-1.0, 1.0], [-20.0, 20.0]] {
        let error = worst(Native::tanh, f64::tanh, range);
        assert!(error < 4e-7, "{error} in {range:?}");
    }
}

/// Values of a table (Abramowitz and Stegun, 7.1).
#[test]
fn erf_is_as_exact_as_it_says() {
    for (x, y) in [(0.0, 0.0), (0.1, 0.112_462_9), (0.5, 0.520_499_9), (1.0, 0.842_700_8)] {
        let [plus, minus, ..] = Native::from_array([x, -x, 0.0, 0.0]).erf().to_array();
        assert!((plus - y).abs() < 5e-7 && (minus + y).abs() < 5e-7, "{x}: {plus} {minus}");
    }
    assert_eq!(Native::splat(20.0).erf().to_array(), [1.0; LANES]);
}

#[test]
fn functions_saturate() {
    let x = [f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30];
    let v = Native::from_array(x);
    assert_eq!(v.tanh().to_array(), [1.0, -1.0, 1.0, -1.0]);
    let y = v.sigmoid().to_array();
    assert!(y[0] == 1.0 && y[2] == 1.0 && (0.0..1e-37).contains(&y[1]) && y[3] == y[1], "{y:?}");
    assert_eq!(v.clamp(Native::splat(0.0), Native::splat(6.0)).to_array(), [6.0, 0.0, 6.0, 0.0]);
}

#[test]
fn nan_stays_nan_or_becomes_a_bound() {
    let relaxed = cfg!(target_feature = "relaxed-simd");
    let nan = Native::splat(f32::NAN);
    let all = [
        (nan.clamp(Native::splat(0.0), Native::splat(6.0)), [0.0, 6.0]),
        (nan.sigmoid(), [0.0, 1.0]),
        (nan.tanh(), [-1.0, 1.0]),
    ];
    for (v, [lo, hi]) in all {
        for x in v.to_array() {
            assert!(x.is_nan() || relaxed && (lo..=hi).contains(&x), "{v:?}");
        }
    }
    assert!(nan.mul_add(nan, nan).hard_swish().to_array().iter().all(|x| x.is_nan()));
}

#[test]
fn sums_of_lanes() {
    let v: [Native; LANES] = std::array::from_fn(|i| {
        Native::from_array(std::array::from_fn(|lane| (10 * i + lane * lane) as f32))
    });
    assert_eq!(Native::sums(v).to_array(), [14.0, 54.0, 94.0, 134.0]);
}

#[test]
fn parts_of_a_vector() {
    let from = [1.0, 2.0, 3.0, 4.0];
    for n in 0..=LANES {
        let mut to = [9.0; LANES];
        // SAFETY: n <= 4, and both arrays have 4 elements.
        let v = unsafe { Native::load_first(from.as_ptr(), n) };
        // SAFETY: as above.
        unsafe { v.store_first(to.as_mut_ptr(), n) };
        for i in 0..LANES {
            assert_eq!(v.to_array()[i], if i < n { from[i] } else { 0.0 });
            assert_eq!(to[i], if i < n { from[i] } else { 9.0 });
        }
    }
}
