//! Integer kernels against sums in 64 bits: the same bits are wanted.

use crate::support::*;
use octomask::kernels::{
    Args, ConvSpec, Element, IntegerBinary, IntegerBinarySpec, IntegerConv, IntegerDepthwise,
    IntegerGemm, IntegerGemmSpec, IntegerTransposeConv, IntegerWinograd, Kernel, Requantize,
};
use octomask::ops::{BinaryKind, Window, rounded_product};
use octomask::simd::byte_dot;
use octomask::tensor::{Data, Grid, Halves, Shape, View, ViewMut};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Stored values of int8 or uint8.
fn bytes(random: &mut Random, signed: bool, n: usize) -> Data {
    let byte = |r: &mut Random| r.next() as u8;
    match signed {
        true => Data::I8((0..n).map(|_| byte(random) as i8).collect()),
        false => Data::U8((0..n).map(|_| byte(random)).collect()),
    }
}

fn stored(data: &Data) -> Vec<i64> {
    match data.view() {
        View::I8(v) => v.iter().map(|&x| x.into()).collect(),
        View::U8(v) => v.iter().map(|&x| x.into()).collect(),
        other => panic!("{other:?}"),
    }
}

/// Weights, bias and scales for sums of `k` products in `n` channels.
struct Made {
    signed: bool,
    zeros: [i32; 2],
    weights: Vec<i16>,
    bias: Vec<i32>,
    scales: Vec<f32>,
    output: Grid,
}

impl Made {
    fn new(random: &mut Random, [k, n]: [usize; 2]) -> Made {
        let signed = random.pick(&[true, false]);
        let (low, high) = if signed { (-128, 127) } else { (0, 255) };
        let between = |random: &mut Random| random.below(0..(high - low + 1) as usize) as i32 + low;
        let weights = (0..n * k).map(|_| between(random) as i16).collect();
        let zeros = [between(random), if signed { 0 } else { between(random) }];
        let bias = (0..n).map(|_| random.next() as i32 >> 18).collect();
        // So that most results are neither limit.
        let scales = random.pick(&[1, n]);
        let scale =
            |random: &mut Random| 0.004 * (random.below(1..1000) as f32) / (k as f32 * 100.0);
        let scales = (0..scales).map(|_| scale(random)).collect();
        let zero_point = between(random);
        let low = random.pick(&[low, zero_point]);
        let output = Grid { scale: 1.0, zero_point, low, high, halves: Halves::Even };
        Made { signed, zeros, weights, bias, scales, output }
    }

    /// The same with weights that are bytes once their zero point is taken away.
    fn with_weights_of_bytes(mut self) -> Made {
        let zero = self.zeros[1] as i16;
        self.weights.iter_mut().for_each(|w| *w = (*w).clamp(zero - 128, zero + 127));
        self
    }

    fn requantize(&self) -> Requantize<'_> {
        let [input_zero, filter_zero] = self.zeros;
        let input_low = if self.signed { -128 } else { 0 };
        Requantize { input_zero, input_low, filter_zero, scales: &self.scales, output: self.output }
    }

    /// What a sum becomes.
    fn result(&self, sum: i64, channel: usize) -> i64 {
        let scale = self.scales[channel % self.scales.len()];
        let Grid { low, high, zero_point, .. } = self.output;
        let steps = (sum as i32 as f32 * scale).round_ties_even();
        (steps as i64 + zero_point as i64).clamp(low as i64, high as i64)
    }
}

