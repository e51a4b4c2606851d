//! Kernels of operators that compute on quantized tensors as they are stored.

use super::{Chosen, Site, conv, layout, nhwc, pool, reduce, resize};
use crate::kernels::{
    Along, ConvSpec, IntegerBinary, IntegerBinarySpec, IntegerConv, IntegerDepthwise, IntegerGemm,
    IntegerGemmSpec, IntegerPool, IntegerReduce, IntegerResize, IntegerTransposeConv,
    IntegerWinograd, Requantize, ResizeSpec, Table, TableOfBytes, bytes_pay,
};
use crate::ops::reduce::reduced_axes;
use crate::ops::{
    Int16Table, Op, PoolKind, ReduceKind, function_table, limited, requantization_table,
};
use crate::tensor::{DType, Grid, TensorDef, View};

/// A transposed convolution with a larger stride runs on the reference.
const MAX_PHASES: usize = 256;

/// The kernel of a node of which [`crate::ops::is_integer`] holds.
pub(super) fn kernel(site: &Site) -> Option<Chosen> {
    let weights = || Weights::at(site, 0, 1, 2);
    match &site.node.op {
        Op::Unary(function) if site.output().dtype == DType::I16 => {
            let table = Int16Table::between(*function, site.operand(0)?, site.output())?;
            site.reading(1, Table::new(*function, table, site.output().shape.elements()))
        }
        Op::Unary(function) => {
            let table = function_table(*function, grid(site.operand(0)?)?, grid(site.output())?);
            let elements = site.output().shape.elements();
            site.reading(1, TableOfBytes::new(function.name(), table, elements))
        }
        Op::Quantize(_) => {
            let (x, y) = (site.operand(0)?, site.output());
            let table = requantization_table(grid(x)?, grid(y)?, x.dtype == y.dtype);
            site.reading(1, TableOfBytes::new("quantize", table, y.shape.elements()))
        }
        Op::Binary(op) => {
            let (a, b) = (site.operand(0)?, site.operand(1)?);
            let spec = IntegerBinarySpec {
                kind: op.kind,
                operands: [&a.shape, &b.shape],
                grids: [grid(a)?, grid(b)?],
                output: &site.output().shape,
                grid: limited(op.activation, site.output())?,
            };
            site.reading(2, IntegerBinary::new(spec))
        }
        Op::ResizeBilinear(op) => {
            let (input, [_, oh, ow, _]) = (nhwc(site.operand(0)?), nhwc(site.output()));
            let spec = ResizeSpec { input, output: [oh, ow], attributes: *op };
            site.reading(1, IntegerResize::new(spec))
        }
        Op::ResizeNearest(op) => resize::nearest(op, site.operand(0)?, site),
        Op::Pool2d(op) if op.kind != PoolKind::L2 => {
            let grid = limited(op.activation, site.output())?;
            let spec = pool::spec(op, nhwc(site.operand(0)?), nhwc(site.output()));
            site.reading(1, IntegerPool::new(spec, op.kind == PoolKind::Max, grid))
        }
        Op::Reduce(op) if matches!(op.kind, ReduceKind::Mean | ReduceKind::Sum) => {
            let x = site.operand(0)?;
            let dims = x.shape.dims();
            let along = Along::chosen(dims, &reduced_axes(site.operand(1)?, dims.len()).ok()?)?;
            let mean = op.kind == ReduceKind::Mean;
            site.reading(1, IntegerReduce::new(mean, along, grid(x)?, grid(site.output())?))
        }
        Op::Layout(op) => layout::layout(op, site),
        Op::ArgReduce(op) => reduce::arg_reduce(op, site.operand(0)?, site),
        Op::Conv2d(op) => {
            let weights = weights()?;
            let [n, oh, ow, co] = nhwc(site.output());
            let input = nhwc(site.operand(0)?);
            let shape = nhwc(site.operand(1)?);
            let is_product = shape[1..] == [1, 1, input[3]];
            if is_product && op.window.stride == [1, 1] && [oh, ow] == [input[1], input[2]] {
                return weights.gemm(site, [n * oh * ow, input[3], co]);
            }
            let window = conv::window(op.window, input, [oh, ow], shape);
            let spec = ConvSpec {
                filter: &weights.filter,
                bias: weights.bias,
                activation: None,
                ..window
            };
            let requantize = weights.requantize();
            if weights.as_bytes() {
                return site.reading(1, IntegerConv::<u8>::new(spec, requantize));
            }
            match IntegerWinograd::pays(&spec, weights.filter_zero) {
                true => site.reading(1, IntegerWinograd::new(spec, requantize)),
                false => site.reading(1, IntegerConv::<i16>::new(spec, requantize)),
            }
        }
        Op::DepthwiseConv2d(op) => {
            let weights = weights()?;
            let (input, [_, oh, ow, _]) = (nhwc(site.operand(0)?), nhwc(site.output()));
            let shape = nhwc(site.operand(1)?);
            let window = conv::window(op.window, input, [oh, ow], shape);
            let spec = ConvSpec { filter: &weights.filter, bias: weights.bias, ..window };
            let requantize = weights.requantize();
            match weights.as_bytes() {
                true => site.reading(1, IntegerDepthwise::<u8>::new(spec, requantize)),
                false => site.reading(1, IntegerDepthwise::<i16>::new(spec, requantize)),
            }
        }
        Op::TransposeConv(op) => {
            let weights = Weights::at(site, 2, 1, 3)?;
            let (input, [_, oh, ow, _]) = (nhwc(site.operand(2)?), nhwc(site.output()));
            let filter_shape @ [_, kh, kw, _] = nhwc(site.operand(1)?);
            let spec = ConvSpec {
                input,
                output: [oh, ow],
                filter: &weights.filter,
                filter_shape,
                bias: weights.bias,
                stride: op.stride,
                dilation: [1, 1],
                pad: op.pad_before([oh, ow], [kh, kw]),
                activation: None,
            };
            // A file can ask for far more phases than there are outputs.
            if op.stride.iter().product::<usize>() > MAX_PHASES {
                return None;
            }
            let twice = op.rounds_twice.then(|| weights.multipliers(filter_shape[0]));
            site.reading_only(
                2,
                IntegerTransposeConv::new(spec, weights.requantize(), twice.as_deref()),
            )
        }
        Op::FullyConnected(_) => {
            let &[n, k] = site.operand(1)?.shape.dims() else { return None };
            let m = site.operand(0)?.shape.elements().checked_div(k)?;
            weights()?.gemm(site, [m, k, n])
        }
        _ => None,
    }
}

