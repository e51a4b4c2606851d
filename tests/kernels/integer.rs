//! Integer kernels against sums in 64 bits: the same bits are wanted.

use crate::support::*;
use octomask::kernels::{
    Args, ConvSpec, IntegerConv, IntegerDepthwise, IntegerGemm, IntegerGemmSpec, Kernel, Requantize,
};
use octomask::ops::Window;
use octomask::tensor::{Data, Grid, Halves, View, ViewMut};
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

    fn requantize(&self) -> Requantize<'_> {
        let [input_zero, filter_zero] = self.zeros;
        Requantize { input_zero, filter_zero, scales: &self.scales, output: self.output }
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
    for seed in 0..200 {
        let mut random = Random(seed);
        let (m, n) = (random.below(1..30), random.below(1..22));
        let k = random.pick(&[1, 2, 3, 8, 15, 16, 33, 300]);
        let made = Made::new(&mut random, [k, n]);
        let input = bytes(&mut random, made.signed, m * k);
        let bias = (seed % 3 > 0).then_some(&made.bias[..]);
        let kernel = IntegerGemm::new(IntegerGemmSpec {
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
    let mut ran = 0;
    for seed in 0..400 {
        let mut random = Random(seed);
        let groups = random.pick(&[1, 1, 1, 2, 3]);
        let (depth, per_group) = (random.below(1..10), random.below(1..12));
        let (ci, co) = (groups * depth, groups * per_group);
        let Some(slide) = Slide::new(&mut random, ci) else { continue };
        ran += 1;
        let [kh, kw] = slide.kernel;
        let made = Made::new(&mut random, [kh * kw * depth, co]);
        let image = bytes(&mut random, made.signed, slide.input.iter().product());
        let spec = slide.spec(&made.weights, [co, kh, kw, depth], &made.bias);
        let kernel = IntegerConv::new(spec, made.requantize());
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

#[test]
fn depthwise_convolutions() {
    let mut ran = 0;
    for seed in 0..600 {
        let mut random = Random(seed);
        let multiplier = random.pick(&[1, 1, 1, 2, 3]);
        let ci = random.below(1..20);
        let co = ci * multiplier;
        let Some(slide) = Slide::new(&mut random, ci) else { continue };
        ran += 1;
        let [kh, kw] = slide.kernel;
        let made = Made::new(&mut random, [kh * kw, co]);
        let image = bytes(&mut random, made.signed, slide.input.iter().product());
        let spec = slide.spec(&made.weights, [1, kh, kw, co], &made.bias);
        let kernel = IntegerDepthwise::new(spec, made.requantize());
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