/// Runs a kernel in pieces over scratch full of NaN, and compares.
fn check(kernel: &dyn Kernel, input: &Data, want: &[i64], signed: bool, seed: u64) {
    let case = format!("{}: seed {seed}", kernel.name());
    let mut made = bytes(&mut Random(seed), signed, want.len());
    for range in cut(kernel.units(), &mut Random(seed)) {
        let mut scratch = vec![f32::NAN; kernel.scratch()];
        let span = kernel.span(0, range.clone());
        let part = match made.view_mut() {
            ViewMut::I8(v) => ViewMut::I8(&mut v[span]),
            ViewMut::U8(v) => ViewMut::U8(&mut v[span]),
            other => panic!("{other:?}"),
        };
        let outputs = &mut [part];
        let inputs = &[Some(input.view())];
        kernel.run(range, Args { inputs, outputs, scratch: &mut scratch });
    }
    let got = stored(&made);
    assert_eq!(got.len(), want.len(), "{case}");
    let wrong = got.iter().zip(want).position(|(g, w)| g != w);
    assert_eq!(wrong, None, "{case}: {} for {}", got[wrong.unwrap_or(0)], want[wrong.unwrap_or(0)]);
}

#[test]
fn products() {
    products_of::<i16>();
    if byte_dot().is_some() {
        products_of::<u8>();
    }
}

fn products_of<E: Element>() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let (m, n) = (random.below(1..30), random.below(1..22));
        let k = random.pick(&[1, 2, 3, 8, 15, 16, 33, 300]);
        let made = Made::new(&mut random, [k, n]).with_weights_of_bytes();
        let input = bytes(&mut random, made.signed, m * k);
        let bias = (seed % 3 > 0).then_some(&made.bias[..]);
        let kernel = IntegerGemm::<E>::new(IntegerGemmSpec {
            m,
            k,
            n,
            weights: &made.weights,
            bias,
            requantize: made.requantize(),
        });
        let x = stored(&input);
        let [zero, filter_zero] = made.zeros.map(i64::from);
        let element = |i: usize| {
            let (row, column) = (i / n, i % n);
            let product = |i: usize| {
                (x[row * k + i] - zero) * (made.weights[column * k + i] as i64 - filter_zero)
            };
            let sum = (0..k).map(product).sum::<i64>() + bias.map_or(0, |b| b[column] as i64);
            made.result(sum, column)
        };
        let want: Vec<i64> = (0..m * n).map(element).collect();
        check(&kernel, &input, &want, made.signed, seed);
    }
}

/// A window on an image `[n, h, w, ci]`, with outputs of `[oh, ow]` pixels.
struct Slide {
    input: [usize; 4],
    kernel: [usize; 2],
    window: Window,
    output: [usize; 2],
    pad: [usize; 2],
}

impl Slide {
    /// `None` where no window fits.
    fn new(random: &mut Random, channels: usize) -> Option<Slide> {
        let (h, w) = (random.below(1..9), random.below(1..12));
        let kernel = random.pick(&[[1, 1], [3, 3], [5, 5], [2, 3], [1, 4]]);
        let window = Window {
            stride: random.pick(&[[1, 1], [2, 2], [1, 3], [3, 1]]),
            dilation: random.pick(&[[1, 1], [1, 1], [2, 2], [1, 3]]),
            padding: random.pick(&PADDINGS),
        };
        let output = window.output([h, w], kernel).ok()?;
        let input = [random.pick(&[1, 2]), h, w, channels];
        let pad = window.pad_before([h, w], kernel);
        Some(Slide { input, kernel, window, output, pad })
    }

    fn spec<'a>(
        &self,
        filter: &'a [i16],
        shape: [usize; 4],
        bias: &'a [i32],
    ) -> ConvSpec<'a, i16, i32> {
        ConvSpec {
            input: self.input,
            output: self.output,
            filter,
            filter_shape: shape,
            bias: Some(bias),
            stride: self.window.stride,
            dilation: self.window.dilation,
            pad: self.pad,
            activation: None,
        }
    }

    /// For output element `i` of `co` channels: its channel, and its taps `[ky, kx]` inside the image
    /// with the first element of their pixel.
    fn taps(&self, i: usize, co: usize) -> (usize, Vec<([usize; 2], usize)>) {
        let ([_, h, w, ci], [oh, ow]) = (self.input, self.output);
        let (c, ox, oy, n) = (i % co, i / co % ow, i / co / ow % oh, i / co / ow / oh);
        let [kh, kw] = self.kernel;
        let at = |a: usize, o: usize, k: usize, extent: usize| {
            let Window { stride, dilation, .. } = self.window;
            let i = (o * stride[a] + k * dilation[a]).checked_sub(self.pad[a])?;
            (i < extent).then_some(i)
        };
        let tap = |k: usize| {
            let (ky, kx) = (k / kw, k % kw);
            let (iy, ix) = (at(0, oy, ky, h)?, at(1, ox, kx, w)?);
            Some(([ky, kx], ((n * h + iy) * w + ix) * ci))
        };
        (c, (0..kh * kw).filter_map(tap).collect())
    }
}

