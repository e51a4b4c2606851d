use crate::support::*;
use octomask::kernels::{Args, Copy, Dequantize, Kernel, Quantize, Rounded};
use octomask::tensor::{DType, Data, Grid, Halves, Quantization, ViewMut};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn grids() -> impl Iterator<Item = (DType, Grid)> {
    let all =
        [(DType::I8, -128), (DType::I8, 5), (DType::U8, 0), (DType::U8, 131), (DType::I16, 0)];
    all.into_iter().flat_map(|(dtype, zero_point)| {
        let quantization = Quantization::per_tensor(0.0173, zero_point);
        let grid = Grid::of(dtype, Some(&quantization)).unwrap();
        let exact = Grid { scale: 1.0 / 64.0, halves: Halves::Even, ..grid };
        let others = [Halves::FromZeroPoint, Halves::FromStoredZero, Halves::Up];
        let others = others.map(|halves| (dtype, Grid { halves, ..grid }));
        others.into_iter().chain([(dtype, exact)])
    })
}

/// What `Rounded` makes of values, in place and in pieces.
fn rounded(grid: Grid, values: &[f32]) -> Vec<f32> {
    let kernel = Rounded::new(Box::new(Copy::new(values.len())), grid);
    let mut data = values.to_vec();
    for unit in 0..kernel.units() {
        let units = unit..unit + 1;
        let outputs = &mut [ViewMut::F32(&mut data[kernel.span(0, units.clone())])];
        kernel.run(units, Args { inputs: &[None], outputs, scratch: &mut [] });
    }
    data
}

#[test]
fn the_nearest_value_of_the_grid() {
    for (seed, (_, grid)) in grids().enumerate() {
        let values = Random(seed as u64).floats(9001);
        for (&x, got) in values.iter().zip(rounded(grid, &values)) {
            let steps = x as f64 / grid.scale as f64;
            let is_half = (steps - steps.floor() - 0.5).abs() < 1e-3;
            let want = grid.nearest(x as f64);
            let close = (got as f64 - want).abs() <= 1e-6 * want.abs();
            assert!(close || is_half, "{grid:?}: {got} for {x}, should be {want}");
        }
    }
}

/// Sums of two steps end halfway between two values, up to the rounding of floats.
#[test]
fn halves_go_where_the_grid_says() {
    for (_, grid) in grids() {
        let halves: Vec<i32> = (-300..300).collect();
        let values: Vec<f32> = halves.iter().map(|&i| i as f32 * 0.5 * grid.scale).collect();
        for (&i, got) in halves.iter().zip(rounded(grid, &values)) {
            let want = grid.nearest(i as f64 * 0.5 * grid.scale as f64) as f32;
            assert!((got - want).abs() <= 1e-6 * want.abs(), "{grid:?}: {got} for {i} halves");
        }
    }
}

#[test]
fn stored_values_come_back() {
    for (dtype, grid) in grids() {
        let stored: Vec<i32> = (grid.low..=grid.high).collect();
        let data = match dtype {
            DType::I8 => Data::I8(stored.iter().map(|&q| q as i8).collect()),
            DType::U8 => Data::U8(stored.iter().map(|&q| q as u8).collect()),
            _ => Data::I16(stored.iter().map(|&q| q as i16).collect()),
        };
        let (mut reals, mut back) = (Data::zeros(DType::F32, stored.len()), data.clone());
        let run = |kernel: &dyn Kernel, from: &Data, to: &mut Data| {
            let inputs = &[Some(from.view())];
            let outputs = &mut [to.view_mut()];
            kernel.run(0..kernel.units(), Args { inputs, outputs, scratch: &mut [] });
        };
        run(&Dequantize::new(stored.len(), grid), &data, &mut reals);
        let expected = stored.iter().map(|q| (q - grid.zero_point) as f32 * grid.scale);
        assert_eq!(reals, Data::F32(expected.collect()));
        run(&Quantize::new(stored.len(), grid), &reals, &mut back);
        assert_eq!(back, data);
    }
}