/// How a tensor is stored.
fn grid(x: &TensorDef) -> Option<Grid> {
    Grid::of(x.dtype, x.quantization.as_ref())
}

/// Filter, bias and scales of a convolution or matrix product.
struct Weights<'a> {
    /// As stored.
    filter: Vec<i16>,
    bias: Option<&'a [i32]>,
    input_zero: i32,
    /// The lowest value that the input can store.
    input_low: i32,
    filter_zero: i32,
    /// Of a sum in steps of the result; one, or one per output channel.
    scales: Vec<f32>,
    input_scale: f32,
    filter_scales: &'a [f32],
    output: Grid,
}

impl<'a> Weights<'a> {
    /// These operands, the bias optional.
    fn at(site: &Site<'a>, input: usize, filter: usize, bias: usize) -> Option<Weights<'a>> {
        let bias = match site.operand(bias) {
            Some(bias) => match bias.data.as_ref()?.view() {
                View::I32(v) => Some(v),
                _ => return None,
            },
            None => None,
        };
        let input = grid(site.operand(input)?)?;
        let filter = site.operand(filter)?;
        let q = filter.quantization.as_ref()?;
        let output = limited(site.node.op.activation(), site.output())?;
        // In this order, as XNNPACK computes it.
        let scales = q.scale.iter().map(|s| input.scale * s / output.scale).collect();
        let filter = match filter.data.as_ref()?.view() {
            View::I8(v) => v.iter().map(|&w| w.into()).collect(),
            View::U8(v) => v.iter().map(|&w| w.into()).collect(),
            _ => return None,
        };
        let filter_zero = *q.zero_point.first()? as i32;
        Some(Weights {
            filter,
            bias,
            input_zero: input.zero_point,
            input_low: input.low,
            filter_zero,
            scales,
            input_scale: input.scale,
            filter_scales: &q.scale,
            output,
        })
    }

    /// What TFLite's own kernels multiply a sum by, for each output channel.
    fn multipliers(&self, channels: usize) -> Vec<f64> {
        let of = |c: usize| self.filter_scales[if self.filter_scales.len() == 1 { 0 } else { c }];
        let [input, output] = [self.input_scale, self.output.scale].map(f64::from);
        (0..channels).map(|c| input * f64::from(of(c)) / output).collect()
    }

    fn requantize(&self) -> Requantize<'_> {
        Requantize {
            input_zero: self.input_zero,
            input_low: self.input_low,
            filter_zero: self.filter_zero,
            scales: &self.scales,
            output: self.output,
        }
    }

    /// Whether bytes are multiplied, not words.
    fn as_bytes(&self) -> bool {
        bytes_pay(&self.filter, self.filter_zero)
    }

    fn gemm(&self, site: &Site<'a>, [m, k, n]: [usize; 3]) -> Option<Chosen> {
        let requantize = self.requantize();
        let spec = IntegerGemmSpec { m, k, n, weights: &self.filter, bias: self.bias, requantize };
        match self.as_bytes() {
            true => site.reading(1, IntegerGemm::<u8>::new(spec)),
            false => site.reading(1, IntegerGemm::<i16>::new(spec)),
        }
    }
}