#[test]
fn convolutions() {
    convolutions_of::<i16>();
    if byte_dot().is_some() {
        convolutions_of::<u8>();
    }
}

fn convolutions_of<E: Element>() {
    let mut ran = 0;
    for seed in 0..400 {
        let mut random = Random(seed);
        let groups = random.pick(&[1, 1, 1, 2, 3]);
        let (depth, per_group) = (random.below(1..10), random.below(1..12));
        let (ci, co) = (groups * depth, groups * per_group);
        let Some(slide) = Slide::new(&mut random, ci) else { continue };
        ran += 1;
        let [kh, kw] = slide.kernel;
        let made = Made::new(&mut random, [kh * kw * depth, co]).with_weights_of_bytes();
        let image = bytes(&mut random, made.signed, slide.input.iter().product());
        let spec = slide.spec(&made.weights, [co, kh, kw, depth], &made.bias);
        let kernel = IntegerConv::<E>::new(spec, made.requantize());
        let x = stored(&image);
        let [zero, filter_zero] = made.zeros.map(i64::from);
        let element = |i: usize| {
            let (c, taps) = slide.taps(i, co);
            let mut sum = made.bias[c] as i64;
            for ([ky, kx], pixel) in taps {
                for d in 0..depth {
                    let weight = made.weights[((c * kh + ky) * kw + kx) * depth + d] as i64;
                    sum += (x[pixel + c / per_group * depth + d] - zero) * (weight - filter_zero);
                }
            }
            made.result(sum, c)
        };
        let want: Vec<i64> =
            (0..slide.input[0] * slide.output[0] * slide.output[1] * co).map(element).collect();
        check(&kernel, &image, &want, made.signed, seed);
    }
    assert!(ran > 200, "{ran} cases");
}

/// Of 3x3 taps, by Winograd's way: no bit may differ from the sums.
#[test]
fn convolutions_with_fewer_products() {
    for seed in 0..120 {
        let mut random = Random(seed);
        let (ci, co) = (random.below(1..28), random.below(1..28));
        let [n, h, w] = [random.below(1..3), random.below(3..14), random.below(3..14)];
        let pad = [random.below(0..2), random.below(0..2)];
        // As with SAME, or without a border at the end.
        let output = [h + 2 * pad[0] - 2, w + 2 * pad[1] - 2];
        let made = Made::new(&mut random, [9 * ci, co]);
        let image = bytes(&mut random, made.signed, n * h * w * ci);
        let spec = ConvSpec {
            input: [n, h, w, ci],
            output,
            filter: &made.weights[..],
            filter_shape: [co, 3, 3, ci],
            bias: Some(&made.bias[..]),
            stride: [1, 1],
            dilation: [1, 1],
            pad,
            activation: None,
        };
        let kernel = IntegerWinograd::new(spec, made.requantize());
        let x = stored(&image);
        let [zero, filter_zero] = made.zeros.map(i64::from);
        let element = |i: usize| {
            let (c, pixel) = (i % co, i / co);
            let (oy, ox) = (pixel / output[1] % output[0], pixel % output[1]);
            let first = pixel / output[1] / output[0] * h * w;
            let mut sum = made.bias[c] as i64;
            for (ky, kx) in (0..9).map(|tap| (tap / 3, tap % 3)) {
                let (y, x_at) = ((oy + ky).wrapping_sub(pad[0]), (ox + kx).wrapping_sub(pad[1]));
                if y >= h || x_at >= w {
                    continue;
                }
                for d in 0..ci {
                    let weight = made.weights[((c * 3 + ky) * 3 + kx) * ci + d] as i64;
                    let value = x[(first + y * w + x_at) * ci + d];
                    sum += (value - zero) * (weight - filter_zero);
                }
            }
            made.result(sum, c)
        };
        let want: Vec<i64> = (0..n * output[0] * output[1] * co).map(element).collect();
        check(&kernel, &image, &want, made.signed, seed);
    }
}

#[test]
fn depthwise_convolutions() {
    depthwise_convolutions_of::<i16>();
    if byte_dot().is_some() {
        depthwise_convolutions_of::<u8>();
    }
}

fn depthwise_convolutions_of<E: Element>() {
    let mut ran = 0;
    for seed in 0..600 {
        let mut random = Random(seed);
        let multiplier = random.pick(&[1, 1, 1, 2, 3]);
        let ci = random.below(1..20);
        let co = ci * multiplier;
        let Some(slide) = Slide::new(&mut random, ci) else { continue };
        ran += 1;
        let [kh, kw] = slide.kernel;
        let made = Made::new(&mut random, [kh * kw, co]).with_weights_of_bytes();
        let image = bytes(&mut random, made.signed, slide.input.iter().product());
        let spec = slide.spec(&made.weights, [1, kh, kw, co], &made.bias);
        let kernel = IntegerDepthwise::<E>::new(spec, made.requantize());
        let x = stored(&image);
        let [zero, filter_zero] = made.zeros.map(i64::from);
        let element = |i: usize| {
            let (c, taps) = slide.taps(i, co);
            let product = |([ky, kx], pixel): ([usize; 2], usize)| {
                let weight = made.weights[(ky * kw + kx) * co + c] as i64;
                (x[pixel + c / multiplier] - zero) * (weight - filter_zero)
            };
            let sum = taps.into_iter().map(product).sum::<i64>() + made.bias[c] as i64;
            made.result(sum, c)
        };
        let want: Vec<i64> =
            (0..slide.input[0] * slide.output[0] * slide.output[1] * co).map(element).collect();
        check(&kernel, &image, &want, made.signed, seed);
    }
    assert!(ran > 400, "{ran} cases");
}

#[test]
fn transposed_convolutions() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let (h, w) = (random.below(1..6), random.below(1..7));
        let (ci, co) = (random.below(1..6), random.below(1..11));
        let [kh, kw] = random.pick(&[[1, 1], [2, 2], [3, 3], [4, 4], [2, 5], [3, 1]]);
        let stride = random.pick(&[[1, 1], [2, 2], [3, 3], [1, 2], [2, 3]]);
        let pad = [random.below(0..kh), random.below(0..kw)];
        // Up to more than the image reaches.
        let output = [0, 1].map(|a| {
            let full = ([h, w][a] - 1) * stride[a] + [kh, kw][a];
            (full + random.below(0..5)).saturating_sub(pad[a] + 2).max(1)
        });
        let [oh, ow] = output;
        let made = Made::new(&mut random, [kh * kw * ci, co]);
        let input = [random.pick(&[1, 2]), h, w, ci];
        let image = bytes(&mut random, made.signed, input.iter().product());
        let spec = ConvSpec {
            input,
            output,
            filter: &made.weights[..],
            filter_shape: [co, kh, kw, ci],
            bias: Some(&made.bias[..]),
            stride,
            dilation: [1, 1],
            pad,
            activation: None,
        };
        // Some files have their sums rounded to a fraction of a step first.
        let multipliers: Option<Vec<f64>> = random
            .pick(&[false, true])
            .then(|| (0..co).map(|c| made.scales[c % made.scales.len()] as f64).collect());
        let kernel = IntegerTransposeConv::new(spec, made.requantize(), multipliers.as_deref());
        let x = stored(&image);
        let [zero, filter_zero] = made.zeros.map(i64::from);
        let element = |i: usize| {
            let (c, ox, oy, n) = (i % co, i / co % ow, i / co / ow % oh, i / co / ow / oh);
            let mut sum = made.bias[c] as i64;
            for (ky, kx) in (0..kh).flat_map(|ky| (0..kw).map(move |kx| (ky, kx))) {
                let at = |a: usize, o: usize, k: usize| {
                    let distance = (o + pad[a]).checked_sub(k)?;
                    let i = distance / stride[a];
                    (distance % stride[a] == 0 && i < [h, w][a]).then_some(i)
                };
                let (Some(iy), Some(ix)) = (at(0, oy, ky), at(1, ox, kx)) else { continue };
                for d in 0..ci {
                    let weight = made.weights[((c * kh + ky) * kw + kx) * ci + d] as i64;
                    sum += (x[((n * h + iy) * w + ix) * ci + d] - zero) * (weight - filter_zero);
                }
            }
            match &multipliers {
                None => made.result(sum, c),
                Some(m) => {
                    let Grid { low, high, zero_point, .. } = made.output;
                    let steps = rounded_product(sum as f64, m[c]).round();
                    (steps as i64 + zero_point as i64).clamp(low as i64, high as i64)
                }
            }
        };
        let want: Vec<i64> = (0..input[0] * oh * ow * co).map(element).collect();
        check(&kernel, &image, &want, made.signed, seed);
    }
}

#[test]
fn sums_and_products() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let signed = random.pick(&[true, false]);
        let low = if signed { -128 } else { 0 };
        let mut grid = |scales: &[f32]| Grid {
            scale: random.pick(scales) * (random.below(1000..2000) as f32 / 1000.0),
            zero_point: low + random.below(0..256) as i32,
            low,
            high: low + 255,
            halves: Halves::default(),
        };
        let grids = [grid(&[0.01, 0.3]), grid(&[0.01, 0.3])];
        let result = grid(&[0.02, 0.5]);
        let kind = random.pick(&[BinaryKind::Add, BinaryKind::Sub, BinaryKind::Mul]);
        let full = [2, random.below(1..5), random.below(1..5), random.below(1..40)];
        let some = random.pick(&[
            full,
            [1, 1, 1, full[3]],
            [2, 1, 1, full[3]],
            [1; 4],
            [2, full[1], full[2], 1],
        ]);
        let mut dims = [full, some];
        if random.pick(&[true, false]) {
            dims.swap(0, 1);
        }
        let shapes = dims.map(|d| Shape::new(d).unwrap());
        let output = Shape::new(full).unwrap();
        let data = [0, 1].map(|i| bytes(&mut random, signed, shapes[i].elements()));
        let kernel = IntegerBinary::new(IntegerBinarySpec {
            kind,
            operands: [&shapes[0], &shapes[1]],
            grids,
            output: &output,
            grid: result,
        });
        let x = [0, 1].map(|i| stored(&data[i]));
        let mut made = bytes(&mut random, signed, output.elements());
        for range in cut(kernel.units(), &mut random) {
            let span = kernel.span(0, range.clone());
            let part = match made.view_mut() {
                ViewMut::I8(v) => ViewMut::I8(&mut v[span]),
                ViewMut::U8(v) => ViewMut::U8(&mut v[span]),
                other => panic!("{other:?}"),
            };
            let inputs = &[Some(data[0].view()), Some(data[1].view())];
            kernel.run(range, Args { inputs, outputs: &mut [part], scratch: &mut [] });
        }
        for (i, got) in stored(&made).into_iter().enumerate() {
            let place = [3, 2, 1, 0].iter().fold((i, [0; 4]), |(rest, mut place), &a| {
                place[a] = rest % full[a];
                (rest / full[a], place)
            });
            let real = |k: usize| {
                let at = (0..4).fold(0, |at, a| at * dims[k][a] + place.1[a] % dims[k][a]);
                (x[k][at] - grids[k].zero_point as i64) as f64 * grids[k].scale as f64
            };
            let steps = kind.apply(real(0), real(1)) / result.scale as f64;
            let want = (steps + result.zero_point as f64).clamp(low as f64, (low + 255) as f64);
            assert!((got as f64 - want).abs() < 0.501, "{kind:?}: seed {seed}: {got} for {want}");
        }
    }
}
